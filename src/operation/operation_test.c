/* SPDX-License-Identifier: Apache-2.0 */
/* The spine with a kind of its own, whose step may fail at any call. */
#include "operation/operation.h"

#include "base/clock.h"
#include "base/sm.h"
#include "base/str.h"
#include "test.h"

#define STEPS 5
#define FIRST_US 1000
#define LONGEST_US 4000

/* A walk of STEPS steps. */
struct walk {
    struct operation *operation;
    unsigned calls, steps, resumes, cancels;
    unsigned fails_at; /* that call of advance(); 0: none */
    unsigned cancel_at;
    bool frees;    /* at its end */
    bool too_late; /* to cancel */
};

struct spine {
    struct evloop *loop;
    struct operations all;
};

static struct walk *walk_of(const struct operation *operation)
{
    return operation->data;
}

static void end(struct walk *walk, enum operation_state state)
{
    operation_enter(walk->operation, state);
    if (walk->frees) {
        operation_free(TAKE_PTR(walk->operation));
    }
}

static void advance(struct operation *operation)
{
    struct walk *walk = walk_of(operation);
    walk->calls++;
    if (operation->cancel) {
        end(walk, OPERATION_CANCELLED);
        return;
    }
    if (operation_is_late(operation)) {
        end(walk, OPERATION_FAILED);
        return;
    }
    if (walk->calls == walk->fails_at) {
        operation_enter(operation, OPERATION_WAITING);
        operation_back_off(operation, FIRST_US, LONGEST_US);
        return;
    }
    operation_enter(operation, OPERATION_RUNNING);
    operation_got_on(operation);
    if (++walk->steps == STEPS) {
        end(walk, OPERATION_DONE);
        return;
    }
    operation_schedule(operation, 0);
    if (walk->calls == walk->cancel_at) {
        operation_cancel(operation, "ada");
    }
}

static void resume(struct operation *operation)
{
    walk_of(operation)->resumes++;
    operation_schedule(operation, 0);
}

static int refuse_cancel(const struct operation *operation, struct error *err)
{
    return walk_of(operation)->too_late
               ? error_set(err, REASON_CONFLICT, operation->subject, "it is there already")
               : 0;
}

static void cancelled(struct operation *operation, const char *author)
{
    assert_string_equal(author, "ada");
    walk_of(operation)->cancels++;
}

static void describe(const struct operation *operation, struct operation_view *view)
{
    STR_SET(view->text, "a walk");
    STR_SET(view->progress.unit, "steps");
    view->progress.done = walk_of(operation)->steps;
    view->progress.total = STEPS;
}

static const struct operation_kind walk_kind = {.id = OPERATION_KIND_DRAIN,
                                                .url = "/walks/",
                                                .url_has_id = true,
                                                .advance = advance,
                                                .resume = resume,
                                                .refuse_cancel = refuse_cancel,
                                                .cancelled = cancelled,
                                                .describe = describe};
static const struct operation_kind stroll_kind = {.id = OPERATION_KIND_RELEASE, .advance = advance};

static int setup(void **state)
{
    struct spine *spine = xcalloc(1, sizeof(*spine));
    assert_int_equal(evloop_new(&spine->loop), 0);
    assert_int_equal(operations_open(&spine->all, spine->loop), 0);
    *state = spine;
    return 0;
}

static int teardown(void **state)
{
    struct spine *spine = *state;
    operations_close(&spine->all);
    evloop_free(spine->loop);
    free(spine);
    return 0;
}

static void begin(struct spine *spine, struct walk *walk, const struct operation_kind *kind)
{
    const struct operation_start start = {
        .kind = kind, .subject = "hill/a", .author = "ann", .data = walk};
    walk->operation = operation_new(&spine->all, &start);
    operation_schedule(walk->operation, 0);
}

/* Turns the loop until the walk has ended, or, with a state, is in it. */
static void turn_until(struct spine *spine, const struct walk *walk, enum operation_state state)
{
    while (walk->operation != NULL && walk->operation->state != state) {
        assert_true(evloop_step(spine->loop, 2000000) > 0);
    }
}

static void it_is_advanced_until_it_is_done(void **state)
{
    struct walk walk = {0};
    begin(*state, &walk, &walk_kind);
    turn_until(*state, &walk, OPERATION_DONE);
    assert_int_equal(walk.calls, STEPS);
    assert_true(walk.operation->finished_us >= walk.operation->created_us);
    assert_int_equal(walk.operation->due_us, 0);
}

static void a_step_that_fails_at_any_call_is_tried_again(void **state)
{
    for (unsigned k = 1; k <= STEPS; k++) {
        struct walk walk = {.fails_at = k, .frees = k % 2 == 0};
        begin(*state, &walk, &walk_kind);
        uint64_t begun_us = clock_monotonic_us();
        turn_until(*state, &walk, OPERATION_DONE);
        assert_int_equal(walk.calls, STEPS + 1);
        assert_int_equal(walk.steps, STEPS);
        assert_true(clock_monotonic_us() - begun_us >= FIRST_US);
    }
}

static void pauses_grow_up_to_the_longest(void **state)
{
    static const uint64_t pauses_us[] = {1000, 2000, 4000, 4000};
    struct walk walk = {0};
    begin(*state, &walk, &walk_kind);
    for (size_t i = 0; i < ARRAY_SIZE(pauses_us); i++) {
        uint64_t now_us = clock_monotonic_us();
        operation_back_off(walk.operation, FIRST_US, LONGEST_US);
        assert_true(walk.operation->due_us >= now_us + pauses_us[i]);
        assert_true(walk.operation->due_us <= clock_monotonic_us() + pauses_us[i]);
        assert_int_equal(walk.operation->attempts.n, i + 1);
        assert_false(attempts_are_due(&walk.operation->attempts));
    }
    operation_got_on(walk.operation);
    assert_true(attempts_are_due(&walk.operation->attempts));
    assert_int_equal(walk.operation->attempts.n, ARRAY_SIZE(pauses_us));
}

static void it_can_be_cancelled_at_any_moment(void **state)
{
    for (unsigned k = 0; k < STEPS; k++) {
        struct walk walk = {.cancel_at = k, .frees = k % 2 == 1};
        begin(*state, &walk, &walk_kind);
        if (k == 0) {
            operation_cancel(walk.operation, "ada");
            assert_int_equal(walk.operation->state, OPERATION_CANCELLING);
        }
        turn_until(*state, &walk, OPERATION_CANCELLED);
        assert_int_equal(walk.steps, k);
        assert_int_equal(walk.cancels, 1);
    }
}

static void a_look_whether_it_can_be_cancelled_cancels_nothing(void **state)
{
    struct walk walk = {0};
    struct error err = {0};
    begin(*state, &walk, &walk_kind);
    assert_int_equal(operation_check_cancel(walk.operation, &err), 0);
    assert_false(walk.operation->cancel);
    operation_cancel(walk.operation, "ada");
    assert_true(walk.operation->cancel);
    assert_int_equal(walk.cancels, 1);
}

static void what_cant_be_cancelled_says_so(void **state)
{
    struct walk walk = {.too_late = true};
    struct walk stroll = {0};
    struct error err = {0};
    begin(*state, &walk, &walk_kind);
    assert_int_equal(operation_check_cancel(walk.operation, &err), -REASON_CONFLICT);
    assert_string_equal(err.message, "it is there already");
    begin(*state, &stroll, &stroll_kind);
    assert_int_equal(operation_check_cancel(stroll.operation, &err), -REASON_UNSUPPORTED);
    assert_string_equal(err.message, "the release of hill/a can't be cancelled");
    turn_until(*state, &walk, OPERATION_DONE);
    walk.too_late = false;
    assert_int_equal(operation_check_cancel(walk.operation, &err), -REASON_CONFLICT);
    assert_string_equal(err.message, "the drain of hill/a is over: done");
}

static void a_deadline_advances_what_waits_for_longer(void **state)
{
    struct walk walk = {0};
    begin(*state, &walk, &walk_kind);
    operation_schedule(walk.operation, UINT64_C(60000000));
    uint64_t deadline_us = clock_monotonic_us() + 5000;
    operation_set_deadline(walk.operation, deadline_us);
    turn_until(*state, &walk, OPERATION_FAILED);
    assert_true(clock_monotonic_us() >= deadline_us);
    assert_int_equal(walk.calls, 1);
    assert_int_equal(walk.steps, 0);
}

static void what_was_stored_goes_on_after_a_restart(void **state)
{
    struct spine *spine = *state;
    struct walk open = {0};
    struct walk over = {0};
    struct walk fresh = {0};
    struct operation_start start = {.kind = &walk_kind,
                                    .id = "11111111-2222-3333-4444-555555555555",
                                    .subject = "hill/a",
                                    .author = "ann",
                                    .created_us = 7,
                                    .state = OPERATION_RUNNING,
                                    .resumed = true,
                                    .data = &open};
    open.operation = operation_new(&spine->all, &start);
    assert_int_equal(open.operation->created_us, 7);
    assert_ptr_equal(operations_find(&spine->all, start.id), open.operation);
    start.state = OPERATION_FAILED;
    start.data = &over;
    over.operation = operation_new(&spine->all, &start);
    start.resumed = false;
    start.state = OPERATION_WAITING;
    start.data = &fresh;
    fresh.operation = operation_new(&spine->all, &start);
    operations_resume(&spine->all);
    turn_until(spine, &open, OPERATION_DONE);
    assert_int_equal(open.resumes, 1);
    assert_int_equal(over.calls + over.resumes + fresh.calls + fresh.resumes, 0);
}

static void nothing_is_advanced_once_it_stops(void **state)
{
    struct spine *spine = *state;
    struct walk walk = {0};
    begin(spine, &walk, &walk_kind);
    operations_stop(&spine->all);
    while (evloop_step(spine->loop, 0) > 0) {
    }
    assert_int_equal(walk.calls, 0);
}

static void a_kind_that_hurries_is_advanced_at_once_when_there_is_reason(void **state)
{
    static const struct operation_kind hurried = {
        .id = OPERATION_KIND_GIVE_BACK, .advance = advance, .hurries = true};
    struct spine *spine = *state;
    struct walk waits = {0};
    struct walk sprint = {0};
    begin(spine, &waits, &walk_kind);
    begin(spine, &sprint, &hurried);
    operation_back_off(waits.operation, UINT64_C(60000000), UINT64_C(60000000));
    operation_back_off(sprint.operation, UINT64_C(60000000), UINT64_C(60000000));
    operations_hurry(&spine->all);
    turn_until(spine, &sprint, OPERATION_DONE);
    assert_int_equal(waits.calls, 0);
}

static void what_a_kind_owns_goes_with_its_operation(void **state)
{
    static const struct operation_kind owner = {.id = OPERATION_KIND_DRAIN, .free = free};
    struct spine *spine = *state;
    const struct operation_start start = {
        .kind = &owner, .subject = "hill/a", .author = "ann", .data = xcalloc(1, 1)};
    operation_free(operation_new(&spine->all, &start)); /* a sanitizer sees what is left */
    assert_int_equal(spine->all.items.n, 0);
}

static void the_latest_open_one_about_a_subject_is_found(void **state)
{
    struct spine *spine = *state;
    struct walk first = {0};
    struct walk second = {0};
    begin(spine, &first, &walk_kind);
    begin(spine, &second, &walk_kind);
    assert_ptr_equal(operations_find_about(&spine->all, &walk_kind, "hill/a"), second.operation);
    assert_null(operations_find_about(&spine->all, &stroll_kind, "hill/a"));
    assert_null(operations_find_about(&spine->all, &walk_kind, "hill/b"));
    assert_null(operations_find(&spine->all, "hill/a"));
    operation_enter(second.operation, OPERATION_DONE);
    assert_ptr_equal(operations_find_about(&spine->all, &walk_kind, "hill/a"), first.operation);
}

static void it_ends_when_its_record_says(void **state)
{
    struct spine *spine = *state;
    struct walk walk = {0};
    begin(spine, &walk, &walk_kind);
    operation_follow(walk.operation, OPERATION_RUNNING, 0);
    assert_int_equal(walk.operation->finished_us, 0);
    operation_follow(walk.operation, OPERATION_DONE, 4711);
    assert_int_equal(walk.operation->finished_us, 4711);
    const struct operation_start stored = {.kind = &stroll_kind,
                                           .subject = "hill/b",
                                           .author = "ann",
                                           .state = OPERATION_DONE,
                                           .finished_us = 42};
    assert_int_equal(operation_new(&spine->all, &stored)->finished_us, 42);
}

static void it_is_shown(void **state)
{
    struct walk walk = {.fails_at = 1};
    struct operation_view view;
    begin(*state, &walk, &walk_kind);
    operation_set_deadline(walk.operation, clock_monotonic_us() + UINT64_C(60000000));
    while (walk.calls == 0) {
        assert_true(evloop_step(((struct spine *)*state)->loop, 2000000) > 0);
    }
    operation_describe(walk.operation, &view);
    assert_int_equal(view.kind, OPERATION_KIND_DRAIN);
    assert_string_equal(view.subject, "hill/a");
    assert_string_equal(view.author, "ann");
    assert_string_equal(view.text, "a walk");
    assert_int_equal(view.state, OPERATION_WAITING);
    assert_int_equal(view.attempts, 1);
    assert_true(view.cancellable && !view.cancel);
    assert_true(view.next_attempt_us > view.created_us && view.deadline_us > view.next_attempt_us);
    assert_int_equal(view.progress.total, STEPS);
    assert_true(str_starts(view.url, "/walks/") && str_ends(view.url, view.id));
    turn_until(*state, &walk, OPERATION_DONE);
    operation_describe(walk.operation, &view);
    assert_true(view.finished_us != 0 && view.next_attempt_us == 0 && view.deadline_us == 0);
    assert_false(view.cancellable);
}

/* Its data may go: the kind is not asked any more. */
static void one_that_is_kept_shows_what_it_showed(void **state)
{
    struct spine *spine = *state;
    struct walk walk = {.fails_at = 2};
    struct operation_view before, after;
    struct error err = {0};
    begin(spine, &walk, &walk_kind);
    turn_until(spine, &walk, OPERATION_DONE);
    operation_describe(walk.operation, &before);
    operation_keep(walk.operation);
    assert_null(walk.operation->data);
    operation_describe(walk.operation, &after);
    assert_string_equal(after.text, "a walk");
    assert_int_equal(after.state, OPERATION_DONE);
    assert_int_equal(after.attempts, 1);
    assert_int_equal(after.finished_us, before.finished_us);
    assert_int_equal(after.progress.done, STEPS);
    assert_int_equal(operation_check_cancel(walk.operation, &err), -REASON_CONFLICT);
    assert_string_equal(err.message, "the drain of hill/a is over: done");
}

static struct operation *add_over(struct spine *spine, unsigned i)
{
    struct operation_view view = {.kind = OPERATION_KIND_DRAIN, .state = OPERATION_DONE};
    str_print(view.id, sizeof(view.id), "%u", i);
    return operation_of_view(&spine->all, &walk_kind, &view);
}

/* Of this kind: those that are not over, and those of other kinds, stay. */
static void the_oldest_that_are_over_are_forgotten(void **state)
{
    struct spine *spine = *state;
    const unsigned listed = (unsigned)operation_limits[OPERATION_KIND_DRAIN].listed;
    struct walk walk = {0};
    const struct operation_start trial = {.kind = &walk_kind,
                                          .id = "trial",
                                          .subject = "hill/a",
                                          .author = "ann",
                                          .state = OPERATION_DONE,
                                          .dry_run = true};
    const struct operation_start other = {.kind = &stroll_kind,
                                          .id = "other",
                                          .subject = "hill/a",
                                          .author = "ann",
                                          .state = OPERATION_DONE};
    begin(spine, &walk, &walk_kind);
    (void)operation_new(&spine->all, &other);
    for (unsigned i = 0; i < listed + 3; i++) {
        (void)add_over(spine, i);
    }
    (void)operation_new(&spine->all, &trial);
    operations_trim(&spine->all, OPERATION_KIND_DRAIN);
    assert_int_equal(spine->all.items.n, listed + 2);
    assert_ptr_equal(spine->all.items.items[0], walk.operation);
    assert_string_equal(spine->all.items.items[1]->id, "other");
    assert_string_equal(spine->all.items.items[2]->id, "3");
    assert_null(operations_find(&spine->all, "trial"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_advanced_until_it_is_done),
        TEST(a_step_that_fails_at_any_call_is_tried_again),
        TEST(pauses_grow_up_to_the_longest),
        TEST(it_can_be_cancelled_at_any_moment),
        TEST(a_look_whether_it_can_be_cancelled_cancels_nothing),
        TEST(what_cant_be_cancelled_says_so),
        TEST(a_deadline_advances_what_waits_for_longer),
        TEST(what_was_stored_goes_on_after_a_restart),
        TEST(nothing_is_advanced_once_it_stops),
        TEST(a_kind_that_hurries_is_advanced_at_once_when_there_is_reason),
        TEST(what_a_kind_owns_goes_with_its_operation),
        TEST(the_latest_open_one_about_a_subject_is_found),
        TEST(it_ends_when_its_record_says),
        TEST(it_is_shown),
        TEST(one_that_is_kept_shows_what_it_showed),
        TEST(the_oldest_that_are_over_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

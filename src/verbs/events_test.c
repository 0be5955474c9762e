/* SPDX-License-Identifier: Apache-2.0 */
/* Events page by page: whatever is asked for and in which pieces, together it is what the store
 * has, filtered. */
#include "mhost_fixture.h"
#include "state/state.h"
#include "test.h"
#include "verbs/events.h"

#define MAX_NUMBERS 64

struct numbers {
    json_int_t items[MAX_NUMBERS];
    size_t n;
};

static json_t *ask(struct mhost *mhost, const struct request *wanted)
{
    struct answer answer = {0};
    struct request request = *wanted;
    request.data = &answer;
    mhost_call(mhost, VERB_LIST_EVENTS, &request);
    assert_true(mhost_wait(mhost, &answer));
    assert_int_equal(answer.err.reason, REASON_NONE);
    json_t *body = json_incref(answer.body);
    answer_done(&answer);
    return body;
}

static void add_numbers(const json_t *body, bool before, struct numbers *all)
{
    const json_t *events = json_object_get(body, "events");
    size_t n = json_array_size(events);
    assert_true(all->n + n <= MAX_NUMBERS);
    if (before) {
        memmove(&all->items[n], &all->items[0], all->n * sizeof(all->items[0]));
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *event = json_array_get(events, i);
        all->items[before ? i : all->n + i] = json_integer_value(json_object_get(event, "seq"));
    }
    all->n += n;
}

/* All pages of `limit` events. */
static struct numbers page(struct mhost *mhost, struct request wanted)
{
    struct numbers all = {0};
    for (int pages = 0; pages < MAX_NUMBERS; pages++) {
        CLEANUP_JSON json_t *body = ask(mhost, &wanted);
        const json_t *next = json_object_get(body, "next");
        assert_true(json_array_size(json_object_get(body, "events")) <= wanted.limit);
        assert_int_equal(json_integer_value(json_object_get(body, "last")),
                         mhost->manager->ledger->last_event);
        add_numbers(body, wanted.newest, &all);
        if (json_is_null(next)) {
            return all;
        }
        *(wanted.newest ? &wanted.before : &wanted.after) = (uint64_t)json_integer_value(next);
    }
    fail_msg("the pages have no end");
    return all;
}

static void make_events(struct mhost *mhost)
{
    for (int i = 0; i < 3; i++) {
        assert_int_equal(mhost_create(mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\"}", NULL), 0);
        assert_true(mhost_settle(mhost));
        assert_int_equal(mhost_create(mhost, "{\"name\": \"ab\", \"type\": \"L40S-8Q\"}", NULL), 0);
        assert_true(mhost_settle(mhost));
        assert_int_equal(mhost_delete(mhost, "a", NULL), 0);
        assert_true(mhost_settle(mhost));
        assert_int_equal(mhost_delete(mhost, "ab", NULL), 0);
        assert_true(mhost_settle(mhost));
    }
    assert_true(mhost_wait_stored(mhost));
}

static bool is_wanted(const struct event *event, const struct request *wanted)
{
    const char *subject = wanted->subject;
    bool about = subject == NULL || str_eq(subject, event->subject) ||
                 (str_eq(subject, "claim") && str_starts(event->subject, "claim/"));
    return about && (wanted->kind == NULL || str_eq(wanted->kind, event->kind)) &&
           event->seq > wanted->after && event->time_us >= wanted->since_us;
}

static void assert_pages(struct mhost *mhost, const struct request *wanted)
{
    CLEANUP_FREE struct event *events = NULL;
    size_t n = 0;
    size_t k = 0;
    struct numbers paged = page(mhost, *wanted);
    assert_int_equal(ledger_load_events(mhost->manager->ledger, 0, 1000, &events, &n, NULL), 0);
    for (size_t i = 0; i < n; i++) {
        if (is_wanted(&events[i], wanted)) {
            assert_true(k < paged.n);
            assert_int_equal(paged.items[k++], events[i].seq);
        }
    }
    assert_int_equal(k, paged.n);
}

static void pages_together_are_all_that_is_wanted(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    static const char *const kinds[] = {NULL, "claim-bound", "vm-lost"};
    static const char *const subjects[] = {NULL, "claim/a", "claim", "cla", "host"};
    static const size_t limits[] = {1, 2, 7, 1000};
    make_events(mhost);
    uint64_t last = mhost->manager->ledger->last_event;
    assert_true(last > 20);
    for (size_t kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
        for (size_t subject = 0; subject < ARRAY_SIZE(subjects); subject++) {
            for (size_t limit = 0; limit < ARRAY_SIZE(limits); limit++) {
                for (int way = 0; way < 4; way++) {
                    assert_pages(mhost, &(struct request){.kind = kinds[kind],
                                                          .subject = subjects[subject],
                                                          .limit = limits[limit],
                                                          .newest = way % 2 == 1,
                                                          .after = way / 2 == 1 ? last / 2 : 0});
                }
            }
        }
    }
}

static void the_newest_are_the_last(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    make_events(mhost);
    CLEANUP_JSON json_t *body = ask(mhost, &(struct request){.newest = true, .limit = 3});
    struct numbers numbers = {0};
    add_numbers(body, false, &numbers);
    json_int_t last = (json_int_t)mhost->manager->ledger->last_event;
    assert_int_equal(numbers.n, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(numbers.items[i], last - 2 + (json_int_t)i);
    }
}

static void events_of_before_are_left_out(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    CLEANUP_FREE struct event *events = NULL;
    size_t n = 0;
    make_events(mhost);
    assert_int_equal(ledger_load_events(mhost->manager->ledger, 0, 1000, &events, &n, NULL), 0);
    for (int newest = 0; newest < 2; newest++) {
        assert_pages(mhost, &(struct request){.since_us = events[n / 2].time_us,
                                              .limit = 2,
                                              .newest = newest == 1});
        assert_pages(mhost, &(struct request){.since_us = events[n - 1].time_us + 1,
                                              .limit = 2,
                                              .newest = newest == 1});
    }
}

struct refusal {
    enum reason reason;
    bool has_hint;
};

static void note_refusal(json_t *body, const struct error *err, void *data)
{
    struct refusal *refusal = data;
    assert_null(body);
    *refusal =
        (struct refusal){.reason = err->reason, .has_hint = strstr(err->hint, "claim-bound")};
}

static void a_kind_that_does_not_exist_is_refused(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    struct refusal refusal = {0};
    const struct request request = {
        .kind = "claim-bond", .limit = 1, .reply = note_refusal, .data = &refusal};
    verb_list_events(mhost->manager, &request);
    assert_int_equal(refusal.reason, REASON_INVALID);
    assert_true(refusal.has_hint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pages_together_are_all_that_is_wanted, mhost_fixture_setup,
                                        mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(the_newest_are_the_last, mhost_fixture_setup,
                                        mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(events_of_before_are_left_out, mhost_fixture_setup,
                                        mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_kind_that_does_not_exist_is_refused, mhost_fixture_setup,
                                        mhost_fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

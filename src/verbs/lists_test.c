/* SPDX-License-Identifier: Apache-2.0 */
/* Long lists that many ask for. */
#include "base/clock.h"
#include "base/str.h"
#include "mhost_fixture.h"
#include "state/reply_json.h"
#include "state/state.h"
#include "test.h"
#include "watch/looks.h"
#include "watch/observe.h"

#define ASKERS 20
#define WORK_US 3000 /* more than those who only read have in one turn of the loop */

static void ask(struct mhost *mhost, enum verb_id list, struct answer *answer)
{
    *answer = (struct answer){0};
    mhost_ask(mhost, list, answer);
    assert_true(mhost_wait(mhost, answer));
    assert_int_equal(answer->err.reason, REASON_NONE);
}

static void a_claim_that_moves_is_said_once(void **state)
{
    (void)state;
    CLEANUP(plan_freep) struct plan *plan = plan_new();
    struct claims stored = {0};
    struct claim moved = {.name = "moved", .state = CLAIM_BOUND};
    struct claim gone = {.name = "gone"};
    *vec_push(&stored) = moved;
    *vec_push(&plan->claims) = (struct plan_claim){.verb = PLAN_RELEASE, .claim = moved};
    *vec_push(&plan->claims) = (struct plan_claim){.verb = PLAN_RELEASE, .claim = gone};
    *vec_push(&plan->claims) = (struct plan_claim){.verb = PLAN_BIND, .claim = moved};
    CLEANUP_JSON json_t *change = reply_change(plan, &stored);
    json_t *claims = json_object_get(change, "claims");
    assert_int_equal(json_array_size(claims), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(claims, 0), "name")),
                        "moved");
    vec_done(&stored);
}

static void what_is_stored_is_listed_once_until_it_changes(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    struct answer first;
    struct answer again;
    struct answer after;
    assert_int_equal(mhost_create(mhost, "{\"name\": \"a\", \"type\": \"A100-2-10C\"}", NULL), 0);
    assert_true(mhost_settle(mhost));
    ask(mhost, VERB_LIST_PLANS, &first);
    ask(mhost, VERB_LIST_PLANS, &again);
    assert_ptr_equal(first.body, again.body);
    assert_int_equal(mhost_delete(mhost, "a", NULL), 0);
    ask(mhost, VERB_LIST_PLANS, &after);
    size_t before = json_array_size(json_object_get(first.body, "plans"));
    assert_int_equal(json_array_size(json_object_get(after.body, "plans")), before + 1);
    assert_true(mhost_settle(mhost));
    answer_done(&after);
    ask(mhost, VERB_LIST_PLANS, &after);
    const json_t *newest = json_array_get(json_object_get(after.body, "plans"), 0);
    assert_string_equal(json_string_value(json_object_get(newest, "state")), "done");
    answer_done(&first);
    answer_done(&again);
    answer_done(&after);
}

static void who_asks_the_same_meanwhile_gets_the_same(void **state)
{
    struct mhost_fixture *f = *state;
    struct mhost *mhost = &f->mhost;
    static const enum verb_id lists[] = {VERB_LIST_GPUS, VERB_GET_HOST, VERB_LIST_VMS,
                                         VERB_LIST_GARBAGE, VERB_LIST_PROFILES};
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        struct answer answers[ASKERS] = {{0}};
        struct answer later;
        for (size_t k = 0; k < ASKERS; k++) {
            mhost_ask(mhost, lists[i], &answers[k]);
        }
        for (size_t k = 0; k < ASKERS; k++) {
            assert_true(mhost_wait(mhost, &answers[k]));
        }
        /* The first one's look began with its question, the others' after it. */
        for (size_t k = 2; k < ASKERS; k++) {
            assert_ptr_equal(answers[k].body, answers[1].body);
        }
        ask(mhost, lists[i], &later); /* asked after that was made */
        assert_ptr_not_equal(later.body, answers[1].body);
        answer_done(&later);
        for (size_t k = 0; k < ASKERS; k++) {
            answer_done(&answers[k]);
        }
    }
    STR_SET(f->host.gpus[0].driver, "vfio-pci");
    struct answer changed;
    ask(mhost, VERB_LIST_GPUS, &changed);
    const json_t *gpu = json_array_get(json_object_get(changed.body, "gpus"), 0);
    assert_string_equal(json_string_value(json_object_get(gpu, "driver")), "vfio-pci");
    answer_done(&changed);
}

static void names_are_kept_apart(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    static const char *const gpus[] = {MHOST_A100, MHOST_L40S, MHOST_RTX,
                                       MHOST_A100, MHOST_L40S, MHOST_RTX};
    struct answer answers[ARRAY_SIZE(gpus)] = {{0}};
    for (size_t i = 0; i < ARRAY_SIZE(gpus); i++) {
        mhost_ask(mhost, VERB_GET_GPU, &answers[i], .target = gpus[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(gpus); i++) {
        assert_true(mhost_wait(mhost, &answers[i]));
        assert_string_equal(answer_text(&answers[i], "address"), gpus[i]);
        answer_done(&answers[i]);
    }
}

static void work(struct manager *m, const struct error *err, void *data)
{
    (void)m;
    (void)err;
    for (uint64_t until = clock_monotonic_us() + WORK_US; clock_monotonic_us() < until;) {
    }
    ++*(size_t *)data;
}

static void many_who_read_leave_the_loop_its_turns(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    size_t n = 0;
    for (size_t i = 0; i < ASKERS; i++) {
        observe_soon(mhost->manager, looks_read_patience_us(mhost->manager), work, &n);
    }
    while (n < ASKERS) {
        size_t before = n;
        assert_true(evloop_step(mhost->loop, 1000000) >= 0);
        assert_in_range(n - before, 0, 1);
    }
}

#define TEST(test)                                                                                 \
    cmocka_unit_test_setup_teardown(test, mhost_fixture_setup, mhost_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_stored_is_listed_once_until_it_changes),
        TEST(who_asks_the_same_meanwhile_gets_the_same),
        TEST(names_are_kept_apart),
        cmocka_unit_test(a_claim_that_moves_is_said_once),
        TEST(many_who_read_leave_the_loop_its_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a dry run says, the run does; and what a run says is about what was asked. */
#include "manager/manager.h"

#include <string.h>

#include "base/str.h"
#include "lab_fixture.h"
#include "manager/state.h"
#include "test.h"

static const struct caller tester = {.author = "tester"};

/* ---- a claim that was without its device before ---- */

static void take_vgpus(struct fake_host *host)
{
    fake_lock();
    memset(host->gpus[0].vfs, 0, sizeof(host->gpus[0].vfs)); /* by another tool, or a fault */
    fake_unlock();
}

static const struct plan *latest(struct lab *lab, struct plan **ret_plans)
{
    struct plan **plans = NULL;
    size_t n = 0;
    struct error err = {0};
    assert_int_equal(lab->store->ops->load_plans(lab->store, 1, false, &plans, &n, &err), 0);
    assert_int_equal(n, 1);
    *ret_plans = plans[0];
    free(plans);
    return *ret_plans;
}

static void a_claim_that_lacked_its_device_before_is_a_warning(void **state)
{
    struct lab_fixture *f = *state;
    struct lab *lab = &f->lab;
    assert_int_equal(lab_create(lab, "{\"name\": \"a\", \"type\": \"A100-2-10C\"}", NULL), 0);
    assert_true(lab_settle(lab));
    take_vgpus(&f->host);
    assert_int_equal(lab_create(lab, "{\"name\": \"b\", \"type\": \"A100-1-5C\"}", NULL), 0);
    assert_true(lab_settle(lab));
    assert_string_equal(lab_claim_state(lab, "b"), "bound");
    CLEANUP(plan_freep) struct plan *plan = NULL;
    latest(lab, &plan);
    assert_string_equal(plan->reason, "claim create b");
    assert_string_equal(plan->problem, "");
    assert_int_equal(plan->warnings.n, 1);
    assert_string_equal(plan->warnings.items[0].claim, "a");
    assert_non_null(strstr(plan->warnings.items[0].text, "cleave host restore"));

    /* Its own deletion is about it: that succeeds, and warns of none. */
    assert_int_equal(lab_delete(lab, "a", NULL), 0);
    assert_true(lab_settle(lab));
    CLEANUP(plan_freep) struct plan *deletion = NULL;
    latest(lab, &deletion);
    assert_string_equal(deletion->problem, "");
    assert_int_equal(deletion->warnings.n, 0);
}

static void a_dry_run_warns_of_the_same_claim(void **state)
{
    struct lab_fixture *f = *state;
    struct lab *lab = &f->lab;
    assert_int_equal(lab_create(lab, "{\"name\": \"a\", \"type\": \"A100-2-10C\"}", NULL), 0);
    assert_true(lab_settle(lab));
    take_vgpus(&f->host);
    struct answer answer = {0};
    json_t *body = json_pack("{s:s, s:s}", "name", "b", "type", "A100-1-5C");
    manager_create_claim(lab->manager, &tester, body, true, lab_reply, &answer);
    json_decref(body);
    assert_true(lab_wait(lab, &answer));
    const json_t *plan = json_object_get(answer.body, "plan");
    const json_t *warning = json_array_get(json_object_get(plan, "warnings"), 0);
    assert_string_equal(json_string_value(json_object_get(warning, "claim")), "a");
    answer_done(&answer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, lab_fixture_setup, lab_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_claim_that_lacked_its_device_before_is_a_warning),
        TEST(a_dry_run_warns_of_the_same_claim),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A disk that hangs holds up what is to be stored, and nothing else. */
#include <stdio.h>

#include "base/str.h"
#include "lab_fixture.h"
#include "state/state.h"
#include "test.h"
#include "watch/health.h"

#define CLAIM_A "{\"name\": \"a\", \"type\": \"L40S-8Q\", \"vm\": \"web1\"}"
#define CLAIM_B "{\"name\": \"b\", \"type\": \"L40S-8Q\", \"vm\": \"web2\"}"
/* More than a claim takes from its request to the end of its plan. */
#define MAX_COMMITS 20

static int teardown(void **state)
{
    struct lab_fixture *f = *state;
    atomic_store(&f->lab.faults.hang, 0);
    return lab_fixture_teardown(state);
}

static bool is_hanging(void *data)
{
    return atomic_load(&((struct lab *)data)->faults.hanging) > 0;
}

static bool is_bound(const struct lab *lab, const char *name)
{
    const struct claim *claim = claims_find(&lab->manager->claims, name);
    return claim != NULL && claim->state == CLAIM_BOUND;
}

static bool is_hanging_or_done(void *data)
{
    struct lab *lab = data;
    return is_hanging(lab) || is_bound(lab, "a");
}

/* Commits don't come back, but for the first ones. */
static void let_hang(struct lab *lab, int spared)
{
    assert_true(lab_wait_stored(lab));
    atomic_store(&lab->faults.spared, spared);
    atomic_store(&lab->faults.hang, HANG_STORE);
}

static void let_go(struct lab *lab)
{
    atomic_store(&lab->faults.hang, 0);
}

static void ask_for(struct lab *lab, const char *claim, struct answer *answer)
{
    CLEANUP_JSON json_t *body = json_loads(claim, 0, NULL);
    *answer = (struct answer){0};
    lab_ask(lab, VERB_CREATE_CLAIM, answer, .json = body);
}

/* Readers of what is in memory. */
static void assert_reads_are_answered(struct lab *lab)
{
    static const enum verb_id reads[] = {VERB_GET_HEALTH,  VERB_GET_HOST,   VERB_LIST_GPUS,
                                         VERB_LIST_CLAIMS, VERB_LIST_VMS,   VERB_LIST_PROFILES,
                                         VERB_LIST_RULES,  VERB_GET_RESTORE};
    for (size_t i = 0; i < ARRAY_SIZE(reads); i++) {
        struct answer answer = {0};
        lab_ask(lab, reads[i], &answer);
        assert_true(lab_wait(lab, &answer));
        answer_done(&answer);
    }
}

static void assert_created(struct lab *lab, struct answer *answer)
{
    assert_true(lab_wait(lab, answer));
    assert_int_equal(answer->err.reason, REASON_NONE);
    answer_done(answer);
}

static void reads_are_answered_and_a_claim_is_not_before_it_is_stored(void **state)
{
    struct lab *lab = &((struct lab_fixture *)*state)->lab;
    struct answer a;
    struct answer b;
    struct answer plans = {0};
    let_hang(lab, 0);
    ask_for(lab, CLAIM_A, &a);
    assert_true(lab_wait_until(lab, is_hanging, lab));
    ask_for(lab, CLAIM_B, &b);
    lab_ask(lab, VERB_LIST_PLANS, &plans); /* the store has those */
    assert_reads_are_answered(lab);
    assert_int_equal(lab->manager->claims.n, 0);
    assert_false(a.there);
    assert_false(b.there);
    assert_false(plans.there);
    let_go(lab);
    assert_created(lab, &a);
    assert_created(lab, &b);
    assert_true(lab_wait(lab, &plans));
    answer_done(&plans);
    assert_true(lab_settle(lab));
    assert_string_equal(lab_claim_state(lab, "a"), "bound");
    assert_string_equal(lab_claim_state(lab, "b"), "bound");
    lab_assert_sound(lab);
}

/* libvirt's hook waits for no disk that the VM has nothing to do with. */
static void a_vm_without_a_claim_may_start(void **state)
{
    struct lab *lab = &((struct lab_fixture *)*state)->lab;
    struct answer a;
    let_hang(lab, 0);
    ask_for(lab, CLAIM_A, &a);
    assert_true(lab_wait_until(lab, is_hanging, lab));
    assert_int_equal(lab_hook(lab, "web3", "prepare", NULL), 0);
    assert_false(a.there);
    let_go(lab);
    assert_created(lab, &a);
    assert_true(lab_settle(lab));
    lab_assert_sound(lab);
}

static void what_a_gpu_reports_meanwhile_is_stored_afterwards(void **state)
{
    struct lab *lab = &((struct lab_fixture *)*state)->lab;
    struct gpu_report report = {.kind = GPU_REPORT_XID, .xid = 95};
    struct answer cordon = {0};
    struct cordon_body body = {.reason = ""};
    assert_true(pci_addr_parse(LAB_A100, &report.gpu));
    let_hang(lab, 0);
    manager_take_report(lab->manager, &report);
    assert_true(lab_wait_until(lab, is_hanging, lab));
    manager_take_report(lab->manager, &report);
    lab_ask(lab, VERB_CORDON_GPU, &cordon, .target = LAB_L40S, .body = &body);
    assert_reads_are_answered(lab);
    assert_false(cordon.there);
    let_go(lab);
    assert_created(lab, &cordon);
    assert_true(lab_wait_stored(lab));
    assert_int_equal(lab_count_events(lab, "gpu-quarantined", NULL, NULL), 1);
    assert_int_equal(lab_count_events(lab, "gpu-cordoned", NULL, NULL), 1);
}

/* A VM that is renamed while the disk hangs has its claim once it is back. */
static void what_becomes_of_a_vm_meanwhile_is_stored_afterwards(void **state)
{
    struct lab_fixture *f = *state;
    struct lab *lab = &f->lab;
    struct answer b;
    assert_int_equal(lab_create(lab, CLAIM_A, NULL), 0);
    assert_true(lab_settle(lab));
    let_hang(lab, 0);
    ask_for(lab, CLAIM_B, &b);
    assert_true(lab_wait_until(lab, is_hanging, lab));
    STR_SET(f->host.vms[0].name, "renamed");
    for (int i = 0; i < 3; i++) {
        assert_reads_are_answered(lab);
    }
    assert_string_equal(lab->manager->claims.items[0].vm, "web1");
    assert_int_equal(lab->manager->claim_notes.n, 1); /* one look after the other saw it */
    let_go(lab);
    assert_created(lab, &b);
    assert_true(lab_settle(lab));
    assert_string_equal(lab->manager->claims.items[0].vm, "renamed");
    assert_int_equal(lab_count_events(lab, "claim-renamed", NULL, NULL), 1);
}

static void whichever_commit_hangs_reads_are_answered_and_all_goes_on(void **state)
{
    struct lab *lab = &((struct lab_fixture *)*state)->lab;
    int n_hung = 0;
    bool hung = true;
    for (int spared = 0; hung && spared < MAX_COMMITS; spared++) {
        struct answer a;
        let_hang(lab, spared);
        ask_for(lab, CLAIM_A, &a);
        assert_true(lab_wait_until(lab, is_hanging_or_done, lab));
        hung = is_hanging(lab);
        n_hung += hung;
        assert_reads_are_answered(lab);
        let_go(lab);
        assert_created(lab, &a);
        assert_true(lab_settle(lab));
        assert_string_equal(lab_claim_state(lab, "a"), "bound");
        lab_assert_sound(lab);
        assert_int_equal(lab_delete(lab, "a", NULL), 0);
        assert_true(lab_settle(lab));
    }
    assert_false(hung);
    assert_true(n_hung >= 5); /* it is reserved, has steps, and ends */
}

static void the_end_waits_for_what_is_on_its_way(void **state)
{
    struct lab *lab = &((struct lab_fixture *)*state)->lab;
    struct answer a;
    let_hang(lab, 0);
    ask_for(lab, CLAIM_A, &a);
    assert_true(lab_wait_until(lab, is_hanging, lab));
    manager_stop(lab->manager);
    let_go(lab);
    lab_stop(lab);
    assert_true(a.there); /* it is stored, and the next start goes on */
    assert_int_equal(a.err.reason, REASON_NONE);
    answer_done(&a);
    assert_int_equal(lab_start(lab), 0);
    assert_true(lab_settle(lab));
    assert_string_equal(lab_claim_state(lab, "a"), "bound");
    lab_assert_sound(lab);
}

#define HANG_TEST(fn) cmocka_unit_test_setup_teardown(fn, lab_fixture_setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HANG_TEST(reads_are_answered_and_a_claim_is_not_before_it_is_stored),
        HANG_TEST(a_vm_without_a_claim_may_start),
        HANG_TEST(what_a_gpu_reports_meanwhile_is_stored_afterwards),
        HANG_TEST(what_becomes_of_a_vm_meanwhile_is_stored_afterwards),
        HANG_TEST(whichever_commit_hangs_reads_are_answered_and_all_goes_on),
        HANG_TEST(the_end_waits_for_what_is_on_its_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

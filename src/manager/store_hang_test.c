/* SPDX-License-Identifier: Apache-2.0 */
/* A disk that hangs holds up what is to be stored, and nothing else. */
#include <stdio.h>

#include "base/str.h"
#include "mhost_fixture.h"
#include "state/state.h"
#include "test.h"
#include "watch/health.h"

#define CLAIM_A "{\"name\": \"a\", \"type\": \"L40S-8Q\", \"vm\": \"web1\"}"
#define CLAIM_B "{\"name\": \"b\", \"type\": \"L40S-8Q\", \"vm\": \"web2\"}"
#define CLAIM_ON_DEMAND                                                                            \
    "{\"name\": \"a\", \"type\": \"L40S-8Q\", \"vm\": \"web1\", \"hold\": \"on-demand\"}"
/* More than a claim takes from its request to the end of its plan. */
#define MAX_COMMITS 20

static int teardown(void **state)
{
    struct mhost_fixture *f = *state;
    atomic_store(&f->mhost.faults.hang, 0);
    return mhost_fixture_teardown(state);
}

static bool is_hanging(void *data)
{
    return atomic_load(&((struct mhost *)data)->faults.hanging) > 0;
}

static bool is_bound(const struct mhost *mhost, const char *name)
{
    const struct claim *claim = claims_find(&mhost->manager->claims, name);
    return claim != NULL && claim->state == CLAIM_BOUND;
}

static bool is_hanging_or_done(void *data)
{
    struct mhost *mhost = data;
    return is_hanging(mhost) || is_bound(mhost, "a");
}

/* Commits don't come back, but for the first ones. */
static void let_hang(struct mhost *mhost, int spared)
{
    assert_true(mhost_wait_stored(mhost));
    atomic_store(&mhost->faults.spared, spared);
    atomic_store(&mhost->faults.hang, HANG_STORE);
}

static void let_go(struct mhost *mhost)
{
    atomic_store(&mhost->faults.hang, 0);
}

static void ask_for(struct mhost *mhost, const char *claim, struct answer *answer)
{
    CLEANUP_JSON json_t *body = json_loads(claim, 0, NULL);
    *answer = (struct answer){0};
    mhost_ask(mhost, VERB_CREATE_CLAIM, answer, .json = body);
}

/* Readers of what is in memory. */
static void assert_reads_are_answered(struct mhost *mhost)
{
    static const enum verb_id reads[] = {VERB_GET_HEALTH,  VERB_GET_HOST,   VERB_LIST_GPUS,
                                         VERB_LIST_CLAIMS, VERB_LIST_VMS,   VERB_LIST_PROFILES,
                                         VERB_LIST_RULES,  VERB_GET_RESTORE};
    for (size_t i = 0; i < ARRAY_SIZE(reads); i++) {
        struct answer answer = {0};
        mhost_ask(mhost, reads[i], &answer);
        assert_true(mhost_wait(mhost, &answer));
        answer_done(&answer);
    }
}

static void assert_created(struct mhost *mhost, struct answer *answer)
{
    assert_true(mhost_wait(mhost, answer));
    assert_int_equal(answer->err.reason, REASON_NONE);
    answer_done(answer);
}

static void reads_are_answered_and_a_claim_is_not_before_it_is_stored(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    struct answer a;
    struct answer b;
    struct answer plans = {0};
    let_hang(mhost, 0);
    ask_for(mhost, CLAIM_A, &a);
    assert_true(mhost_wait_until(mhost, is_hanging, mhost));
    ask_for(mhost, CLAIM_B, &b);
    mhost_ask(mhost, VERB_LIST_PLANS, &plans); /* the store has those */
    assert_reads_are_answered(mhost);
    assert_int_equal(mhost->manager->claims.n, 0);
    assert_false(a.there);
    assert_false(b.there);
    assert_false(plans.there);
    let_go(mhost);
    assert_created(mhost, &a);
    assert_created(mhost, &b);
    assert_true(mhost_wait(mhost, &plans));
    answer_done(&plans);
    assert_true(mhost_settle(mhost));
    assert_string_equal(mhost_claim_state(mhost, "a"), "bound");
    assert_string_equal(mhost_claim_state(mhost, "b"), "bound");
    mhost_assert_sound(mhost);
}

/* libvirt's hook waits for no disk that the VM has nothing to do with. */
static void a_vm_without_a_claim_may_start(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    struct answer a;
    let_hang(mhost, 0);
    ask_for(mhost, CLAIM_A, &a);
    assert_true(mhost_wait_until(mhost, is_hanging, mhost));
    assert_int_equal(mhost_hook(mhost, "web3", "prepare", NULL), 0);
    assert_false(a.there);
    let_go(mhost);
    assert_created(mhost, &a);
    assert_true(mhost_settle(mhost));
    mhost_assert_sound(mhost);
}

static bool runs(struct mhost *mhost, const char *vm)
{
    return fake_host_vm(mhost->host, vm)->running;
}

/* As one that libvirt is asked for: see above. */
static void a_vm_is_started_for_which_nothing_is_stored(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    static const char *const vms[] = {"web1", "web3"}; /* with a claim that is bound, without */
    struct answer b;
    assert_int_equal(mhost_create(mhost, CLAIM_A, NULL), 0);
    assert_true(mhost_settle(mhost));
    let_hang(mhost, 0);
    ask_for(mhost, CLAIM_B, &b);
    assert_true(mhost_wait_until(mhost, is_hanging, mhost));
    for (size_t i = 0; i < ARRAY_SIZE(vms); i++) {
        struct answer dry = {0};
        struct answer start = {0};
        mhost_ask(mhost, VERB_START_VM, &dry, .target = vms[i], .dry_run = true);
        assert_created(mhost, &dry);
        assert_false(runs(mhost, vms[i]));
        mhost_ask(mhost, VERB_START_VM, &start, .target = vms[i]);
        assert_created(mhost, &start);
        assert_true(runs(mhost, vms[i]));
    }
    assert_true(is_hanging(mhost));
    assert_false(b.there);
    let_go(mhost);
    assert_created(mhost, &b);
    assert_true(mhost_settle(mhost));
    mhost_assert_sound(mhost);
}

static void a_vm_waits_for_what_is_stored_for_it(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    struct answer b;
    struct answer start = {0};
    assert_int_equal(mhost_create(mhost, CLAIM_ON_DEMAND, NULL), 0);
    assert_true(mhost_settle(mhost));
    let_hang(mhost, 0);
    ask_for(mhost, CLAIM_B, &b);
    assert_true(mhost_wait_until(mhost, is_hanging, mhost));
    mhost_ask(mhost, VERB_START_VM, &start, .target = "web1");
    assert_reads_are_answered(mhost);
    assert_false(start.there);
    let_go(mhost);
    assert_created(mhost, &b);
    assert_created(mhost, &start);
    assert_true(mhost_settle(mhost));
    assert_true(runs(mhost, "web1"));
    mhost_assert_sound(mhost);
}

static void what_a_gpu_reports_meanwhile_is_stored_afterwards(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    struct gpu_report report = {.kind = GPU_REPORT_XID, .xid = 95};
    struct answer cordon = {0};
    struct cordon_body body = {.reason = ""};
    assert_true(pci_addr_parse(MHOST_A100, &report.gpu));
    let_hang(mhost, 0);
    health_take_report(mhost->manager, &report);
    assert_true(mhost_wait_until(mhost, is_hanging, mhost));
    health_take_report(mhost->manager, &report);
    mhost_ask(mhost, VERB_CORDON_GPU, &cordon, .target = MHOST_L40S, .body = &body);
    assert_reads_are_answered(mhost);
    assert_false(cordon.there);
    let_go(mhost);
    assert_created(mhost, &cordon);
    assert_true(mhost_wait_stored(mhost));
    assert_int_equal(mhost_count_events(mhost, "gpu-quarantined", NULL, NULL), 1);
    assert_int_equal(mhost_count_events(mhost, "gpu-cordoned", NULL, NULL), 1);
}

/* A VM that is renamed while the disk hangs has its claim once it is back. */
static void what_becomes_of_a_vm_meanwhile_is_stored_afterwards(void **state)
{
    struct mhost_fixture *f = *state;
    struct mhost *mhost = &f->mhost;
    struct answer b;
    assert_int_equal(mhost_create(mhost, CLAIM_A, NULL), 0);
    assert_true(mhost_settle(mhost));
    let_hang(mhost, 0);
    ask_for(mhost, CLAIM_B, &b);
    assert_true(mhost_wait_until(mhost, is_hanging, mhost));
    STR_SET(f->host.vms[0].name, "renamed");
    for (int i = 0; i < 3; i++) {
        assert_reads_are_answered(mhost);
    }
    assert_string_equal(mhost->manager->claims.items[0].vm, "web1");
    assert_int_equal(mhost->manager->claim_notes.n, 1); /* one look after the other saw it */
    let_go(mhost);
    assert_created(mhost, &b);
    assert_true(mhost_settle(mhost));
    assert_string_equal(mhost->manager->claims.items[0].vm, "renamed");
    assert_int_equal(mhost_count_events(mhost, "claim-renamed", NULL, NULL), 1);
}

static void whichever_commit_hangs_reads_are_answered_and_all_goes_on(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    int n_hung = 0;
    bool hung = true;
    for (int spared = 0; hung && spared < MAX_COMMITS; spared++) {
        struct answer a;
        let_hang(mhost, spared);
        ask_for(mhost, CLAIM_A, &a);
        assert_true(mhost_wait_until(mhost, is_hanging_or_done, mhost));
        hung = is_hanging(mhost);
        n_hung += hung;
        assert_reads_are_answered(mhost);
        let_go(mhost);
        assert_created(mhost, &a);
        assert_true(mhost_settle(mhost));
        assert_string_equal(mhost_claim_state(mhost, "a"), "bound");
        mhost_assert_sound(mhost);
        assert_int_equal(mhost_delete(mhost, "a", NULL), 0);
        assert_true(mhost_settle(mhost));
    }
    assert_false(hung);
    assert_true(n_hung >= 5); /* it is reserved, has steps, and ends */
}

static bool is_hanging_or_answered(void *data)
{
    const struct answer *answer = data;
    return answer->there || is_hanging(answer->mhost);
}

/* False: it makes fewer loads. */
static bool read_while_load_hangs(struct mhost *mhost, enum verb_id verb, const char *target,
                                  int spared)
{
    struct answer read = {.mhost = mhost};
    struct answer b = {0};
    assert_true(mhost_wait_stored(mhost));
    atomic_store(&mhost->faults.spared, spared);
    atomic_store(&mhost->faults.hang, HANG_LOADS);
    mhost_ask(mhost, verb, &read, .target = target, .limit = 10);
    assert_true(mhost_wait_until(mhost, is_hanging_or_answered, &read));
    bool hangs = is_hanging(mhost);
    ask_for(mhost, CLAIM_B, &b);
    assert_reads_are_answered(mhost);
    assert_int_equal(read.there, !hangs);
    let_go(mhost);
    assert_true(mhost_wait(mhost, &read));
    assert_true(read.err.reason == REASON_NONE || read.err.reason == REASON_CONFLICT);
    answer_done(&read);
    assert_created(mhost, &b);
    assert_true(mhost_settle(mhost));
    assert_int_equal(mhost_delete(mhost, "b", NULL), 0);
    assert_true(mhost_settle(mhost));
    mhost_assert_sound(mhost);
    return hangs;
}

/* What the store answers waits for the disk, and nothing else does. */
static void whichever_load_hangs_other_answers_come_and_all_goes_on(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    static const enum verb_id verbs[] = {VERB_LIST_PLANS, VERB_GET_PLAN, VERB_LIST_EVENTS,
                                         VERB_GET_OPERATION, VERB_CANCEL_OPERATION};
    char id[40];
    assert_int_equal(mhost_create(mhost, CLAIM_A, NULL), 0);
    assert_true(mhost_settle(mhost));
    STR_SET(id, mhost->manager->operations.items.items[0]->id);
    operation_free(operations_find(&mhost->manager->operations, id)); /* as one of long ago */
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        assert_true(read_while_load_hangs(mhost, verbs[i], id, 0));
        (void)read_while_load_hangs(mhost, verbs[i], id,
                                    1); /* a plan's steps, if it asks for any */
    }
}

static void the_end_waits_for_what_is_on_its_way(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    struct answer a;
    let_hang(mhost, 0);
    ask_for(mhost, CLAIM_A, &a);
    assert_true(mhost_wait_until(mhost, is_hanging, mhost));
    manager_stop(mhost->manager);
    let_go(mhost);
    mhost_stop(mhost);
    assert_true(a.there); /* it is stored, and the next start goes on */
    assert_int_equal(a.err.reason, REASON_NONE);
    answer_done(&a);
    assert_int_equal(mhost_start(mhost), 0);
    assert_true(mhost_settle(mhost));
    assert_string_equal(mhost_claim_state(mhost, "a"), "bound");
    mhost_assert_sound(mhost);
}

#define HANG_TEST(fn) cmocka_unit_test_setup_teardown(fn, mhost_fixture_setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HANG_TEST(reads_are_answered_and_a_claim_is_not_before_it_is_stored),
        HANG_TEST(a_vm_without_a_claim_may_start),
        HANG_TEST(a_vm_is_started_for_which_nothing_is_stored),
        HANG_TEST(a_vm_waits_for_what_is_stored_for_it),
        HANG_TEST(what_a_gpu_reports_meanwhile_is_stored_afterwards),
        HANG_TEST(what_becomes_of_a_vm_meanwhile_is_stored_afterwards),
        HANG_TEST(whichever_commit_hangs_reads_are_answered_and_all_goes_on),
        HANG_TEST(whichever_load_hangs_other_answers_come_and_all_goes_on),
        HANG_TEST(the_end_waits_for_what_is_on_its_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two hosts in memory, a VM that moves between them, and every port and store call of either that
 * fails, fails after its effect, or is the last of its process. Whatever happens, the VM runs on
 * exactly one host, with its claim; the other has nothing of it.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "data.h"
#include "migration/incoming_operation.h"
#include "migration/migrations.h"
#include "migration/outgoing_operation.h"
#include "test.h"
#include "two_hosts.h"

#define MAX_CALLS 2000

static const char *const harm_names[] = {"nothing", "fails before its effect",
                                         "fails after its effect", "is the last"};

static void die_and_live(struct mhost *mhost, enum who victim)
{
    if (victim == TARGET) {
        stop_target();
    }
    restart(mhost);
    if (victim == TARGET) {
        start_target();
    }
}

/* True if the k-th call was reached. */
static bool harm_at(const char *claim, enum who victim, enum harm harm, unsigned k)
{
    open_world(&fault_data, claim);
    struct mhost *mhost = &world->mhosts[victim];
    world->victim = victim;
    world->harm = harm;
    mhost->faults.at = k;
    mhost->faults.length = harm == HARM_DEATH ? UINT32_MAX - k : 1;
    mhost->faults.kind = harm == HARM_AFTER ? FAULT_FAIL_AFTER
                                            : (harm == HARM_NONE ? FAULT_NONE : FAULT_FAIL_BEFORE);
    begin();
    if (harm == HARM_DEATH) {
        let_die();
        die_and_live(mhost, victim);
    } else {
        (void)come_to_rest();
        mhost->faults.kind = FAULT_NONE;
    }
    bool rests = come_to_rest();
    stop_target();
    char why[256] = "";
    const char *problem = rests ? check_world(why, sizeof(why)) : "it does not come to rest";
    if (problem != NULL) {
        const struct outgoing_list *all = &world->mhosts[SOURCE].manager->migrations->outgoing;
        fail_msg("%s: call %u of the %s %s: %s (%s)", claim, k,
                 victim == SOURCE ? "source" : "target", harm_names[harm], problem,
                 all->n == 0 ? "no migration"
                             : migration_state_name(all->items[0]->migration->state));
    }
    bool reached = atomic_load(&mhost->faults.calls) >= k;
    close_world();
    return reached;
}

static void every_call_may_fail(void **state)
{
    const char *claim = *state;
    (void)harm_at(claim, SOURCE, HARM_NONE, 0);
    for (int victim = SOURCE; victim <= TARGET; victim++) {
        unsigned calls = 0;
        for (unsigned k = 1; k < MAX_CALLS; k++) {
            bool reached = false;
            for (int harm = HARM_BEFORE; harm < HARM_COUNT; harm++) {
                reached = harm_at(claim, (enum who)victim, (enum harm)harm, k) || reached;
            }
            if (!reached) {
                break;
            }
            calls = k;
        }
        assert_in_range(calls, 10, MAX_CALLS - 1);
        print_message("# %s: %u calls of the %s, each harmed thrice\n", claim, calls,
                      victim == SOURCE ? "source" : "target");
    }
}

/* The only one of that kind; NULL: there is none, or another one. */
static const struct operation *only_of(const struct operations *all,
                                       const struct operation_kind *kind)
{
    const struct operation *found = NULL;
    for (vec_each(&all->items, operation)) {
        if ((*operation)->kind == kind && found != NULL) {
            return NULL;
        }
        found = (*operation)->kind == kind ? *operation : found;
    }
    return found;
}

/* Both hosts know it by one number. */
static void check_operations(const char *state)
{
    static const struct operation_kind *const kinds[] = {&migration_kind, &incoming_kind};
    const char *id = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        const struct operation *operation =
            only_of(&world->mhosts[i].manager->operations, kinds[i]);
        must(operation != NULL, "no such operation");
        must(id == NULL || str_eq(id, operation->id), "another number");
        id = operation->id;
        struct operation_view view;
        operation_describe(operation, &view);
        must(str_eq(view.subject, "vm/" VM), view.subject);
        must(str_eq(operation_state_name(view.state), state), operation_state_name(view.state));
        must(view.host[0] != '\0' && view.finished_us != 0 && !view.cancellable, "its end");
    }
}

static void without_a_fault_it_arrives(void **state)
{
    open_world(&fault_data, *state);
    begin();
    must(come_to_rest(), "it does not come to rest");
    stop_target();
    check_operations("done");
    char why[256] = "";
    const char *problem = check_world(why, sizeof(why));
    must(problem == NULL, problem);
    must(fake_host_vm(&world->hosts[TARGET], VM) != NULL, "it did not move");
    close_world();
}

/* ---- a target that is lost for good ---- */

struct loss {
    const char *claim;
    const char *where;          /* what the person says */
    enum migration_state state; /* in which the source stays for ever */
};

static struct outgoing *the_outgoing(void)
{
    return world->mhosts[SOURCE].manager->migrations->outgoing.items[0];
}

/* Until the source can do nothing but ask. */
static void lose_target(const struct loss *loss)
{
    open_world(&fault_data, loss->claim);
    world->victim = SOURCE;
    world->lose_commits = loss->state == MIGRATION_SWITCHING;
    world->lose_at_move = loss->state == MIGRATION_MOVING;
    begin();
    for (int i = 0; i < 4000 && (the_outgoing()->migration->state != loss->state ||
                                 (loss->state == MIGRATION_MOVING && !the_outgoing()->deciding));
         i++) {
        let_run(500);
    }
    must(the_outgoing()->migration->state == loss->state, "it does not come to where it stays");
}

/* Gone with its host; the other kind goes on, and only can't be reached. */
static void burn_target(const struct loss *loss)
{
    world->lost = true;
    stop_target();
    if (str_eq(loss->where, "source")) {
        fake_lock();
        *fake_host_vm(&world->hosts[TARGET], VM) = (struct fake_vm){0};
        fake_unlock();
    }
}

static void say(const char *where, bool dry_run, struct answer *answer)
{
    CLEANUP_JSON json_t *body = json_pack("{s:s}", "vm", where);
    mhost_ask(&world->mhosts[SOURCE], VERB_RESOLVE_MIGRATION, answer,
              .target = the_outgoing()->migration->id, .json = body, .dry_run = dry_run);
}

/* 0 or -reason. */
static int resolve(const char *where, bool dry_run)
{
    struct answer answer = {0};
    say(where, dry_run, &answer);
    must(mhost_wait(&world->mhosts[SOURCE], &answer), "no answer");
    int r = answer.body == NULL ? -(int)answer.err.reason : 0;
    answer_done(&answer);
    return r;
}

/* The host is there again, with what it had. */
static void return_target(void)
{
    world->lose_commits = false;
    world->lost = false;
    world->patience_us = 20000;
    restart(&world->mhosts[TARGET]);
    start_target();
}

static const char *check_source(const struct loss *loss)
{
    const struct fake_vm *vm = fake_host_vm(&world->hosts[SOURCE], VM);
    const struct claim *claim = claims_find(&world->mhosts[SOURCE].manager->claims, "a");
    if (str_eq(loss->where, "target")) {
        return vm == NULL && claim == NULL ? NULL : "the source has not let go";
    }
    return vm != NULL && claim != NULL && claim->state == CLAIM_BOUND ? NULL
                                                                      : "the source has let go";
}

static const char *end_loss(const struct loss *loss, char *why, size_t size)
{
    /* A source that was restarted asks libvirt first, and may have no answer yet. */
    for (int i = 0; i < 2000 && the_outgoing()->migration->state == loss->state; i++) {
        if (resolve(loss->where, false) != 0) {
            let_run(500);
        }
    }
    if (the_outgoing()->migration->state == loss->state) {
        return "it can't be resolved";
    }
    if (!source_comes_to_rest()) {
        return "the source does not come to rest";
    }
    const char *problem = check_source(loss);
    if (problem == NULL && str_eq(loss->where, "source")) {
        struct answer answer = {0};
        mhost_ask(&world->mhosts[SOURCE], VERB_START_VM, &answer, .target = VM);
        must(mhost_wait(&world->mhosts[SOURCE], &answer), "no answer");
        problem = answer.body == NULL ? "it does not start here" : NULL;
        answer_done(&answer);
    }
    return_target();
    bool rests = come_to_rest();
    stop_target();
    problem = problem != NULL || rests ? problem : "they do not come to rest";
    return problem != NULL ? problem : check_world(why, size);
}

/* Of one that nothing harms: from the question until the source is at rest. */
static unsigned count_settling(const struct loss *loss)
{
    lose_target(loss);
    burn_target(loss);
    struct mhost *mhost = &world->mhosts[SOURCE];
    mhost->faults.calls = 0;
    assert_int_equal(resolve(loss->where, false), 0);
    must(source_comes_to_rest(), "the source does not come to rest");
    unsigned calls = atomic_load(&mhost->faults.calls);
    char why[256] = "";
    const char *problem = end_loss(loss, why, sizeof(why));
    must(problem == NULL, problem);
    close_world();
    return calls;
}

static void harm_settling_at(const struct loss *loss, enum harm harm, unsigned k)
{
    lose_target(loss);
    burn_target(loss);
    struct mhost *mhost = &world->mhosts[SOURCE];
    struct answer answer = {0};
    world->harm = harm;
    mhost->faults.calls = 0;
    mhost->faults.at = k;
    mhost->faults.length = harm == HARM_DEATH ? UINT32_MAX - k : 1;
    mhost->faults.kind = harm == HARM_AFTER ? FAULT_FAIL_AFTER : FAULT_FAIL_BEFORE;
    say(loss->where, false, &answer);
    if (harm == HARM_DEATH) {
        let_die();
        restart(mhost);
    } else {
        must(mhost_wait(mhost, &answer), "no answer");
        if (migration_is_over(the_outgoing()->migration) || answer.body != NULL) {
            (void)source_comes_to_rest();
        }
        mhost->faults.kind = FAULT_NONE;
    }
    must(answer.there, "who asked was not answered");
    answer_done(&answer);
    char why[256] = "";
    const char *problem = end_loss(loss, why, sizeof(why));
    if (problem != NULL) {
        fail_msg("%s, %s: call %u %s: %s (%s)", loss->claim, loss->where, k, harm_names[harm],
                 problem, migration_state_name(the_outgoing()->migration->state));
    }
    close_world();
}

static void every_call_of_a_settling_may_fail(void **state)
{
    unsigned calls = count_settling(*state);
    assert_in_range(calls, 3, 200);
    for (unsigned k = 1; k <= calls; k++) {
        for (int harm = HARM_BEFORE; harm < HARM_COUNT; harm++) {
            harm_settling_at(*state, (enum harm)harm, k);
        }
    }
    print_message("# resolving: %u calls, each harmed thrice\n", calls);
}

/* What a person may say, and when. */
static void a_word_is_taken_only_when_no_one_else_can_tell(void **state)
{
    const struct loss *loss = *state;
    lose_target(loss);
    assert_int_equal(resolve(loss->where, false), -REASON_CONFLICT); /* it answers */
    burn_target(loss);
    struct fake_vm *vm = fake_host_vm(&world->hosts[SOURCE], VM);
    vm->running = true;
    struct answer refused = {0};
    say("target", false, &refused);
    must(mhost_wait(&world->mhosts[SOURCE], &refused), "no answer");
    assert_int_equal(refused.err.reason, REASON_IN_USE);
    assert_non_null(strstr(refused.err.message, "is still on this host"));
    answer_done(&refused);
    vm->running = false;
    struct fake_vm kept = *vm;
    *vm = (struct fake_vm){0};
    assert_int_equal(resolve("source", false), -REASON_NOT_FOUND);
    *vm = kept;
    assert_int_equal(resolve("there", false), -REASON_INVALID);
    assert_int_equal(resolve(loss->where, true), 0);
    assert_int_equal(the_outgoing()->migration->state, loss->state);
    struct answer first = {0};
    say(loss->where, true, &first);
    assert_int_equal(resolve(loss->where, false), -REASON_CONFLICT); /* someone is at it */
    must(mhost_wait(&world->mhosts[SOURCE], &first), "no answer");
    answer_done(&first);
    char why[256] = "";
    const char *problem = end_loss(loss, why, sizeof(why));
    must(problem == NULL, problem);
    assert_int_equal(resolve(loss->where, false), -REASON_CONFLICT); /* it is over */
    assert_int_equal(the_outgoing()->migration->state,
                     str_eq(loss->where, "target") ? MIGRATION_DONE : MIGRATION_FAILED);
    close_world();
}

/* Anyone who asks gets an answer, and one that was given outlives the process. */
static void the_resolution_is_stored(void **state)
{
    const struct loss *loss = *state;
    lose_target(loss);
    struct mhost *mhost = &world->mhosts[SOURCE];
    burn_target(loss);
    struct answer late = {0};
    say(loss->where, false, &late);
    restart(mhost);
    must(late.there && late.body == NULL, "who asked as it stopped was not answered so");
    answer_done(&late);
    assert_int_equal(the_outgoing()->migration->state, loss->state);
    assert_int_equal(the_outgoing()->migration->resolution, RESOLUTION_NONE);
    assert_int_equal(resolve(loss->where, false), 0);
    restart(mhost);
    const char *resolution = migration_resolution_name(the_outgoing()->migration->resolution);
    must(resolution != NULL && str_eq(resolution, loss->where), "it was not stored");
    assert_string_equal(the_outgoing()->migration->resolved_by, "tester");
    char why[256] = "";
    const char *problem = end_loss(loss, why, sizeof(why));
    must(problem == NULL, problem);
    close_world();
}

/* With the way out, which names the migration. */
static void assert_refused(enum who who, struct answer *answer, const char *what)
{
    must(mhost_wait(&world->mhosts[who], answer), "no answer");
    assert_int_equal(answer->err.reason, REASON_IN_USE);
    assert_non_null(strstr(answer->err.message, what));
    assert_non_null(strstr(answer->err.hint, the_outgoing()->migration->id));
    answer_done(answer);
}

/* A VM that leaves, and its claim, are left alone: by the process that began it, and the next. */
static void what_moves_is_in_hand_before_and_after_a_restart(void **state)
{
    const struct loss *loss = *state;
    lose_target(loss);
    for (int i = 0; i < 2; i++) {
        struct mhost *mhost = &world->mhosts[SOURCE];
        struct answer stop = {0};
        struct answer delete = {0};
        mhost_ask(mhost, VERB_STOP_VM, &stop, .target = VM);
        assert_refused(SOURCE, &stop, "VM \"" VM "\" can't be stopped: it is migrating to ");
        mhost_ask(mhost, VERB_DELETE_CLAIM, &delete, .target = "a");
        assert_refused(SOURCE, &delete,
                       "claim \"a\" can't be changed: VM \"" VM "\" is leaving with it");
        restart(mhost);
    }
    burn_target(loss);
    char why[256] = "";
    const char *problem = end_loss(loss, why, sizeof(why));
    must(problem == NULL, problem);
    close_world();
}

static void what_comes_in_is_in_hand_after_a_restart(void **state)
{
    const struct loss *loss = *state;
    struct answer delete = {0};
    lose_target(loss);
    stop_target();
    struct mhost *mhost = &world->mhosts[TARGET];
    world->patience_us = UINT64_C(60000000); /* it waits for the source */
    restart(mhost);
    mhost_ask(mhost, VERB_DELETE_CLAIM, &delete, .target = "a");
    assert_refused(TARGET, &delete,
                   "claim \"a\" can't be changed: VM \"" VM "\" is coming in with it");
    world->lose_commits = false;
    start_target();
    must(come_to_rest(), "it does not come to rest");
    stop_target();
    char why[256] = "";
    const char *problem = check_world(why, sizeof(why));
    must(problem == NULL, problem);
    must(fake_host_vm(&world->hosts[TARGET], VM) != NULL, "it did not move");
    close_world();
}

int main(int argc, char **argv)
{
    static char time_sliced[] = "{\"name\": \"a\", \"type\": \"L40S-8Q\", \"vm\": \"" VM
                                "\", \"params\": {\"console\": false}}";
    static char mig_backed[] = "{\"name\": \"a\", \"type\": \"A100-2-10C\", \"vm\": \"" VM "\"}";
    static struct loss losses[] = {{time_sliced, "target", MIGRATION_SWITCHING},
                                   {time_sliced, "source", MIGRATION_SWITCHING},
                                   {mig_backed, "target", MIGRATION_MOVING},
                                   {mig_backed, "source", MIGRATION_MOVING}};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(a_word_is_taken_only_when_no_one_else_can_tell, &losses[0]),
        cmocka_unit_test_prestate(a_word_is_taken_only_when_no_one_else_can_tell, &losses[1]),
        cmocka_unit_test_prestate(what_moves_is_in_hand_before_and_after_a_restart, &losses[0]),
        cmocka_unit_test_prestate(what_comes_in_is_in_hand_after_a_restart, &losses[0]),
        cmocka_unit_test_prestate(the_resolution_is_stored, &losses[0]),
        cmocka_unit_test_prestate(the_resolution_is_stored, &losses[1]),
        cmocka_unit_test_prestate(every_call_of_a_settling_may_fail, &losses[0]),
        cmocka_unit_test_prestate(every_call_of_a_settling_may_fail, &losses[1]),
        cmocka_unit_test_prestate(every_call_of_a_settling_may_fail, &losses[2]),
        cmocka_unit_test_prestate(every_call_of_a_settling_may_fail, &losses[3]),
        cmocka_unit_test_prestate(without_a_fault_it_arrives, time_sliced),
        cmocka_unit_test_prestate(without_a_fault_it_arrives, mig_backed),
        cmocka_unit_test_prestate(every_call_may_fail, time_sliced),
        cmocka_unit_test_prestate(every_call_may_fail, mig_backed),
    };
    (void)argc;
    (void)argv;
    return cmocka_run_group_tests_name("migrate", tests, fault_data_load, fault_data_unload);
}

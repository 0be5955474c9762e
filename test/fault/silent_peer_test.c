/* SPDX-License-Identifier: Apache-2.0 */
/* Other hosts that accept a question and say nothing: VMs that go elsewhere move meanwhile. */
#include <stdio.h>

#include "base/json.h"
#include "base/str.h"
#include "data.h"
#include "fake_host.h"
#include "migration/migrations.h"
#include "migration/peer_lines.h"
#include "test.h"
#include "two_hosts.h"

#define OTHER_VM "web2"

static char claim[] = "{\"name\": \"a\", \"type\": \"L40S-8Q\", \"vm\": \"" VM "\"}";

/* VM runs with its claim, OTHER_VM without one; the target has neither. */
static void open_silent(enum peer_offer silent_to)
{
    open_world(&fault_data, claim);
    fake_lock();
    fake_host_vm(&world->hosts[SOURCE], OTHER_VM)->running = true;
    *fake_host_vm(&world->hosts[TARGET], OTHER_VM) = (struct fake_vm){0};
    fake_unlock();
    world->silent_to = silent_to;
    world->silent = true;
}

static const struct migration *migration_of(const char *vm)
{
    for (vec_each(&world->mhosts[SOURCE].manager->migrations->outgoing, outgoing)) {
        if (!(*outgoing)->dry_run && str_eq((*outgoing)->migration->request.vm, vm)) {
            return (*outgoing)->migration;
        }
    }
    return NULL;
}

static bool vm_is_over(void *vm)
{
    const struct migration *migration = migration_of(vm);
    return migration != NULL && migration_is_over(migration);
}

static bool vm_is_asked(void *vm)
{
    const struct migration *migration = migration_of(vm);
    enum migration_state state =
        world->silent_to == PEER_CHECK ? MIGRATION_CHECKING : MIGRATION_PREPARING;
    for (vec_each(&world->mhosts[SOURCE].manager->migrations->outgoing, outgoing)) {
        if ((*outgoing)->migration == migration && migration->state == state &&
            (*outgoing)->jobs > 0) {
            return true;
        }
    }
    return false;
}

static void end_silent(void)
{
    world->silent = false;
    must(come_to_rest(), "it does not come to rest");
    stop_target();
    close_world();
}

static void a_vm_moves_while_another_ones_target_is_silent(void **state)
{
    open_silent(*(const enum peer_offer *)*state);
    struct mhost *mhost = &world->mhosts[SOURCE];
    struct answer answer = {0};
    ask_to_move(OTHER_VM, SILENT, false, &answer);
    must(mhost_wait(mhost, &answer) && answer.body != NULL, "it was refused");
    answer_done(&answer);
    must(mhost_wait_until(mhost, vm_is_asked, (char[]){OTHER_VM}), "the silent host was not asked");
    begin();
    must(mhost_wait_until(mhost, vm_is_over, (char[]){VM}), "it waits for the silent host");
    must(world->silent && !vm_is_over((char[]){OTHER_VM}), "the silent host has answered");
    assert_int_equal(migration_of(VM)->state, MIGRATION_DONE);
    /* A host that is asked now has an answer, too. */
    mhost_ask(mhost, VERB_GET_MIGRATION, &answer, .target = migration_of(OTHER_VM)->id);
    must(mhost_wait(mhost, &answer) && answer.body != NULL, "no answer");
    answer_done(&answer);
    end_silent();
}

static void dry_runs_to_many_silent_hosts_leave_room_for_vms_that_move(void **state)
{
    (void)state;
    open_silent(PEER_CHECK);
    struct mhost *mhost = &world->mhosts[SOURCE];
    static struct answer answers[3 * PEER_TRIALS_MAX];
    unsigned refused = 0;
    for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
        char peer[64];
        snprintf(peer, sizeof(peer), SILENT "%zu", i);
        ask_to_move(OTHER_VM, peer, true, &answers[i]);
    }
    begin();
    must(mhost_wait_until(mhost, vm_is_over, (char[]){VM}), "it waits for silent hosts");
    assert_int_equal(migration_of(VM)->state, MIGRATION_DONE);
    world->silent = false;
    for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
        must(mhost_wait(mhost, &answers[i]), "a dry run has no answer");
        if (answers[i].body == NULL) {
            refused++;
            assert_int_equal(answers[i].err.reason, REASON_UNAVAILABLE);
            assert_non_null(strstr(answers[i].err.message, "already waiting for"));
        }
        answer_done(&answers[i]);
    }
    assert_int_equal(refused, 2 * PEER_TRIALS_MAX);
    end_silent();
}

/* Nor does any number of what matters less keep it from its share of the workers. */
static void what_matters_more_does_not_wait_for_what_matters_less(void **state)
{
    (void)state;
    open_silent(PEER_CHECK);
    struct manager *m = world->mhosts[SOURCE].manager;
    struct {
        struct peer_line *line;
        enum peer_rank rank;
    } taken[64];
    static const size_t shares[PEER_RANKS] = {
        [PEER_MEMBERS_TRIAL] = PEER_TRIALS_MAX - PEER_ROOTS_TRIALS,
        [PEER_ROOTS_TRIAL] = PEER_ROOTS_TRIALS,
        [PEER_MEMBERS_MOVE] = PEER_LINES_MAX - PEER_ROOTS_MOVES - PEER_TRIALS_MAX,
        [PEER_ROOTS_MOVE] = PEER_ROOTS_MOVES};
    size_t n = 0;
    for (enum peer_rank rank = 0; rank < PEER_RANKS; rank++) {
        for (size_t i = 0; i < shares[rank]; i++) { /* the first host is asked by all */
            char address[64];
            snprintf(address, sizeof(address), i == 0 ? "ssh:one" : "ssh:h%d-%zu", (int)rank, i);
            struct peer_line *line = peer_lines_take(m, address, rank);
            assert_non_null(line);
            assert_int_equal(line->jobs, 1);
            taken[n].line = line;
            taken[n++].rank = rank;
        }
        struct peer_line *more = peer_lines_take(m, "ssh:more", rank);
        assert_true((more == NULL) == (rank <= PEER_ROOTS_TRIAL));
        peer_line_give_back(more, rank);
        struct peer_line *same = peer_lines_take(m, "ssh:one", rank); /* behind its own like */
        assert_non_null(same);
        assert_int_equal(same->jobs, 2);
        peer_line_give_back(same, rank);
    }
    while (n-- > 0) {
        peer_line_give_back(taken[n].line, taken[n].rank);
    }
    end_silent();
}

int main(void)
{
    static enum peer_offer check = PEER_CHECK;
    static enum peer_offer prepare = PEER_PREPARE;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(a_vm_moves_while_another_ones_target_is_silent, &check),
        cmocka_unit_test_prestate(a_vm_moves_while_another_ones_target_is_silent, &prepare),
        cmocka_unit_test(dry_runs_to_many_silent_hosts_leave_room_for_vms_that_move),
        cmocka_unit_test(what_matters_more_does_not_wait_for_what_matters_less),
    };
    return cmocka_run_group_tests_name("silent_peer", tests, fault_data_load, fault_data_unload);
}

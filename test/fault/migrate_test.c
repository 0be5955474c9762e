/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two hosts in memory, a VM that moves between them, and every port and store call of either that
 * fails, fails after its effect, or is the last of its process. Whatever happens, the VM runs on
 * exactly one host, with its claim; the other has nothing of it.
 */
#include <stdatomic.h>
#include <stdio.h>

#include "base/log.h"
#include "manager/migrations.h"
#include "test.h"
#include "two_hosts.h"

#define MAX_CALLS 2000
#define DEATH_US 25000 /* long enough for all that a dead process would have done */

static const char *const harm_names[] = {"nothing", "fails before its effect",
                                         "fails after its effect", "is the last"};

static struct lab_data data;

static void die_and_live(struct lab *lab, enum who victim)
{
    if (victim == TARGET) {
        stop_target();
    }
    restart(lab);
    if (victim == TARGET) {
        start_target();
    }
}

/* True if the k-th call was reached. */
static bool harm_at(const char *claim, enum who victim, enum harm harm, unsigned k)
{
    open_world(&data, claim);
    struct lab *lab = &world->labs[victim];
    world->victim = victim;
    world->harm = harm;
    lab->faults.at = k;
    lab->faults.length = harm == HARM_DEATH ? UINT32_MAX - k : 1;
    lab->faults.kind = harm == HARM_AFTER ? FAULT_FAIL_AFTER
                                          : (harm == HARM_NONE ? FAULT_NONE : FAULT_FAIL_BEFORE);
    begin();
    if (harm == HARM_DEATH) {
        let_run(DEATH_US);
        die_and_live(lab, victim);
    } else {
        (void)come_to_rest();
        lab->faults.kind = FAULT_NONE;
    }
    bool rests = come_to_rest();
    stop_target();
    char why[256] = "";
    const char *problem = rests ? check_world(why, sizeof(why)) : "it does not come to rest";
    if (problem != NULL) {
        const struct moves *moves = &world->labs[SOURCE].manager->migrations->moves;
        fail_msg("%s: call %u of the %s %s: %s (%s)", claim, k,
                 victim == SOURCE ? "source" : "target", harm_names[harm], problem,
                 moves->n == 0 ? "no migration"
                               : migration_state_name(moves->items[0]->migration->state));
    }
    bool reached = atomic_load(&lab->faults.calls) >= k;
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

static void without_a_fault_it_arrives(void **state)
{
    open_world(&data, *state);
    begin();
    must(come_to_rest(), "it does not come to rest");
    stop_target();
    char why[256] = "";
    const char *problem = check_world(why, sizeof(why));
    must(problem == NULL, problem);
    must(fake_host_vm(&world->hosts[TARGET], VM) != NULL, "it did not move");
    close_world();
}

static int load(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_NONE); /* the failures are wanted */
    lab_data_load(&data);
    return 0;
}

static int unload(void **state)
{
    (void)state;
    lab_data_done(&data);
    return 0;
}

int main(int argc, char **argv)
{
    static char time_sliced[] = "{\"name\": \"a\", \"type\": \"L40S-8Q\", \"vm\": \"" VM "\"}";
    static char mig_backed[] = "{\"name\": \"a\", \"type\": \"A100-2-10C\", \"vm\": \"" VM "\"}";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(without_a_fault_it_arrives, time_sliced),
        cmocka_unit_test_prestate(without_a_fault_it_arrives, mig_backed),
        cmocka_unit_test_prestate(every_call_may_fail, time_sliced),
        cmocka_unit_test_prestate(every_call_may_fail, mig_backed),
    };
    (void)argc;
    (void)argv;
    return cmocka_run_group_tests_name("migrate", tests, load, unload);
}

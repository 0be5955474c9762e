/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/migrations.h"
#include "test.h"

static void both_machines_are_whole(void **state)
{
    (void)state;
    const char *problem = sm_check(&migration_machine);
    assert_string_equal(problem == NULL ? "" : problem, "");
    problem = sm_check(&incoming_machine);
    assert_string_equal(problem == NULL ? "" : problem, "");
}

static void states_are_called_as_the_api_calls_them(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < MIGRATION_STATE_COUNT; i++) {
        assert_string_equal(migration_machine.states[i].name,
                            migration_state_name((enum migration_state)i));
        assert_int_equal(migration_machine.states[i].final,
                         migration_is_over(&(struct migration){.state = (enum migration_state)i}));
    }
    for (uint32_t i = 0; i < INCOMING_STATE_COUNT; i++) {
        assert_string_equal(incoming_machine.states[i].name,
                            incoming_state_name((enum incoming_state)i));
        assert_int_equal(incoming_machine.states[i].final,
                         incoming_is_over(&(struct incoming){.state = (enum incoming_state)i}));
    }
}

/* Once the target owns the VM there is no way back. */
static void what_was_switched_is_never_aborted(void **state)
{
    (void)state;
    assert_false(sm_can(&migration_machine, MIGRATION_RELEASING, MIGRATION_ABORTING));
    assert_int_equal(incoming_machine.states[INCOMING_COMMITTED].next, 0);
}

/* Before the VM moves a migration ends on its own. */
static void a_person_can_settle_it_only_once_the_vm_may_have_moved(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < MIGRATION_STATE_COUNT; i++) {
        bool may = i == MIGRATION_MOVING || i == MIGRATION_SWITCHING || i == MIGRATION_ABORTING;
        assert_int_equal(sm_can(&migration_machine, i, MIGRATION_RELEASING), may);
        assert_true(!may || sm_can(&migration_machine, i, MIGRATION_FAILED));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_machines_are_whole),
        cmocka_unit_test(states_are_called_as_the_api_calls_them),
        cmocka_unit_test(what_was_switched_is_never_aborted),
        cmocka_unit_test(a_person_can_settle_it_only_once_the_vm_may_have_moved),
    };
    return cmocka_run_group_tests_name("migration states", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sm.h"
#include "model/drain.h"
#include "model/incoming.h"
#include "model/operation.h"
#include "test.h"

static void every_machine_is_sound(void **state)
{
    (void)state;
    static const struct words *const machines[] = {
        &claim_state_words,    &step_state_words,  &plan_state_words, &migration_state_words,
        &incoming_state_words, &drain_state_words, &drain_step_words, &operation_state_words};
    for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
        const char *problem = sm_check(machines[i]);
        if (problem != NULL) {
            fail_msg("%s: %s", machines[i]->what, problem);
        }
    }
}

static void what_is_over_is_in_a_final_state(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < MIGRATION_STATE_COUNT; i++) {
        struct migration migration = {.state = (enum migration_state)i};
        assert_int_equal(migration_state_words.rows[i].final, migration_is_over(&migration));
    }
    for (uint32_t i = 0; i < INCOMING_STATE_COUNT; i++) {
        struct incoming incoming = {.state = (enum incoming_state)i};
        assert_int_equal(incoming_state_words.rows[i].final, incoming_is_over(&incoming));
    }
    for (uint32_t i = 0; i < DRAIN_STATE_COUNT; i++) {
        assert_int_equal(drain_state_words.rows[i].final, drain_is_over((enum drain_state)i));
    }
    for (uint32_t i = 0; i < OPERATION_STATE_COUNT; i++) {
        assert_int_equal(operation_state_words.rows[i].final,
                         operation_state_is_over((enum operation_state)i));
    }
}

/* Once the target owns the VM there is no way back. */
static void what_was_switched_is_never_aborted(void **state)
{
    (void)state;
    assert_false(sm_can(&migration_state_words, MIGRATION_RELEASING, MIGRATION_ABORTING));
    assert_int_equal(incoming_state_words.rows[INCOMING_COMMITTED].next, 0);
}

/* Before the VM moves a migration ends on its own. */
static void a_person_can_resolve_it_only_once_the_vm_may_have_moved(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < MIGRATION_STATE_COUNT; i++) {
        bool may = i == MIGRATION_MOVING || i == MIGRATION_SWITCHING || i == MIGRATION_ABORTING;
        assert_int_equal(sm_can(&migration_state_words, i, MIGRATION_RELEASING), may);
        assert_true(!may || sm_can(&migration_state_words, i, MIGRATION_FAILED));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_machine_is_sound),
        cmocka_unit_test(what_is_over_is_in_a_final_state),
        cmocka_unit_test(what_was_switched_is_never_aborted),
        cmocka_unit_test(a_person_can_resolve_it_only_once_the_vm_may_have_moved),
    };
    return cmocka_run_group_tests_name("states", tests, NULL, NULL);
}

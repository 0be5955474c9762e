/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sm.h"

#include "test.h"

enum lamp { LAMP_OFF, LAMP_ON, LAMP_BROKEN };

static const struct word lamp_states[] = {
    [LAMP_OFF] = {.name = "off", .next = SM_TO(LAMP_ON), .initial = true, .final = true},
    [LAMP_ON] = {.name = "on", .next = SM_TO(LAMP_OFF) | SM_TO(LAMP_BROKEN)},
    [LAMP_BROKEN] = {.name = "broken", .final = true},
};
static const struct words lamp = {.what = "lamp", .rows = lamp_states, .n = 3};

static void a_move_that_the_table_has_is_made(void **state)
{
    (void)state;
    enum lamp l = LAMP_OFF;
    assert_true(sm_move(&lamp, &l, LAMP_ON));
    assert_int_equal(l, LAMP_ON);
}

static void a_move_that_the_table_lacks_is_refused(void **state)
{
    (void)state;
    enum lamp l = LAMP_OFF;
    assert_false(sm_move(&lamp, &l, LAMP_BROKEN));
    assert_int_equal(l, LAMP_OFF);
}

static void a_sound_machine_passes_the_check(void **state)
{
    (void)state;
    assert_null(sm_check(&lamp));
}

static void dead_ends_and_unreachable_states_are_found(void **state)
{
    (void)state;
    struct word states[] = {
        {.name = "a", .next = SM_TO(1), .initial = true},
        {.name = "b"},
        {.name = "c", .final = true},
    };
    struct words machine = {.what = "t", .rows = states, .n = 3};
    assert_string_equal(sm_check(&machine), "a state is a dead end and not final");
    states[1].final = true;
    assert_string_equal(sm_check(&machine), "a state cannot be reached");
    states[1].next = SM_TO(2);
    assert_null(sm_check(&machine));
    states[2].initial = true;
    assert_string_equal(sm_check(&machine), "it has two initial states");
}

static void a_machine_can_be_drawn(void **state)
{
    (void)state;
    CLEANUP_STRBUF struct strbuf text = {0};
    sm_draw(&lamp, &text);
    assert_non_null(strstr(strbuf_str(&text), "\"on\" -> \"broken\";"));
    assert_null(strstr(strbuf_str(&text), "\"off\" -> \"broken\";"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_move_that_the_table_has_is_made),
        cmocka_unit_test(a_move_that_the_table_lacks_is_refused),
        cmocka_unit_test(a_sound_machine_passes_the_check),
        cmocka_unit_test(dead_ends_and_unreachable_states_are_found),
        cmocka_unit_test(a_machine_can_be_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

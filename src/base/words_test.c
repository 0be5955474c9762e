/* SPDX-License-Identifier: Apache-2.0 */
#include "base/words.h"

#include "test.h"

enum lamp { LAMP_UNKNOWN, LAMP_OFF, LAMP_ON, LAMP_COUNT };
WORDS_DECLARE(lamp, lamp_words)
WORDS_DEFINE(lamp_words, "lamp", LAMP_COUNT, WORD(LAMP_OFF, "off"), WORD(LAMP_ON, "on"))

static void each_value_has_its_word(void **state)
{
    (void)state;
    assert_string_equal(lamp_name(LAMP_OFF), "off");
    assert_string_equal(lamp_name(LAMP_ON), "on");
}

static void each_word_has_its_value(void **state)
{
    (void)state;
    enum lamp lamp = LAMP_UNKNOWN;
    assert_true(lamp_parse("on", &lamp));
    assert_int_equal(lamp, LAMP_ON);
}

static void other_words_leave_the_value_alone(void **state)
{
    (void)state;
    static const char *const others[] = {"", "o", "ON", "on ", "lamp", NULL};
    enum lamp lamp = LAMP_OFF;
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        assert_false(lamp_parse(others[i], &lamp));
        assert_int_equal(lamp, LAMP_OFF);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_value_has_its_word),
        cmocka_unit_test(each_word_has_its_value),
        cmocka_unit_test(other_words_leave_the_value_alone),
    };
    return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}

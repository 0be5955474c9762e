/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/need_words.h"

#include "base/str.h"
#include "test.h"

static void memory_is_read_in_units_of_1024(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t mib; /* 0: refused */
    } rows[] = {{"20G", 20480}, {"20GiB", 20480},    {"20gb", 20480},
                {"512M", 512},  {"20480", 0},        {"4T", 4194304},
                {"5T", 0},      {"0G", 0},           {"", 0},
                {"G", 0},       {"-1G", 0},          {"1.5G", 0},
                {"20 G", 0},    {"99999999999G", 0}, {"20X", 0}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint32_t mib = 0;
        struct error err = {0};
        int r = need_read_memory(rows[i].text, &mib, &err);
        if ((r == 0 ? mib : 0) != rows[i].mib || (r != 0 && err.hint[0] == '\0')) {
            fail_msg("\"%s\": %u", rows[i].text, mib);
        }
    }
}

static void a_share_is_between_1_and_100_percent(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t percent; /* 0: refused */
    } rows[] = {{"25%", 25}, {"25", 25}, {"100%", 100}, {"101%", 0}, {"0%", 0},
                {"", 0},     {"%", 0},   {"2 %", 0},    {"1/4", 0},  {"25%%", 0}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint32_t percent = 0;
        int r = need_read_percent(rows[i].text, &percent, NULL);
        if ((r == 0 ? percent : 0) != rows[i].percent) {
            fail_msg("\"%s\": %u", rows[i].text, percent);
        }
    }
}

static void licences_are_products_any_or_none(void **state)
{
    (void)state;
    struct need need = {0};
    struct error err = {0};
    assert_int_equal(need_read_licences("any", &need, NULL), 0);
    assert_true(need.any_licence);
    assert_int_equal(need_read_licences("none", &need, NULL), 0);
    assert_false(need.any_licence);
    assert_int_equal(need.licences, 0);
    assert_int_equal(need_read_licences("vPC,VWS", &need, NULL), 0);
    assert_int_equal(need.licences, LICENCE_SET(LICENCE_VPC) | LICENCE_SET(LICENCE_VWS));
    assert_int_equal(need_read_licences("NVIDIA AI Enterprise", &need, NULL), 0);
    assert_int_equal(need.licences, LICENCE_SET(LICENCE_NVAIE));
    static const char *const bad[] = {"", "vPC,", ",vPC", "grid", "vPC vWS", "any,vPC"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_equal(need_read_licences(bad[i], &need, &err), -REASON_INVALID);
    }
    assert_non_null(strstr(err.message, "vApps, vPC, vWS, NVIDIA AI Enterprise"));
}

static void a_wrong_word_is_answered_with_the_right_ones(void **state)
{
    (void)state;
    struct error err = {0};
    uint32_t value = 0;
    assert_int_equal(need_read_word("--isolation", "hardware", &isolation_words, &value, &err), 0);
    assert_int_equal(value, ISOLATION_HARDWARE);
    assert_int_equal(need_read_word("--isolation", "hard", &isolation_words, &value, &err),
                     -REASON_INVALID);
    assert_string_equal(err.message, "--isolation takes none, memory, hardware, not \"hard\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_read_in_units_of_1024),
        cmocka_unit_test(a_share_is_between_1_and_100_percent),
        cmocka_unit_test(licences_are_products_any_or_none),
        cmocka_unit_test(a_wrong_word_is_answered_with_the_right_ones),
    };
    return cmocka_run_group_tests_name("need_words", tests, NULL, NULL);
}

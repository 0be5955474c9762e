/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/fuse/kstr.h"

#include <errno.h>

#include "base/attr.h"
#include "test.h"

static void numbers_have_a_base_of_their_own(void **state)
{
    (void)state;
    const struct {
        const char *text;
        uint64_t max;
        int result;
        uint64_t value;
    } rows[] = {
        {"0", UINT64_MAX, 0, 0},
        {"+7", UINT64_MAX, 0, 7},
        {"010", UINT64_MAX, 0, 8},
        {"0x1F", UINT64_MAX, 0, 31},
        {"18446744073709551615", UINT64_MAX, 0, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, -EINVAL, 0},
        {"65536", UINT16_MAX, -EINVAL, 0},
        {"0x10000", UINT16_MAX, -EINVAL, 0},
        {"5", 3, -EINVAL, 0},
        {"", UINT64_MAX, -EINVAL, 0},
        {"+", UINT64_MAX, -EINVAL, 0},
        {"++1", UINT64_MAX, -EINVAL, 0},
        {"-1", UINT64_MAX, -EINVAL, 0},
        {"08", UINT64_MAX, -EINVAL, 0},
        {"0x", UINT64_MAX, -EINVAL, 0},
        {"1 ", UINT64_MAX, -EINVAL, 0},
        {" 1", UINT64_MAX, -EINVAL, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint64_t value = 0;
        int r = kstr_number(rows[i].text, rows[i].max, &value);
        if (r != rows[i].result || value != rows[i].value) {
            fail_msg("\"%s\" gives %d and %llu", rows[i].text, r, (unsigned long long)value);
        }
    }
}

static void signs_and_words(void **state)
{
    (void)state;
    int32_t value = 0;
    assert_int_equal(kstr_signed("-1", &value), 0);
    assert_int_equal(value, -1);
    assert_int_equal(kstr_signed("2147483647", &value), 0);
    assert_int_equal(kstr_signed("2147483648", &value), -EINVAL);
    assert_int_equal(kstr_signed("--1", &value), -EINVAL);
    assert_int_equal(kstr_signed("-+1", &value), -EINVAL);
    bool on = false;
    assert_int_equal(kstr_bool("on", &on), 0);
    assert_true(on);
    assert_int_equal(kstr_bool("No", &on), 0);
    assert_false(on);
    assert_int_equal(kstr_bool("x", &on), -EINVAL);
    assert_int_equal(kstr_bool("o", &on), -EINVAL);
    assert_int_equal(kstr_bool("", &on), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_a_base_of_their_own),
        cmocka_unit_test(signs_and_words),
    };
    return cmocka_run_group_tests_name("sim fuse kstr", tests, NULL, NULL);
}

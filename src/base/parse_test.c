/* SPDX-License-Identifier: Apache-2.0 */
#include "base/parse.h"

#include <string.h>

#include "base/attr.h"
#include "test.h"

static void decimals_stop_at_their_bound(void **state)
{
    (void)state;
    uint32_t u32 = 7;
    uint64_t u64 = 7;
    assert_true(parse_u32("0", &u32));
    assert_int_equal(u32, 0);
    assert_true(parse_u32("4294967295", &u32));
    assert_int_equal(u32, UINT32_MAX);
    assert_true(parse_u32("0000000000000000000000012", &u32));
    assert_int_equal(u32, 12);
    assert_false(parse_u32("4294967296", &u32));
    assert_int_equal(u32, 12); /* untouched */
    assert_true(parse_u64("18446744073709551615", &u64));
    assert_true(u64 == UINT64_MAX);
    assert_false(parse_u64("18446744073709551616", &u64));
    assert_false(parse_u64("99999999999999999999999", &u64));
}

static void anything_but_digits_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", " 1", "1 ", "+1", "-1", "0x1", "1e3", "1.0", "a", "1\n"};
    uint32_t value = 0;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        if (parse_u32(bad[i], &value)) {
            fail_msg("'%s' was read as %u", bad[i], value);
        }
    }
}

static void hexadecimals_need_their_prefix_or_not(void **state)
{
    (void)state;
    uint32_t value = 0;
    assert_true(parse_hex32("0x20B5", &value));
    assert_int_equal(value, 0x20b5);
    assert_true(parse_hex32("0X10de", &value));
    assert_true(parse_hex32("0xffffffff", &value));
    assert_int_equal(value, UINT32_MAX);
    assert_false(parse_hex32("20B5", &value));
    assert_false(parse_hex32("0x", &value));
    assert_false(parse_hex32("0x123456789", &value));
    assert_false(parse_hex32("0x12g4", &value));
    assert_false(parse_hex32("0x0x12", &value));
    assert_true(parse_hex32_bare("26b9", &value));
    assert_int_equal(value, 0x26b9);
    assert_true(parse_hex32_bare("0x26b9", &value));
    assert_false(parse_hex32_bare("", &value));
    assert_false(parse_hex32_bare("000000001", &value));
}

static void a_uuid_is_lower_case_and_whole(void **state)
{
    (void)state;
    assert_true(parse_uuid("8e3c1a52-0d4b-4a77-9c6e-2b1f00aa93d4"));
    assert_false(parse_uuid("8E3C1A52-0d4b-4a77-9c6e-2b1f00aa93d4"));
    assert_false(parse_uuid("8e3c1a52-0d4b-4a77-9c6e-2b1f00aa93d"));
    assert_false(parse_uuid("8e3c1a52-0d4b-4a77-9c6e-2b1f00aa93d4 "));
    assert_false(parse_uuid("8e3c1a5200d4b-4a77-9c6e-2b1f00aa93d4"));
    assert_false(parse_uuid("8e3c1a52-0d4b-4a77-9c6e-2b1f00aa93g4"));
    assert_false(parse_uuid(""));
}

static void a_name_is_short_and_plain(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "web1", "Web-1_a.b", "9"};
    static const char *const bad[] = {"", "-a", ".a", "_a", "a b", "a/b", "a\n", "\xc3\xa4", "a:b"};
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        assert_true(parse_name(good[i]));
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_false(parse_name(bad[i]));
    }
    char name[65];
    memset(name, 'a', sizeof(name));
    name[64] = '\0';
    assert_false(parse_name(name));
    name[63] = '\0';
    assert_true(parse_name(name));
    assert_true(parse_long_name(name, 63));
    assert_false(parse_long_name(name, 62));
    assert_false(parse_long_name("a b", 63));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals_stop_at_their_bound),
        cmocka_unit_test(anything_but_digits_is_refused),
        cmocka_unit_test(hexadecimals_need_their_prefix_or_not),
        cmocka_unit_test(a_uuid_is_lower_case_and_whole),
        cmocka_unit_test(a_name_is_short_and_plain),
    };
    return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/unseen.h"

#include "test.h"

#include "base/str.h"

static void ranges_rise_and_have_gaps_between(void **state)
{
    (void)state;
    uint32_t first = 0;
    uint32_t last = 0;
    uint32_t before = 0x7f;
    for (size_t i = 0; unseen_range(i, &first, &last); i++) {
        if (first <= before + 1 || last < first) {
            fail_msg("U+%04X to U+%04X", first, last);
        }
        before = last;
    }
    assert_true(before < 0x110000);
}

static void every_range_holds_its_ends_and_nothing_next_to_them(void **state)
{
    (void)state;
    uint32_t first = 0;
    uint32_t last = 0;
    for (size_t i = 0; unseen_range(i, &first, &last); i++) {
        assert_true(unseen_is(first) && unseen_is(last));
        assert_true(!unseen_is(first - 1) && !unseen_is(last + 1));
    }
}

static void what_people_write_is_seen(void **state)
{
    (void)state;
    static const uint32_t codes[] = {'a',   0xa0,   0xe4,   0x301,  0x3b1,  0x430,   0x5d0,
                                     0x627, 0x2026, 0x20ac, 0x4e2d, 0xac00, 0x1f600, 0xfffd};
    for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
        if (unseen_is(codes[i])) {
            fail_msg("U+%04X", codes[i]);
        }
    }
}

static size_t encode(uint32_t code, char out[8])
{
    size_t n = 0;
    if (code < 0x800) {
        out[n++] = (char)(0xc0 | (code >> 6));
    } else if (code < 0x10000) {
        out[n++] = (char)(0xe0 | (code >> 12));
        out[n++] = (char)(0x80 | ((code >> 6) & 0x3f));
    } else {
        out[n++] = (char)(0xf0 | (code >> 18));
        out[n++] = (char)(0x80 | ((code >> 12) & 0x3f));
        out[n++] = (char)(0x80 | ((code >> 6) & 0x3f));
    }
    out[n++] = (char)(0x80 | (code & 0x3f));
    out[n] = '\0';
    return n;
}

/* Of all code points: a clean text has none of them, and one made clean has a sign for each. */
static void texts_are_clean_of_all_of_them(void **state)
{
    (void)state;
    for (uint32_t code = 0xa0; code < 0x110000; code++) {
        char text[8];
        encode(code, text);
        bool surrogate = code >= 0xd800 && code <= 0xdfff;
        if (surrogate) {
            continue;
        }
        if (str_is_clean(text) == unseen_is(code) || !str_is_text(text)) {
            fail_msg("U+%04X", code);
        }
        str_make_clean(text);
        assert_true(str_is_clean(text));
        assert_int_equal(str_eq(text, "?"), unseen_is(code));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_rise_and_have_gaps_between),
        cmocka_unit_test(every_range_holds_its_ends_and_nothing_next_to_them),
        cmocka_unit_test(what_people_write_is_seen),
        cmocka_unit_test(texts_are_clean_of_all_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

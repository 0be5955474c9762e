/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include "base/str.h"
#include "test.h"

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    uint64_t us = 1;
    for (int i = 0; i < 4000; i++) {
        char text[CLOCK_TEXT_SIZE];
        uint64_t read = 0;
        clock_format(us, text, sizeof(text));
        if (!clock_parse(text, &read) || read != us) {
            fail_msg("%s", text);
        }
        us += us / 97 + 86400000000U * (uint64_t)(i % 7) + 59999999U;
        us %= 253402300800000000U; /* the year 10000 */
    }
}

static void what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "2026-11-21",
        "2026-11-21T05:30:12",
        "2026-11-21T05:30:12.Z",
        "2026-11-21T05:30:12Z ",
        "2026-11-21T05:30:12+01:00",
        "2026-02-30T05:30:12Z",
        "2026-13-01T05:30:12Z",
        "2026-00-01T05:30:12Z",
        "2026-11-21T24:30:12Z",
        "2026-11-21T05:60:12Z",
        "1969-12-31T23:59:59Z",
        "2026-11-21 05:30:12Z",
        "-026-11-21T05:30:12Z",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        uint64_t us = 0;
        if (clock_parse(texts[i], &us)) {
            fail_msg("\"%s\" was read", texts[i]);
        }
    }
    uint64_t us = 0;
    assert_true(clock_parse("1970-01-01T00:00:01Z", &us));
    assert_int_equal(us, 1000000);
    assert_true(clock_parse("1970-01-01T00:00:01.5Z", &us));
    assert_int_equal(us, 1500000);
    assert_true(clock_parse("1970-01-01T00:00:01.0000019Z", &us));
    assert_int_equal(us, 1000001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(what_is_no_time_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

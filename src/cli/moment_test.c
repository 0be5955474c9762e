/* SPDX-License-Identifier: Apache-2.0 */
/* Times as people write and read them: in their own time zone. */
#include "cli/moment.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"
#include "cli/view.h"
#include "test.h"

#define NOW "2026-11-21T12:00:00.000000Z"

static void set_zone(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
}

static void moments_are_read_in_the_time_zone(void **state)
{
    (void)state;
    static const struct {
        const char *zone, *text, *utc; /* utc NULL: it is no time */
    } rows[] = {
        {"UTC", "90s", "2026-11-21T11:58:30.000000Z"},
        {"UTC", "10m", "2026-11-21T11:50:00.000000Z"},
        {"UTC", "2h", "2026-11-21T10:00:00.000000Z"},
        {"UTC", "7d", "2026-11-14T12:00:00.000000Z"},
        {"UTC", "4000000000d", "1970-01-01T00:00:00.000000Z"},
        {"UTC", "2026-11-21 05:30", "2026-11-21T05:30:00.000000Z"},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-11-21 05:30", "2026-11-21T04:30:00.000000Z"},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-07-21T05:30:07", "2026-07-21T03:30:07.000000Z"},
        {"EST5", "2026-11-21", "2026-11-21T05:00:00.000000Z"},
        {"EST5", "2026-11-21T05:30:12Z", "2026-11-21T05:30:12.000000Z"},
        {"UTC", "", NULL},
        {"UTC", "m", NULL},
        {"UTC", "-10m", NULL},
        {"UTC", "10", NULL},
        {"UTC", "10w", NULL},
        {"UTC", "2026-02-31", NULL},
        {"UTC", "2026-11-21 05:30 pm", NULL},
        {"UTC", "yesterday", NULL},
    };
    uint64_t now = 0;
    assert_true(clock_parse(NOW, &now));
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint64_t us = 0;
        char text[CLOCK_TEXT_SIZE] = "";
        struct error err = {0};
        set_zone(rows[i].zone);
        bool read = moment_parse(rows[i].text, now, &us, &err) == 0;
        clock_format(us, text, sizeof(text));
        if (read != (rows[i].utc != NULL) || (read && !str_eq(text, rows[i].utc))) {
            fail_msg("%s %s: %s", rows[i].zone, rows[i].text, read ? text : "refused");
        }
    }
}

static void times_are_shown_in_the_time_zone(void **state)
{
    (void)state;
    static const struct {
        const char *zone, *utc, *shown;
    } rows[] = {
        {"UTC", "2026-11-21T05:30:12.123456Z", "2026-11-21 05:30:12 UTC"},
        {"EST5", "2026-11-21T03:30:12.123456Z", "2026-11-20 22:30:12 EST"},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-11-21T05:30:12Z", "2026-11-21 06:30:12 CET"},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2026-07-21T05:30:12Z", "2026-07-21 07:30:12 CEST"},
        {"UTC", "", "-"},
        {"UTC", "now", "-"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char out[VIEW_SIZE];
        set_zone(rows[i].zone);
        assert_string_equal(view_clock(rows[i].utc, out), rows[i].shown);
    }
}

static void identifiers_are_shown_by_their_beginning(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"6ef7fb75-4783-45ec-8523-9e498b9e4905", "6ef7fb75"},
        {"plan/6ef7fb75-4783-45ec-8523-9e498b9e4905", "plan/6ef7fb75"},
        {"6ef7fb75-4783-45ec-8523-9e498b9e490", "6ef7fb75-4783-45ec-8523-9e498b9e490"},
        {"GPU-6ef7fb75-4783-45ec-8523-9e498b9e4905", "GPU-6ef7fb75-4783-45ec-8523-9e498b9e4905"},
        {"vm/web1", "vm/web1"},
        {"", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char out[VIEW_SIZE];
        assert_string_equal(view_short_id(rows[i][0], out), rows[i][1]);
    }
    CLEANUP_STRBUF struct strbuf text = {0};
    view_shorten_ids("claim create web1; plan 8a7c324c-ab0c-47b7-99cd-17c350abee26 is done; "
                     "mdev 8a7c324c-ab0c-47b7-99cd-17c350abee26; plan 8",
                     &text);
    assert_string_equal(strbuf_str(&text), "claim create web1; plan 8a7c324c is done; mdev "
                                           "8a7c324c-ab0c-47b7-99cd-17c350abee26; plan 8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_are_read_in_the_time_zone),
        cmocka_unit_test(times_are_shown_in_the_time_zone),
        cmocka_unit_test(identifiers_are_shown_by_their_beginning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

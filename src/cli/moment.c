/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/moment.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/str.h"

#define USECS_PER_S ((uint64_t)1000000)

static bool parse_ago(const char *text, uint64_t now_us, uint64_t *ret_us)
{
    static const struct {
        char unit;
        uint64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    char digits[16];
    size_t len = strlen(text);
    uint32_t n = 0;
    if (len < 2 || len > sizeof(digits)) {
        return false;
    }
    str_print(digits, sizeof(digits), "%.*s", (int)(len - 1), text);
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (text[len - 1] == units[i].unit && parse_u32(digits, &n)) {
            uint64_t ago = n * units[i].seconds * USECS_PER_S;
            *ret_us = ago < now_us ? now_us - ago : 0;
            return true;
        }
    }
    return false;
}

/* strptime() takes 31 February, and mktime() makes a day of March of it. */
static bool parse_local(const char *text, uint64_t *ret_us)
{
    static const char *const formats[] = {"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S",
                                          "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d"};
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        struct tm local = {.tm_isdst = -1};
        const char *end = strptime(text, formats[i], &local);
        int day = local.tm_mday;
        local.tm_isdst = -1;
        time_t seconds = end != NULL && *end == '\0' ? mktime(&local) : -1;
        if (seconds >= 0 && local.tm_mday == day) {
            *ret_us = (uint64_t)seconds * USECS_PER_S;
            return true;
        }
    }
    return false;
}

int moment_parse(const char *text, uint64_t now_us, uint64_t *ret_us, struct error *err)
{
    if (parse_ago(text, now_us, ret_us) || clock_parse(text, ret_us) || parse_local(text, ret_us)) {
        return 0;
    }
    error_set(err, REASON_INVALID, "", "\"%s\" is no time", text);
    error_hint(err, "such as 10m, 2h or 7d (ago), 2026-11-21, or \"2026-11-21 05:30\"");
    return -REASON_INVALID;
}

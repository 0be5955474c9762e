/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#include "base/str.h"

static uint64_t read_us(clockid_t clock)
{
    struct timespec now = {0};
    (void)clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000U + (uint64_t)now.tv_nsec / 1000U;
}

uint64_t clock_realtime_us(void)
{
    return read_us(CLOCK_REALTIME);
}

uint64_t clock_monotonic_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

uint64_t clock_realtime_of(uint64_t monotonic_us)
{
    return clock_realtime_us() - (clock_monotonic_us() - monotonic_us);
}

static bool read_digits(const char **at, size_t n, int *ret_value)
{
    int value = 0;
    for (size_t i = 0; i < n; i++) {
        char c = (*at)[i];
        if (c < '0' || c > '9') {
            return false;
        }
        value = value * 10 + (c - '0');
    }
    *at += n;
    *ret_value = value;
    return true;
}

static bool skip_char(const char **at, char wanted)
{
    bool is_there = **at == wanted;
    *at += is_there ? 1 : 0;
    return is_there;
}

/* Up to six digits; further ones are skipped. */
static bool read_fraction(const char **at, uint64_t *ret_us)
{
    uint64_t us = 0;
    uint64_t unit = 100000;
    const char *begin = *at;
    for (; **at >= '0' && **at <= '9'; (*at)++, unit /= 10) {
        us += (uint64_t)(**at - '0') * unit;
    }
    *ret_us = us;
    return *at > begin;
}

bool clock_parse(const char *text, uint64_t *ret_us)
{
    struct tm utc = {0};
    uint64_t us = 0;
    const char *at = text;
    bool read = read_digits(&at, 4, &utc.tm_year) && skip_char(&at, '-') &&
                read_digits(&at, 2, &utc.tm_mon) && skip_char(&at, '-') &&
                read_digits(&at, 2, &utc.tm_mday) && skip_char(&at, 'T') &&
                read_digits(&at, 2, &utc.tm_hour) && skip_char(&at, ':') &&
                read_digits(&at, 2, &utc.tm_min) && skip_char(&at, ':') &&
                read_digits(&at, 2, &utc.tm_sec);
    if (!read || (skip_char(&at, '.') && !read_fraction(&at, &us)) || !str_eq(at, "Z")) {
        return false;
    }
    utc.tm_year -= 1900;
    utc.tm_mon -= 1;
    struct tm normal = utc;
    time_t seconds = timegm(&normal); /* makes 31 February a day of March */
    if (seconds < 0 || normal.tm_mon != utc.tm_mon || normal.tm_mday != utc.tm_mday ||
        normal.tm_hour != utc.tm_hour || normal.tm_min != utc.tm_min) {
        return false;
    }
    *ret_us = (uint64_t)seconds * 1000000U + us;
    return true;
}

const char *clock_format(uint64_t realtime_us, char *out, size_t size)
{
    time_t seconds = (time_t)(realtime_us / 1000000U);
    struct tm utc = {0};
    (void)gmtime_r(&seconds, &utc);
    (void)snprintf(out, size, "%04d-%02d-%02dT%02d:%02d:%02d.%06uZ", utc.tm_year + 1900,
                   utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                   (unsigned)(realtime_us % 1000000U));
    return out;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

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

/* SPDX-License-Identifier: Apache-2.0 */
/* Time, read only at the edges; pure code gets it as an argument. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

uint64_t clock_realtime_us(void);
uint64_t clock_monotonic_us(void);
/* What the wall clock would have shown at a monotonic time, by what it shows now. */
uint64_t clock_realtime_of(uint64_t monotonic_us);
/* "2026-11-21T05:30:12.123456Z" into out (at least 28 bytes); returns out. */
const char *clock_format(uint64_t realtime_us, char *out, size_t size);

#endif

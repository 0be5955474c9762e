/* SPDX-License-Identifier: Apache-2.0 */
/* Time, read only at the edges; pure code gets it as an argument. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint64_t clock_realtime_us(void);
uint64_t clock_monotonic_us(void);
/* What the wall clock would have shown at a monotonic time, by what it shows now. */
uint64_t clock_realtime_of(uint64_t monotonic_us);
#define CLOCK_TEXT_SIZE 28
/* "2026-11-21T05:30:12.123456Z" into out (at least CLOCK_TEXT_SIZE bytes); returns out. */
const char *clock_format(uint64_t realtime_us, char *out, size_t size);
/* Reads what clock_format() writes, the fraction optional; false: it is no such time, or before
 * 1970. */
bool clock_parse(const char *text, uint64_t *ret_us);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and words as the kernel reads them from what is written to its files (Linux
 * lib/kstrtox.c); a newline at the end is gone already. 0 or -EINVAL. */
#ifndef SIM_FUSE_KSTR_H
#define SIM_FUSE_KSTR_H

#include <stdbool.h>
#include <stdint.h>

/* Decimal, 0x… or 0…, after one + at most; a number over `max` is none. */
int kstr_number(const char *text, uint64_t max, uint64_t *ret_value);
/* The same with a sign. */
int kstr_signed(const char *text, int32_t *ret_value);
/* By its first letter: 1 y t, 0 n f; on, off. */
int kstr_bool(const char *text, bool *ret_on);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Moments as people write them: how long ago, or a date and a time of this time zone. */
#ifndef CLI_MOMENT_H
#define CLI_MOMENT_H

#include <stdint.h>

#include "base/error.h"

/* Reads "90s", "10m", "2h" or "7d" (before `now_us`), "2026-11-21", "2026-11-21 05:30[:12]", with T
 * in the blank's place, too, or the API's own UTC time. -INVALID. */
int moment_parse(const char *text, uint64_t now_us, uint64_t *ret_us, struct error *err);

#endif

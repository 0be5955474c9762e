/* SPDX-License-Identifier: Apache-2.0 */
/* Words of a need, as they are typed: "20G", "25%", "vPC,vWS". */
#ifndef CLI_NEED_WORDS_H
#define CLI_NEED_WORDS_H

#include "base/error.h"
#include "model/need.h"

/* "20G", "20GiB", "512M"; without a unit it is refused, for tools differ on what that means.
 * -INVALID. */
int need_read_memory(const char *text, uint32_t *ret_mib, struct error *err);
/* "25%", "25" or "2/7". -INVALID. */
int need_read_percent(const char *text, uint32_t *ret_percent, struct error *err);
/* "any", "none", or products with commas between them. -INVALID names those that there are. */
int need_read_licences(const char *text, struct need *need, struct error *err);
/* A word of a table. -INVALID names those that there are. */
int need_read_word(const char *option, const char *text, const struct words *words,
                   uint32_t *ret_value, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands, which is one in each cmd_*.c. Help, completion and the manual page are
 * made from it. */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include "cli/verb.h"

size_t verbs_count(void);
/* `index` is below that count. */
const struct verb *verbs_at(size_t index);
/* Options that every command takes; those for changes come last. */
const struct verb_option *verbs_global_options(size_t *ret_n);

#endif

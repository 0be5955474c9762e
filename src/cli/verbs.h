/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands. Help, completion and the manual page are made from it. */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include "cli/verb.h"

const struct verb *verbs_all(size_t *ret_n);
/* Options that every command takes; those for changes come last. */
const struct verb_option *verbs_global_options(size_t *ret_n);

#endif

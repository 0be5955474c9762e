/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands, which is one in each cmd_*.c. Help, completion and the manual page are
 * made from it. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/command.h"

size_t commands_count(void);
/* `index` is below that count. */
const struct command *commands_at(size_t index);
/* Options that every command takes; those for changes come last. */
const struct command_option *commands_global_options(size_t *ret_n);

#endif

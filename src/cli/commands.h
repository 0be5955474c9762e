/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands, which is one in each cmd_*.c. Help, completion and the manual page are
 * made from it. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/command.h"

enum global_option {
    G_HELP,
    G_OUTPUT,
    G_SOCKET,
    G_VERSION,
    G_DRY_RUN,
    G_NO_WAIT,
    G_NO_HEADERS,
    G_SORT,
    G_WATCH,
    G_QUIET,
    G_VERBOSE,
    G_COUNT
};

size_t commands_count(void);
/* `index` is below that count. */
const struct command *commands_at(size_t index);
/* Has the command this one of the global options? */
bool commands_takes(const struct command *command, enum global_option option);
/* By enum global_option. */
const struct command_option *commands_global_options(size_t *ret_n);

#endif

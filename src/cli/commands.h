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

/* The object that a word names: "licence" for "license", too; else the word itself. */
const char *commands_object(const char *word);
/* Is the command called by that word behind its object, or by that one and the next (NULL: none)?
 * `ret_words`: how many its name has. */
bool commands_is_named(const struct command *command, const char *word, const char *next,
                       int *ret_words);

#endif

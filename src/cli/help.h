/* SPDX-License-Identifier: Apache-2.0 */
/* What the table of commands says: help and the manual page, to standard output. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/commands.h"

/* Of one command, of one object's commands, or of everything (both NULL). */
void help_print(const char *object, const struct command *command);
void help_print_man(void);

#endif

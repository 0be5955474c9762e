/* SPDX-License-Identifier: Apache-2.0 */
/* The exit statuses in help. */
#ifndef CLI_EXIT_STATUSES_H
#define CLI_EXIT_STATUSES_H

#include "cli/command.h"

/* All that cleave may end with. */
void exit_statuses_print_all(void);
/* What they mean of one command, and where the others are listed. NULL: it has none of its own. */
void exit_statuses_print(const struct command_status *statuses);

#endif

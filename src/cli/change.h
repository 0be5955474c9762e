/* SPDX-License-Identifier: Apache-2.0 */
/* What follows a change: shows a dry run, or follows the plan to its end. */
#ifndef CLI_CHANGE_H
#define CLI_CHANGE_H

#include "cli/cli.h"

/* Sends a change and finishes it. Progress goes to standard error: one line that moves on a
 * terminal, one line per step elsewhere. -DRIVER when the plan was undone or is stuck. */
int change_run(struct cli *cli, const char *method, const char *path, const json_t *body,
               struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A change that a plan carries out: shows a dry run, or follows the plan to its end. */
#ifndef CLI_PLAN_FOLLOW_H
#define CLI_PLAN_FOLLOW_H

#include "cli/cli.h"

/* Sends a change and finishes it. Progress goes to standard error: one line that moves on a
 * terminal, one line per step elsewhere. -DRIVER when the plan was undone or is stuck. */
int plan_follow_change(struct cli *cli, const char *method, const char *path, const json_t *body,
                       struct error *err);

#endif

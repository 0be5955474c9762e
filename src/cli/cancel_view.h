/* SPDX-License-Identifier: Apache-2.0 */
/* The cancel of an operation, a plan among them. */
#ifndef CLI_CANCEL_VIEW_H
#define CLI_CANCEL_VIEW_H

#include "cli/cli.h"

/* Asks for it, and prints what is undone for that; of a dry run what would be. */
int cancel_view_run(struct cli *cli, const char *id, struct error *err);

#endif

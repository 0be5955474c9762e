/* SPDX-License-Identifier: Apache-2.0 */
/* What else would serve the need of a claim that a dry run shows, and why the rest would not. */
#ifndef CLI_NEED_ADVICE_H
#define CLI_NEED_ADVICE_H

#include <jansson.h>

#include "cli/cli.h"

/* Prints it below a table; nothing where another form was asked for, or cleaved has no answer. */
void need_advice_print(struct cli *cli, const json_t *need);

#endif

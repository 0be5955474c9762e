/* SPDX-License-Identifier: Apache-2.0 */
/* A warning about vGPU types that are named without the letter of a class. */
#ifndef CLI_TYPE_NOTICE_H
#define CLI_TYPE_NOTICE_H

#include <jansson.h>

#include "cli/cli.h"

/* For the types of these claims, as the API takes them: names on standard error what differs from
 * one of them in that letter alone. */
void type_notice_report(struct cli *cli, const json_t *claims);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Options --param NAME=on|off: parameters of a vGPU. */
#ifndef CLI_PARAM_OPTIONS_H
#define CLI_PARAM_OPTIONS_H

#include <jansson.h>

#include "cli/command.h"

/* Adds those that the command's option of that number has to "params" of the body. -INVALID. */
int param_options_read(const struct arguments *arguments, size_t option, json_t *body,
                       struct error *err);

#endif

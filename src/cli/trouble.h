/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a GPU, and whom it concerns, below its picture in `gpu show`. */
#ifndef CLI_TROUBLE_H
#define CLI_TROUBLE_H

#include <stddef.h>

#include <jansson.h>

/* Nothing, for a GPU that is well. claims: the API's list, may be NULL. `width` as for tables. */
void trouble_print(const json_t *gpu, const json_t *claims, size_t width);

#endif

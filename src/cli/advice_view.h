/* SPDX-License-Identifier: Apache-2.0 */
/* Advice for people: what serves, what would change, and why the rest does not. */
#ifndef CLI_ADVICE_VIEW_H
#define CLI_ADVICE_VIEW_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Does anything in the answer serve? */
bool advice_serves(const json_t *answer);
/* Leaves only what is about the GPU: its address, or a board's key. False: nothing is. */
bool advice_keep_gpu(json_t *answer, const char *gpu);
void advice_print(const json_t *answer, size_t width);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A GPU's problems, the claims that they concern and the way out, below its picture in `gpu show`.
 */
#ifndef CLI_GPU_PROBLEM_VIEW_H
#define CLI_GPU_PROBLEM_VIEW_H

#include <stddef.h>

#include <jansson.h>

/* Nothing, for a GPU that is well. claims: the API's list, may be NULL. `width` as for tables. */
void gpu_problem_view_print(const json_t *gpu, const json_t *claims, size_t width);

#endif

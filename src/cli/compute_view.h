/* SPDX-License-Identifier: Apache-2.0 */
/* The compute instances of a GPU instance in the picture of its GPU. `gi` is the API's GpuInstance.
 */
#ifndef CLI_COMPUTE_VIEW_H
#define CLI_COMPUTE_VIEW_H

#include "cli/view.h"

/* How many lines they take, one each; 0: compute_view_summary() says all. */
size_t compute_view_lines(const json_t *gi);
/* "2c #0 at 0-1": the compute instance has two compute slices, of those of its GPU instance the
 * first two. Returns out. */
const char *compute_view_text(const json_t *gi, size_t i, char out[VIEW_SIZE]);
/* Of a GPU instance without vGPUs: "compute", where one compute instance has all of it; their
 * number, where the driver does not describe them. */
void compute_view_summary(const json_t *gi, char out[VIEW_SIZE]);

#endif

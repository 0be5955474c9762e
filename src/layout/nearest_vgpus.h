/* SPDX-License-Identifier: Apache-2.0 */
/* The vGPUs nearest to those that can't be together. Private to layout. */
#ifndef LAYOUT_NEAREST_VGPUS_H
#define LAYOUT_NEAREST_VGPUS_H

#include "layout/layout.h"

typedef int fit_fn(const struct gpu_model *model, struct layout_request *request,
                   struct error *err);

/* Adds to the error's hint the vGPUs of the request that `fit` would take: fewest dropped, and of
 * those ways the one that keeps the most framebuffer. No hint if looking for it takes too long. */
void nearest_vgpus_hint(const struct gpu_model *model, const struct layout_request *request,
                        fit_fn *fit, struct error *err);

#endif

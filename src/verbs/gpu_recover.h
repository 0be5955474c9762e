/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to recover a GPU, and what settles a plan. Loop thread only. */
#ifndef VERBS_GPU_RECOVER_H
#define VERBS_GPU_RECOVER_H

#include <stdbool.h>

#include "service/service.h"

/* For the runner: the steps are done. Is all there? */
bool gpu_recover_settle(struct plan *plan, void *data);

/* Verbs (service/verbs.def). */
verb_fn verb_recover_gpu;

#endif

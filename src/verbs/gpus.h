/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about a GPU's mode and scheduler. Loop thread only. */
#ifndef VERBS_GPUS_H
#define VERBS_GPUS_H

#include "service/service.h"

/* Verbs (service/verbs.def). */
verb_fn verb_set_gpu_mode, verb_set_gpu_scheduler;

#endif

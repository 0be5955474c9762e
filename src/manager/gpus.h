/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about a GPU's mode and scheduler. Private to src/manager; loop thread only. */
#ifndef MANAGER_GPUS_H
#define MANAGER_GPUS_H

#include "service/service.h"

/* Verbs (service/verbs.def). */
verb_fn manager_set_gpu_mode, manager_set_gpu_scheduler;

#endif

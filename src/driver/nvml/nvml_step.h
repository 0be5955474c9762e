/* SPDX-License-Identifier: Apache-2.0 */
/* gpu_port.check and gpu_port.apply over NVML: one pair per kind of step. */
#ifndef DRIVER_NVML_NVML_STEP_H
#define DRIVER_NVML_NVML_STEP_H

#include "driver/nvml/nvml_gpu.h"
#include "model/plan.h"

/* With an open library and the step's GPU found. */
struct nvml_verb {
    int (*check)(const struct nvml_gpu *gpu, const struct step *step, struct error *err);
    int (*apply)(const struct nvml_gpu *gpu, struct step *step, struct error *err);
};

extern const struct nvml_verb nvml_verb_mode;      /* MIG_ENABLE, MIG_DISABLE */
extern const struct nvml_verb nvml_verb_mixed;     /* MIXED_ON, MIXED_OFF */
extern const struct nvml_verb nvml_verb_gi;        /* GI_CREATE, GI_DESTROY */
extern const struct nvml_verb nvml_verb_ci;        /* CI_CREATE, CI_DESTROY */
extern const struct nvml_verb nvml_verb_scheduler; /* SCHEDULER_SET */

#endif

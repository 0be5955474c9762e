/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Room for vGPUs on one GPU's instances, followed step by step while a plan is made. The driver,
 * not cleave, picks the instance of a vGPU among all of its profile that have room
 * (open-gpu-kernel-modules, kernel_vgpu_mgr.c). So each step that makes one says where it belongs,
 * and how many places elsewhere are to be filled as long as it takes (exec/seat.h). Private to
 * src/plan.
 */
#ifndef PLAN_SEATS_H
#define PLAN_SEATS_H

#include "plan/work.h"

#define SEATS_MAX 32

struct seats_gi {
    const struct cat_profile *profile;
    uint32_t start, size;
    uint32_t id;                      /* NO_ID: not there yet */
    bool there;                       /* at this point of the plan */
    bool exclusive;                   /* one claim wants it alone */
    uint32_t n_vgpus;                 /* on it by now */
    const struct cat_vgpu_type *type; /* of one of them; NULL none, or not known */
};

struct seats {
    const struct gpu_work *work;
    struct seats_gi items[SEATS_MAX];
    uint32_t n;
};

/* Most vGPUs of a type on one instance of its profile, as the GPU is set; where no source says, as
 * many as its memory holds. */
uint32_t seats_most(const struct gpu_work *work, const struct cat_vgpu_type *type);

/* Functions that fillers may use: free, and no VM's or claim's. */
bool seats_is_spare(const struct gpu_work *work, const struct pci_addr *vf);
uint32_t seats_count_spares(const struct gpu_work *work);
/* Writes them into the plan, if a step for that GPU may need them. */
void seats_add_spares(struct plan *plan, const struct gpu_work *work);

/* A vGPU of the type comes onto instance `at`, which is there: the step, its VGPU_CREATE, learns
 * where it belongs. -UNSUPPORTED or -NO_CAPACITY when that can't be assured. */
int seats_take(struct seats *seats, uint32_t at, const struct cat_vgpu_type *type,
               struct step *step, struct error *err);

#endif

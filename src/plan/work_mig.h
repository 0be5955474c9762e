/* SPDX-License-Identifier: Apache-2.0 */
/* The GPU instances of one GPU while its plan is made: what work_mig.c and work_mix.c share. */
#ifndef PLAN_WORK_MIG_H
#define PLAN_WORK_MIG_H

#include "plan/work.h"

/* The instances of one GPU while its plan is made. Indexes: existing = order of gpu->gis;
 * wanted = pinned ones first (each at its own place), then new needs. */
struct mig {
    struct layout_gis existing;
    struct layout_gis wanted;
    uint32_t pinned;
    uint32_t unwanted; /* only leaving claims used it */
    uint32_t foreign;  /* no claim's, and empty: may be used, is never destroyed */
    uint32_t lost;     /* pinned, and not there: a reboot took what a staying claim stood on */
    /* Per wanted: vGPUs on it by now, their type, and whether one wants it alone. */
    struct {
        const struct cat_vgpu_type *type;
        uint32_t n_vgpus;
        uint32_t n_before; /* of these, those that are there before the plan and stay */
        const struct cat_vgpu_type *type_before;
        bool taken;        /* by an exclusive claim, or a bare instance */
        uint32_t existing; /* index when pinned, NO_ID when new */
    } use[LAYOUT_MAX_GIS];
    uint32_t of_claim[WORK_MAX_CLAIMS]; /* added claim → wanted index */
    struct layout_change change;
};

/* Is the vGPU no claim's? */
bool work_is_foreign(const struct gpu_work *work, const struct vgpu *vgpu);
/* May added claim `i` join what is on `mig`? 0 or -CONFLICT. A vGPU, and the fillers that bring it
 * where it belongs, may come to stand on any instance of its profile for a moment. So a vGPU and a
 * bare instance, whose programs would notice, don't meet on one profile of one GPU; nor does a bare
 * instance join a vGPU that is there, which an undo may have to delete and make again. */
int work_check_mix(const struct gpu_work *work, const struct mig *mig, size_t i, struct error *err);

#endif

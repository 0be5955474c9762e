/* SPDX-License-Identifier: Apache-2.0 */
/* The GPU instances of one GPU while its plan is made. Private to src/plan. */
#ifndef PLAN_MIG_H
#define PLAN_MIG_H

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
        enum scheduler_policy policy; /* by which its vGPUs share its time; UNKNOWN: not known */
        bool taken;                   /* by an exclusive claim, or a bare instance */
        uint32_t existing;            /* index when pinned, NO_ID when new */
    } use[LAYOUT_MAX_GIS];
    uint32_t of_claim[WORK_MAX_CLAIMS]; /* added claim → wanted index */
    struct layout_change change;
};

#endif

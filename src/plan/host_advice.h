/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What serves a need here: for each GPU of the host and each mode, whether the planner would give
 * it, what would change, whom that hits, and what it costs the others. GPUs that are alike are
 * asked once. Pure; no plan comes of it.
 */
#ifndef PLAN_HOST_ADVICE_H
#define PLAN_HOST_ADVICE_H

#include <jansson.h>

#include "advise/advise.h"
#include "base/fs.h"
#include "plan/planner.h"

#define HOST_ADVICE_KEYS 7

/* One mode on one GPU. */
struct host_advice {
    struct advice advice;            /* as of its board; `reasons` are owned */
    const struct gpu *gpu;           /* borrowed of the host */
    VEC(const struct gpu *) alike;   /* others, of which the same is true */
    struct strlist steps;            /* what would be done there, in words; of what serves */
    struct strlist moved_claims;     /* claims that would have to move */
    struct strlist moved_vms;        /* VMs of these */
    uint32_t room_after;             /* more VMs like this one that then have room on the GPU */
    uint32_t blocked;                /* fewer VMs like this one than in the mode that has most */
    uint32_t stranded_mib;           /* of its memory, which nothing can use then; CAT_UNKNOWN */
    bool too_few;                    /* GPUs like it, for a need of several */
    uint32_t keys[HOST_ADVICE_KEYS]; /* how well it suits, the most important first */
};
struct host_advices {
    struct host_advice *items;
    size_t n;
    size_t cap;
};

/* Appends them, the best first, those that do not serve last. Each that serves is given by
 * planner_build() for a claim in its exact words on that GPU, with PLAN_MOVES_IDLE where claims
 * would move; each that does not is refused so. */
void planner_advise(const struct planner *planner, const struct need *need,
                    struct host_advices *ret_advices);
void host_advices_done(struct host_advices *advices);

/* {"advice": [{rank, verdict, mode, gpu, model, alike, type, profile, perGpu, licences, change,
 * steps, moves, reasons, cost}]}: schema Advice in api/openapi.yaml. */
json_t *host_advices_to_json(const struct rules *rules, const struct host_advices *advices);

#endif

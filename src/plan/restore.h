/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a reboot or a reload of the driver took, as steps that bring it back: mode, virtual
 * functions, mixed sizes, scheduler, GPU instances at their places, compute instances, vGPUs on
 * their functions or under their UUIDs, the binding for pass-through. One GPU at a time, so that a
 * bad one holds up no other. Only ever adds: what stands in the way and is no one's claim is named,
 * not destroyed. On a host that has everything the plan is empty.
 */
#ifndef PLAN_RESTORE_H
#define PLAN_RESTORE_H

#include "plan/plan_request.h"

enum restore_outcome {
    RESTORE_THERE,   /* has its device */
    RESTORE_COMES,   /* the plan's steps give it back */
    RESTORE_BLOCKED, /* `why` says by what */
};

struct restore_claim {
    char name[NAME_SIZE];
    enum restore_outcome outcome;
    struct error why; /* BLOCKED */
};

struct restore_request {
    const struct gpu *gpu;
    const char *const *late; /* claims that failed before: their steps come last */
    size_t n_late;
    const char *author;
    const char *reason;
    /* Names mdev vGPUs whose claims had none, as plan_request's; NULL: claims keep what they have,
     * also where the kernel makes vGPUs through another interface now. */
    void (*new_uuid)(char out[37]);
};

struct restoration {
    struct plan *plan; /* never undone as a whole; no steps: nothing to do (now) */
    bool more;         /* once the plan is done, look again: not everything could be planned */
    struct error why;  /* of the GPU itself; NONE: fine */
    VEC(struct restore_claim) claims;
};

/* Is the claim one that holds its device over a reboot? */
bool restore_wants(const struct claim *claim);
/* The GPU that a claim's device is on: the one with its UUID, wherever it sits now; by address when
 * UUIDs are not known. NULL: it is not on this host now. */
const struct gpu *restore_gpu_of(const struct host *host, const struct claim *claim);
/* Is its GPU gone for certain, so that a claim with a need may be chosen again within that? Not
 * while a GPU is there whose UUID is unknown: that may be the claim's. */
bool restore_may_choose_again(const struct host *host, const struct claim *claim);
/* The claim as it looks for another device: as new, with its need and the words typed next to it.
 */
struct claim restore_open(const struct claim *claim);
/* Makes the step one that writes the parameters of the claim's vGPU again. */
void restore_set_params(struct step *step, const struct claim *claim);
/* A GPU in another slot has its functions as far from it as before. */
void restore_move(struct assignment *got, const struct gpu *gpu);
/* The claim with its device where its GPU is now; assigned.set is false where it is not on this
 * host. */
struct claim restore_place(const struct host *host, const struct claim *claim);
/* Has the GPU anything to bring back: a claim, or a mode that was chosen? */
bool restore_concerns(const struct planner *planner, const struct gpu *gpu);

/* Would another attempt, later, help? A driver that is late and a program that has the GPU open go
 * away; a foreign instance in the way does not on its own. */
bool restore_error_passes(const struct error *why);
/* The same of a step that failed: a driver's refusals pass more often than a plan's. */
bool restore_step_may_pass(const struct step *step);

void planner_restore(const struct planner *planner, const struct restore_request *request,
                     struct restoration *ret_restoration);
void restoration_done(struct restoration *restoration);

#endif

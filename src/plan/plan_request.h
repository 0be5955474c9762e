/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan is asked for, and all that is known while it is made. */
#ifndef PLAN_PLAN_REQUEST_H
#define PLAN_PLAN_REQUEST_H

#include "base/error.h"
#include "catalog/catalog.h"
#include "licence/tally.h"
#include "model/claim.h"
#include "model/gpu_record.h"
#include "model/host.h"
#include "model/plan.h"
#include "plan/boards.h"
#include "plan/policy.h"
#include "rules/rules.h"

struct known_choices;

struct planner {
    const struct catalog *catalog;
    const struct rules *rules;
    const struct host *host;           /* observed */
    const struct claims *claims;       /* all stored claims */
    const struct gpu_records *records; /* what is remembered of GPUs; NULL: nothing */
    const struct boards *boards;       /* what the driver says of them; NULL: nothing */
    /* Does a plan that waits have the GPU in hand, so that no new claim goes there? NULL: no. */
    bool (*is_held)(const struct pci_addr *gpu, const void *data);
    const void *held_data;
    const struct licence_room *licences; /* new claims are refused where it says so; NULL: never */
    struct known_choices *choices;       /* kept while a request is planned; NULL: not kept */
};

/* May claims that stay be given another place to make room? Only those that are not in use
 * (idle.h): with a VM that is off, or without one. */
enum plan_moves {
    PLAN_MOVES_NONE,
    PLAN_MOVES_TELL, /* no, but a refusal says whether it would help */
    PLAN_MOVES_IDLE
};

struct plan_request {
    const struct claim *const *add; /* new claims (pending) */
    size_t n_add;
    const char *const *remove; /* names of claims to release */
    size_t n_remove;
    enum plan_purpose purpose; /* what the plan may do: policy.h */
    enum plan_moves moves;
    /* Steps that are no claim's, put in their place. */
    const struct step *extra;
    size_t n_extra;
    const char *author;
    const char *reason;
    /* Names mdev vGPUs: randomness comes in from outside. */
    void (*new_uuid)(char out[37]);
};

/* Is the stored claim of that name to go? */
bool plan_request_removes(const struct plan_request *request, const char *name);
/* The GPU's record; NULL: there is none. */
const struct gpu_record *planner_record_of(const struct planner *planner, const struct gpu *gpu);
/* The model that a GPU is, or NULL when neither driver nor catalog knows it. */
const struct gpu_model *gpu_model_of(const struct planner *planner, const struct gpu *gpu);
/* The scheduler that the GPU should have: as was chosen for it, else as it is. */
const struct gpu_scheduler *planner_wanted_scheduler(const struct planner *planner,
                                                     const struct gpu *gpu);
/* How the need of the claim asks that the vGPUs share the time of its GPU or instance, where it
 * gets one of the type; SCHEDULER_UNKNOWN: in any way, or it shares none. */
enum scheduler_policy claim_policy(const struct claim *claim, const struct gpu_model *model,
                                   const struct cat_vgpu_type *type);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From claims to steps, purely: resolves claims to types and profiles, chooses GPUs, keeps every
 * instance that can stay, and orders the steps (guards first; destroy before create; NVIDIA's
 * order: driver → MIG mode → virtual functions → mixed-size flag → GIs → vGPUs → VMs).
 */
#ifndef PLAN_PLANNER_H
#define PLAN_PLANNER_H

#include "base/error.h"
#include "catalog/catalog.h"
#include "model/claim.h"
#include "model/gpu_record.h"
#include "model/host.h"
#include "model/plan.h"
#include "plan/boards.h"
#include "rules/rules.h"

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
    /* On-demand claims of `add` are drawn now; else they are parked: their VM's definition gets a
     * device, and nothing is made. */
    bool draw;
    /* Drawn claims get the very device that is named for them, or nothing: for who can't change
     * the definition now. */
    bool as_named;
    /* The claims of `remove` give their devices back and stay, parked. */
    bool park;
    /* No step for a VM's definition: it is in use, or right as it is. */
    bool leave_guests;
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

/* Checks one claim against catalog, rules and host without placing it: resolves spec.mode, type
 * and profile in place. Also used by create before a plan exists. */
int planner_admit(const struct planner *planner, struct claim *claim, struct error *err);

/* The plan that serves the whole request, or why there is none. Never touches a device that a
 * running VM holds: then -IN_USE naming VM and device. Claims move only where it doesn't fit
 * without, as few as possible, on their own GPU or, where that does not help, to another one;
 * plan->moves says which. Caller frees. Time and id are set by caller. */
int planner_build(const struct planner *planner, const struct plan_request *request,
                  struct plan **ret_plan, struct error *err);

/* Refuses a plan that takes a device away while a VM of the host may have any
 * (host_find_unread_vm()). */
int plan_check_unread(const struct host *host, const struct plan *plan, struct error *err);

/* Is what the VM's definition names for the claim a vGPU of another kernel interface than the GPU's
 * vGPUs have now: a mediated device where they are functions, or a function where they are mdevs?
 */
bool plan_names_other(const struct gpu *gpu, const struct claim *claim);

/* The plan that changes a GPU's mode by hand: `cleave gpu mode GPU mig`. */
int planner_mode(const struct planner *planner, const char *gpu, enum gpu_mode mode,
                 struct plan **ret_plan, struct error *err);

/* The plan that chooses how a GPU's time-sliced vGPUs share it; only while there is none. */
int planner_scheduler(const struct planner *planner, const char *gpu,
                      const struct gpu_scheduler *wanted, struct plan **ret_plan,
                      struct error *err);

#endif

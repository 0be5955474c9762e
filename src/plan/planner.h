/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From claims to steps, purely: resolves claims to types and profiles, chooses GPUs, keeps every
 * instance that can stay, and orders the steps (guards first; destroy before create; NVIDIA's
 * order: driver → MIG mode → virtual functions → mixed-size flag → GIs → vGPUs → VMs).
 */
#ifndef PLAN_PLANNER_H
#define PLAN_PLANNER_H

#include "plan/plan_request.h"

/* Checks one claim against catalog, rules and host without placing it: resolves spec.mode, type
 * and profile in place. Also used by create before a plan exists. */
int planner_admit(const struct planner *planner, struct claim *claim, struct error *err);

/* The plan that serves the whole request, or why there is none. Never touches a device that a
 * running VM holds: then -IN_USE naming VM and device. Claims move only where it doesn't fit
 * without, as few as possible, on their own GPU or, where that does not help, to another one;
 * plan->moves says which. Caller frees. Time and id are set by caller. */
int planner_build(const struct planner *planner, const struct plan_request *request,
                  struct plan **ret_plan, struct error *err);

/* The plan that changes a GPU's mode by hand: `cleave gpu mode GPU mig`. */
int planner_mode(const struct planner *planner, const char *gpu, enum gpu_mode mode,
                 struct plan **ret_plan, struct error *err);

/* The plan that chooses how a GPU's time-sliced vGPUs share it; only while there is none. */
int planner_scheduler(const struct planner *planner, const char *gpu,
                      const struct gpu_scheduler *wanted, struct plan **ret_plan,
                      struct error *err);

#endif

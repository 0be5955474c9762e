/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May a VM move to another host, purely: the source writes down what it knows (an offer), the
 * target asks its planner and every rule of migrations, and both sides see the same list of checks.
 */
#ifndef PLAN_PREFLIGHT_H
#define PLAN_PREFLIGHT_H

#include "model/incoming.h"
#include "plan/planner.h"

/* What the source knows of the VM, its claims and itself. `vm` is an observed one. Metadata is left
 * empty, and so is the id. Caller frees. -IN_USE: a claim of the VM is changing. */
int preflight_offer(const struct planner *planner, const struct vm *vm,
                    struct migration_offer **ret_offer, struct error *err);

/* Checks that need no target: with -RULE in them there is no need to ask it. */
void preflight_source(const struct rules *rules, const struct migration_offer *offer,
                      struct checks *ret_checks);

/* NVML's word on one claim of the offer and one GPU here. */
struct nvml_answer {
    size_t claim;
    struct pci_addr gpu;
    char word[16]; /* "none", "cold", "hibernate", "sleep", "live" */
};
struct nvml_answers {
    struct nvml_answer *items;
    size_t n;
    size_t cap;
};

/* At the target. Every claim goes to the GPU that breaks no rule, and of those to the one of which
 * most is known. *ret_plan makes all of them, or is NULL when one has no place (its checks say
 * why). The plan's claims name no VM yet. Caller frees. */
void preflight_target(const struct planner *planner, const struct migration_offer *offer,
                      const struct nvml_answers *answers, const struct plan_request *request,
                      struct plan **ret_plan, struct checks *ret_checks);

#endif

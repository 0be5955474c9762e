/* SPDX-License-Identifier: Apache-2.0 */
/* What each side of a migration knows, as text. Private to src/plan. */
#ifndef PLAN_MIGRATION_FACTS_H
#define PLAN_MIGRATION_FACTS_H

#include "model/incoming.h"
#include "plan/plan_request.h"

/* "" is unknown. */
void fact_set(struct migration_facts *facts, enum migration_fact fact, const char *value);

/* The source's. `gpu` NULL: it is not there any more. */
void facts_of_vm(const struct host *host, const struct vm *vm, const struct claims *claims,
                 struct migration_facts *ret_facts);
void facts_of_claim(const struct host *host, const struct gpu *gpu, const struct claim *claim,
                    struct migration_facts *ret_facts);
/* The target's: of the host for this VM, and of one of its GPUs for this claim. */
void facts_of_target(const struct host *host, const struct migration_offer *offer,
                     struct migration_facts *ret_facts);
void facts_of_candidate(const struct planner *planner, const struct gpu *gpu,
                        const struct claim *claim, struct migration_facts *ret_facts);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of the manager's replies; schemas in api/openapi.yaml. */
#ifndef STATE_REPLY_JSON_H
#define STATE_REPLY_JSON_H

#include <jansson.h>

#include "catalog/catalog.h"
#include "model/claim.h"
#include "model/event.h"
#include "model/gpu_record.h"
#include "model/host.h"
#include "model/incoming.h"
#include "model/plan.h"
#include "rules/rules.h"

/* A GPU as observed, with what was decided about it. */
json_t *reply_gpu(const struct gpu *gpu, const struct gpu_records *records);
json_t *reply_gpus(const struct host *host, const struct gpu_records *records);
json_t *reply_vms(const struct host *host);
json_t *reply_vm(const struct vm *vm);
/* With the plan that comes before, if there is one (dry run). */
json_t *reply_vm_plan(const struct vm *vm, const struct plan *plan);
json_t *reply_plans(struct plan *const *plans, size_t n);
/* The plan, and the claims it binds or releases as they are stored. */
json_t *reply_change(const struct plan *plan, const struct claims *stored);

/* Borrowed. */
struct profile_gpus {
    const struct gpu **items;
    size_t n;
    size_t cap;
};
/* Profiles and types of the models, and how many more instances of each profile fit on `gpus`. */
json_t *reply_profiles(const struct gpu_model *const *models, size_t n,
                       const struct profile_gpus *gpus);

json_t *reply_migration(const struct migration *migration);
json_t *reply_incoming(const struct incoming *incoming);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documented limits as data (data/rules.yaml): id, statement, source, confidence, when it applies,
 * message, what to do instead. One engine answers for admission, advice and plans alike.
 */
#ifndef RULES_RULES_H
#define RULES_RULES_H

#include <jansson.h>

#include "base/error.h"
#include "catalog/catalog.h"
#include "model/claim.h"
#include "model/host.h"

struct rules;

int rules_load(const char *path, struct rules **ret_rules, struct error *err);
int rules_load_default(struct rules **ret_rules, struct error *err);
void rules_free(struct rules *rules);
DEFINE_FREEP(struct rules *, rules_free)

/* What the rules look at. `gpu` may be NULL (offline): rules about observed facts don't apply then.
 */
struct rule_facts {
    const struct claim_spec *spec; /* mode already resolved */
    const struct gpu_model *model;
    const struct cat_vgpu_type *type;  /* NULL without a vGPU */
    const struct cat_profile *profile; /* GI profile, NULL without */
    const struct gpu *gpu;
    bool has_vm;                /* the claim names a VM */
    const char *target_profile; /* GI profile at a migration's target, NULL otherwise */
};

/* 0, or -RULE with err->rule = the first broken rule's id, its message and its hint. */
int rules_check(const struct rules *rules, const struct rule_facts *facts, struct error *err);
json_t *rules_to_json(const struct rules *rules);

#endif

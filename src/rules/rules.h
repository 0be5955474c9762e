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
#include "model/check.h"
#include "model/claim.h"
#include "model/host.h"

struct rules;

int rules_load(const char *path, struct rules **ret_rules, struct error *err);
int rules_load_default(struct rules **ret_rules, struct error *err);
void rules_free(struct rules *rules);
DEFINE_FREEP(struct rules *, rules_free)

/* Another claim of the same VM, with a vGPU of its own, for rules about both together. */
struct rule_other {
    const char *claim; /* its name */
    const char *type;
    const struct gpu_model *model;  /* NULL unknown */
    const struct cat_vgpu_type *of; /* NULL unknown */
    uint32_t n_same;                /* vGPUs of the claim's own type that the VM would have */
};

/* What the rules look at. `gpu` may be NULL (offline): rules about observed facts don't apply then.
 */
struct rule_facts {
    const struct claim_spec *spec; /* mode already resolved */
    const struct gpu_model *model;
    const struct cat_vgpu_type *type;  /* NULL without a vGPU */
    const struct cat_profile *profile; /* GI profile, NULL without */
    const struct gpu *gpu;
    const struct gpu_scheduler *scheduler; /* that the GPU has or will have; NULL unknown */
    bool has_vm;                           /* the claim names a VM */
    const char *claim;                     /* its name; NULL unknown */
    const struct rule_other *other;        /* another claim of its VM; NULL: it alone is judged */
    const char *libvirt;                   /* its version on the host; NULL or "" unknown */
    /* A migration's two sides; only the rules that apply to migrations look at them. */
    const struct migration_facts *source, *target;
};

/* 0, or -RULE with err->rule = the first broken rule's id, its message and its hint. */
int rules_check(const struct rules *rules, const struct rule_facts *facts, struct error *err);

/* What a rule of migrations is about. */
enum migration_scope { MIGRATION_OF_DEVICE, MIGRATION_OF_VM };

/* Asks every rule of that scope and appends a check for each. A rule that needs a fact which is
 * unknown is CHECK_UNKNOWN, unless what is known settles it. `target` NULL: nothing is known. */
void rules_check_migration(const struct rules *rules, enum migration_scope scope, const char *claim,
                           const struct migration_facts *source,
                           const struct migration_facts *target, struct checks *ret_checks);
json_t *rules_to_json(const struct rules *rules);

#endif

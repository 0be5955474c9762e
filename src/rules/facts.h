/* SPDX-License-Identifier: Apache-2.0 */
/* The facts that rules may speak of: one table, name → value as text. */
#ifndef RULES_FACTS_H
#define RULES_FACTS_H

#include <stdbool.h>
#include <stddef.h>

#include "catalog/catalog.h"
#include "model/check.h"
#include "model/claim.h"
#include "model/host.h"
#include "model/need.h"

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
    const char *driver;                    /* NVIDIA's version on the host; the same */
    const struct need *need;               /* that the claim is to serve; NULL: none was stated */
    licence_set licences;                  /* each alone covers the claim; 0: it needs none */
    /* A migration's two sides; only the rules that apply to migrations look at them. */
    const struct migration_facts *source, *target;
};

#define FACT_SIZE 128

/* Index into the table, or -1. Beyond fact_count() are those of a migration: "source.board". */
int fact_find(const char *name);
size_t fact_count(void);
const char *fact_name(size_t index);
bool fact_is_of_migration(size_t index);
/* Writes the value ("true", "mig-backed", "8192") and returns true; false when it is unknown. */
bool fact_value(size_t index, const struct rule_facts *facts, char out[FACT_SIZE]);

#endif

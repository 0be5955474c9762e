/* SPDX-License-Identifier: Apache-2.0 */
/* What rules look at: the objects that facts are read from. */
#ifndef RULES_RULE_FACTS_H
#define RULES_RULE_FACTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/vec.h"
#include "catalog/catalog.h"
#include "model/check.h"
#include "model/claim.h"
#include "model/domain_facts.h"
#include "model/host.h"
#include "model/need.h"

#define FACT_SIZE 128

/* Values of facts as text, where no object has them: a case of a test of rules (rules/cases.h). */
struct given_fact {
    size_t fact;
    char value[FACT_SIZE];
};
struct given_facts {
    struct given_fact *items;
    size_t n;
    size_t cap;
};

/* Another claim of the same VM, with a vGPU of its own, for rules about both together. */
struct rule_other {
    const char *claim; /* its name */
    const char *type;
    const struct gpu_model *model;  /* NULL unknown */
    const struct cat_vgpu_type *of; /* NULL unknown */
    const struct gpu *gpu;          /* that it is on; NULL unknown, or none yet */
    uint32_t n_same;                /* vGPUs of the claim's own type that the VM would have */
};

/* A VM's definition, and what the host knows of its devices. */
struct rule_definition {
    const struct domain_facts *facts;
    uint32_t gpus;       /* whole ones, and parts of them */
    uint32_t whole_gpus; /* among these */
    uint32_t vgpus;      /* among these */
    enum tristate saved; /* has the VM a saved state? */
    uint64_t bars_kib;   /* of its whole GPUs */
    /* Size of the 64-bit PCI window: as it is, and as the BARs need it (0: it is enough). */
    uint64_t window_kib, window_needed_kib;
};

/* What src/lint found at one place of a definition, in its words. */
struct rule_fault {
    const char *kind, *text, *advice;
};

/* What the rules look at. `gpu` may be NULL (offline): rules about observed facts don't apply then.
 * `spec` may be NULL where no claim is judged. */
struct rule_facts {
    const struct claim_spec *spec; /* mode already resolved */
    const struct gpu_model *model;
    const struct cat_vgpu_type *type;  /* NULL without a vGPU */
    const struct cat_profile *profile; /* GI profile, NULL without */
    const struct gpu *gpu;
    const struct gpu_scheduler *scheduler;  /* that the GPU has or will have; NULL unknown */
    bool has_vm;                            /* the claim names a VM */
    const char *claim;                      /* its name; NULL unknown */
    const struct rule_overrides *overrides; /* of the claim; NULL: none */
    const struct rule_other *other;         /* another claim of its VM; NULL: it alone is judged */
    const struct host *host;                /* NULL unknown */
    /* Versions on the host, if they are not those of `host`, and of NVIDIA's driver in the guest;
     * NULL or "" unknown. */
    const char *libvirt, *driver, *qemu, *kernel, *guest_driver;
    const char *guest;                        /* the VM that is asked about; NULL: none */
    const struct rule_definition *definition; /* NULL: none is judged */
    const struct domain_device *device;       /* of that; NULL: the definition as a whole */
    const struct rule_fault *fault;           /* that a walk of it found; NULL: none */
    const struct vgpu_params *params;         /* of the claim's vGPU; NULL: nothing was said */
    const struct need *need; /* that the claim is to serve; NULL: none was stated */
    licence_set licences;    /* each alone covers the claim; 0: it needs none */
    /* A migration's two sides; only the rules that apply to migrations look at them. */
    const struct migration_facts *source, *target;
    const struct given_facts *given; /* instead of all of the above; NULL: none */
};

#endif

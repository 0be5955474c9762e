/* SPDX-License-Identifier: Apache-2.0 */
/* What the walks of a definition share. Private to src/lint. */
#ifndef LINT_LINT_RULE_H
#define LINT_LINT_RULE_H

#include "lint/finding.h"
#include "model/claim.h"
#include "model/domain_facts.h"
#include "model/host_device.h"

/* Why a device has to leave the definition: no rule says then how to keep it there. */
enum leaves {
    LEAVES_NOT,
    LEAVES_TWICE,   /* it is there already */
    LEAVES_FOREIGN, /* a claim has it, which is not this VM's */
    LEAVES_STALE,   /* it has the alias of a claim that is not there, or not this VM's */
    LEAVES_NOTHING, /* no claim has it, and there is nothing at its place */
};

/* A device of the definition, and what the host knows of it. */
struct seen {
    const struct domain_device *device;
    enum host_device_state state;
    const struct gpu *gpu;     /* NULL: of no GPU that is there */
    bool whole;                /* the GPU itself */
    const struct vf *vf;       /* the enabled VF, or NULL */
    const struct vgpu *vgpu;   /* that it carries now, or NULL */
    const struct claim *claim; /* that has it, or NULL */
    const struct claim *meant; /* of this VM, with another device, whose alias it has; or NULL */
    enum leaves leaves;
    bool mended;   /* a rule has said how to mend its element */
    char name[64]; /* address or UUID */
};

/* What a walk of the definition found: facts for the rules (rules/rule_facts.h). */
struct fault {
    const char *kind;
    enum severity severity; /* SEVERITY_COUNT: the rule's; else milder, or worse for this VM */
    uint32_t line;
    const char *element;
    char message[ERROR_TEXT_SIZE];
    char advice[ERROR_TEXT_SIZE];
};

struct lint {
    const struct domain_facts *facts;
    const struct host *host;
    const struct claims *claims;
    VEC(struct seen) seen;
    const char *kind; /* of the faults that are looked for now */
    VEC(struct fault) faults;
    struct findings *findings;
};

typedef void lint_fn(struct lint *lint);

/* Adds a fault of the kind that is looked for; element without <>, static. Valid until the next. */
struct fault *lint_find(struct lint *lint, uint32_t line, const char *element, const char *fmt, ...)
    PRINTF_ATTR(4, 5);
void lint_advise(struct fault *fault, const char *fmt, ...) PRINTF_ATTR(2, 3);

/* What mends the device's element; where no claim has the device, also how to claim one instead. */
void lint_advise_mend(struct lint *lint, struct fault *fault, struct seen *seen, const char *mend);
/* To remove the device, and to claim one on its GPU, if it is there. */
void lint_advise_claim(const struct lint *lint, struct fault *fault, const struct seen *seen);
/* Is it a claim of this VM? */
bool lint_is_ours(const struct lint *lint, const struct claim *claim);
/* Does one of its claims ask for migration? */
bool lint_must_migrate(const struct lint *lint);
/* Is it the same device? */
bool lint_is_same(const struct domain_device *a, const struct domain_device *b);
/* "hostdev", or "interface". */
const char *lint_element(const struct seen *seen);

/* Asks the rules of definitions about it, its devices and the faults (data_rules.c). */
struct rules;
void lint_ask_rules(struct lint *lint, const struct rules *rules);

/* device_rules.c */
lint_fn lint_managed_vgpu, lint_unmanaged_gpu, lint_absent, lint_no_vgpu, lint_by_hand,
    lint_other_claim, lint_stale_alias, lint_twice, lint_shared, lint_old_libvirt, lint_wide_domain,
    lint_gpu_problem, lint_group;
/* machine_rules.c */
lint_fn lint_two_displays, lint_no_viewer, lint_ramfb_alone, lint_numa, lint_memory_limit,
    lint_viommu, lint_emulator_args, lint_i440fx;
/* claim_rules.c */
lint_fn lint_claim_missing, lint_claim_failed, lint_saved_state, lint_claim_intruded,
    lint_cannot_move, lint_autostart;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A plan: the ordered steps from what is observed to what is wanted, each with its undo. */
#ifndef MODEL_PLAN_H
#define MODEL_PLAN_H

#include <jansson.h>

#include "base/error.h"
#include "base/vec.h"
#include "model/claim.h"
#include "model/host.h"

/* Both name a VM at most, and say little next to it. */
#define PLAN_REASON_SIZE 384
#define STEP_TEXT_SIZE 384

/* Which port applies a step. */
enum port_kind { PORT_GPU, PORT_PCI, PORT_GUEST };

/* X(symbol, name, port, text). One row per kind of change cleave can make. */
#define STEP_MAP(X)                                                                                \
    X(COMPANION_VFIO, "companion-vfio", PORT_PCI, "bind a companion of the GPU to vfio-pci")       \
    X(BIND_VFIO, "bind-vfio", PORT_PCI, "bind the whole GPU to vfio-pci")                          \
    X(BIND_NVIDIA, "bind-nvidia", PORT_PCI, "bind the GPU to the host's driver")                   \
    X(COMPANION_HOME, "companion-home", PORT_PCI,                                                  \
      "bind a companion of the GPU to the host's driver")                                          \
    X(MIG_ENABLE, "mig-enable", PORT_GPU, "turn MIG mode on")                                      \
    X(MIG_DISABLE, "mig-disable", PORT_GPU, "turn MIG mode off")                                   \
    X(GPU_RESET, "gpu-reset", PORT_PCI, "reset the GPU, with all instances and vGPUs on it")       \
    X(PCI_RESCAN, "pci-rescan", PORT_PCI, "remove the GPU from the bus and scan for it")           \
    X(SRIOV_ENABLE, "sriov-enable", PORT_PCI, "enable virtual functions")                          \
    X(SRIOV_DISABLE, "sriov-disable", PORT_PCI, "disable virtual functions")                       \
    X(MIXED_ON, "mixed-on", PORT_GPU, "allow mixed vGPU sizes")                                    \
    X(MIXED_OFF, "mixed-off", PORT_GPU, "return to equal vGPU sizes")                              \
    X(SCHEDULER_SET, "scheduler-set", PORT_GPU, "set the scheduler of time-sliced vGPUs")          \
    X(GI_CREATE, "gi-create", PORT_GPU, "create a GPU instance")                                   \
    X(GI_DESTROY, "gi-destroy", PORT_GPU, "destroy a GPU instance")                                \
    X(CI_CREATE, "ci-create", PORT_GPU, "create the default compute instance")                     \
    X(CI_DESTROY, "ci-destroy", PORT_GPU, "destroy the compute instances")                         \
    X(VGPU_CREATE, "vgpu-create", PORT_PCI, "create a vGPU")                                       \
    X(VGPU_DELETE, "vgpu-delete", PORT_PCI, "delete a vGPU")                                       \
    X(VGPU_PARAMS, "vgpu-params", PORT_PCI, "write a vGPU's parameters again")                     \
    X(ATTACH, "attach", PORT_GUEST, "put the device into the VM's definition")                     \
    X(DETACH, "detach", PORT_GUEST, "remove the device from the VM's definition")

enum step_kind {
#define STEP_ENUM(sym, name, port, text) STEP_##sym,
    STEP_MAP(STEP_ENUM)
#undef STEP_ENUM
        STEP_KIND_COUNT
};
WORDS_DECLARE(step_kind, step_kind_words)
enum port_kind step_kind_port(enum step_kind kind);

/* planned → running → done; what failed or is done → undoing → failed or undone; stuck when the
 * undo fails. A step whose check fails goes from planned to failed: nothing of it was applied. */
enum step_state {
    STEP_PLANNED,
    STEP_RUNNING,
    STEP_DONE,
    STEP_FAILED,
    STEP_UNDOING,
    STEP_UNDONE,
    STEP_STUCK,
    STEP_STATE_COUNT
};
WORDS_DECLARE(step_state, step_state_words)

/* One change. Only the fields that the kind needs are set; the rest is zero or NO_ID. */
struct step {
    enum step_kind kind;
    struct pci_addr gpu;       /* always: the GPU's PF */
    char board[GPU_UUID_SIZE]; /* its UUID when the plan was stored, "" unknown */
    char claim[NAME_SIZE];     /* claim it serves, "" if none */
    char vm[VM_NAME_SIZE];     /* ATTACH, DETACH: domain; else VM that the step touches, or "" */
    char vm_uuid[40];          /* of that VM, which may be renamed meanwhile; "" unknown */
    uint32_t profile_id;       /* GI_*: driver's GI profile id */
    char profile[NAME_SIZE];   /* GI_*: its name */
    /* GI_*: placement, always given; identifies the GI. VGPU_*: that of the GI that the vGPU
     * belongs on; NO_ID when it may be on any, or is on none. */
    uint32_t start, size;
    uint32_t gi_id;            /* VGPU_*: of that GI; NO_ID until it is made, or not known */
    uint32_t fillers;          /* VGPU_CREATE: most places elsewhere that the driver could choose */
    uint32_t type_id;          /* VGPU_*: NO_ID = find by name */
    char type[NAME_SIZE];      /* VGPU_* */
    struct pci_addr device;    /* VGPU_*, ATTACH, DETACH: VF, or PF for pass-through; COMPANION_*;
                                * BIND_VFIO: the GPU itself, or the one of its IOMMU group for whose
                                * sake it is bound */
    char driver[32];           /* COMPANION_*: the host's, which it has or gets back */
    char mdev_uuid[40];        /* set: mdev interface */
    uint32_t placement_id;     /* VGPU_CREATE in mixed mode, else NO_ID */
    struct vgpu_params params; /* VGPU_*: of the vGPU, wanted */
    /* SCHEDULER_SET, GI_CREATE for vGPUs that share it: wanted; GI_CREATE else: unknown. */
    struct gpu_scheduler scheduler;
    struct gpu_scheduler former; /* SCHEDULER_SET, GI_DESTROY: before it, for the undo */
    uint64_t mmio_bytes;         /* ATTACH, DETACH: the GPU's (model/host.h); 0 unknown */
    int32_t numa_node;           /* ATTACH, DETACH: the GPU's; -1 unknown */
    bool keeps;       /* ATTACH, DETACH: the claim changes its device, its element's rest stays */
    bool was_pending; /* MIG_*: the mode was pending before, and stays so where it can't be reached
                       */
    enum step_state state;
    char problem[ERROR_TEXT_SIZE];
    char hint[512];     /* what to do about it; "" */
    enum reason reason; /* of the problem; NONE in a step that was stored and read again */
    /* Read back by apply, and how a claim learns what it got: */
    uint32_t assigned_gi_id;           /* GI_CREATE, VGPU_CREATE on a GI; NO_ID otherwise */
    char assigned_uuid[GPU_UUID_SIZE]; /* CI_CREATE: MIG device */
};
/* The one way to change a step's state: a move that its machine lacks is a bug, and ends the
 * process. */
void step_move(struct step *step, enum step_state to);
/* May the step have changed something that stands? */
bool step_was_begun(const struct step *step);
/* A step with all ids NO_ID and state planned. */
struct step step_make(enum step_kind kind, const struct pci_addr *gpu);
/* What an ATTACH, a DETACH that is undone, or a MIG_* needs to know of the GPU (NULL: nothing is
 * known) next to its address; other kinds are left alone. */
void step_set_gpu(struct step *step, const struct gpu *gpu);
/* The GPU instance that a VGPU_* step is about. */
void step_set_instance(struct step *step, const struct gi *gi);
/* Claim and VM that it serves. */
void step_set_claim(struct step *step, const struct claim *claim);
/* The step that takes this one back, for `apply`ing in reverse: a GI_DESTROY's undo is a GI_CREATE
 * at the same placement, an ATTACH's a DETACH, and so on. Only of a kind that has one. */
struct step step_undo(const struct step *step);
/* Can it be taken back? Not a reset: what it wiped is gone. */
bool step_has_undo(enum step_kind kind);
/* "create GPU instance 1g.24gb+gfx at 3 on 0000:41:00.0"; returns out. */
const char *step_describe(const struct step *step, char *out, size_t size);

enum plan_state {
    PLAN_PLANNED,
    PLAN_RUNNING,
    PLAN_DONE,
    PLAN_UNDOING,
    PLAN_UNDONE,
    PLAN_STUCK,
    PLAN_FAILED,    /* of one that is not undone: it ended at a step that failed */
    PLAN_CANCELLED, /* undone, as it was asked for: claims are as they were before */
    PLAN_STATE_COUNT
};
WORDS_DECLARE(plan_state, plan_state_words)

/* A claim's fate when the plan is done. Names are stored and never change. */
enum plan_verb {
    PLAN_BIND,
    PLAN_RELEASE,
    PLAN_KEEP,
    PLAN_DEALLOCATE, /* on-demand: it holds nothing and waits for its VM, whose definition names a
                      * device
                      */
    /* Stays bound, whatever becomes of the plan, and learns where its device is now. */
    PLAN_RESTORE,
};
WORDS_DECLARE(plan_verb, plan_verb_words)
struct plan_claim {
    enum plan_verb verb;
    struct claim claim; /* with the assignment it will have (BIND) or has (RELEASE, KEEP) */
};

/* A GPU instance in the light of the plan, for the reader. */
struct plan_instance {
    struct pci_addr gpu;
    char profile[NAME_SIZE];
    uint32_t start, size;
    char what[12]; /* "kept", "created", "destroyed" */
};

struct plan_vm {
    char name[VM_NAME_SIZE];
};

/* A virtual function that was free when the plan was made, and that no VM names: while a step makes
 * a vGPU, fillers may stand there (exec/seat.h). */
struct plan_spare {
    struct pci_addr gpu;
    struct pci_addr device;
};

/* A VM that is off, and will not start after the plan: its definition names by hand, for no claim,
 * what the plan takes. */
struct plan_bar {
    char vm[VM_NAME_SIZE];
    struct pci_addr device; /* of an mdev, the function that carries it */
    char mdev_uuid[40];     /* by which the definition names an mdev; "" */
};

/* A thing in the place of something that the plan gives back, and stays: another tool made it.
 * One sentence, for the reader. */
struct plan_left {
    char text[ERROR_TEXT_SIZE];
};

/* A claim that stays bound, and is given another place, maybe on another GPU, to make room for
 * others.
 */
struct plan_move {
    char claim[NAME_SIZE];
    struct assignment from, to;
};
#define MOVE_TEXT_SIZE 256
/* "move claim "b" from 4 to 0 on 0000:41:00.0": the first memory slices of its GPU instances, or
 * its placement ids; or "from 0000:41:00.0 to 0000:61:00.0"; returns out. */
const char *plan_move_text(const struct plan_move *move, char *out, size_t size);

/* A claim on a GPU of the plan that was without its device before, and that the plan is not about;
 * or one that comes, and whose VM has a device by hand already. One sentence, for the reader. */
struct plan_warning {
    char claim[NAME_SIZE];
    char text[ERROR_TEXT_SIZE];
};

struct plan {
    char id[40];
    char author[NAME_SIZE];
    char reason[PLAN_REASON_SIZE]; /* "claim create web1", "apply site.yaml" */
    enum plan_state state;
    /* A restoration: each step is wanted for itself. When one fails, that one is undone, the plan
     * is failed, and what was done before it stays. */
    bool no_undo;
    uint64_t created_us;
    uint64_t finished_us; /* 0 until finished */
    char problem[ERROR_TEXT_SIZE];
    char cancelled_by[NAME_SIZE]; /* who asked for its cancel; "": it goes forward */
    /* Of one that is planned, what is known only on the way; for the reader, and not stored. */
    char later[ERROR_TEXT_SIZE];
    VEC(struct step) steps;
    VEC(struct plan_claim) claims;
    VEC(struct plan_instance) instances;
    VEC(struct plan_vm) vms; /* that a step touches, each once */
    VEC(struct plan_spare) spares;
    VEC(struct plan_bar) bars;
    VEC(struct plan_left) left;
    VEC(struct plan_move) moves;
    VEC(struct plan_warning) warnings;
};

/* What to do about the step at which the plan ended; "": that is not known. Borrowed. */
const char *plan_hint(const struct plan *plan);
struct plan *plan_new(void);
/* Has it a step about the GPU? */
bool plan_changes_gpu(const struct plan *plan, const struct pci_addr *gpu);
/* Marks what takes one device of a claim out of a definition and puts another one in. */
void plan_mark_changes(struct plan *plan);
void plan_free(struct plan *plan);
/* As step_move(). */
void plan_move(struct plan *plan, enum plan_state to);
/* Has its cancel been asked for? It is undone then, or was. */
bool plan_is_cancelled(const struct plan *plan);
/* Does it stay in its state? One that is planned has not begun. */
bool plan_is_over(const struct plan *plan);
/* May a step have changed something that stands? */
bool plan_was_begun(const struct plan *plan);
/* The step failed, and that is the plan's problem. */
void plan_blame_step(struct plan *plan, size_t at, const struct error *err);
/* The step can't be undone either: its problem and its hint are that, and the plan's names both. */
void plan_blame_undo(struct plan *plan, size_t at, const struct error *err);
/* Its problem is that it was cancelled, unless it has another one. */
void plan_blame_cancel(struct plan *plan);
/* 0, or why its steps can't be taken back now: -CONFLICT. */
int plan_check_cancel(const struct plan *plan, struct error *err);
DEFINE_FREEP(struct plan *, plan_free)
struct plan *plan_copy(const struct plan *plan);
/* Adds it to plan->vms, unless it is there or "". */
void plan_name_vm(struct plan *plan, const char *vm);

extern const struct schema step_schema;
extern const struct schema plan_schema;
json_t *step_to_json(const struct step *step);
json_t *plan_to_json(const struct plan *plan);
int plan_from_stored_json(const json_t *json, struct plan **ret_plan, struct error *err);

/* What the plan does so to the claim of that name; NULL: nothing. Borrowed from the plan. */
const struct plan_claim *plan_find_claim(const struct plan *plan, enum plan_verb verb,
                                         const char *name);
/* Was the claim there before the plan? */
bool plan_claim_is_old(const struct plan_claim *entry);
/* A claim of a site that is replaced is both released and bound (or deallocated), under one name:
 * is this its release? */
bool plan_claim_is_replaced(const struct plan *plan, const struct plan_claim *entry);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A claim: what one VM needs, and what it got. */
#ifndef MODEL_CLAIM_H
#define MODEL_CLAIM_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "base/vec.h"
#include "base/words.h"
#include "model/host.h"
#include "model/later_keys.h"
#include "model/need.h"
#include "model/rule_override.h"
#include "model/vgpu_params.h"
#include "schema/schema.h"

/* The five ways to give a VM a GPU. Names are stored and never change. */
enum claim_mode {
    CLAIM_PASSTHROUGH,            /* "passthrough" */
    CLAIM_TIME_SLICED,            /* "time-sliced" */
    CLAIM_MIG_BACKED,             /* "mig-backed" */
    CLAIM_TIME_SLICED_MIG_BACKED, /* "time-sliced-mig-backed" */
    CLAIM_GPU_INSTANCE,           /* "gpu-instance": a bare GI with its default CI, for the host */
    CLAIM_MODE_COUNT,
    CLAIM_MODE_AUTO = CLAIM_MODE_COUNT /* "auto": follows from the type or profile */
};
WORDS_DECLARE(claim_mode, claim_mode_words)

/* Is the device reserved while the VM is off? Names are stored and never change. */
enum claim_hold {
    CLAIM_HELD,      /* "held": from the claim's creation to its end */
    CLAIM_ON_DEMAND, /* "on-demand": allocated from what is free when its VM starts, released after
                      */
    CLAIM_HOLD_COUNT
};
WORDS_DECLARE(claim_hold, claim_hold_words)

/* pending → binding → bound → releasing → released, and failed. An on-demand claim is pending while
 * its VM is off. */
enum claim_state {
    CLAIM_PENDING,
    CLAIM_BINDING,
    CLAIM_BOUND,
    CLAIM_RELEASING,
    CLAIM_RELEASED,
    CLAIM_FAILED,
    CLAIM_STATE_COUNT
};
WORDS_DECLARE(claim_state, claim_state_words)

struct claim_spec {
    enum claim_mode mode;    /* AUTO until admission resolves it */
    char gpu[GPU_UUID_SIZE]; /* selector: BDF, UUID, index or catalog key; "" any */
    char type[NAME_SIZE];    /* vGPU type, e.g. "L40S-8Q"; for the vGPU modes */
    char profile[NAME_SIZE]; /* GI profile, e.g. "2g.10gb"; for gpu-instance, optional otherwise */
    uint32_t start;          /* wanted first memory slice of the GI; NO_ID any */
    bool mixed;              /* may share a GPU with other sizes (heterogeneous mode) */
    enum guest_os guest;
    bool migratable; /* must be able to live-migrate */
    enum claim_hold hold;
};

/* Is the claim's GPU at its address? Asked where the GPU's UUID is not known; a UUID says more. */
enum claim_board {
    CLAIM_BOARD_HERE,      /* it was put there in this boot */
    CLAIM_BOARD_OLD_BOOT,  /* it was in an earlier boot, and nothing tells that it moved */
    CLAIM_BOARD_ELSEWHERE, /* what is there is another claim's, or may be another board */
    CLAIM_BOARD_COUNT
};
WORDS_DECLARE(claim_board, claim_board_words)

/* What a bound claim holds; what a binding one will hold. Empty gpu: nothing. */
struct assignment {
    struct pci_addr gpu;
    bool set;                     /* the fields below mean something */
    char gpu_uuid[GPU_UUID_SIZE]; /* "" while the driver has not said it */
    enum claim_board board;
    char profile[NAME_SIZE];      /* "" when not on a GI */
    uint32_t gi_id;               /* NO_ID until created */
    uint32_t start, size;         /* of the GI, in memory slices; NO_ID without one */
    uint32_t type_id;             /* NO_ID when there is no vGPU */
    struct pci_addr device;       /* what the VM gets: the VF, or the PF for pass-through */
    char mdev_uuid[40];           /* set for mdev vGPUs: then it is the device */
    uint32_t placement_id;        /* NO_ID unless mixed-size */
    char mig_uuid[GPU_UUID_SIZE]; /* bare GPU instance: its MIG device */
};

/* A device by name: what a VM's stored definition has. It may not exist while the VM is off. */
struct claim_device {
    bool set;
    struct pci_addr gpu;
    struct pci_addr device; /* VF, or PF for pass-through */
    char mdev_uuid[40];     /* set: mdev; any GPU with mdevs can make it */
};

/* Words that were typed next to a need. What else the spec says of these was chosen for it. */
struct claim_words {
    bool set;
    enum claim_mode mode;
    char type[NAME_SIZE];
    char profile[NAME_SIZE];
    uint32_t start;
};

#define CHOICE_TEXT_SIZE 256

struct claim {
    char name[NAME_SIZE]; /* unique on a host; parse_name() */
    char tenant[NAME_SIZE];
    char author[NAME_SIZE];
    char site[NAME_SIZE];  /* name of the site file that owns it, "" when made by hand */
    char vm[VM_NAME_SIZE]; /* libvirt domain, "" for a claim without a VM */
    struct claim_spec spec;
    bool has_need; /* the spec's words follow from the need, unless they were typed next to it */
    struct need need;
    struct claim_words typed;
    char choice[CHOICE_TEXT_SIZE];   /* what was chosen for the need, and why; "" */
    uint32_t count;                  /* a person's wish for so many like it; 0: 1 */
    struct rule_overrides overrides; /* soft rules that do not bind it */
    struct vgpu_params params;       /* of its vGPU */
    enum claim_state state;
    struct assignment assigned;
    struct claim_device reserved; /* on-demand: what the VM's definition names, held or not */
    char vm_uuid[40];             /* of its VM, once seen: a renamed VM keeps its claims */
    /* Of the VM that it had when another took over its name, though the end of the first was not
     * seen: the end of the other alone releases nothing. "" none. */
    char vm_uuid_before[40];
    char problem[ERROR_TEXT_SIZE]; /* why it failed, or (pending) was not allocated last time; "" */
    uint64_t version;              /* grows with each stored change */
    uint64_t created_us;           /* realtime */
    char later[LATER_KEYS_SIZE];   /* what a later version stored of it: later_keys.h */
    bool was_bound;      /* it had its device once, or was pending on demand: its VM needs it */
    uint64_t vm_gone_us; /* realtime: since when its VM is known to be gone; 0 it isn't */
};

struct claims {
    struct claim *items;
    size_t n;
    size_t cap;
};

extern const struct schema claim_schema;
extern const struct schema assignment_schema;  /* null: it isn't set */
extern const struct schema claim_words_schema; /* the same */
/* Reads the user's form: {name, tenant?, vm?, mode?, gpu?, type?, profile?, start?, mixed?,
 * guest?, migratable?, hold?, params?, need?, count?}. Unknown keys refused. `origin`/`path` as in
 * base/json.h. */
int claim_from_json(const json_t *json, const char *origin, const char *path,
                    struct claim *ret_claim, struct error *err);
/* Makes one of what a person wrote as words and as a need. -INVALID with both words of two that
 * contradict each other. What is stored is as it was accepted, and is not asked again. */
int claim_settle_need(struct claim *claim, const char *origin, const char *path, struct error *err);
/* The form that is stored, and that the API answers: the user's, and what cleaved knows of the
 * claim. Schema Claim in api/openapi.yaml. */
json_t *claim_to_json(const struct claim *claim);
/* Reads what claim_to_json() wrote (the store's form). */
/* With what a later version stored, which the API does not show. */
json_t *claim_to_stored_json(const struct claim *claim);
int claim_from_stored_json(const json_t *json, struct claim *ret_claim, struct error *err);
/* The parameters that its vGPU is made with: its own, and what its need implies besides. */
struct vgpu_params claim_params(const struct claim *claim);
/* Has its vGPU other parameters than it asks for? `why` (unless NULL) says which. False also where
 * they can't be read. */
bool claim_params_differ(const struct claim *claim, const struct vgpu *vgpu, char *why,
                         size_t size);
struct claim *claims_find(const struct claims *claims, const char *name);
/* Has it a need, for which nothing is chosen yet? Then planner and admission choose. */
bool claim_is_open(const struct claim *claim);
/* Do both ask for the same: words, need and parameters? Not whose they are, nor for which VM. */
bool claim_asks_for_the_same(const struct claim *a, const struct claim *b);
/* Forgets what was chosen for its need, so that it is chosen again; else the claim stays. */
void claim_reopen(struct claim *claim);
/* Appends the claim so often as its count and its need's GPUs say: of count 3 "web" is web-1 to
 * web-3 of VMs NAME-1 to NAME-3, of 2 GPUs web-1 and web-2 of one VM. A count of 1 makes web-1, so
 * that a larger one later leaves it as it is. -INVALID. */
int claim_spread(const struct claim *claim, struct claims *ret_claims, struct error *err);
/* The one way to change a claim's state: a move that its machine lacks is a bug, and ends the
 * process. */
void claim_move(struct claim *claim, enum claim_state to);
/* Does the claim hold, or is it about to hold, something on a GPU? */
bool claim_holds(const struct claim *claim);
/* Is another board at the address of the claim's GPU now, as the driver's UUIDs say? Boards move to
 * other slots and are taken out. */
bool claim_is_displaced(const struct claim *claim, const struct host *host);
/* What a claim that holds something, and one that is to, can't both have: one device, or a whole
 * GPU and a part of it. */
bool claim_collides(const struct claim *a, const struct claim *b);
/* Does the claim hold something on this GPU: at its address, unless that is another board now? */
bool claim_is_on(const struct claim *claim, const struct gpu *gpu);
/* The claim's GPU, borrowed of the host; NULL: it holds nothing, or its GPU is not at its address.
 */
struct gpu *claim_find_gpu(const struct claim *claim, const struct host *host);
/* Does what a claim of the mode has share the time of a GPU, or of a GPU instance, with others? */
bool claim_mode_shares_time(enum claim_mode mode);
/* Is what it has, or will have, a vGPU? */
bool claim_has_vgpu(const struct claim *claim);
/* The device that the VM's definition has for the claim: what it holds, or else what is named for
 * it. False: none. */
bool claim_device(const struct claim *claim, struct claim_device *ret_device);
/* Is it the same device: by mdev UUID if there is one, else by address? */
bool claim_device_is(const struct claim_device *a, const struct pci_addr *device,
                     const char *mdev_uuid);
/* Is its device a mediated one: what it holds, or what it will get, as its GPU's vGPUs are made
 * now?
 */
enum tristate claim_is_mdev(const struct claim *claim, const struct host *host);
/* The vGPU that stands where the claim's does: under its UUID, or on its function; NULL: none. It
 * may be another one, which another tool made there: claim_is_vgpu() goes by the record of what
 * cleave made and by the types, and takes what neither tells for the claim's. Borrowed of the GPU.
 */
const struct vgpu *claim_vgpu_at(const struct claim *claim, const struct gpu *gpu);
bool claim_is_vgpu(const struct claim *claim, const struct vgpu *vgpu);
/* Does the claim want its GPU instance to itself? */
bool claim_is_exclusive(const struct claim *claim);
/* A vGPU on the GPU instance that the claim has to itself, which is not its own; NULL: none is
 * seen, as by mdev, which doesn't say on which instance one is. Borrowed of the GPU. */
const struct vgpu *claim_find_intruder(const struct claim *claim, const struct gpu *gpu);
/* Does the claim belong to this VM? By UUID once that is known, else by name. */
bool claim_is_of(const struct claim *claim, const char *vm_name, const char *vm_uuid);

#endif

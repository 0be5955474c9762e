/* SPDX-License-Identifier: Apache-2.0 */
#include "model/claim.h"

#include <string.h>

#include "base/sm.h"
#include "base/str.h"

WORDS_DEFINE(claim_mode_words, "claim mode", CLAIM_MODE_COUNT + 1,
             WORD(CLAIM_PASSTHROUGH, "passthrough"), WORD(CLAIM_TIME_SLICED, "time-sliced"),
             WORD(CLAIM_MIG_BACKED, "mig-backed"),
             WORD(CLAIM_TIME_SLICED_MIG_BACKED, "time-sliced-mig-backed"),
             WORD(CLAIM_GPU_INSTANCE, "gpu-instance"), WORD(CLAIM_MODE_AUTO, "auto"))

WORDS_DEFINE(claim_hold_words, "hold", CLAIM_HOLD_COUNT, WORD(CLAIM_HELD, "held"),
             WORD(CLAIM_ON_DEMAND, "on-demand"))

WORDS_DEFINE(claim_board_words, "claim's board", CLAIM_BOARD_COUNT, WORD(CLAIM_BOARD_HERE, "here"),
             WORD(CLAIM_BOARD_OLD_BOOT, "as-before-boot"), WORD(CLAIM_BOARD_ELSEWHERE, "elsewhere"))

#define TO(state) SM_TO(CLAIM_##state)
static const struct word claim_state_rows[] = {
    /* An on-demand claim waits here for its VM, before and after it has its device. */
    [CLAIM_PENDING] = {.name = "pending",
                       .next = TO(BINDING) | TO(RELEASING),
                       .initial = true,
                       .final = true},
    [CLAIM_BINDING] = {.name = "binding", .next = TO(BOUND) | TO(PENDING) | TO(FAILED)},
    [CLAIM_BOUND] = {.name = "bound", .next = TO(RELEASING), .final = true},
    /* Back to where it came from when the release was undone. */
    [CLAIM_RELEASING] = {.name = "releasing",
                         .next = TO(RELEASED) | TO(BOUND) | TO(PENDING) | TO(FAILED)},
    [CLAIM_RELEASED] = {.name = "released", .final = true},
    [CLAIM_FAILED] = {.name = "failed", .next = TO(RELEASING), .final = true},
};
#undef TO
WORDS_OF(claim_state_words, "claim", claim_state_rows, CLAIM_STATE_COUNT)

void claim_move(struct claim *claim, enum claim_state to)
{
    sm_go(&claim_state_words, &claim->state, to);
}

/* ---- needs ---- */

static struct claim_words typed_words(const struct claim *claim)
{
    const struct claim_words none = {.mode = CLAIM_MODE_AUTO, .start = NO_ID};
    return claim->typed.set ? claim->typed : none;
}

bool claim_asks_for_the_same(const struct claim *a, const struct claim *b)
{
    const struct claim_spec *x = &a->spec;
    const struct claim_spec *y = &b->spec;
    return x->mode == y->mode && x->start == y->start && x->mixed == y->mixed &&
           x->guest == y->guest && x->migratable == y->migratable && str_eq(x->gpu, y->gpu) &&
           str_eq(x->type, y->type) && str_eq(x->profile, y->profile) &&
           vgpu_params_equal(&a->params, &b->params) && a->has_need == b->has_need &&
           (!a->has_need || need_is_same(&a->need, &b->need));
}

bool claim_is_open(const struct claim *claim)
{
    const struct claim_words typed = typed_words(claim);
    const struct claim_spec *spec = &claim->spec;
    return claim->has_need && spec->mode == typed.mode && str_eq(spec->type, typed.type) &&
           str_eq(spec->profile, typed.profile) && spec->start == typed.start;
}

void claim_reopen(struct claim *claim)
{
    if (!claim->has_need) {
        return;
    }
    const struct claim_words typed = typed_words(claim);
    claim->spec.mode = typed.mode;
    STR_SET(claim->spec.type, typed.type);
    STR_SET(claim->spec.profile, typed.profile);
    claim->spec.start = typed.start;
    claim->choice[0] = '\0';
}

/* ---- several at once ---- */

static int number_name(const struct claim *claim, uint32_t number, char *name, size_t size,
                       const char *what, struct error *err)
{
    char suffix[16];
    size_t len = strlen(name);
    str_print(suffix, sizeof(suffix), "-%u", number);
    if (len + strlen(suffix) >= size) {
        return error_set(err, REASON_INVALID, SUBJECT("claim", claim->name),
                         "the %s \"%s\" has no room for the number \"%s\" behind it", what, name,
                         suffix);
    }
    (void)str_copy(name + len, size - len, suffix);
    return 0;
}

int claim_spread(const struct claim *claim, struct claims *ret_claims, struct error *err)
{
    uint32_t n = claim->count > 1 ? claim->count : 1;
    bool numbered = claim->count > 0; /* also one, so that more later leave it as it is */
    uint32_t gpus = claim->has_need && claim->need.gpus > 1 ? claim->need.gpus : 1;
    if (gpus > 1 && claim->vm[0] == '\0') {
        error_set(err, REASON_INVALID, SUBJECT("claim", claim->name),
                  "claim \"%s\" needs %u GPUs in one VM, and names no VM", claim->name, gpus);
        error_hint(err, "name the VM, or write count: %u for as many claims", gpus);
        return -REASON_INVALID;
    }
    if (n * gpus > NEED_MAX_COUNT) {
        return error_set(err, REASON_INVALID, SUBJECT("claim", claim->name),
                         "%u times %u GPUs are more than %d claims", n, gpus, NEED_MAX_COUNT);
    }
    for (uint32_t i = 0; i < n * gpus; i++) {
        struct claim one = *claim;
        int r = 0;
        one.count = 0;
        if (numbered) {
            r = number_name(claim, i / gpus + 1, one.name, sizeof(one.name), "name", err);
        }
        if (r == 0 && numbered && one.vm[0] != '\0') {
            r = number_name(claim, i / gpus + 1, one.vm, sizeof(one.vm), "VM's name", err);
        }
        if (r == 0 && gpus > 1) {
            r = number_name(claim, i % gpus + 1, one.name, sizeof(one.name), "name", err);
        }
        if (r != 0) {
            return r;
        }
        *vec_push(ret_claims) = one;
    }
    return 0;
}

struct claim *claims_find(const struct claims *claims, const char *name)
{
    for (size_t i = 0; i < claims->n; i++) {
        if (str_eq(claims->items[i].name, name)) {
            return &claims->items[i];
        }
    }
    return NULL;
}

struct vgpu_params claim_params(const struct claim *claim)
{
    struct vgpu_params params = claim->params;
    if (claim->has_need && claim->need.unified_memory && params.unified_memory == TRI_UNKNOWN) {
        params.unified_memory = TRI_YES;
        params.set = true;
    }
    return params;
}

bool claim_params_differ(const struct claim *claim, const struct vgpu *vgpu, char *why, size_t size)
{
    char own[ERROR_TEXT_SIZE];
    const struct vgpu_params wanted = claim_params(claim);
    return vgpu_params_any(&wanted) && vgpu->params_known &&
           !vgpu_params_serve(&wanted, vgpu->params, why != NULL ? why : own,
                              why != NULL ? size : sizeof(own));
}

bool claim_holds(const struct claim *claim)
{
    return claim->assigned.set && claim->state != CLAIM_RELEASED;
}

static bool is_other_board(const struct claim *claim, const struct gpu *gpu)
{
    const char *is = gpu_known_uuid(gpu);
    const char *own = claim->assigned.gpu_uuid;
    if (own[0] == '\0') {
        return claim->assigned.board == CLAIM_BOARD_ELSEWHERE;
    }
    return is[0] != '\0' && !str_eq_case(is, own);
}

bool claim_is_displaced(const struct claim *claim, const struct host *host)
{
    const struct gpu *gpu =
        host == NULL || !claim_holds(claim) ? NULL : host_find_gpu_addr(host, &claim->assigned.gpu);
    return gpu != NULL && is_other_board(claim, gpu);
}

bool claim_is_on(const struct claim *claim, const struct gpu *gpu)
{
    return claim_holds(claim) && pci_addr_cmp(&claim->assigned.gpu, &gpu->addr) == 0 &&
           !is_other_board(claim, gpu);
}

struct gpu *claim_find_gpu(const struct claim *claim, const struct host *host)
{
    struct gpu *gpu = claim_holds(claim) ? host_find_gpu_addr(host, &claim->assigned.gpu) : NULL;
    return gpu == NULL || is_other_board(claim, gpu) ? NULL : gpu;
}

bool claim_collides(const struct claim *a, const struct claim *b)
{
    if (!a->assigned.set || !b->assigned.set ||
        pci_addr_cmp(&a->assigned.gpu, &b->assigned.gpu) != 0) {
        return false;
    }
    if (a->spec.mode == CLAIM_PASSTHROUGH || b->spec.mode == CLAIM_PASSTHROUGH) {
        return true;
    }
    struct claim_device own = {0};
    return claim_device(a, &own) && b->spec.mode != CLAIM_GPU_INSTANCE &&
           claim_device_is(&own, &b->assigned.device, b->assigned.mdev_uuid);
}

bool claim_mode_shares_time(enum claim_mode mode)
{
    return mode == CLAIM_TIME_SLICED || mode == CLAIM_TIME_SLICED_MIG_BACKED;
}

bool claim_has_vgpu(const struct claim *claim)
{
    return claim->spec.mode != CLAIM_PASSTHROUGH && claim->spec.mode != CLAIM_GPU_INSTANCE;
}

bool claim_device(const struct claim *claim, struct claim_device *ret_device)
{
    if (claim->spec.mode == CLAIM_GPU_INSTANCE) {
        return false;
    }
    *ret_device = claim->reserved;
    if (claim->assigned.set) {
        *ret_device = (struct claim_device){
            .set = true, .gpu = claim->assigned.gpu, .device = claim->assigned.device};
        STR_SET(ret_device->mdev_uuid, claim->assigned.mdev_uuid);
    }
    return ret_device->set;
}

bool claim_device_is(const struct claim_device *a, const struct pci_addr *device,
                     const char *mdev_uuid)
{
    if (a->mdev_uuid[0] != '\0' || mdev_uuid[0] != '\0') {
        return str_eq_case(a->mdev_uuid, mdev_uuid);
    }
    return pci_addr_cmp(&a->device, device) == 0;
}

const struct vgpu *claim_vgpu_at(const struct claim *claim, const struct gpu *gpu)
{
    if (!claim_has_vgpu(claim)) {
        return NULL;
    }
    return gpu_find_vgpu(gpu, claim->assigned.mdev_uuid, &claim->assigned.device);
}

bool claim_is_vgpu(const struct claim *claim, const struct vgpu *vgpu)
{
    bool named = vgpu->type[0] != '\0' && str_eq_case(vgpu->type, claim->spec.type);
    return vgpu->ours != TRI_NO && (named || vgpu->type_id == claim->assigned.type_id ||
                                    vgpu->type_id == NO_ID || claim->assigned.type_id == NO_ID);
}

bool claim_is_exclusive(const struct claim *claim)
{
    return claim->spec.mode == CLAIM_MIG_BACKED || claim->spec.mode == CLAIM_GPU_INSTANCE;
}

/* The instance that its own vGPU is on, or its place's. */
static uint32_t find_instance(const struct claim *claim, const struct gpu *gpu,
                              const struct vgpu *own)
{
    if (own != NULL) {
        return own->gi_id;
    }
    const struct gi *gi = gpu_find_gi_at(gpu, claim->assigned.start, claim->assigned.size);
    return gi == NULL ? NO_ID : gi->id;
}

const struct vgpu *claim_find_intruder(const struct claim *claim, const struct gpu *gpu)
{
    if (!claim_is_exclusive(claim) || !claim->assigned.set) {
        return NULL;
    }
    const struct vgpu *at = claim_vgpu_at(claim, gpu);
    const struct vgpu *own = at != NULL && claim_is_vgpu(claim, at) ? at : NULL;
    uint32_t id = find_instance(claim, gpu, own);
    for (vec_each(&gpu->vgpus, vgpu)) {
        if (id != NO_ID && vgpu->gi_id == id && vgpu != own) {
            return vgpu;
        }
    }
    return NULL;
}

bool claim_is_of(const struct claim *claim, const char *vm_name, const char *vm_uuid)
{
    if (claim->vm[0] == '\0') {
        return false;
    }
    if (claim->vm_uuid[0] != '\0' && vm_uuid[0] != '\0') {
        return str_eq_case(claim->vm_uuid, vm_uuid);
    }
    return str_eq(claim->vm, vm_name) || (vm_uuid[0] != '\0' && str_eq_case(claim->vm, vm_uuid));
}

enum tristate claim_is_mdev(const struct claim *claim, const struct host *host)
{
    struct claim_device device = {0};
    if (!claim_device(claim, &device)) {
        return TRI_UNKNOWN;
    }
    const struct gpu *gpu = host_find_gpu_addr(host, &device.gpu);
    bool is_mdev = device.mdev_uuid[0] != '\0';
    if (!claim_holds(claim) && claim->spec.mode != CLAIM_PASSTHROUGH && gpu != NULL &&
        gpu->iface != VGPU_IFACE_NONE) {
        is_mdev = gpu->iface == VGPU_IFACE_MDEV;
    }
    return is_mdev ? TRI_YES : TRI_NO;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/work.h"

#include <stdio.h>

#include "base/str.h"
#include "plan/ability.h"
#include "plan/health.h"

void work_done(struct gpu_work *work)
{
    vec_done(&work->steps);
    vec_done(&work->instances);
    vec_done(&work->left);
}

void work_drop_layout_hint(int result, struct error *err)
{
    if ((result == -REASON_NO_CAPACITY || result == -REASON_INVALID) && err != NULL) {
        err->hint[0] = '\0';
    }
}

struct step *work_step(struct gpu_work *work, enum step_kind kind)
{
    struct step *step = vec_push(&work->steps);
    *step = step_make(kind, &work->gpu->addr);
    step_set_gpu(step, work->gpu);
    return step;
}

bool work_has_step(const struct gpu_work *work, enum step_kind kind)
{
    for (vec_each(&work->steps, step)) {
        if (step->kind == kind) {
            return true;
        }
    }
    return false;
}

const char *work_subject(const struct gpu_work *work, char *out, size_t size)
{
    char bdf[BDF_SIZE];
    snprintf(out, size, "gpu/%s", pci_addr_format(&work->gpu->addr, bdf));
    return out;
}

/* What another tool put in the place of the claim's is not held. */
static bool holds_vgpu(const struct claim *claim, const struct vgpu *vgpu)
{
    if (!claim_is_vgpu(claim, vgpu)) {
        return false;
    }
    if (vgpu->mdev_uuid[0] != '\0') {
        return str_eq_case(claim->got.mdev_uuid, vgpu->mdev_uuid);
    }
    return claim->got.mdev_uuid[0] == '\0' && claim_has_vgpu(claim) &&
           pci_addr_cmp(&claim->got.device, &vgpu->vf) == 0;
}

bool work_leaves(const struct gpu_work *work, const struct vgpu *vgpu)
{
    for (size_t i = 0; i < work->n_gone; i++) {
        if (holds_vgpu(work->gone[i], vgpu)) {
            return true;
        }
    }
    return false;
}

bool work_stays(const struct gpu_work *work, const struct vgpu *vgpu)
{
    for (size_t i = 0; i < work->n_kept; i++) {
        if (holds_vgpu(work->kept[i], vgpu)) {
            return true;
        }
    }
    return false;
}

struct step *work_gi_step(struct gpu_work *work, enum step_kind kind, const char *profile,
                          uint32_t profile_id, uint32_t start, uint32_t size)
{
    struct step *step = work_step(work, kind);
    STR_SET(step->profile, profile);
    step->profile_id = profile_id;
    step->start = start;
    step->size = size;
    return step;
}

void work_tell_instance(struct gpu_work *work, const char *profile, uint32_t start, uint32_t size,
                        const char *what)
{
    struct plan_instance *instance = vec_push(&work->instances);
    instance->gpu = work->gpu->addr;
    STR_SET(instance->profile, profile);
    instance->start = start;
    instance->size = size;
    STR_SET(instance->what, what);
}

static uint32_t framebuffer(const struct gpu_work *work, const struct claim *claim)
{
    const struct cat_vgpu_type *type = NULL;
    bool known = work->model != NULL && claim->spec.type[0] != '\0' &&
                 model_find_type(work->model, claim->spec.type, &type, NULL) == 0;
    return known ? type->framebuffer_mib : 0;
}

void work_sort_gone(struct gpu_work *work)
{
    for (size_t i = 1; i < work->n_gone; i++) {
        const struct claim *claim = work->gone[i];
        size_t at = i;
        for (; at > 0 && framebuffer(work, work->gone[at - 1]) > framebuffer(work, claim); at--) {
            work->gone[at] = work->gone[at - 1];
        }
        work->gone[at] = claim;
    }
}

bool work_is_moved(const struct gpu_work *work, const struct claim *gone)
{
    for (size_t g = 0; g < work->n_all; g++) {
        for (size_t i = 0; i < work->all[g].n_added; i++) {
            if (work->all[g].moved[i] == gone) {
                return true;
            }
        }
    }
    return false;
}

void work_take_out(const struct claim **list, size_t *n, const struct claim *claim)
{
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++) {
        if (list[i] != claim) {
            list[kept++] = list[i];
        }
    }
    *n = kept;
}

void work_solve_again(struct gpu_work *work)
{
    work->steps.n = 0;
    work->instances.n = 0;
    work->left.n = 0;
    if (work->n_added > 0 || work->n_gone > 0) {
        (void)work_solve(work, NULL);
    }
}

/* The claim's type on this GPU's model; NULL without one. */
static const struct cat_vgpu_type *type_of_claim(const struct gpu_work *work,
                                                 const struct claim *claim)
{
    const struct cat_vgpu_type *type = NULL;
    if (claim->spec.type[0] != '\0') {
        (void)model_find_type(work->model, claim->spec.type, &type, NULL);
    }
    return type;
}

const struct cat_vgpu_type *work_type_of(const struct gpu_work *work, const struct vgpu *vgpu)
{
    const struct cat_vgpu_type *type = NULL;
    if (vgpu->type[0] != '\0' && model_find_type(work->model, vgpu->type, &type, NULL) == 0) {
        return type;
    }
    type = vgpu->type_id == NO_ID ? NULL : model_type_by_id(work->model, vgpu->type_id);
    for (size_t i = 0; type == NULL && i < work->n_kept; i++) {
        type = holds_vgpu(work->kept[i], vgpu) ? type_of_claim(work, work->kept[i]) : NULL;
    }
    return type;
}

uint32_t work_claims_on(const struct gpu_work *work, const struct gi *gi,
                        const struct cat_vgpu_type **ret_type)
{
    uint32_t n = 0;
    for (size_t i = 0; i < work->n_kept; i++) {
        const struct claim *claim = work->kept[i];
        const struct cat_vgpu_type *type = type_of_claim(work, claim);
        if (claim->got.start == gi->start && claim->got.size == gi->size && type != NULL) {
            *ret_type = type;
            n++;
        }
    }
    return n;
}

void work_to_idle(struct gpu_work *work)
{
    for (vec_each(&work->gpu->gis, gi)) {
        if (gi->n_ci > 0) {
            work_gi_step(work, STEP_CI_DESTROY, gi->profile, gi->profile_id, gi->start, gi->size);
        }
        work_gi_step(work, STEP_GI_DESTROY, gi->profile, gi->profile_id, gi->start, gi->size);
        work_tell_instance(work, gi->profile, gi->start, gi->size, "destroyed");
    }
    if (work->gpu->vfs_enabled > 0) {
        work_step(work, STEP_SRIOV_DISABLE);
    }
    if (work->gpu->mig_enabled) {
        work_step(work, STEP_MIG_DISABLE);
    }
}

/* Is that device in the VM's definition because it is named for an on-demand claim that holds
 * nothing now? Several may be named the same: the first to start has it. */
static bool is_named(const struct planner *planner, const struct vm *vm,
                     const struct pci_addr *device)
{
    for (size_t i = 0; i < planner->claims->n; i++) {
        const struct claim *claim = &planner->claims->items[i];
        if (!claim_holds(claim) && claim->named.set && claim->named.mdev_uuid[0] == '\0' &&
            pci_addr_cmp(&claim->named.device, device) == 0 &&
            claim_is_of(claim, vm->name, vm->uuid)) {
            return true;
        }
    }
    return false;
}

/* Did an earlier claim of that name and VM, which comes back now, put the device there? */
static bool is_of_added(const struct gpu_work *work, const struct vm *vm,
                        const struct vm_device *device)
{
    for (size_t i = 0; i < work->n_added; i++) {
        const struct claim *claim = &work->added[i].claim;
        if (str_eq(device->claim, claim->name) && claim_is_of(claim, vm->name, vm->uuid)) {
            return true;
        }
    }
    return false;
}

const struct vm *work_defined_in(const struct gpu_work *work, const struct pci_addr *device)
{
    for (size_t i = 0; i < work->n_gone; i++) {
        if (pci_addr_cmp(&work->gone[i]->got.device, device) == 0) {
            return NULL;
        }
    }
    for (vec_each(&work->planner->host->vms, vm)) {
        for (vec_each(&vm->devices, known)) {
            if (!known->is_mdev && pci_addr_cmp(&known->addr, device) == 0 &&
                !is_named(work->planner, vm, device) && !is_of_added(work, vm, known)) {
                return vm;
            }
        }
    }
    return NULL;
}

int work_refuse_defined(const struct gpu_work *work, const struct vm *vm, struct error *err)
{
    char subject[64];
    work_subject(work, subject, sizeof(subject));
    error_set(err, REASON_CONFLICT, subject,
              "GPU %s stands in the definition of VM \"%s\", and no claim put it there",
              subject + 4, vm->name);
    error_hint(err, "claim it for that VM, or take it out with `virsh edit %s`",
               SHELL_ARG(vm->name));
    return -REASON_CONFLICT;
}

static bool vf_is_free(const struct gpu_work *work, size_t n_assigned, const struct pci_addr *vf)
{
    for (vec_each(&work->gpu->vgpus, vgpu)) {
        if (pci_addr_cmp(&vgpu->vf, vf) == 0 && !work_leaves(work, vgpu)) {
            return false;
        }
    }
    for (size_t i = 0; i < work->n_kept; i++) {
        if (pci_addr_cmp(&work->kept[i]->got.device, vf) == 0) {
            return false;
        }
    }
    for (size_t i = 0; i < n_assigned; i++) {
        if (work->got[i].set && pci_addr_cmp(&work->got[i].device, vf) == 0) {
            return false;
        }
    }
    return work_defined_in(work, vf) == NULL && !health_is_stuck(work->planner, work->gpu, vf);
}

/* The device that is named for a claim that is drawn, or made again, or moved; or NULL. */
static const struct claim_device *named_for(const struct gpu_work *work, size_t i)
{
    const struct claim *claim = &work->added[i].claim;
    bool keeps = work->request->draw || work->moved[i] != NULL;
    return keeps && claim->named.set ? &claim->named : NULL;
}

/* The named virtual function of this GPU if it is free. */
static bool take_named(struct gpu_work *work, size_t i)
{
    const struct claim_device *named = named_for(work, i);
    if (named == NULL || named->mdev_uuid[0] != '\0' ||
        pci_addr_cmp(&named->gpu, &work->gpu->addr) != 0 || !vf_is_free(work, i, &named->device)) {
        return false;
    }
    work->got[i].device = named->device;
    return true;
}

static int refuse_taken(const struct gpu_work *work, size_t i, struct error *err)
{
    const struct claim *claim = &work->added[i].claim;
    char bdf[BDF_SIZE];
    pci_addr_format(&claim->named.device, bdf);
    error_set(err, REASON_NO_CAPACITY, SUBJECT("claim", claim->name),
              "%s, which VM \"%s\" names for it, is taken", bdf, claim->vm);
    error_hint(err, "`cleave vm start %s` can choose another", SHELL_ARG(claim->vm));
    return -REASON_NO_CAPACITY;
}

/* How bad it would be to take a device that is free, but named for on-demand claims: never when it
 * is for the same VM, and else only for want of another. */
enum named_by { NAMED_BY_NONE, NAMED_BY_OTHERS, NAMED_BY_ITS_VM };

static enum named_by named_by(const struct gpu_work *work, size_t i, const struct pci_addr *vf)
{
    const struct claim *mine = &work->added[i].claim;
    enum named_by worst = NAMED_BY_NONE;
    for (size_t k = 0; k < work->planner->claims->n; k++) {
        const struct claim *claim = &work->planner->claims->items[k];
        if (claim->named.mdev_uuid[0] != '\0' || !claim->named.set ||
            pci_addr_cmp(&claim->named.device, vf) != 0 || str_eq(claim->name, mine->name)) {
            continue;
        }
        bool same = mine->vm[0] != '\0' && claim_is_of(claim, mine->vm, mine->vm_uuid);
        worst = same ? NAMED_BY_ITS_VM : worst == NAMED_BY_NONE ? NAMED_BY_OTHERS : worst;
    }
    return worst;
}

/* Who has a mediated device of that UUID already, so that this GPU can't make one: the kernel knows
 * them by their UUIDs alone. NULL: none has. */
static const struct gpu *find_mdev_elsewhere(const struct gpu_work *work, const char *uuid)
{
    for (size_t g = 0; g < work->n_all; g++) {
        const struct gpu_work *other = &work->all[g];
        const struct vgpu *vgpu =
            other->gpu == work->gpu ? NULL : gpu_find_vgpu_mdev(other->gpu, uuid);
        if (vgpu != NULL && !work_leaves(other, vgpu)) {
            return other->gpu;
        }
    }
    return NULL;
}

static int refuse_uuid(const struct gpu_work *work, size_t i, const struct gpu *other,
                       struct error *err)
{
    const struct claim *claim = &work->added[i].claim;
    char bdf[BDF_SIZE];
    error_set(err, REASON_CONFLICT, SUBJECT("claim", claim->name),
              "VM \"%s\" names mediated device %s for claim \"%s\", and a vGPU on GPU %s has that "
              "UUID",
              claim->vm, claim->named.mdev_uuid, claim->name, pci_addr_format(&other->addr, bdf));
    error_hint(err,
               "`cleave vm start %s` makes the vGPU under another UUID, changes the definition, "
               "and starts the VM",
               SHELL_ARG(claim->vm));
    return -REASON_CONFLICT;
}

int work_take_device(struct gpu_work *work, size_t i, struct error *err)
{
    const struct gpu *gpu = work->gpu;
    struct assignment *got = &work->got[i];
    char subject[64];
    work_subject(work, subject, sizeof(subject));
    const struct claim_device *named = named_for(work, i);
    bool by_uuid = gpu->iface == VGPU_IFACE_MDEV && named != NULL && named->mdev_uuid[0] != '\0';
    const struct gpu *other = by_uuid ? find_mdev_elsewhere(work, named->mdev_uuid) : NULL;
    if (other != NULL && work->request->as_named) {
        return refuse_uuid(work, i, other, err);
    }
    if (by_uuid && other == NULL) {
        STR_SET(got->mdev_uuid, named->mdev_uuid);
    } else if (gpu->iface == VGPU_IFACE_MDEV) {
        work->request->new_uuid(got->mdev_uuid);
    }
    if (gpu->vfs_total == 0) {
        got->device = gpu->addr; /* boards without SR-IOV: mdevs on the PF */
        if (gpu->iface == VGPU_IFACE_MDEV) {
            return 0;
        }
        error_set(err, REASON_UNSUPPORTED, subject,
                  "GPU %s has no virtual functions and offers no vGPU types", subject + 4);
        error_hint(err, "install the vGPU host driver (vGPU manager); `cleave host show` says what "
                        "is missing");
        return -REASON_UNSUPPORTED;
    }
    if (take_named(work, i)) {
        return 0;
    }
    if (named != NULL && work->request->as_named && gpu->iface != VGPU_IFACE_MDEV) {
        return refuse_taken(work, i, err);
    }
    enum named_by best = NAMED_BY_ITS_VM;
    for (uint32_t n = 0; n < gpu->vfs_total && best != NAMED_BY_NONE; n++) {
        struct pci_addr vf;
        if (!gpu_vf_addr(gpu, n, &vf)) {
            error_set(err, REASON_UNSUPPORTED, subject,
                      "the addresses of GPU %s's virtual functions are not known before they are "
                      "enabled",
                      subject + 4);
            error_hint(err, "enable them first: `cleave gpu mode %s time-sliced`", subject + 4);
            return -REASON_UNSUPPORTED;
        }
        enum named_by names = vf_is_free(work, i, &vf) ? named_by(work, i, &vf) : NAMED_BY_ITS_VM;
        if (names < best) {
            best = names;
            got->device = vf;
        }
    }
    if (best != NAMED_BY_ITS_VM) {
        return 0;
    }
    return error_set(err, REASON_NO_CAPACITY, subject,
                     "all %u virtual functions of GPU %s are taken", gpu->vfs_total, subject + 4);
}

uint32_t work_type_id(const struct gpu *gpu, const struct cat_vgpu_type *type)
{
    for (vec_each(&gpu->vfs, vf)) {
        for (vec_each(&vf->offers, offer)) {
            if (str_eq(offer->name, type->name)) {
                return offer->type_id;
            }
        }
    }
    for (vec_each(&gpu->pf_offers, offer)) {
        if (str_eq(offer->name, type->name)) {
            return offer->type_id;
        }
    }
    return type->type_id == CAT_UNKNOWN ? NO_ID : type->type_id;
}

struct step *work_create_vgpu(struct gpu_work *work, size_t i)
{
    const struct admitted *added = &work->added[i];
    struct assignment *got = &work->got[i];
    got->type_id = work_type_id(work->gpu, added->type);
    struct step *step = work_step(work, STEP_VGPU_CREATE);
    step_set_claim(step, &added->claim);
    STR_SET(step->type, added->type->name);
    STR_SET(step->profile, got->profile);
    step->type_id = got->type_id;
    step->device = got->device;
    STR_SET(step->mdev_uuid, got->mdev_uuid);
    step->placement_id = got->placement_id;
    return step;
}

/* Is it in the stored definition of the claim's VM? */
static bool is_defined(const struct gpu_work *work, const struct claim *claim,
                       const struct claim_device *wanted)
{
    for (vec_each(&work->planner->host->vms, vm)) {
        for (size_t i = 0; claim_is_of(claim, vm->name, vm->uuid) && i < vm->devices.n; i++) {
            const struct vm_device *device = &vm->devices.items[i];
            const char *uuid = device->is_mdev ? device->mdev_uuid : "";
            if (device->persistent && claim_device_is(wanted, &device->addr, uuid)) {
                return true;
            }
        }
    }
    return false;
}

void work_attach(struct gpu_work *work, size_t i)
{
    const struct admitted *added = &work->added[i];
    if (added->claim.vm[0] == '\0' || work->request->leave_guests) {
        return;
    }
    const struct claim_device *named = named_for(work, i);
    bool same =
        named != NULL && claim_device_is(named, &work->got[i].device, work->got[i].mdev_uuid);
    bool held = claim_holds(&added->claim); /* then what it had is taken out, in the same plan */
    if (same && !held && is_defined(work, &added->claim, named)) {
        return; /* no step, or its undo would take out what was there before */
    }
    if (named != NULL && !same) {
        work_detach(work, &added->claim, named);
    }
    struct step *step = work_step(work, STEP_ATTACH);
    step_set_claim(step, &added->claim);
    STR_SET(step->type, added->type != NULL ? added->type->name : "");
    step->device = work->got[i].device;
    STR_SET(step->mdev_uuid, work->got[i].mdev_uuid);
}

/* All claims on a GPU must want it in the same mode. */
static int wanted_mode(const struct gpu_work *work, enum gpu_mode *ret_mode, struct error *err)
{
    char subject[64];
    work_subject(work, subject, sizeof(subject));
    const struct claim *first = work->n_kept > 0 ? work->kept[0] : NULL;
    enum gpu_mode mode = first != NULL ? mode_of_claim(first->spec.mode) : GPU_MODE_COUNT;
    for (size_t i = 0; i < work->n_added; i++) {
        const struct claim *claim = &work->added[i].claim;
        enum gpu_mode one = mode_of_claim(claim->spec.mode);
        if (first != NULL && one != mode) {
            error_set(err, REASON_CONFLICT, subject,
                      "GPU %s is used as %s by claim \"%s\"; the %s claim \"%s\" needs it as %s",
                      subject + 4, gpu_mode_name(mode), first->name,
                      claim_mode_name(claim->spec.mode), claim->name, gpu_mode_name(one));
            error_hint(err, "a GPU has one mode at a time: use another GPU, or release the claims "
                            "on this one");
            return -REASON_CONFLICT;
        }
        first = first != NULL ? first : claim;
        mode = one;
    }
    if (mode == GPU_MODE_COUNT) { /* no claim is left */
        mode = work->gpu->mode == GPU_PASSTHROUGH ? GPU_IDLE : work->gpu->mode;
    }
    *ret_mode = mode;
    return 0;
}

static int guard(const struct gpu_work *work, enum gpu_mode to, struct error *err)
{
    if (work->gpu->mode == GPU_IDLE || work->gpu->mode == to) {
        return 0;
    }
    const char *gone[WORK_MAX_CLAIMS];
    for (size_t i = 0; i < work->n_gone; i++) {
        gone[i] = work->gone[i]->name;
    }
    return mode_guard(work->gpu, work->planner->claims, gone, work->n_gone, to, err);
}

/* No claim has it passed through any more: the driver must have the GPU before it can be shared. */
static int take_home(struct gpu_work *work, enum gpu_mode mode, struct error *err)
{
    if (work->gpu->mode != GPU_PASSTHROUGH || (mode != GPU_TIME_SLICED && mode != GPU_MIG) ||
        work->n_added == 0 || work_has_step(work, STEP_BIND_NVIDIA)) {
        return 0;
    }
    const struct vm *vm = work_defined_in(work, &work->gpu->addr);
    if (vm != NULL) {
        return work_refuse_defined(work, vm, err);
    }
    work_step(work, STEP_BIND_NVIDIA);
    return 0;
}

int work_solve(struct gpu_work *work, struct error *err)
{
    work->steps.n = 0;
    work->instances.n = 0;
    work->left.n = 0;
    for (size_t i = 0; i < work->n_added; i++) {
        work->got[i] = (struct assignment){.gpu = work->gpu->addr,
                                           .set = true,
                                           .gi_id = NO_ID,
                                           .start = NO_ID,
                                           .size = NO_ID,
                                           .type_id = NO_ID,
                                           .placement_id = NO_ID,
                                           .device = work->gpu->addr};
        STR_SET(work->got[i].gpu_uuid, gpu_known_uuid(work->gpu));
    }
    enum gpu_mode mode = GPU_IDLE;
    int result = wanted_mode(work, &mode, err);
    result = result != 0 ? result : guard(work, mode, err);
    result = result != 0 ? result : work_release(work, err);
    result = result != 0 ? result : take_home(work, mode, err);
    if (result != 0) {
        return result;
    }
    switch (mode) {
    case GPU_PASSTHROUGH:
        result = work_passthrough(work, err);
        break;
    case GPU_TIME_SLICED:
        result = work_time_sliced(work, err);
        break;
    case GPU_MIG:
        result = work_mig(work, err);
        break;
    case GPU_IDLE:
    case GPU_MODE_COUNT:
        break;
    }
    return result != 0 ? result : ability_check(work, err);
}

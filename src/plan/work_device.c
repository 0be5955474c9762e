/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/work_device.h"

#include <stdio.h>

#include "base/str.h"
#include "plan/gpu_gate.h"
#include "plan/work_release.h"

static bool vf_is_free(const struct gpu_work *work, size_t n_assigned, const struct pci_addr *vf)
{
    for (vec_each(&work->gpu->vgpus, vgpu)) {
        if (pci_addr_cmp(&vgpu->vf, vf) == 0 && !work_vgpu_is_released(work, vgpu)) {
            return false;
        }
    }
    for (size_t i = 0; i < work->n_kept; i++) {
        if (pci_addr_cmp(&work->kept[i]->assigned.device, vf) == 0) {
            return false;
        }
    }
    for (size_t i = 0; i < n_assigned; i++) {
        if (work->assigned[i].set && pci_addr_cmp(&work->assigned[i].device, vf) == 0) {
            return false;
        }
    }
    return work_defined_in(work, vf) == NULL && !gate_is_stuck(work->planner, work->gpu, vf);
}

/* The device that is reserved for a claim that is allocated, or made again, or moved; or NULL. */
static const struct claim_device *named_for(const struct gpu_work *work, size_t i)
{
    const struct claim *claim = &work->added[i].claim;
    bool keeps = work->policy->allocates || work->moved[i] != NULL;
    return keeps && claim->reserved.set ? &claim->reserved : NULL;
}

/* The named virtual function of this GPU if it is free. */
static bool take_named(struct gpu_work *work, size_t i)
{
    const struct claim_device *named = named_for(work, i);
    if (named == NULL || named->mdev_uuid[0] != '\0' ||
        pci_addr_cmp(&named->gpu, &work->gpu->addr) != 0 || !vf_is_free(work, i, &named->device)) {
        return false;
    }
    work->assigned[i].device = named->device;
    return true;
}

static int refuse_taken(const struct gpu_work *work, size_t i, struct error *err)
{
    const struct claim *claim = &work->added[i].claim;
    char bdf[BDF_SIZE];
    pci_addr_format(&claim->reserved.device, bdf);
    error_set(err, REASON_NO_CAPACITY, SUBJECT("claim", claim->name),
              "%s, which the definition of VM \"%s\" names for it, is in use", bdf, claim->vm);
    error_hint(err, "`cleave vm start %s` can choose another device", SHELL_ARG(claim->vm));
    return -REASON_NO_CAPACITY;
}

/* Cost of using a free device that on-demand claims have reserved: forbidden when it is the same
 * VM's, else the last resort. */
enum reserved_by { RESERVED_BY_NONE, RESERVED_BY_OTHERS, RESERVED_BY_ITS_VM };

static enum reserved_by reserved_by(const struct gpu_work *work, size_t i,
                                    const struct pci_addr *vf)
{
    const struct claim *mine = &work->added[i].claim;
    enum reserved_by worst = RESERVED_BY_NONE;
    for (size_t k = 0; k < work->planner->claims->n; k++) {
        const struct claim *claim = &work->planner->claims->items[k];
        if (claim->reserved.mdev_uuid[0] != '\0' || !claim->reserved.set ||
            pci_addr_cmp(&claim->reserved.device, vf) != 0 || str_eq(claim->name, mine->name)) {
            continue;
        }
        bool same = mine->vm[0] != '\0' && claim_is_of(claim, mine->vm, mine->vm_uuid);
        worst = same ? RESERVED_BY_ITS_VM : worst == RESERVED_BY_NONE ? RESERVED_BY_OTHERS : worst;
    }
    return worst;
}

/* The GPU that has a mediated device of that UUID already, so that this GPU can't make one: the
 * kernel knows them by their UUIDs alone. NULL: none has. */
static const struct gpu *find_mdev_elsewhere(const struct gpu_work *work, const char *uuid)
{
    for (size_t g = 0; g < work->n_all; g++) {
        const struct gpu_work *other = &work->all[g];
        const struct vgpu *vgpu =
            other->gpu == work->gpu ? NULL : gpu_find_vgpu_mdev(other->gpu, uuid);
        if (vgpu != NULL && !work_vgpu_is_released(other, vgpu)) {
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
    error_set(
        err, REASON_CONFLICT, SUBJECT("claim", claim->name),
        "VM \"%s\" names mediated device %s for claim \"%s\", but a vGPU on GPU %s has that UUID",
        claim->vm, claim->reserved.mdev_uuid, claim->name, pci_addr_format(&other->addr, bdf));
    error_hint(err,
               "`cleave vm start %s` makes the vGPU under another UUID, changes the definition, "
               "and starts the VM",
               SHELL_ARG(claim->vm));
    return -REASON_CONFLICT;
}

int work_take_device(struct gpu_work *work, size_t i, struct error *err)
{
    const struct gpu *gpu = work->gpu;
    struct assignment *got = &work->assigned[i];
    const struct claim_device *named = named_for(work, i);
    bool by_uuid = gpu->iface == VGPU_IFACE_MDEV && named != NULL && named->mdev_uuid[0] != '\0';
    const struct gpu *other = by_uuid ? find_mdev_elsewhere(work, named->mdev_uuid) : NULL;
    if (other != NULL && work->policy->exact_device) {
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
        error_set(err, REASON_UNSUPPORTED, work->subject,
                  "GPU %s has no virtual functions and offers no vGPU types", work->bdf);
        error_hint(err, "install the vGPU host driver (vGPU manager); `cleave host show` says what "
                        "is missing");
        return -REASON_UNSUPPORTED;
    }
    if (take_named(work, i)) {
        return 0;
    }
    if (named != NULL && work->policy->exact_device && gpu->iface != VGPU_IFACE_MDEV) {
        return refuse_taken(work, i, err);
    }
    enum reserved_by best = RESERVED_BY_ITS_VM;
    for (uint32_t n = 0; n < gpu->vfs_total && best != RESERVED_BY_NONE; n++) {
        struct pci_addr vf;
        if (!gpu_vf_addr(gpu, n, &vf)) {
            error_set(
                err, REASON_UNSUPPORTED, work->subject,
                "the addresses of GPU %s's virtual functions are unknown until they are enabled",
                work->bdf);
            error_hint(err, "enable them first: `cleave gpu mode %s time-sliced`", work->bdf);
            return -REASON_UNSUPPORTED;
        }
        enum reserved_by names =
            vf_is_free(work, i, &vf) ? reserved_by(work, i, &vf) : RESERVED_BY_ITS_VM;
        if (names < best) {
            best = names;
            got->device = vf;
        }
    }
    if (best != RESERVED_BY_ITS_VM) {
        return 0;
    }
    return error_set(err, REASON_NO_CAPACITY, work->subject,
                     "all %u virtual functions of GPU %s are in use", gpu->vfs_total, work->bdf);
}

struct step *work_create_vgpu(struct gpu_work *work, size_t i)
{
    const struct admitted *added = &work->added[i];
    struct assignment *got = &work->assigned[i];
    got->type_id = work_type_id(work->gpu, added->type);
    struct step *step = work_step(work, STEP_VGPU_CREATE);
    step_set_claim(step, &added->claim);
    STR_SET(step->type, added->type->name);
    STR_SET(step->profile, got->profile);
    step->type_id = got->type_id;
    step->device = got->device;
    STR_SET(step->mdev_uuid, got->mdev_uuid);
    step->placement_id = got->placement_id;
    step->params = claim_params(&added->claim);
    return step;
}

/* Is it in the stored definition of the claim's VM? */
static bool is_defined(const struct gpu_work *work, const struct claim *claim,
                       const struct claim_device *wanted)
{
    for (vec_each(&work->planner->host->vms, vm)) {
        if (claim_is_of(claim, vm->name, vm->uuid) &&
            vm_defines(vm, &wanted->device, wanted->mdev_uuid)) {
            return true;
        }
    }
    return false;
}

void work_attach(struct gpu_work *work, size_t i)
{
    const struct admitted *added = &work->added[i];
    if (added->claim.vm[0] == '\0' || !work->policy->redefines) {
        return;
    }
    const struct claim_device *named = named_for(work, i);
    bool same = named != NULL &&
                claim_device_is(named, &work->assigned[i].device, work->assigned[i].mdev_uuid);
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
    step->device = work->assigned[i].device;
    STR_SET(step->mdev_uuid, work->assigned[i].mdev_uuid);
}

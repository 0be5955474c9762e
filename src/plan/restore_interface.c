/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claims whose vGPUs were made through another interface of the kernel than this boot's: mediated
 * devices up to RHEL 9 and Ubuntu 22.04, functions with a vGPU of their own from Ubuntu 24.04 and
 * RHEL 10 on (vGPU software user guide, "Creating an NVIDIA vGPU on a Linux with KVM Hypervisor").
 * The vGPU can be made again, but under another name: on a function, or with a new UUID.
 */
#include "base/str.h"
#include "plan/gpu_gate.h"
#include "plan/restore_work.h"

/* An interface that functions show, or mdev's driver: not only what is expected of functions that
 * are not enabled, as a module that is late would change that. */
static bool is_certain(const struct gpu *gpu)
{
    if (gpu->iface == VGPU_IFACE_MDEV) {
        return true;
    }
    for (vec_each(&gpu->vfs, vf)) {
        if (vf->iface != VGPU_IFACE_NONE) {
            return true;
        }
    }
    return false;
}

static bool is_free(const struct restore *r, const struct restore_item *mine,
                    const struct pci_addr *vf)
{
    for (vec_each(&r->work.gpu->vgpus, vgpu)) {
        if (pci_addr_cmp(&vgpu->vf, vf) == 0) {
            return false;
        }
    }
    for (vec_each(&r->items, item)) {
        if (item != mine && pci_addr_cmp(&item->claim.assigned.device, vf) == 0) {
            return false;
        }
    }
    return work_defined_in(&r->work, vf) == NULL &&
           !gate_is_stuck(r->work.planner, r->work.gpu, vf);
}

/* The function on which it was, if that is free; else the first free one. */
static void choose_function(const struct restore *r, struct restore_item *item)
{
    const struct gpu *gpu = r->work.gpu;
    struct assignment *got = &item->claim.assigned;
    if (gpu->vfs_total == 0) {
        got->device = gpu->addr; /* mediated devices of the GPU itself */
        return;
    }
    if (pci_addr_cmp(&got->device, &gpu->addr) != 0 && is_free(r, item, &got->device)) {
        return;
    }
    for (uint32_t i = 0; i < gpu->vfs_total; i++) {
        struct pci_addr vf = {0};
        if (gpu_vf_addr(gpu, i, &vf) && is_free(r, item, &vf)) {
            got->device = vf;
            return;
        }
    }
}

void restore_interface(struct restore *r, void (*new_uuid)(char out[37]))
{
    const struct gpu *gpu = r->work.gpu;
    if (new_uuid == NULL || gpu->iface == VGPU_IFACE_NONE) {
        return;
    }
    for (vec_each(&r->items, item)) {
        struct assignment *got = &item->claim.assigned;
        bool mdev = got->mdev_uuid[0] != '\0';
        if (!claim_has_vgpu(&item->claim) || mdev == (gpu->iface == VGPU_IFACE_MDEV)) {
            continue;
        }
        item->renamed = is_certain(gpu);
        item->unsure = !item->renamed;
        if (item->unsure) {
            continue;
        }
        choose_function(r, item);
        if (mdev) {
            got->mdev_uuid[0] = '\0';
        } else {
            new_uuid(got->mdev_uuid);
        }
        got->type_id = item->type != NULL ? work_type_id(gpu, item->type) : got->type_id;
    }
}

bool restore_looks_first(struct restore *r)
{
    bool any = false;
    for (vec_each(&r->items, item)) {
        any = any || item->unsure;
    }
    if (!any) {
        return false;
    }
    if (r->work.steps.n == 0) {
        struct error err = {0};
        error_set(&err, REASON_UNAVAILABLE, r->work.subject,
                  "the virtual functions of GPU %s do not show their vGPU interface yet",
                  r->work.bdf);
        error_hint(&err, "check that NVIDIA's vGPU host driver (vGPU manager) is loaded; cleaved "
                         "tries again until the timeout");
        restore_block_all(r, &err);
        return true;
    }
    for (vec_each(&r->items, item)) {
        item->outcome = RESTORE_COMES;
    }
    r->more = true;
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "foreseen.h"

#include <stdio.h>

#include "base/str.h"

static bool has_vgpu(const struct gpu *gpu, const struct vgpu *wanted)
{
    const struct vgpu *vgpu = gpu_find_vgpu(gpu, wanted->mdev_uuid, &wanted->vf);
    return vgpu != NULL && (wanted->gi_id == NO_ID || vgpu->gi_id != NO_ID);
}

static bool has_gi(const struct gpu *gpu, const struct gi *wanted)
{
    for (vec_each(&gpu->gis, gi)) {
        if (gi->start == wanted->start && gi->size == wanted->size &&
            gi->profile_id == wanted->profile_id && gi->n_ci == wanted->n_ci) {
            return true;
        }
    }
    return false;
}

static bool is_same(const struct gpu *foreseen, const struct gpu *seen)
{
    bool same = foreseen->mode == seen->mode && str_eq(foreseen->driver, seen->driver) &&
                foreseen->vfs_enabled == seen->vfs_enabled && foreseen->vfs.n == seen->vfs.n &&
                foreseen->gis.n == seen->gis.n && foreseen->vgpus.n == seen->vgpus.n &&
                (foreseen->iface == seen->iface || seen->vfs_total == 0);
    for (size_t i = 0; same && i < seen->gis.n; i++) {
        same = has_gi(foreseen, &seen->gis.items[i]);
    }
    for (size_t i = 0; same && i < seen->vgpus.n; i++) {
        same = has_vgpu(foreseen, &seen->vgpus.items[i]);
    }
    return same;
}

static void describe(const struct gpu *gpu, char *out, size_t size)
{
    str_print(out, size, "%s, %s, %s, %u functions, %zu instances, %zu vGPUs",
              gpu_mode_name(gpu->mode), gpu->driver, vgpu_interface_name(gpu->iface),
              gpu->vfs_enabled, gpu->gis.n, gpu->vgpus.n);
}

/* A GPU that comes home tells only then whether it kept MIG mode. */
static bool comes_home(const struct plan *plan, const struct gpu *gpu)
{
    for (vec_each(&plan->steps, step)) {
        if (step->kind == STEP_BIND_NVIDIA && pci_addr_cmp(&step->gpu, &gpu->addr) == 0) {
            return true;
        }
    }
    return false;
}

bool foreseen_agrees(const struct outlook *outlook, const struct host *seen,
                     const struct plan *plan, char why[FORESEEN_WHY])
{
    for (vec_each(&seen->gpus, gpu)) {
        const struct gpu *foreseen = host_find_gpu_addr(outlook->host, &gpu->addr);
        char bdf[BDF_SIZE];
        char one[160];
        char two[160];
        if ((comes_home(plan, gpu) && gpu->mig_enabled) || is_same(foreseen, gpu)) {
            continue;
        }
        describe(foreseen, one, sizeof(one));
        describe(gpu, two, sizeof(two));
        (void)snprintf(why, FORESEEN_WHY, "GPU %s: %s; it is: %s", pci_addr_format(&gpu->addr, bdf),
                       one, two);
        return false;
    }
    for (vec_each(&seen->vms, vm)) {
        const struct vm *foreseen = host_find_vm_of(outlook->host, vm->name, vm->uuid);
        for (vec_each(&vm->devices, device)) {
            if (!vm_defines(foreseen, &device->addr, device->is_mdev ? device->mdev_uuid : "")) {
                (void)snprintf(why, FORESEEN_WHY, "the definition of VM %s", vm->name);
                return false;
            }
        }
    }
    return true;
}

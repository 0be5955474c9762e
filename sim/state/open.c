/* SPDX-License-Identifier: Apache-2.0 */
/* Which emulator has which device open: what VFIO's file descriptors are on a real host. */
#include "sim/state/internal.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

/* VFIO's rule for a group: every function bound to vfio-pci, to nothing, or a bridge. */
static bool group_viable(struct sim_host *host, uint32_t group)
{
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        const struct sim_gpu *gpu = &host->gpus[i];
        if (gpu->iommu_group == group && sim_bound_to(gpu->driver, "nvidia")) {
            return false;
        }
    }
    for (uint32_t i = 0; i < host->n_extras; i++) {
        const struct sim_extra *extra = &host->extras[i];
        if (extra->iommu_group == group && extra->driver[0] != '\0' &&
            !sim_bound_to(extra->driver, "vfio-pci") && !sim_bound_to(extra->driver, "pcieport")) {
            return false;
        }
    }
    return true;
}

/* VFIO gives a group to one process at a time. */
static bool group_is_others(const struct sim_host *host, uint32_t group, int32_t pid)
{
    bool others = false;
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        const struct sim_gpu *gpu = &host->gpus[i];
        others = others || (gpu->iommu_group == group && gpu->opener != 0 && gpu->opener != pid);
    }
    for (uint32_t i = 0; i < host->n_extras; i++) {
        const struct sim_extra *extra = &host->extras[i];
        others =
            others || (extra->iommu_group == group && extra->opener != 0 && extra->opener != pid);
    }
    return others;
}

bool sim_group_is_open(struct sim_host *host, uint32_t group)
{
    bool is = group_is_others(host, group, 0);
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        uint32_t cursor = 0;
        struct sim_vf *vf = NULL;
        const struct sim_vgpu *vgpu = sim_next_vgpu(&host->gpus[i], &cursor, &vf);
        for (; vgpu != NULL; vgpu = sim_next_vgpu(&host->gpus[i], &cursor, &vf)) {
            uint32_t own =
                host->iface == SIM_MDEV || vf == NULL ? vgpu->iommu_group : vf->iommu_group;
            is = is || (vgpu->opener != 0 && own == group);
        }
    }
    return is;
}

static int take(struct sim_host *host, int32_t *opener, char vm_field[40], int32_t pid,
                const char *vm_uuid)
{
    if (*opener != 0 && *opener != pid) {
        return -EBUSY;
    }
    *opener = pid;
    str_copy(vm_field, 40, vm_uuid != NULL ? vm_uuid : "");
    sim_changed(host);
    return 0;
}

static bool same_board(const struct sim_gpu *a, const struct sim_gpu *b)
{
    return a->model == b->model || str_eq(a->model->key, b->model->key);
}

/* May the emulator that has it open have the other one, too? As nvmlVgpuTypeGetMaxInstancesPerVm
 * tells (sim/nvml/vgpu_type.c), and of one board model and series (NVIDIA AI Enterprise
 * documentation, Multi-vGPU). */
static bool may_join(struct sim_host *host, const struct sim_gpu *gpu, const struct sim_vgpu *vgpu,
                     int32_t pid)
{
    uint32_t n_same = 1;
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        struct sim_gpu *other_gpu = &host->gpus[i];
        uint32_t cursor = 0;
        struct sim_vgpu *other = sim_next_vgpu(other_gpu, &cursor, NULL);
        for (; other != NULL; other = sim_next_vgpu(other_gpu, &cursor, NULL)) {
            if (other == vgpu || other->opener != pid) {
                continue;
            }
            if (!same_board(other_gpu, gpu) || other->type->series != vgpu->type->series) {
                return false;
            }
            n_same += other->type == vgpu->type;
        }
    }
    bool several = vgpu->type->series == 'Q' || vgpu->type->series == 'C';
    return n_same <= (several ? 16u : 1u);
}

static int open_vgpu(struct sim_host *host, struct sim_gpu *gpu, struct sim_vgpu *vgpu, int32_t pid,
                     const char *vm_uuid)
{
    if (gpu->lost || gpu->wedged) {
        return -EIO;
    }
    if (!sim_vgpu_placement_ok(vgpu)) {
        return -EINVAL;
    }
    if (!may_join(host, gpu, vgpu, pid)) {
        return -EIO;
    }
    return take(host, &vgpu->opener, vgpu->vm_uuid, pid, vm_uuid);
}

/* A function of a GPU's group, such as its audio function, or the GPU. */
static int open_function(struct sim_host *host, uint32_t group, int32_t *opener, char vm_field[40],
                         int32_t pid, const char *vm_uuid)
{
    if (!group_viable(host, group)) {
        return -EPERM;
    }
    return group_is_others(host, group, pid) ? -EBUSY : take(host, opener, vm_field, pid, vm_uuid);
}

int sim_open_device(struct sim_host *host, const char *name, int32_t pid, const char *vm_uuid)
{
    if (pid <= 0) {
        return -EINVAL;
    }
    struct sim_gpu *gpu = NULL;
    struct sim_vgpu *vgpu = sim_find_mdev(host, name, &gpu, NULL);
    if (vgpu != NULL) {
        return open_vgpu(host, gpu, vgpu, pid, vm_uuid);
    }
    struct pci_addr addr;
    if (!pci_addr_parse(name, &addr)) {
        return -ENODEV;
    }
    struct sim_vf *vf = sim_find_vf(host, &addr, &gpu);
    if (vf != NULL) {
        bool ready =
            host->iface == SIM_VENDOR_VFIO && sim_bound_to(vf->driver, "nvidia") && vf->vgpu.exists;
        return ready ? open_vgpu(host, gpu, &vf->vgpu, pid, vm_uuid) : -ENODEV;
    }
    struct sim_extra *extra = sim_find_extra(host, &addr);
    if (extra != NULL && sim_bound_to(extra->driver, "vfio-pci")) {
        return open_function(host, extra->iommu_group, &extra->opener, extra->vm_uuid, pid,
                             vm_uuid);
    }
    gpu = sim_find_gpu(host, &addr);
    if (gpu == NULL || !sim_bound_to(gpu->driver, "vfio-pci")) {
        return -ENODEV;
    }
    if (gpu->lost) {
        return -EIO;
    }
    return open_function(host, gpu->iommu_group, &gpu->opener, gpu->vm_uuid, pid, vm_uuid);
}

/* Closes everything of the GPU that `which` says; true if something was open. */
static bool close_matching(struct sim_gpu *gpu, bool (*which)(int32_t pid, const void *data),
                           const void *data)
{
    bool closed = false;
    if (gpu->opener != 0 && which(gpu->opener, data)) {
        gpu->opener = 0;
        gpu->vm_uuid[0] = '\0';
        closed = true;
    }
    uint32_t cursor = 0;
    struct sim_vgpu *vgpu = sim_next_vgpu(gpu, &cursor, NULL);
    while (vgpu != NULL) {
        if (vgpu->opener != 0 && which(vgpu->opener, data)) {
            vgpu->opener = 0;
            vgpu->vm_uuid[0] = '\0';
            closed = true;
        }
        vgpu = sim_next_vgpu(gpu, &cursor, NULL);
    }
    return closed;
}

void sim_close_device(struct sim_host *host, const char *name, int32_t pid)
{
    int32_t *opener = NULL;
    char *vm_uuid = NULL;
    struct sim_vgpu *vgpu = sim_find_mdev(host, name, NULL, NULL);
    struct pci_addr addr;
    if (vgpu == NULL && pci_addr_parse(name, &addr)) {
        struct sim_vf *vf = sim_find_vf(host, &addr, NULL);
        struct sim_gpu *gpu = sim_find_gpu(host, &addr);
        vgpu = vf != NULL ? &vf->vgpu : NULL;
        struct sim_extra *extra = sim_find_extra(host, &addr);
        opener = gpu != NULL ? &gpu->opener : extra != NULL ? &extra->opener : NULL;
        vm_uuid = gpu != NULL ? gpu->vm_uuid : extra != NULL ? extra->vm_uuid : NULL;
    }
    if (vgpu != NULL) {
        opener = &vgpu->opener;
        vm_uuid = vgpu->vm_uuid;
    }
    if (opener != NULL && *opener != 0 && *opener == pid) {
        *opener = 0;
        vm_uuid[0] = '\0';
        sim_changed(host);
    }
}

struct liveness {
    bool (*alive)(int32_t pid);
};

static bool is_dead(int32_t pid, const void *data)
{
    const struct liveness *liveness = data;
    return !liveness->alive(pid);
}

void sim_forget_dead(struct sim_host *host, bool (*alive)(int32_t pid))
{
    struct liveness liveness = {.alive = alive};
    bool closed = false;
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        closed = close_matching(&host->gpus[i], is_dead, &liveness) || closed;
    }
    for (uint32_t i = 0; i < host->n_extras; i++) {
        struct sim_extra *extra = &host->extras[i];
        if (extra->opener != 0 && !alive(extra->opener)) {
            extra->opener = 0;
            extra->vm_uuid[0] = '\0';
            closed = true;
        }
    }
    if (closed) {
        sim_changed(host);
    }
}

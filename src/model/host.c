/* SPDX-License-Identifier: Apache-2.0 */
#include "model/host.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"

WORDS_DEFINE(gpu_mode_words, "mode of a GPU", GPU_MODE_COUNT, WORD(GPU_IDLE, "idle"),
             WORD(GPU_PASSTHROUGH, "passthrough"), WORD(GPU_TIME_SLICED, "time-sliced"),
             WORD(GPU_MIG, "mig"))

WORDS_DEFINE(vgpu_interface_words, "vGPU interface", VGPU_IFACE_VENDOR_VFIO + 1,
             WORD(VGPU_IFACE_NONE, "none"), WORD(VGPU_IFACE_MDEV, "mdev"),
             WORD(VGPU_IFACE_VENDOR_VFIO, "vendor-vfio"))

WORDS_DEFINE(vm_state_words, "state of a VM", VM_CRASHED + 1, WORD(VM_UNKNOWN, "unknown"),
             WORD(VM_SHUT_OFF, "shut-off"), WORD(VM_RUNNING, "running"), WORD(VM_PAUSED, "paused"),
             WORD(VM_CRASHED, "crashed"))

/* Members with memory of their own, for both who frees them and who copies them. */
#define GPU_VECS(X)                                                                                \
    X(group_members) X(gis) X(vfs) X(vgpus) X(pf_offers) X(guests) X(uses) X(licensees)
#define VM_VECS(X) X(devices) X(saved_devices)
#define HOST_VECS(X) X(functions) X(other_mdevs) X(gpus) X(vms) X(vm_ends) X(vm_reports)

static void gpu_done(struct gpu *gpu)
{
    for (vec_each(&gpu->vfs, vf)) {
        vec_done(&vf->offers);
    }
#define DONE(member) vec_done(&gpu->member);
    GPU_VECS(DONE)
#undef DONE
    board_done(&gpu->board);
}

void vm_drop_devices(struct vm *vm)
{
#define DONE(member) vec_done(&vm->member);
    VM_VECS(DONE)
#undef DONE
}

static void drop_vms(struct host *host)
{
    for (vec_each(&host->vms, vm)) {
        vm_drop_devices(vm);
    }
    vec_done(&host->vms);
}

static void host_done(struct host *host)
{
    for (vec_each(&host->gpus, gpu)) {
        gpu_done(gpu);
    }
    drop_vms(host);
#define DONE(member) vec_done(&host->member);
    HOST_VECS(DONE)
#undef DONE
}

struct host *host_new(void)
{
    return xcalloc(1, sizeof(struct host));
}

void host_free(struct host *host)
{
    if (host == NULL) {
        return;
    }
    host_done(host);
    free(host);
}

/* `gpu` is a shallow copy of `from`. */
static void own_gpu(struct gpu *gpu, const struct gpu *from)
{
#define COPY(member) vec_own(&gpu->member, &from->member);
    GPU_VECS(COPY)
#undef COPY
    gpu->board = (struct board){0};
    board_copy(&gpu->board, &from->board);
    for (size_t i = 0; i < gpu->vfs.n; i++) {
        vec_own(&gpu->vfs.items[i].offers, &from->vfs.items[i].offers);
    }
}

struct host *host_copy(const struct host *host)
{
    struct host *copy = host_new();
    *copy = *host;
#define COPY(member) vec_own(&copy->member, &host->member);
    HOST_VECS(COPY)
#undef COPY
    for (size_t i = 0; i < copy->gpus.n; i++) {
        own_gpu(&copy->gpus.items[i], &host->gpus.items[i]);
    }
    for (size_t i = 0; i < copy->vms.n; i++) {
#define COPY(member) vec_own(&copy->vms.items[i].member, &host->vms.items[i].member);
        VM_VECS(COPY)
#undef COPY
    }
    return copy;
}

void host_take_guests(struct host *host, struct host *from)
{
    drop_vms(host);
    host->vms.items = TAKE_PTR(from->vms.items);
    host->vms.n = from->vms.n;
    host->vms.cap = from->vms.cap;
    from->vms.n = from->vms.cap = 0;
    vec_done(&host->vm_ends);
    host->vm_ends.items = TAKE_PTR(from->vm_ends.items);
    host->vm_ends.n = from->vm_ends.n;
    host->vm_ends.cap = from->vm_ends.cap;
    from->vm_ends.n = from->vm_ends.cap = 0;
    STR_SET(host->libvirt_version, from->libvirt_version);
    STR_SET(host->qemu_version, from->qemu_version);
    STR_SET(host->cpu_arch, from->cpu_arch);
    STR_SET(host->cpu_vendor, from->cpu_vendor);
    STR_SET(host->cpu_model, from->cpu_model);
    STR_SET(host->libvirt_problem, from->libvirt_problem);
    host->libvirt_session = from->libvirt_session;
}

const char *vm_device_name(const struct vm_device *device, char out[BDF_SIZE])
{
    return device_name(device->is_mdev ? device->mdev_uuid : "", &device->addr, out);
}

bool vm_device_is(const struct vm_device *device, const struct pci_addr *addr,
                  const char *mdev_uuid)
{
    return device->is_mdev ? str_eq_case(device->mdev_uuid, mdev_uuid)
                           : mdev_uuid[0] == '\0' && pci_addr_cmp(&device->addr, addr) == 0;
}

bool vm_is_on(const struct vm *vm)
{
    return vm != NULL && (vm->state == VM_RUNNING || vm->state == VM_PAUSED);
}

const struct vm_device *vm_defined_for(const struct vm *vm, const char *claim)
{
    for (vec_each(&vm->devices, device)) {
        if (device->persistent && str_eq(device->claim, claim)) {
            return device;
        }
    }
    return NULL;
}

bool vm_defines(const struct vm *vm, const struct pci_addr *addr, const char *mdev_uuid)
{
    for (vec_each(&vm->devices, device)) {
        if (device->persistent && vm_device_is(device, addr, mdev_uuid)) {
            return true;
        }
    }
    return false;
}

const char *vm_known_as(const char *name, const char *uuid)
{
    return strlen(name) < VM_NAME_SIZE && str_is_clean(name) ? name : uuid;
}

static struct vm *find_vm_by_uuid(const struct host *host, const char *uuid)
{
    for (vec_each(&host->vms, vm)) {
        if (vm->uuid[0] != '\0' && str_eq_case(vm->uuid, uuid)) {
            return vm;
        }
    }
    return NULL;
}

void host_settle_vm_name(const struct host *host, struct vm *vm)
{
    const struct vm *other = find_vm_by_uuid(host, vm->name);
    if (other != NULL && !str_eq_case(other->uuid, vm->uuid)) {
        STR_SET(vm->name, vm->uuid);
    }
}

struct gpu *host_find_gpu_addr(const struct host *host, const struct pci_addr *addr)
{
    for (vec_each(&host->gpus, gpu)) {
        if (pci_addr_cmp(&gpu->addr, addr) == 0) {
            return gpu;
        }
    }
    return NULL;
}

struct gpu *host_find_gpu(const struct host *host, const char *text)
{
    struct pci_addr addr = {0};
    if (pci_addr_parse(text, &addr)) {
        return host_find_gpu_addr(host, &addr);
    }
    uint32_t index = 0;
    bool is_index = parse_u32(text, &index);
    for (vec_each(&host->gpus, gpu)) {
        if (is_index ? gpu->number == index && index != NO_ID : str_eq_case(gpu->uuid, text)) {
            return gpu;
        }
    }
    return NULL;
}

/* Several GPUs may be of a model, so that it is none's name, also where only one is. */
static int refuse_model(const struct host *host, const char *text, struct error *err)
{
    CLEANUP_STRBUF struct strbuf list = {0};
    size_t n = 0;
    for (vec_each(&host->gpus, gpu)) {
        char bdf[BDF_SIZE];
        if (str_eq_case(gpu->model, text) || str_eq_case(gpu->name, text)) {
            strbuf_addf(&list, "%s%s", n++ > 0 ? ", " : "", pci_addr_format(&gpu->addr, bdf));
        }
    }
    if (n == 0) {
        return 0;
    }
    error_set(err, REASON_NOT_FOUND, SUBJECT("gpu", text),
              "\"%s\" is a model, but a GPU must be named by its address, UUID or index; of that "
              "model %s %s",
              text, n == 1 ? "is" : "are", strbuf_str(&list));
    error_hint(err, "`cleave gpu list` shows addresses and indexes");
    return -REASON_NOT_FOUND;
}

/* A GPU that is away from NVIDIA's driver has no UUID that could be asked for. */
static int refuse_away(const struct host *host, const char *text, struct error *err)
{
    for (vec_each(&host->gpus, gpu)) {
        char bdf[BDF_SIZE];
        if (gpu->uuid[0] == '\0' && gpu->seen_uuid[0] != '\0' &&
            str_eq_case(gpu->seen_uuid, text)) {
            pci_addr_format(&gpu->addr, bdf);
            error_set(err, REASON_NOT_FOUND, SUBJECT("gpu", text),
                      "GPU %s was last at %s, but NVIDIA's driver has no GPU there now", text, bdf);
            error_hint(err, "use that address: %s", bdf);
            return -REASON_NOT_FOUND;
        }
    }
    return 0;
}

int host_unknown_gpu(const struct host *host, const char *text, struct error *err)
{
    CLEANUP_FREE char(*bdfs)[BDF_SIZE] = xcalloc(host->gpus.n + 1, sizeof(*bdfs));
    CLEANUP_FREE const char **names = xcalloc(2 * host->gpus.n + 1, sizeof(*names));
    size_t n = 0;
    if (refuse_model(host, text, err) != 0 || refuse_away(host, text, err) != 0) {
        return -REASON_NOT_FOUND;
    }
    for (size_t i = 0; i < host->gpus.n; i++) {
        const struct gpu *gpu = &host->gpus.items[i];
        names[n++] = pci_addr_format(&gpu->addr, bdfs[i]);
        if (gpu->model[0] != '\0') {
            names[n++] = gpu->model;
        }
    }
    /* One UUID is as near to a mistyped one as another: none is proposed. */
    const char *nearest = str_nearest(text, names, n);
    error_set(err, REASON_NOT_FOUND, SUBJECT("gpu", text), "there is no GPU \"%s\" on this host",
              text);
    if (nearest != NULL) {
        error_hint(err, "did you mean \"%s\"? `cleave gpu list` shows all GPUs", nearest);
    } else {
        error_hint(err, "`cleave gpu list` shows addresses, UUIDs, indexes and models");
    }
    return -REASON_NOT_FOUND;
}

struct gpu *host_add_gpu(struct host *host, const struct pci_addr *addr)
{
    struct gpu *gpu = host_find_gpu_addr(host, addr);
    if (gpu != NULL) {
        return gpu;
    }
    gpu = vec_push(&host->gpus);
    gpu->addr = *addr;
    gpu->pci_subsystem_id = NO_ID;
    gpu->index = NO_ID;
    gpu->number = NO_ID;
    gpu->iommu_group = NO_ID;
    gpu->numa_node = -1;
    gpu->vf_offset = NO_ID;
    gpu->vf_stride = NO_ID;
    return gpu;
}

struct vm *host_find_vm(const struct host *host, const char *name_or_uuid)
{
    struct vm *found = find_vm_by_uuid(host, name_or_uuid);
    for (size_t i = 0; found == NULL && i < host->vms.n; i++) {
        struct vm *vm = &host->vms.items[i];
        found = str_eq(vm->name, name_or_uuid) ? vm : NULL;
    }
    return found;
}

const struct vm *host_find_unread_vm(const struct host *host)
{
    for (vec_each(&host->vms, vm)) {
        if (vm->unread[0] != '\0') {
            return vm;
        }
    }
    return NULL;
}

struct vm *host_find_vm_of(const struct host *host, const char *name, const char *uuid)
{
    struct vm *vm = uuid[0] != '\0' ? host_find_vm(host, uuid) : NULL;
    return vm != NULL || name[0] == '\0' ? vm : host_find_vm(host, name);
}

struct gi *gpu_find_gi_at(const struct gpu *gpu, uint32_t start, uint32_t size)
{
    for (vec_each(&gpu->gis, gi)) {
        if (gi->start == start && gi->size == size) {
            return gi;
        }
    }
    return NULL;
}

struct gpu *host_find_gpu_known(const struct host *host, const char *uuid)
{
    for (vec_each(&host->gpus, gpu)) {
        if (uuid[0] != '\0' && str_eq_case(gpu_known_uuid(gpu), uuid)) {
            return gpu;
        }
    }
    return NULL;
}

struct gpu *host_find_board(const struct host *host, const char *uuid, const struct pci_addr *addr)
{
    struct gpu *gpu = host_find_gpu_known(host, uuid);
    if (gpu != NULL) {
        return gpu;
    }
    gpu = host_find_gpu_addr(host, addr);
    bool other = gpu != NULL && uuid[0] != '\0' && gpu_known_uuid(gpu)[0] != '\0';
    return other ? NULL : gpu;
}

const char *gpu_known_uuid(const struct gpu *gpu)
{
    return gpu->uuid[0] != '\0' ? gpu->uuid : gpu->seen_uuid;
}

struct gi *gpu_find_gi(const struct gpu *gpu, uint32_t id)
{
    for (vec_each(&gpu->gis, gi)) {
        if (gi->id == id) {
            return gi;
        }
    }
    return NULL;
}

struct vgpu *gpu_find_vgpu_vf(const struct gpu *gpu, const struct pci_addr *vf)
{
    for (vec_each(&gpu->vgpus, vgpu)) {
        if (vgpu->mdev_uuid[0] == '\0' && pci_addr_cmp(&vgpu->vf, vf) == 0) {
            return vgpu;
        }
    }
    return NULL;
}

struct vgpu *gpu_find_vgpu_mdev(const struct gpu *gpu, const char *mdev_uuid)
{
    for (vec_each(&gpu->vgpus, vgpu)) {
        if (vgpu->mdev_uuid[0] != '\0' && str_eq_case(vgpu->mdev_uuid, mdev_uuid)) {
            return vgpu;
        }
    }
    return NULL;
}

struct vgpu *gpu_find_vgpu(const struct gpu *gpu, const char *mdev_uuid, const struct pci_addr *vf)
{
    return mdev_uuid[0] != '\0' ? gpu_find_vgpu_mdev(gpu, mdev_uuid) : gpu_find_vgpu_vf(gpu, vf);
}

bool gpu_vf_addr(const struct gpu *gpu, uint32_t index, struct pci_addr *ret_addr)
{
    if (index >= gpu->vfs_total) {
        return false;
    }
    if (index < gpu->vfs.n) {
        *ret_addr = gpu->vfs.items[index].addr;
        return true;
    }
    if (gpu->vf_offset == NO_ID || gpu->vf_stride == NO_ID || gpu->vf_offset == 0) {
        return false;
    }
    uint32_t rid =
        (uint32_t)gpu->addr.bus << 8 | (uint32_t)gpu->addr.device << 3 | gpu->addr.function;
    rid += gpu->vf_offset + index * gpu->vf_stride;
    if (rid > 0xffff) {
        return false;
    }
    *ret_addr = (struct pci_addr){.domain = gpu->addr.domain,
                                  .bus = (uint8_t)(rid >> 8),
                                  .device = (uint8_t)(rid >> 3 & 31),
                                  .function = (uint8_t)(rid & 7)};
    return true;
}

bool group_member_bars(const struct group_member *member)
{
    /* Drivers that leave DMA to the group's owner (driver_managed_dma in drivers/pci/pci-stub.c
     * and drivers/vfio/pci with those of vendors: nvgrace-gpu-vfio-pci, mlx5_vfio_pci). */
    bool harmless = member->driver[0] == '\0' || str_eq(member->driver, "pci-stub") ||
                    str_ends(member->driver, "vfio-pci") || str_ends(member->driver, "vfio_pci");
    return !harmless && !member->bridge;
}

bool pci_same_slot(const struct pci_addr *a, const struct pci_addr *b)
{
    return a->domain == b->domain && a->bus == b->bus && a->device == b->device &&
           a->function != b->function;
}

bool gpu_is_astray(const struct gpu *gpu)
{
    return gpu->other_vendor == 0 && !str_eq(gpu->driver, "nvidia") &&
           !str_eq(gpu->driver, "vfio-pci");
}

bool gpu_is_taken(const struct gpu *gpu)
{
    return gpu_is_astray(gpu) && gpu->driver[0] != '\0';
}

bool gpu_at_home(const struct gpu *gpu)
{
    return gpu->other_vendor == 0 ? str_eq(gpu->driver, "nvidia")
                                  : !str_eq(gpu->driver, "vfio-pci");
}

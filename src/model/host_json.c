/* SPDX-License-Identifier: Apache-2.0 */
/* API form of what is observed; schemas Host, Gpu, Vm in api/openapi.yaml. */
#include <stdio.h>

#include "base/mem.h"
#include "base/str.h"
#include "model/encode.h"
#include "model/host.h"

static json_t *offers_to_json(const struct vgpu_offer *offers, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(list, json_pack("{s:o, s:s, s:I}", "typeId",
                                              encode_id(offers[i].type_id), "type", offers[i].name,
                                              "available", (json_int_t)offers[i].available));
    }
    return list;
}

static json_t *gi_to_json(const struct gi *gi)
{
    return json_pack("{s:I, s:I, s:o, s:I, s:I, s:I, s:o, s:o}", "id", (json_int_t)gi->id,
                     "profileId", (json_int_t)gi->profile_id, "profile", encode_text(gi->profile),
                     "start", (json_int_t)gi->start, "size", (json_int_t)gi->size,
                     "computeInstances", (json_int_t)gi->n_ci, "processes",
                     encode_id(gi->processes), "migUuid", encode_text(gi->mig_uuid));
}

static json_t *vgpu_to_json(const struct vgpu *vgpu)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "typeId", encode_id(vgpu->type_id),
                     "type", encode_text(vgpu->type), "gpuInstance", encode_id(vgpu->gi_id),
                     "placementId", encode_id(vgpu->placement_id), "mdevUuid",
                     encode_text(vgpu->mdev_uuid), "device", encode_addr(&vgpu->vf), "vm",
                     encode_text(vgpu->holder));
}

static json_t *vf_to_json(const struct vf *vf)
{
    return json_pack("{s:o, s:o, s:o, s:s, s:o}", "address", encode_addr(&vf->addr), "driver",
                     encode_text(vf->driver), "iommuGroup", encode_id(vf->iommu_group), "interface",
                     vgpu_interface_name(vf->iface), "offers",
                     offers_to_json(vf->offers.items, vf->offers.n));
}

static json_t *group_to_json(const struct gpu *gpu)
{
    if (gpu->iommu_group == NO_ID) {
        return json_null();
    }
    json_t *others = json_array();
    json_t *drivers = json_object();
    for (vec_each(&gpu->group_members, member)) {
        char bdf[BDF_SIZE];
        json_array_append_new(others, encode_addr(&member->addr));
        json_object_set_new(drivers, pci_addr_format(&member->addr, bdf),
                            encode_text(member->driver));
    }
    return json_pack("{s:I, s:o, s:o}", "number", (json_int_t)gpu->iommu_group, "otherMembers",
                     others, "drivers", drivers);
}

static json_t *memory_to_json(const struct gpu *gpu)
{
    return json_pack(
        "{s:o, s:o}", "totalBytes",
        gpu->mem_bytes == 0 ? json_null() : json_integer((json_int_t)gpu->mem_bytes), "usedBytes",
        gpu->mem_used_known ? json_integer((json_int_t)gpu->mem_used_bytes) : json_null());
}

static json_t *mig_to_json(const struct gpu *gpu)
{
    bool known = gpu->mig_capable != TRI_UNKNOWN || gpu->mig_enabled || gpu->mig_pending;
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "capable", encode_tristate(gpu->mig_capable),
                     "enabled", known ? json_boolean(gpu->mig_enabled) : json_null(), "pending",
                     known ? json_boolean(gpu->mig_pending) : json_null(), "timeSlicingSupported",
                     encode_tristate(gpu->mig_timeslicing_supported), "timeSlicingEnabled",
                     encode_tristate(gpu->mig_timeslicing_enabled));
}

/* What is seen on a GPU that has a problem may be all, or not: nothing seen is not known. */
static bool is_known(const struct gpu *gpu, size_t n_seen)
{
    return n_seen > 0 || gpu->problem[0] == '\0';
}

static json_t *gis_to_json(const struct gpu *gpu)
{
    json_t *list = is_known(gpu, gpu->gis.n) ? json_array() : json_null();
    for (vec_each(&gpu->gis, gi)) {
        json_array_append_new(list, gi_to_json(gi));
    }
    return list;
}

static json_t *vgpus_to_json(const struct gpu *gpu)
{
    json_t *list = is_known(gpu, gpu->vgpus.n) ? json_array() : json_null();
    for (vec_each(&gpu->vgpus, vgpu)) {
        json_array_append_new(list, vgpu_to_json(vgpu));
    }
    return list;
}

json_t *gpu_to_json(const struct gpu *gpu)
{
    bool mode_known = is_known(gpu, gpu->mode != GPU_IDLE); /* idle: nothing was seen on it */
    json_t *json = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "address",
                             encode_addr(&gpu->addr), "uuid", encode_text(gpu->uuid), "name",
                             encode_text(gpu->name), "model", encode_text(gpu->model), "index",
                             encode_id(gpu->index), "pciId",
                             gpu->pci_id != 0 ? encode_hex(gpu->pci_id, 4) : json_null(),
                             "pciSubsystemId", encode_hex(gpu->pci_subsystem_id, 4), "mode",
                             mode_known ? json_string(gpu_mode_name(gpu->mode)) : json_null(),
                             "driver", encode_text(gpu->driver), "memory", memory_to_json(gpu));
    json_object_set_new(json, "iommuGroup", group_to_json(gpu));
    json_object_set_new(json, "numaNode",
                        gpu->numa_node < 0 ? json_null() : json_integer(gpu->numa_node));
    json_object_set_new(json, "mmioBytes", encode_size(gpu->mmio_bytes));
    json_object_set_new(json, "mig", mig_to_json(gpu));
    json_object_set_new(json, "mixedSizes", encode_tristate(gpu->heterogeneous));
    json_object_set_new(json, "scheduler", gpu_scheduler_to_json(&gpu->scheduler));
    json_object_set_new(json, "cordoned", json_null()); /* decided, not observed: see reply_gpu() */
    json_object_set_new(json, "quarantine", json_null());
    json_object_set_new(json, "stuckVirtualFunctions", json_array());
    json_object_set_new(json, "vgpuInterface",
                        is_known(gpu, gpu->iface != VGPU_IFACE_NONE)
                            ? json_string(vgpu_interface_name(gpu->iface))
                            : json_null());
    json_object_set_new(json, "virtualFunctionsTotal",
                        is_known(gpu, gpu->vfs_total) ? json_integer(gpu->vfs_total) : json_null());
    json_object_set_new(json, "vm", encode_text(gpu->holder));
    json_object_set_new(json, "problem", encode_text(gpu->problem));
    json_object_set_new(json, "gpuInstances", gis_to_json(gpu));
    json_object_set_new(json, "vgpus", vgpus_to_json(gpu));
    json_t *vfs = is_known(gpu, gpu->vfs_total) ? json_array() : json_null();
    for (vec_each(&gpu->vfs, vf)) {
        json_array_append_new(vfs, vf_to_json(vf));
    }
    json_object_set_new(json, "virtualFunctions", vfs);
    json_object_set_new(json, "offers", offers_to_json(gpu->pf_offers.items, gpu->pf_offers.n));
    return json;
}

json_t *vm_to_json(const struct vm *vm)
{
    json_t *devices = json_array();
    for (vec_each(&vm->devices, device)) {
        json_array_append_new(devices,
                              json_pack("{s:o, s:o, s:b, s:b, s:b, s:o}", "address",
                                        device->is_mdev ? json_null() : encode_addr(&device->addr),
                                        "mdevUuid", encode_text(device->mdev_uuid), "live",
                                        device->live, "persistent", device->persistent, "managed",
                                        device->managed, "claim", encode_text(device->claim)));
    }
    return json_pack("{s:s, s:o, s:s, s:I, s:I, s:b, s:b, s:b, s:o}", "name", vm->name, "uuid",
                     encode_text(vm->uuid), "state", vm_state_name(vm->state), "vcpus",
                     (json_int_t)vm->vcpus, "memoryKib", (json_int_t)vm->mem_kib, "transient",
                     vm->transient, "autostart", vm->autostart, "saved", vm->saved, "devices",
                     devices);
}

json_t *host_to_json(const struct host *host)
{
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I}", "name", encode_text(host->name),
        "kernel", encode_text(host->kernel), "driverVersion", encode_text(host->driver_version),
        "nvmlVersion", encode_text(host->nvml_version), "libvirtVersion",
        encode_text(host->libvirt_version), "nvmlProblem", encode_text(host->nvml_problem),
        "vgpuProblem", encode_text(host->vgpu_problem), "pciProblem",
        encode_text(host->pci_problem), "libvirtProblem", encode_text(host->libvirt_problem),
        "gpus", (json_int_t)host->gpus.n, "vms", (json_int_t)host->vms.n);
}

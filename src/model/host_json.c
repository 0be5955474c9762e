/* SPDX-License-Identifier: Apache-2.0 */
/* API form of what is observed; schemas Host, Gpu, Vm in api/openapi.yaml. */
#include "model/encode.h"
#include "model/host.h"

static const struct field offer_fields[] = {
    FIELD_ID(struct vgpu_offer, type_id, "typeId", FACE_API),
    FIELD_STRING(struct vgpu_offer, name, "type", FACE_API),
    FIELD_COUNT(struct vgpu_offer, available, "available", FACE_API),
};
static const struct schema vgpu_offer_schema = SCHEMA(vgpu_offer, offer_fields);

static const struct field gi_compute_fields[] = {
    FIELD_COUNT(struct gi_compute, id, "id", FACE_API),
    FIELD_COUNT(struct gi_compute, start, "start", FACE_API),
    FIELD_COUNT(struct gi_compute, size, "size", FACE_API),
};
static const struct schema gi_compute_schema = SCHEMA(gi_compute, gi_compute_fields);

static const struct field gi_fields[] = {
    FIELD_COUNT(struct gi, id, "id", FACE_API),
    FIELD_COUNT(struct gi, profile_id, "profileId", FACE_API),
    FIELD_TEXT(struct gi, profile, "profile", FACE_API),
    FIELD_COUNT(struct gi, start, "start", FACE_API),
    FIELD_COUNT(struct gi, size, "size", FACE_API),
    FIELD_COUNT(struct gi, n_ci, "computeInstances", FACE_API),
    FIELD_ARRAY(struct gi, compute, n_compute, "compute", gi_compute, FACE_API),
    FIELD_ID(struct gi, processes, "processes", FACE_API),
    FIELD_TEXT(struct gi, mig_uuid, "migUuid", FACE_API),
    FIELD_OBJECT(struct gi, scheduler, "scheduler", gpu_scheduler, FACE_API),
};
static const struct schema gi_schema = SCHEMA(gi, gi_fields);

static const struct field vgpu_fields[] = {
    FIELD_ID(struct vgpu, type_id, "typeId", FACE_API),
    FIELD_TEXT(struct vgpu, type, "type", FACE_API),
    FIELD_ID(struct vgpu, gi_id, "gpuInstance", FACE_API),
    FIELD_ID(struct vgpu, placement_id, "placementId", FACE_API),
    FIELD_TEXT(struct vgpu, mdev_uuid, "mdevUuid", FACE_API),
    FIELD_ADDRESS(struct vgpu, vf, "device", FACE_API),
    FIELD_TEXT(struct vgpu, holder, "vm", FACE_API),
    FIELD_OBJECT(struct vgpu, share, "share", vgpu_share, FACE_API),
    FIELD_AMOUNT(struct vgpu, used_percent, "usedPercent", FACE_API, .max = 100),
    FIELD_OBJECT(struct vgpu, licence, "licence", vgpu_licence, FACE_API),
};
static const struct schema vgpu_schema = SCHEMA(vgpu, vgpu_fields);

static const struct field vf_fields[] = {
    FIELD_ADDRESS(struct vf, addr, "address", FACE_API),
    FIELD_TEXT(struct vf, driver, "driver", FACE_API),
    FIELD_ID(struct vf, iommu_group, "iommuGroup", FACE_API),
    FIELD_WORD(struct vf, iface, "interface", vgpu_interface, FACE_API),
    FIELD_LIST(struct vf, offers, "offers", vgpu_offer, FACE_API),
};
static const struct schema vf_schema = SCHEMA(vf, vf_fields);

/* ---- a GPU ---- */

static json_t *put_group(const void *object)
{
    const struct gpu *gpu = object;
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

static bool use_is_known(const void *object)
{
    return ((const struct gpu *)object)->mem_used_known;
}

static bool mig_is_known(const void *object)
{
    const struct gpu *gpu = object;
    return gpu->mig_capable != TRI_UNKNOWN || gpu->mig_enabled || gpu->mig_pending;
}

/* A GPU with a problem may have more than what is seen on it: nothing seen is not known. */
static bool is_known(const struct gpu *gpu, size_t n_seen)
{
    return n_seen > 0 || gpu->problem[0] == '\0';
}

static bool mode_is_known(const void *object)
{
    const struct gpu *gpu = object;
    return is_known(gpu, gpu->mode != GPU_IDLE); /* idle: nothing was seen on it */
}

static bool interface_is_known(const void *object)
{
    const struct gpu *gpu = object;
    return is_known(gpu, gpu->iface != VGPU_IFACE_NONE);
}

static bool vfs_are_known(const void *object)
{
    const struct gpu *gpu = object;
    return is_known(gpu, gpu->vfs_total);
}

static bool gis_are_known(const void *object)
{
    const struct gpu *gpu = object;
    return is_known(gpu, gpu->gis.n);
}

static bool vgpus_are_known(const void *object)
{
    const struct gpu *gpu = object;
    return is_known(gpu, gpu->vgpus.n);
}

static const struct field memory_fields[] = {
    FIELD_SIZE(struct gpu, mem_bytes, "totalBytes", FACE_API),
    FIELD_COUNT(struct gpu, mem_used_bytes, "usedBytes", FACE_API, .is_known = use_is_known),
};
static const struct schema memory_schema = {SCHEMA_OF("memory", struct gpu, memory_fields)};

static const struct field mig_fields[] = {
    FIELD_TRISTATE(struct gpu, mig_capable, "capable", FACE_API),
    FIELD_BOOL(struct gpu, mig_enabled, "enabled", FACE_API, .is_known = mig_is_known),
    FIELD_BOOL(struct gpu, mig_pending, "pending", FACE_API, .is_known = mig_is_known),
    FIELD_TRISTATE(struct gpu, mig_timeslicing_supported, "timeSlicingSupported", FACE_API),
    FIELD_TRISTATE(struct gpu, mig_timeslicing_enabled, "timeSlicingEnabled", FACE_API),
};
static const struct schema mig_schema = {SCHEMA_OF("mig", struct gpu, mig_fields)};

static const struct field_hook group_hook = {.put = put_group};
/* One that NVIDIA's driver does not have can't be used as it is, either. */
static json_t *put_problem(const void *object)
{
    const struct gpu *gpu = object;
    char bdf[BDF_SIZE];
    pci_addr_format(&gpu->addr, bdf);
    if (gpu->problem[0] != '\0' || !gpu_is_astray(gpu)) {
        return encode_text(gpu->problem);
    }
    return gpu_is_taken(gpu)
               ? json_sprintf("driver %s has it; see `cleave gpu show %s`", gpu->driver, bdf)
               : json_sprintf("no driver has it; `cleave gpu mode %s idle` binds it "
                              "to nvidia",
                              bdf);
}

static const struct field_hook problem_hook = {.put = put_problem};

static const struct field gpu_fields[] = {
    FIELD_ADDRESS(struct gpu, addr, "address", FACE_API),
    FIELD_TEXT(struct gpu, uuid, "uuid", FACE_API),
    FIELD_TEXT(struct gpu, name, "name", FACE_API),
    FIELD_TEXT(struct gpu, model, "model", FACE_API),
    FIELD_ID(struct gpu, number, "index", FACE_API),
    FIELD_HEX(struct gpu, pci_id, "pciId", FACE_API),
    FIELD_HEX(struct gpu, pci_subsystem_id, "pciSubsystemId", FACE_API, .fallback = NO_ID),
    FIELD_WORD(struct gpu, mode, "mode", gpu_mode, FACE_API, .is_known = mode_is_known),
    FIELD_TEXT(struct gpu, driver, "driver", FACE_API),
    FIELD_GROUP("memory", memory_schema, FACE_API),
    FIELD_HOOK("iommuGroup", group_hook, FACE_API),
    FIELD_NODE(struct gpu, numa_node, "numaNode", FACE_API),
    FIELD_SIZE(struct gpu, mmio_bytes, "mmioBytes", FACE_API),
    FIELD_GROUP("mig", mig_schema, FACE_API),
    FIELD_TRISTATE(struct gpu, heterogeneous, "mixedSizes", FACE_API),
    FIELD_OBJECT(struct gpu, scheduler, "scheduler", gpu_scheduler, FACE_API),
    FIELD_WORD(struct gpu, iface, "vgpuInterface", vgpu_interface, FACE_API,
               .is_known = interface_is_known),
    FIELD_COUNT(struct gpu, vfs_total, "virtualFunctionsTotal", FACE_API,
                .is_known = vfs_are_known),
    FIELD_TEXT(struct gpu, holder, "vm", FACE_API),
    FIELD_HOOK("problem", problem_hook, FACE_API),
    FIELD_LIST(struct gpu, gis, "gpuInstances", gi, FACE_API, .is_known = gis_are_known),
    FIELD_LIST(struct gpu, vgpus, "vgpus", vgpu, FACE_API, .is_known = vgpus_are_known),
    FIELD_LIST(struct gpu, vfs, "virtualFunctions", vf, FACE_API, .is_known = vfs_are_known),
    FIELD_LIST(struct gpu, pf_offers, "offers", vgpu_offer, FACE_API),
};
const struct schema gpu_schema = SCHEMA(gpu, gpu_fields);

json_t *gpu_to_json(const struct gpu *gpu)
{
    json_t *json = schema_to_json(&gpu_schema, gpu, FACE_API);
    json_object_set_new(json, "cordoned", json_null()); /* decided, not observed: see reply_gpu() */
    json_object_set_new(json, "quarantine", json_null());
    json_object_set_new(json, "stuckVirtualFunctions", json_array());
    return json;
}

/* ---- a VM ---- */

static json_t *put_device_address(const void *object)
{
    const struct vm_device *device = object;
    char bdf[BDF_SIZE];
    return device->is_mdev ? json_null() : json_string(pci_addr_format(&device->addr, bdf));
}

static const struct field_hook device_address_hook = {.put = put_device_address};

static const struct field device_fields[] = {
    FIELD_HOOK("address", device_address_hook, FACE_API),
    FIELD_TEXT(struct vm_device, mdev_uuid, "mdevUuid", FACE_API),
    FIELD_BOOL(struct vm_device, live, "live", FACE_API),
    FIELD_BOOL(struct vm_device, persistent, "persistent", FACE_API),
    FIELD_BOOL(struct vm_device, managed, "managed", FACE_API),
    FIELD_TEXT(struct vm_device, claim, "claim", FACE_API),
    FIELD_OBJECT(struct vm_device, share, "share", vgpu_share, FACE_API),
    FIELD_AMOUNT(struct vm_device, used_percent, "usedPercent", FACE_API, .max = 100),
    FIELD_OBJECT(struct vm_device, licence, "licence", vgpu_licence, FACE_API),
};
static const struct schema vm_device_schema = SCHEMA(vm_device, device_fields);

static const struct field vm_fields[] = {
    FIELD_STRING(struct vm, name, "name", FACE_API),
    FIELD_TEXT(struct vm, uuid, "uuid", FACE_API),
    FIELD_WORD(struct vm, state, "state", vm_state, FACE_API),
    FIELD_COUNT(struct vm, vcpus, "vcpus", FACE_API),
    FIELD_COUNT(struct vm, mem_kib, "memoryKib", FACE_API),
    FIELD_BOOL(struct vm, transient, "transient", FACE_API),
    FIELD_BOOL(struct vm, autostart, "autostart", FACE_API),
    FIELD_BOOL(struct vm, saved, "saved", FACE_API),
    FIELD_LIST(struct vm, devices, "devices", vm_device, FACE_API),
};
const struct schema vm_schema = SCHEMA(vm, vm_fields);

json_t *vm_to_json(const struct vm *vm)
{
    return schema_to_json(&vm_schema, vm, FACE_API);
}

/* ---- the host ---- */

static const struct field host_fields[] = {
    FIELD_TEXT(struct host, name, "name", FACE_API),
    FIELD_TEXT(struct host, kernel, "kernel", FACE_API),
    FIELD_TEXT(struct host, driver_version, "driverVersion", FACE_API),
    FIELD_TEXT(struct host, nvml_version, "nvmlVersion", FACE_API),
    FIELD_TEXT(struct host, libvirt_version, "libvirtVersion", FACE_API),
    FIELD_TEXT(struct host, nvml_problem, "nvmlProblem", FACE_API),
    FIELD_TEXT(struct host, vgpu_problem, "vgpuProblem", FACE_API),
    FIELD_TEXT(struct host, pci_problem, "pciProblem", FACE_API),
    FIELD_TRISTATE(struct host, vfio_pci, "vfioPci", FACE_API),
    FIELD_TEXT(struct host, libvirt_problem, "libvirtProblem", FACE_API),
    FIELD_COUNT(struct host, gpus.n, "gpus", FACE_API),
    FIELD_COUNT(struct host, vms.n, "vms", FACE_API),
};
const struct schema host_schema = SCHEMA(host, host_fields);

json_t *host_to_json(const struct host *host)
{
    return schema_to_json(&host_schema, host, FACE_API);
}

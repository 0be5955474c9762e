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

static const struct field gi_fields[] = {
    FIELD_COUNT(struct gi, id, "id", FACE_API),
    FIELD_COUNT(struct gi, profile_id, "profileId", FACE_API),
    FIELD_TEXT(struct gi, profile, "profile", FACE_API),
    FIELD_COUNT(struct gi, start, "start", FACE_API),
    FIELD_COUNT(struct gi, size, "size", FACE_API),
    FIELD_COUNT(struct gi, n_ci, "computeInstances", FACE_API),
    FIELD_ID(struct gi, processes, "processes", FACE_API),
    FIELD_TEXT(struct gi, mig_uuid, "migUuid", FACE_API),
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

/* Of what is on the GPU. */
static json_t *seen_to_json(const struct gpu *gpu, const struct schema *schema, const void *items,
                            size_t n)
{
    return is_known(gpu, n) ? schema_list_to_json(schema, items, n, FACE_API) : json_null();
}

/* What is one member each. */
static const struct field gpu_fields[] = {
    FIELD_ADDRESS(struct gpu, addr, "address", FACE_API),
    FIELD_TEXT(struct gpu, uuid, "uuid", FACE_API),
    FIELD_TEXT(struct gpu, name, "name", FACE_API),
    FIELD_TEXT(struct gpu, model, "model", FACE_API),
    FIELD_ID(struct gpu, index, "index", FACE_API),
    FIELD_HEX(struct gpu, pci_id, "pciId", FACE_API),
    FIELD_HEX(struct gpu, pci_subsystem_id, "pciSubsystemId", FACE_API, .fallback = NO_ID),
    FIELD_TEXT(struct gpu, driver, "driver", FACE_API),
    FIELD_NODE(struct gpu, numa_node, "numaNode", FACE_API),
    FIELD_SIZE(struct gpu, mmio_bytes, "mmioBytes", FACE_API),
    FIELD_TRISTATE(struct gpu, heterogeneous, "mixedSizes", FACE_API),
    FIELD_OBJECT(struct gpu, scheduler, "scheduler", gpu_scheduler, FACE_API),
    FIELD_TEXT(struct gpu, holder, "vm", FACE_API),
    FIELD_TEXT(struct gpu, problem, "problem", FACE_API),
    FIELD_LIST(struct gpu, pf_offers, "offers", vgpu_offer, FACE_API),
};
static const struct schema gpu_schema = SCHEMA(gpu, gpu_fields);

json_t *gpu_to_json(const struct gpu *gpu)
{
    json_t *json = schema_to_json(&gpu_schema, gpu, FACE_API);
    bool mode_known = is_known(gpu, gpu->mode != GPU_IDLE); /* idle: nothing was seen on it */
    json_object_set_new(json, "mode",
                        mode_known ? json_string(gpu_mode_name(gpu->mode)) : json_null());
    json_object_set_new(json, "memory", memory_to_json(gpu));
    json_object_set_new(json, "iommuGroup", group_to_json(gpu));
    json_object_set_new(json, "mig", mig_to_json(gpu));
    json_object_set_new(json, "cordoned", json_null()); /* decided, not observed: see reply_gpu() */
    json_object_set_new(json, "quarantine", json_null());
    json_object_set_new(json, "stuckVirtualFunctions", json_array());
    json_object_set_new(json, "vgpuInterface",
                        is_known(gpu, gpu->iface != VGPU_IFACE_NONE)
                            ? json_string(vgpu_interface_name(gpu->iface))
                            : json_null());
    json_object_set_new(json, "virtualFunctionsTotal",
                        is_known(gpu, gpu->vfs_total) ? json_integer(gpu->vfs_total) : json_null());
    json_object_set_new(json, "gpuInstances",
                        seen_to_json(gpu, &gi_schema, gpu->gis.items, gpu->gis.n));
    json_object_set_new(json, "vgpus",
                        seen_to_json(gpu, &vgpu_schema, gpu->vgpus.items, gpu->vgpus.n));
    json_object_set_new(json, "virtualFunctions",
                        is_known(gpu, gpu->vfs_total)
                            ? schema_list_to_json(&vf_schema, gpu->vfs.items, gpu->vfs.n, FACE_API)
                            : json_null());
    return json;
}

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

static const struct field host_fields[] = {
    FIELD_TEXT(struct host, name, "name", FACE_API),
    FIELD_TEXT(struct host, kernel, "kernel", FACE_API),
    FIELD_TEXT(struct host, driver_version, "driverVersion", FACE_API),
    FIELD_TEXT(struct host, nvml_version, "nvmlVersion", FACE_API),
    FIELD_TEXT(struct host, libvirt_version, "libvirtVersion", FACE_API),
    FIELD_TEXT(struct host, nvml_problem, "nvmlProblem", FACE_API),
    FIELD_TEXT(struct host, vgpu_problem, "vgpuProblem", FACE_API),
    FIELD_TEXT(struct host, pci_problem, "pciProblem", FACE_API),
    FIELD_TEXT(struct host, libvirt_problem, "libvirtProblem", FACE_API),
    FIELD_COUNT(struct host, gpus.n, "gpus", FACE_API),
    FIELD_COUNT(struct host, vms.n, "vms", FACE_API),
};
const struct schema host_schema = SCHEMA(host, host_fields);

json_t *host_to_json(const struct host *host)
{
    return schema_to_json(&host_schema, host, FACE_API);
}

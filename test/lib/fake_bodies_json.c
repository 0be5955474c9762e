/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_bodies.h"

#include "base/str.h"

#define GIB (UINT64_C(1) << 30)

static struct pci_addr at(uint8_t bus, uint8_t function)
{
    return (struct pci_addr){.bus = bus, .function = function};
}

static void add_gi(struct gpu *gpu, uint32_t id, const char *profile, uint32_t start, uint32_t size)
{
    struct gi *gi = vec_push(&gpu->gis);
    *gi = (struct gi){.id = id, .profile_id = 47, .start = start, .size = size};
    STR_SET(gi->profile, profile);
}

static void add_vgpu(struct gpu *gpu, const char *type, uint32_t gi_id, uint8_t function,
                     const char *vm)
{
    struct vgpu *vgpu = vec_push(&gpu->vgpus);
    *vgpu = (struct vgpu){.type_id = 1500, .gi_id = gi_id, .placement_id = NO_ID};
    vgpu->vf = at(gpu->addr.bus, function);
    STR_SET(vgpu->type, type);
    STR_SET(vgpu->holder, vm);
}

static void add_vfs(struct gpu *gpu, uint8_t n)
{
    for (uint8_t i = 0; i < n; i++) {
        struct vf *vf = vec_push(&gpu->vfs);
        vf->addr = at(gpu->addr.bus, (uint8_t)(i + 2));
        vf->iommu_group = 100u + i;
        vf->iface = VGPU_IFACE_VENDOR_VFIO;
        STR_SET(vf->driver, "nvidia");
        struct vgpu_offer *offer = vec_push(&vf->offers);
        *offer = (struct vgpu_offer){.type_id = 1500, .available = 1};
        STR_SET(offer->name, "DC-1-8C");
    }
    gpu->vfs_total = 48;
    gpu->vfs_enabled = n;
    gpu->iface = VGPU_IFACE_VENDOR_VFIO;
}

static struct gpu *add_gpu(struct host *host, uint8_t bus, const char *name, const char *model)
{
    struct pci_addr addr = at(bus, 0);
    struct gpu *gpu = host_add_gpu(host, &addr);
    STR_SET(gpu->name, name);
    STR_SET(gpu->model, model);
    STR_SET(gpu->driver, "nvidia");
    gpu->iommu_group = bus;
    gpu->index = (uint32_t)host->gpus.n - 1;
    gpu->mem_used_known = true;
    return gpu;
}

static void add_mig_gpu(struct host *host)
{
    struct gpu *gpu = add_gpu(host, 0x41, "NVIDIA RTX PRO 6000 Blackwell Server Edition",
                              "rtx-pro-6000-blackwell-se");
    STR_SET(gpu->uuid, "GPU-11111111-2222-3333-4444-555555555555");
    gpu->pci_id = 0x2bb5;
    gpu->pci_subsystem_id = 0x204e;
    gpu->mem_bytes = 96 * GIB;
    gpu->mem_used_bytes = 2 * GIB;
    gpu->mig_capable = gpu->mig_timeslicing_supported = gpu->mig_timeslicing_enabled = TRI_YES;
    gpu->mig_enabled = gpu->mig_pending = true;
    add_gi(gpu, 1, "1g.24gb+gfx", 0, 3);
    add_gi(gpu, 2, "1g.24gb+gfx", 3, 3);
    add_gi(gpu, 3, "1g.24gb+me", 9, 3);
    add_vfs(gpu, 4);
    add_vgpu(gpu, "DC-1-8C", 1, 2, "web1");
    add_vgpu(gpu, "DC-1-8C", 1, 3, "web2");
    add_vgpu(gpu, "DC-1-24Q", 2, 4, "");
}

static void add_time_sliced_gpu(struct host *host)
{
    struct gpu *gpu = add_gpu(host, 0x61, "NVIDIA L40S", "l40s");
    STR_SET(gpu->uuid, "GPU-66666666-7777-8888-9999-000000000000");
    gpu->pci_id = 0x26b9;
    gpu->mem_bytes = 48 * GIB;
    gpu->mem_used_bytes = 25 * GIB;
    gpu->mig_capable = gpu->mig_timeslicing_supported = gpu->mig_timeslicing_enabled = TRI_NO;
    gpu->heterogeneous = TRI_YES;
    add_vgpu(gpu, "L40S-24Q", NO_ID, 4, "desk");
    add_vgpu(gpu, "L40S-8Q", NO_ID, 5, "");
}

static void add_vm(struct host *host, const char *name, enum vm_state state, uint8_t function)
{
    struct vm *vm = vec_push(&host->vms);
    STR_SET(vm->name, name);
    STR_SET(vm->uuid, "0a0a0a0a-1111-4222-8333-444444444444");
    vm->state = state;
    vm->vcpus = 2;
    vm->mem_kib = 262144;
    struct vm_device *device = vec_push(&vm->devices);
    device->addr = at(0x41, function);
    device->live = state == VM_RUNNING;
    device->persistent = true;
}

struct host *fake_host(void)
{
    struct host *host = host_new();
    STR_SET(host->name, "fake");
    STR_SET(host->kernel, "6.12.0");
    STR_SET(host->driver_version, "580.82.07");
    STR_SET(host->nvml_version, "13.580.82.07");
    STR_SET(host->libvirt_problem, "libvirt does not answer");
    add_mig_gpu(host);
    add_time_sliced_gpu(host);
    add_vm(host, "web1", VM_RUNNING, 2);
    add_vm(host, "web2", VM_SHUT_OFF, 3);
    host->gpus.items[0].mode = GPU_MIG;
    host->gpus.items[1].mode = GPU_TIME_SLICED;
    return host;
}

static void add_instance(struct plan *plan, uint32_t start, const char *what)
{
    struct plan_instance *instance = vec_push(&plan->instances);
    instance->gpu = at(0x41, 0);
    instance->start = start;
    instance->size = 3;
    STR_SET(instance->profile, "1g.24gb+gfx");
    STR_SET(instance->what, what);
}

struct plan *fake_plan(const char *reason)
{
    struct plan *plan = plan_new();
    STR_SET(plan->id, "7d0f3c1e-0000-4000-8000-000000000001");
    STR_SET(plan->reason, reason);
    struct pci_addr gpu = at(0x41, 0);
    struct step *step = vec_push(&plan->steps);
    *step = step_make(STEP_GI_CREATE, &gpu);
    step->start = 6;
    step->size = 3;
    step->profile_id = 47;
    STR_SET(step->profile, "1g.24gb+gfx");
    step = vec_push(&plan->steps);
    *step = step_make(STEP_VGPU_CREATE, &gpu);
    step->device = at(0x41, 5);
    step->type_id = 1500;
    STR_SET(step->type, "DC-1-8C");
    STR_SET(step->vm, "web2");
    add_instance(plan, 0, "kept");
    add_instance(plan, 6, "created");
    add_instance(plan, 9, "destroyed");
    plan_name_vm(plan, "web2");
    return plan;
}

void fake_assign(struct claim *claim)
{
    claim->spec.mode = CLAIM_MIG_BACKED;
    struct assignment *got = &claim->got;
    got->set = true;
    got->gpu = at(0x41, 0);
    got->device = at(0x41, 5);
    got->start = 6;
    got->size = 3;
    STR_SET(got->profile, "1g.24gb+gfx");
}

static json_t *model(const char *key, const char *name, const char *arch, int memory_mib,
                     json_t *compute, json_t *memory)
{
    return json_pack("{s:s, s:s, s:s, s:i, s:o, s:o}", "key", key, "name", name, "architecture",
                     arch, "memoryMib", memory_mib, "computeSlices", compute, "memorySlices",
                     memory);
}

json_t *fake_profiles(const struct gpu *gpu)
{
    bool mig = gpu == NULL || str_eq(gpu->model, "rtx-pro-6000-blackwell-se");
    bool ada = gpu == NULL || str_eq(gpu->model, "l40s");
    json_t *models = json_array();
    json_t *profiles = json_array();
    json_t *types = json_array();
    if (mig) {
        json_array_append_new(models, model("rtx-pro-6000-blackwell-se",
                                            "RTX PRO 6000 Blackwell Server Edition", "blackwell",
                                            98304, json_integer(4), json_integer(12)));
        json_array_append_new(
            profiles,
            json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:n, s:i, s:o, s:b, s:[{s:i, s:i}], s:s, "
                      "s:s}",
                      "model", "rtx-pro-6000-blackwell-se", "name", "1g.24gb+gfx", "profileId", 47,
                      "memoryMib", 24192, "computeSlices", 1, "memorySlices", 3, "multiprocessors",
                      "maxInstances", 4, "remaining", gpu == NULL ? json_null() : json_integer(1),
                      "gfx", 1, "placements", "start", 0, "size", 3, "source", "made up",
                      "confidence", "inferred"));
        json_array_append_new(
            types,
            json_pack("{s:s, s:s, s:i, s:s, s:i, s:b, s:s, s:i, s:i, s:s, s:s}", "model",
                      "rtx-pro-6000-blackwell-se", "name", "DC-1-8C", "typeId", 1500, "series", "C",
                      "framebufferMib", 8192, "migBacked", 1, "profile", "1g.24gb+gfx", "maxPerGpu",
                      12, "maxPerInstance", 3, "source", "made up", "confidence", "inferred"));
    }
    if (ada) {
        json_array_append_new(models,
                              model("l40s", "L40S", "ada", 49152, json_null(), json_null()));
        json_array_append_new(
            types, json_pack("{s:s, s:s, s:n, s:s, s:i, s:b, s:n, s:i, s:n, s:s, s:s}", "model",
                             "l40s", "name", "L40S-8Q", "typeId", "series", "Q", "framebufferMib",
                             8192, "migBacked", 0, "profile", "maxPerGpu", 6, "maxPerInstance",
                             "source", "made up", "confidence", "inferred"));
        json_array_append_new(
            types, json_pack("{s:s, s:s, s:n, s:s, s:i, s:b, s:n, s:i, s:n, s:s, s:s}", "model",
                             "l40s", "name", "L40S-24Q", "typeId", "series", "Q", "framebufferMib",
                             24576, "migBacked", 0, "profile", "maxPerGpu", 2, "maxPerInstance",
                             "source", "made up", "confidence", "inferred"));
    }
    return json_pack("{s:o, s:o, s:o}", "models", models, "profiles", profiles, "types", types);
}

json_t *fake_rules(void)
{
    return json_pack(
        "{s:[{s:s, s:s, s:s, s:s, s:s, s:s}]}", "rules", "id", "mig-vgpu-not-for-windows-on-h100",
        "statement", "A MIG-backed vGPU on H100 can't serve a Windows guest.", "source", "made up",
        "confidence", "inferred", "message", "{claim.type} can't", "instead", "a Linux guest");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The library as any client meets it: linked, or loaded by name. */
#include "test.h"

#include <dlfcn.h>

#include "sim/rpc/served.h"
#include "sim/state/ctl.h"

#define SESSION(iface)                                                                             \
    SERVED(iface);                                                                                 \
    CLEANUP(end_session) UNUSED int session = nvmlInit_v2();                                       \
    assert_int_equal(session, NVML_SUCCESS)

static void end_session(int *unused)
{
    (void)unused;
    nvmlShutdown();
}

static struct nvml_device *device_at(const char *bdf)
{
    struct nvml_device *device = NULL;
    assert_int_equal(nvmlDeviceGetHandleByPciBusId_v2(bdf, &device), NVML_SUCCESS);
    return device;
}

static struct nvml_device *a100(void)
{
    return device_at("0000:21:00.0");
}

static struct nvml_device *pro(void)
{
    return device_at("00000000:41:00.0");
}

static void mig(struct nvml_device *device, uint32_t mode)
{
    int32_t activation = -1;
    assert_int_equal(nvmlDeviceSetMigMode(device, mode, &activation), NVML_SUCCESS);
    assert_int_equal(activation, NVML_SUCCESS);
}

static struct nvml_gpu_instance *create(struct nvml_device *device, uint32_t profile_id,
                                        uint32_t start, uint32_t size)
{
    struct nvml_gpu_instance *gi = NULL;
    struct nvml_gpu_instance_placement place = {.start = start, .size = size};
    assert_int_equal(nvmlDeviceCreateGpuInstanceWithPlacement(device, profile_id, &place, &gi),
                     NVML_SUCCESS);
    return gi;
}

/* ---- the library itself ---- */

static void every_name_of_nvml_is_exported(void **state)
{
    (void)state;
    void *library = dlopen(NVML_SONAME, RTLD_NOW | RTLD_LOCAL);
    assert_non_null(library);
    size_t known = 0;
    size_t missing = 0;
#define X(name, since, params, args)                                                               \
    known++;                                                                                       \
    if (dlsym(library, #name) == NULL) {                                                           \
        print_error("%s is missing\n", #name);                                                     \
        missing++;                                                                                 \
    }
#include "nvml/functions.def"
#undef X
    assert_int_equal(missing, 0);
    assert_int_equal(known, 414 + 5); /* NVML 13.3, and what older headers declared */
    assert_non_null(dlsym(library, "nvmlErrorString"));
    assert_non_null(dlsym(library, "nvmlInternalGetExportTable"));
    assert_null(dlsym(library, "rpc_call"));
    dlclose(library);
}

static void calls_outside_a_session_are_refused_but_shutdown_is_not(void **state)
{
    (void)state;
    SERVED(SIM_VENDOR_VFIO);
    uint32_t count = 0;
    assert_int_equal(nvmlShutdown(), NVML_SUCCESS);
    assert_int_equal(nvmlDeviceGetCount_v2(&count), NVML_ERROR_UNINITIALIZED);
    assert_int_equal(nvmlUnitGetCount(&count), NVML_ERROR_UNINITIALIZED);
    assert_int_equal(nvmlInit_v2(), NVML_SUCCESS);
    assert_int_equal(nvmlInit_v2(), NVML_SUCCESS);
    assert_int_equal(nvmlShutdown(), NVML_SUCCESS);
    assert_int_equal(nvmlDeviceGetCount_v2(&count), NVML_SUCCESS);
    assert_int_equal(count, FIX_GPUS);
    assert_int_equal(nvmlUnitSetLedState(NULL, 0), NVML_ERROR_NOT_SUPPORTED);
    assert_int_equal(nvmlShutdown(), NVML_SUCCESS);
    assert_int_equal(nvmlDeviceGetCount_v2(&count), NVML_ERROR_UNINITIALIZED);
}

static void init_without_a_driver_says_so(void **state)
{
    (void)state;
    setenv("CLEAVE_SIM_SOCKET", "/nonexistent/socket", 1);
    assert_int_equal(nvmlInit_v2(), NVML_ERROR_DRIVER_NOT_LOADED);
    char version[80];
    assert_int_equal(nvmlSystemGetNVMLVersion(version, sizeof(version)), NVML_SUCCESS);
    assert_string_equal(nvmlErrorString(NVML_ERROR_DRIVER_NOT_LOADED), "Driver Not Loaded");
}

static void error_texts_follow_the_driver(void **state)
{
    (void)state;
    SERVED(SIM_VENDOR_VFIO);
    STR_SET(sim->host->driver_version, "535.261.03");
    assert_int_equal(nvmlInit_v2(), NVML_SUCCESS);
    assert_string_equal(nvmlErrorString(NVML_ERROR_INVALID_STATE), "Unknown Error");
    assert_string_equal(nvmlErrorString(NVML_ERROR_IN_USE), "In use by another client");
    assert_string_equal(nvmlErrorString(4711), "Unknown Error");
    nvmlShutdown();
    STR_SET(sim->host->driver_version, "555.58.02");
    assert_int_equal(nvmlInit_v2(), NVML_SUCCESS);
    assert_string_equal(nvmlErrorString(NVML_ERROR_INVALID_STATE),
                        "Resource not in correct state to perform requested operation");
    char version[80];
    assert_int_equal(nvmlSystemGetNVMLVersion(version, sizeof(version)), NVML_SUCCESS);
    assert_string_equal(version, "12.555.58.02");
    nvmlShutdown();
}

/* ---- devices ---- */

static void a_device_is_found_by_index_address_uuid_and_serial(void **state)
{
    (void)state;
    SESSION(SIM_VENDOR_VFIO);
    struct nvml_device *device = NULL;
    assert_int_equal(nvmlDeviceGetHandleByIndex_v2(1, &device), NVML_SUCCESS);
    assert_ptr_equal(device, pro());
    assert_int_equal(nvmlDeviceGetHandleByUUID("GPU-1", &device), NVML_SUCCESS);
    assert_ptr_equal(device, pro());
    assert_int_equal(nvmlDeviceGetHandleBySerial("132001", &device), NVML_SUCCESS);
    assert_ptr_equal(device, pro());
    uint32_t index = 99;
    assert_int_equal(nvmlDeviceGetIndex(device, &index), NVML_SUCCESS);
    assert_int_equal(index, 1);
    assert_int_equal(nvmlDeviceGetHandleByIndex_v2(FIX_GPUS, &device), NVML_ERROR_INVALID_ARGUMENT);
    assert_int_equal(nvmlDeviceGetHandleByUUID("GPU-x", &device), NVML_ERROR_NOT_FOUND);
    assert_int_equal(nvmlDeviceGetHandleByPciBusId_v2("nonsense", &device),
                     NVML_ERROR_INVALID_ARGUMENT);
    assert_int_equal(nvmlDeviceGetHandleByPciBusId_v2("0000:99:00.0", &device),
                     NVML_ERROR_NOT_FOUND);
}

static void a_call_meets_a_fault_once_however_often_it_asks_the_host(void **state)
{
    (void)state;
    SESSION(SIM_VENDOR_VFIO);
    mig(a100(), NVML_ENABLED);
    struct nvml_gpu_instance *gi = create(a100(), 9, 0, 4);
    struct nvml_compute_instance *ci[3];
    for (size_t i = 0; i < ARRAY_SIZE(ci); i++) {
        assert_int_equal(nvmlGpuInstanceCreateComputeInstance(gi, NVML_CI_1_SLICE, &ci[i]),
                         NVML_SUCCESS);
    }
    CLEANUP_FREE char *reply =
        sim_ctl_handle(sim->host,
                       "{\"op\":\"fault-add\",\"at\":\"nvmlComputeInstanceDestroy\","
                       "\"nvml\":\"IN_USE\",\"after\":1,\"count\":1}",
                       true);
    assert_non_null(strstr(reply, "\"ok\":true"));
    assert_int_equal(nvmlComputeInstanceDestroy(ci[0]), NVML_SUCCESS);
    assert_int_equal(sim->host->faults[0].seen, 1);
    assert_int_equal(nvmlComputeInstanceDestroy(ci[1]), NVML_ERROR_IN_USE);
    assert_int_equal(sim->host->faults[0].seen, 2);
    assert_int_equal(nvmlComputeInstanceDestroy(ci[1]), NVML_SUCCESS);
    assert_int_equal(nvmlComputeInstanceDestroy(ci[2]), NVML_SUCCESS);
}

static void a_pointer_that_is_no_handle_is_an_invalid_argument(void **state)
{
    (void)state;
    SESSION(SIM_VENDOR_VFIO);
    uint32_t value = 0;
    assert_int_equal(nvmlDeviceGetIndex(NULL, &value), NVML_ERROR_INVALID_ARGUMENT);
    assert_int_equal(nvmlDeviceGetIndex((struct nvml_device *)&value, &value),
                     NVML_ERROR_INVALID_ARGUMENT);
    assert_int_equal(nvmlDeviceGetIndex(pro(), NULL), NVML_ERROR_INVALID_ARGUMENT);
}

static void pci_information_is_written_only_as_far_as_the_caller_s_form_goes(void **state)
{
    (void)state;
    SESSION(SIM_VENDOR_VFIO);
    struct nvml_pci_info pci;
    assert_int_equal(nvmlDeviceGetPciInfo_v3(device_at("0001:61:00.0"), &pci), NVML_SUCCESS);
    assert_string_equal(pci.bus_id, "00000001:61:00.0");
    assert_string_equal(pci.bus_id_legacy, "0001:61:00.0");
    assert_int_equal(pci.pci_device_id, 0x26b910de);
    memset(&pci, 0x5a, sizeof(pci));
    assert_int_equal(nvmlDeviceGetPciInfo_v2(pro(), &pci), NVML_SUCCESS);
    assert_int_equal(pci.pci_device_id, 0x2bb510de);
    assert_int_equal(pci.bus_id[0], 0x5a);
}

static void a_structure_of_another_version_is_a_mismatch(void **state)
{
    (void)state;
    SESSION(SIM_VENDOR_VFIO);
    struct nvml_memory_v2 memory = {.version = 1};
    assert_int_equal(nvmlDeviceGetMemoryInfo_v2(pro(), &memory),
                     NVML_ERROR_ARGUMENT_VERSION_MISMATCH);
    memory.version = 0x02000028;
    assert_int_equal(nvmlDeviceGetMemoryInfo_v2(pro(), &memory), NVML_SUCCESS);
    assert_int_equal(memory.total, 98304ull << 20);
}

static void a_text_that_does_not_fit_is_not_cut(void **state)
{
    (void)state;
    SESSION(SIM_VENDOR_VFIO);
    char name[8] = "as was";
    assert_int_equal(nvmlDeviceGetName(pro(), name, sizeof(name)), NVML_ERROR_INSUFFICIENT_SIZE);
    assert_string_equal(name, "as was");
}

static void a_board_under_vfio_is_not_listed_and_its_handle_is_lost(void **state)
{
    (void)state;
    SESSION(SIM_VENDOR_VFIO);
    struct nvml_device *device = pro();
    sim_lock(sim->host);
    STR_SET(sim->fix->gpus[FIX_PRO]->driver, "vfio-pci");
    sim_unlock(sim->host);
    uint32_t count = 0;
    assert_int_equal(nvmlDeviceGetCount_v2(&count), NVML_SUCCESS);
    assert_int_equal(count, FIX_GPUS - 1);
    assert_int_equal(nvmlDeviceGetIndex(device, &count), NVML_ERROR_GPU_IS_LOST);
}

/* ---- MIG ---- */

static void profiles_are_distinguished_as_unknown_or_unsupported(void **state)
{
    (void)state;
    SESSION(SIM_VENDOR_VFIO);
    struct nvml_gpu_instance_profile_info info;
    assert_int_equal(nvmlDeviceGetGpuInstanceProfileInfo(a100(), NVML_GI_3_SLICE, &info),
                     NVML_SUCCESS);
    assert_int_equal(info.id, 9);
    assert_int_equal(info.slice_count, 3);
    assert_int_equal(nvmlDeviceGetGpuInstanceProfileInfo(a100(), NVML_GI_4_SLICE_GFX, &info),
                     NVML_ERROR_NOT_SUPPORTED);
    assert_int_equal(nvmlDeviceGetGpuInstanceProfileInfo(a100(), NVML_GI_PROFILE_COUNT, &info),
                     NVML_ERROR_INVALID_ARGUMENT);
}

static void both_versions_of_profile_information_come_in_one_buffer(void **state)
{
    (void)state;
    SESSION(SIM_VENDOR_VFIO);
    struct nvml_gpu_instance_profile_info_v2 v2 = {.version = 0x02000098};
    assert_int_equal(nvmlDeviceGetGpuInstanceProfileInfoV(pro(), NVML_GI_1_SLICE_GFX, &v2),
                     NVML_SUCCESS);
    assert_string_equal(v2.name, "MIG 1g.24gb+gfx");
    union {
        struct nvml_gpu_instance_profile_info_v2 as_v2;
        struct nvml_gpu_instance_profile_info_v3 v3;
    } u = {.v3 = {.version = 0x03000098}};
    assert_int_equal(nvmlDeviceGetGpuInstanceProfileInfoV(pro(), NVML_GI_1_SLICE_GFX, &u.as_v2),
                     NVML_SUCCESS);
    assert_string_equal(u.v3.name, "MIG 1g.24gb+gfx");
    assert_int_equal(u.v3.capabilities, NVML_GI_CAP_GFX);
    v2.version = 0x01000098;
    assert_int_equal(nvmlDeviceGetGpuInstanceProfileInfoV(pro(), NVML_GI_1_SLICE_GFX, &v2),
                     NVML_ERROR_ARGUMENT_VERSION_MISMATCH);
}

static void instances_need_mig_mode_and_room(void **state)
{
    (void)state;
    SESSION(SIM_VENDOR_VFIO);
    struct nvml_gpu_instance *gi = NULL;
    assert_int_equal(nvmlDeviceCreateGpuInstance(a100(), 9, &gi), NVML_ERROR_NOT_SUPPORTED);
    mig(a100(), 1);
    uint32_t n = 0;
    assert_int_equal(nvmlDeviceGetGpuInstanceRemainingCapacity(a100(), 9, &n), NVML_SUCCESS);
    assert_int_equal(n, 2);
    create(a100(), 9, 0, 4);
    create(a100(), 9, 4, 4);
    assert_int_equal(nvmlDeviceCreateGpuInstance(a100(), 9, &gi),
                     NVML_ERROR_INSUFFICIENT_RESOURCES);
    struct nvml_gpu_instance_placement odd = {.start = 1, .size = 4};
    assert_int_equal(nvmlDeviceCreateGpuInstanceWithPlacement(a100(), 9, &odd, &gi),
                     NVML_ERROR_INVALID_ARGUMENT);
    struct nvml_gpu_instance *list[8];
    assert_int_equal(nvmlDeviceGetGpuInstances(a100(), 9, list, &n), NVML_SUCCESS);
    assert_int_equal(n, 2);
}

static void placements_are_counted_or_listed_whole(void **state)
{
    (void)state;
    SESSION(SIM_VENDOR_VFIO);
    struct nvml_gpu_instance_placement places[8];
    uint32_t n = 0;
    assert_int_equal(nvmlDeviceGetGpuInstancePossiblePlacements_v2(a100(), 19, NULL, &n),
                     NVML_SUCCESS);
    assert_int_equal(n, 7);
    n = 3;
    assert_int_equal(nvmlDeviceGetGpuInstancePossiblePlacements_v2(a100(), 19, places, &n),
                     NVML_ERROR_INSUFFICIENT_SIZE);
    n = 8;
    assert_int_equal(nvmlDeviceGetGpuInstancePossiblePlacements_v2(a100(), 19, places, &n),
                     NVML_SUCCESS);
    assert_int_equal(n, 7);
    assert_int_equal(places[6].start, 6);
}

static void an_instance_with_compute_instances_is_in_use(void **state)
{
    (void)state;
    SESSION(SIM_VENDOR_VFIO);
    mig(a100(), 1);
    struct nvml_gpu_instance *gi = create(a100(), 9, 0, 4);
    struct nvml_compute_instance *ci = NULL;
    assert_int_equal(nvmlGpuInstanceCreateComputeInstance(gi, NVML_CI_3_SLICE, &ci), NVML_SUCCESS);
    assert_int_equal(nvmlGpuInstanceDestroy(gi), NVML_ERROR_IN_USE);
    assert_int_equal(nvmlComputeInstanceDestroy(ci), NVML_SUCCESS);
    assert_int_equal(nvmlComputeInstanceDestroy(ci), NVML_ERROR_INVALID_ARGUMENT);
    assert_int_equal(nvmlGpuInstanceDestroy(gi), NVML_SUCCESS);
    struct nvml_gpu_instance_info info;
    assert_int_equal(nvmlGpuInstanceGetInfo(gi, &info), NVML_ERROR_INVALID_ARGUMENT);
}

static void compute_instance_profiles_follow_the_instance_s_slices(void **state)
{
    (void)state;
    SESSION(SIM_VENDOR_VFIO);
    mig(a100(), 1);
    struct nvml_gpu_instance *gi = create(a100(), 5, 0, 4);
    struct nvml_compute_instance_profile_info_v2 info = {.version = 0x02000088};
    assert_int_equal(nvmlGpuInstanceGetComputeInstanceProfileInfoV(gi, NVML_CI_2_SLICE, 0, &info),
                     NVML_SUCCESS);
    assert_string_equal(info.name, "MIG 2c.4g.20gb");
    assert_int_equal(info.instance_count, 2);
    assert_int_equal(nvmlGpuInstanceGetComputeInstanceProfileInfoV(gi, NVML_CI_4_SLICE, 0, &info),
                     NVML_SUCCESS);
    assert_string_equal(info.name, "MIG 4g.20gb");
    assert_int_equal(nvmlGpuInstanceGetComputeInstanceProfileInfoV(gi, NVML_CI_3_SLICE, 0, &info),
                     NVML_ERROR_NOT_SUPPORTED);
    assert_int_equal(
        nvmlGpuInstanceGetComputeInstanceProfileInfoV(gi, NVML_CI_PROFILE_COUNT, 0, &info),
        NVML_ERROR_INVALID_ARGUMENT);
}

static void a_mig_device_has_a_handle_a_name_and_a_uuid(void **state)
{
    (void)state;
    SESSION(SIM_VENDOR_VFIO);
    uint32_t n = 99;
    struct nvml_device *device = NULL;
    assert_int_equal(nvmlDeviceGetMaxMigDeviceCount(a100(), &n), NVML_SUCCESS);
    assert_int_equal(n, 0);
    mig(a100(), 1);
    struct nvml_compute_instance *ci = NULL;
    struct nvml_gpu_instance *gi = create(a100(), 14, 2, 2);
    assert_int_equal(nvmlGpuInstanceCreateComputeInstance(gi, NVML_CI_2_SLICE, &ci), NVML_SUCCESS);
    assert_int_equal(nvmlDeviceGetMaxMigDeviceCount(a100(), &n), NVML_SUCCESS);
    assert_int_equal(n, 7);
    assert_int_equal(nvmlDeviceGetMigDeviceHandleByIndex(a100(), 0, &device), NVML_SUCCESS);
    char text[96];
    assert_int_equal(nvmlDeviceGetName(device, text, sizeof(text)), NVML_SUCCESS);
    assert_string_equal(text, "NVIDIA A100 40GB MIG 2g.10gb");
    assert_int_equal(nvmlDeviceGetUUID(device, text, sizeof(text)), NVML_SUCCESS);
    assert_true(str_starts(text, "MIG-"));
    struct nvml_device *again = NULL;
    assert_int_equal(nvmlDeviceGetHandleByUUID(text, &again), NVML_SUCCESS);
    assert_ptr_equal(again, device);
    assert_int_equal(nvmlDeviceGetDeviceHandleFromMigDeviceHandle(device, &again), NVML_SUCCESS);
    assert_ptr_equal(again, a100());
    struct nvml_device_attributes attributes;
    assert_int_equal(nvmlDeviceGetAttributes_v2(device, &attributes), NVML_SUCCESS);
    assert_int_equal(attributes.gpu_instance_slice_count, 2);
    assert_int_equal(attributes.memory_size_mb, 2 * 4864);
    assert_int_equal(nvmlDeviceGetMigDeviceHandleByIndex(a100(), 1, &device), NVML_ERROR_NOT_FOUND);
}

/* ---- vGPU ---- */

static void time_slicing_of_instances_is_reported_for_gpu_and_hypervisor(void **state)
{
    (void)state;
    SESSION(SIM_VENDOR_VFIO);
    uint32_t value = 99;
    assert_int_equal(
        nvmlDeviceGetVgpuCapabilities(pro(), NVML_DEVICE_VGPU_MIG_TIMESLICING_SUPPORTED, &value),
        NVML_SUCCESS);
    assert_int_equal(value, 1);
    sim_lock(sim->host);
    sim->host->hypervisor_mig_timeslicing = false;
    sim_unlock(sim->host);
    assert_int_equal(
        nvmlDeviceGetVgpuCapabilities(pro(), NVML_DEVICE_VGPU_MIG_TIMESLICING_ENABLED, &value),
        NVML_SUCCESS);
    assert_int_equal(value, 0);
    assert_int_equal(nvmlDeviceGetVgpuCapabilities(pro(), NVML_DEVICE_VGPU_CAP_COUNT, &value),
                     NVML_ERROR_INVALID_ARGUMENT);
}

static void type_lists_tell_their_length_first(void **state)
{
    (void)state;
    SESSION(SIM_VENDOR_VFIO);
    struct nvml_device *l40s = device_at("0001:61:00.0");
    uint32_t n = 0;
    uint32_t ids[16];
    assert_int_equal(nvmlDeviceGetSupportedVgpus(l40s, &n, NULL), NVML_ERROR_INSUFFICIENT_SIZE);
    assert_int_equal(n, 4);
    n = 16;
    assert_int_equal(nvmlDeviceGetSupportedVgpus(l40s, &n, ids), NVML_SUCCESS);
    assert_int_equal(n, 4);
    char name[64];
    uint32_t size = 2;
    assert_int_equal(nvmlVgpuTypeGetName(1152, name, &size), NVML_ERROR_INSUFFICIENT_SIZE);
    assert_int_equal(size, sizeof("L40S-8Q"));
    assert_int_equal(nvmlVgpuTypeGetName(1152, name, &size), NVML_SUCCESS);
    assert_string_equal(name, "L40S-8Q");
    uint64_t bytes = 0;
    assert_int_equal(nvmlVgpuTypeGetFramebufferSize(1152, &bytes), NVML_SUCCESS);
    assert_int_equal(bytes, 8ull << 30);
    assert_int_equal(nvmlVgpuTypeGetName(4711, name, &size), NVML_ERROR_INVALID_ARGUMENT);
}

static void mixed_sizes_have_placements_of_their_own(void **state)
{
    (void)state;
    SESSION(SIM_VENDOR_VFIO);
    struct nvml_device *l40s = device_at("0001:61:00.0");
    struct nvml_vgpu_heterogeneous_mode_v1 mode = {.version = 0x01000008, .mode = 1};
    assert_int_equal(nvmlDeviceSetVgpuHeterogeneousMode(l40s, &mode), NVML_SUCCESS);
    mode.mode = 0;
    assert_int_equal(nvmlDeviceGetVgpuHeterogeneousMode(l40s, &mode), NVML_SUCCESS);
    assert_int_equal(mode.mode, 1);
    uint32_t ids[8];
    struct nvml_vgpu_placement_list_v2 list = {
        .version = 0x02000020, .count = 8, .placement_ids = ids};
    assert_int_equal(nvmlDeviceGetVgpuTypeSupportedPlacements(l40s, 1152, &list), NVML_SUCCESS);
    assert_int_equal(list.count, 4);
    assert_int_equal(list.placement_size, 8);
    assert_int_equal(ids[1], 16);
    mig(pro(), 1);
    assert_int_equal(nvmlDeviceGetVgpuHeterogeneousMode(pro(), &mode), NVML_ERROR_NOT_SUPPORTED);
}

static void a_vgpu_is_active_while_a_vm_has_it_open(void **state)
{
    (void)state;
    SESSION(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = sim->fix->gpus[FIX_L40S];
    sim_lock(sim->host);
    assert_int_equal(sim_sriov(sim->host, gpu, true), 0);
    assert_int_equal(sim_vf_set_type(sim->host, gpu, &gpu->vfs[3], 1152), 0);
    sim_unlock(sim->host);
    struct nvml_device *l40s = device_at("0001:61:00.0");
    uint32_t ids[4];
    uint32_t n = 4;
    assert_int_equal(nvmlDeviceGetActiveVgpus(l40s, &n, ids), NVML_SUCCESS);
    assert_int_equal(n, 0);
    char bdf[BDF_SIZE];
    sim_lock(sim->host);
    assert_int_equal(sim_open_device(sim->host, pci_addr_format(&gpu->vfs[3].addr, bdf), getpid(),
                                     "11111111-2222-3333-4444-555555555555"),
                     0);
    sim_unlock(sim->host);
    n = 4;
    assert_int_equal(nvmlDeviceGetActiveVgpus(l40s, &n, ids), NVML_SUCCESS);
    assert_int_equal(n, 1);
    uint32_t type = 0;
    uint32_t vm_id_type = 0;
    char vm[80];
    assert_int_equal(nvmlVgpuInstanceGetType(ids[0], &type), NVML_SUCCESS);
    assert_int_equal(type, 1152);
    assert_int_equal(nvmlVgpuInstanceGetVmID(ids[0], vm, sizeof(vm), &vm_id_type), NVML_SUCCESS);
    assert_string_equal(vm, "11111111-2222-3333-4444-555555555555");
    assert_int_equal(nvmlVgpuInstanceGetType(ids[0] + 1, &type), NVML_ERROR_NOT_FOUND);
}

static void an_instance_offers_the_types_of_its_profile(void **state)
{
    (void)state;
    SESSION(SIM_VENDOR_VFIO);
    mig(pro(), 1);
    sim_lock(sim->host);
    assert_int_equal(sim_sriov(sim->host, sim->fix->gpus[FIX_PRO], true), 0);
    sim_unlock(sim->host);
    struct nvml_gpu_instance *gi = create(pro(), 35, 0, 6);
    uint32_t ids[16];
    struct nvml_vgpu_type_id_info_v1 info = {
        .version = 0x01000010, .vgpu_count = 16, .vgpu_type_ids = ids};
    assert_int_equal(nvmlGpuInstanceGetCreatableVgpus(gi, &info), NVML_SUCCESS);
    assert_int_equal(info.vgpu_count, 1);
    assert_int_equal(ids[0], 1575);
    struct nvml_vgpu_type_max_instance_v1 max = {.version = 0x0100000C, .vgpu_type_id = 1555};
    assert_int_equal(nvmlVgpuTypeGetMaxInstancesPerGpuInstance(&max), NVML_SUCCESS);
    assert_int_equal(max.max_instance_per_gi, 3);
}

/* ---- events ---- */

static void waiting_for_an_event_ends_in_a_time_out(void **state)
{
    (void)state;
    SESSION(SIM_VENDOR_VFIO);
    struct nvml_event_set *set = NULL;
    struct nvml_event_data data;
    assert_int_equal(nvmlEventSetCreate(&set), NVML_SUCCESS);
    assert_int_equal(nvmlDeviceRegisterEvents(pro(), 8, set), NVML_SUCCESS);
    assert_int_equal(nvmlEventSetWait_v2(set, &data, 10), NVML_ERROR_TIMEOUT);
    assert_int_equal(nvmlEventSetFree(set), NVML_SUCCESS);
    assert_int_equal(nvmlEventSetFree(set), NVML_ERROR_INVALID_ARGUMENT);
}

static void arm(struct served *sim, const char *fault)
{
    CLEANUP_FREE char *request = xasprintf("{\"op\":\"fault-add\",%s}", fault);
    CLEANUP_FREE char *reply = sim_ctl_handle(sim->host, request, true);
    assert_non_null(strstr(reply, "\"ok\":true"));
}

static void a_fault_hits_the_function_that_it_names(void **state)
{
    (void)state;
    SESSION(SIM_VENDOR_VFIO);
    struct nvml_device *device = pro();
    char text[96];
    uint32_t number = 0;
    arm(sim, "\"at\":\"nvmlDeviceGetName\",\"nvml\":\"GPU_IS_LOST\",\"count\":1");
    assert_int_equal(nvmlDeviceGetUUID(device, text, sizeof(text)), NVML_SUCCESS);
    assert_int_equal(nvmlDeviceGetName(device, text, sizeof(text)), NVML_ERROR_GPU_IS_LOST);
    assert_int_equal(nvmlDeviceGetName(device, text, sizeof(text)), NVML_SUCCESS);
    arm(sim, "\"at\":\"nvmlDeviceGetMinorNumber\",\"lost\":true,\"device\":\"0000:41:00.0\"");
    assert_int_equal(nvmlDeviceGetMinorNumber(device, &number), NVML_ERROR_GPU_IS_LOST);
    assert_int_equal(nvmlDeviceGetName(device, text, sizeof(text)), NVML_ERROR_GPU_IS_LOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_of_nvml_is_exported),
        cmocka_unit_test(calls_outside_a_session_are_refused_but_shutdown_is_not),
        cmocka_unit_test(init_without_a_driver_says_so),
        cmocka_unit_test(error_texts_follow_the_driver),
        cmocka_unit_test(a_device_is_found_by_index_address_uuid_and_serial),
        cmocka_unit_test(a_call_meets_a_fault_once_however_often_it_asks_the_host),
        cmocka_unit_test(a_pointer_that_is_no_handle_is_an_invalid_argument),
        cmocka_unit_test(pci_information_is_written_only_as_far_as_the_caller_s_form_goes),
        cmocka_unit_test(a_structure_of_another_version_is_a_mismatch),
        cmocka_unit_test(a_text_that_does_not_fit_is_not_cut),
        cmocka_unit_test(a_board_under_vfio_is_not_listed_and_its_handle_is_lost),
        cmocka_unit_test(profiles_are_distinguished_as_unknown_or_unsupported),
        cmocka_unit_test(both_versions_of_profile_information_come_in_one_buffer),
        cmocka_unit_test(instances_need_mig_mode_and_room),
        cmocka_unit_test(placements_are_counted_or_listed_whole),
        cmocka_unit_test(an_instance_with_compute_instances_is_in_use),
        cmocka_unit_test(compute_instance_profiles_follow_the_instance_s_slices),
        cmocka_unit_test(a_mig_device_has_a_handle_a_name_and_a_uuid),
        cmocka_unit_test(time_slicing_of_instances_is_reported_for_gpu_and_hypervisor),
        cmocka_unit_test(type_lists_tell_their_length_first),
        cmocka_unit_test(mixed_sizes_have_placements_of_their_own),
        cmocka_unit_test(a_vgpu_is_active_while_a_vm_has_it_open),
        cmocka_unit_test(an_instance_offers_the_types_of_its_profile),
        cmocka_unit_test(waiting_for_an_event_ends_in_a_time_out),
        cmocka_unit_test(a_fault_hits_the_function_that_it_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

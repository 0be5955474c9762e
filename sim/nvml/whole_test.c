/* SPDX-License-Identifier: Apache-2.0 */
/* What boards measure and report, schedulers, migration data, and drivers of another age. */
#include "test.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "sim/rpc/served.h"
#include "sim/state/ctl.h"

#define VM "11111111-2222-3333-4444-555555555555"

static void end_session(int *unused)
{
    (void)unused;
    nvmlShutdown();
}

#define SESSION(iface)                                                                             \
    SERVED(iface);                                                                                 \
    CLEANUP(end_session) UNUSED int session = nvmlInit_v2();                                       \
    assert_int_equal(session, NVML_SUCCESS)

static struct nvml_device *device_at(const char *bdf)
{
    struct nvml_device *device = NULL;
    assert_int_equal(nvmlDeviceGetHandleByPciBusId_v2(bdf, &device), NVML_SUCCESS);
    return device;
}

static struct nvml_device *l40s(void)
{
    return device_at("00000001:61:00.0");
}

/* A vGPU of type 1152 on the n-th VF, with a VM that runs. */
static void run_vgpu(struct served *sim, uint32_t n)
{
    char bdf[BDF_SIZE];
    struct sim_gpu *gpu = sim->fix->gpus[FIX_L40S];
    sim_lock(sim->host);
    if (gpu->n_vfs == 0) {
        assert_int_equal(sim_sriov(sim->host, gpu, true), 0);
    }
    assert_int_equal(sim_vf_set_type(sim->host, gpu, &gpu->vfs[n], 1152), 0);
    assert_int_equal(
        sim_open_device(sim->host, pci_addr_format(&gpu->vfs[n].addr, bdf), getpid(), VM), 0);
    sim_unlock(sim->host);
}

static void arm(struct served *sim, const char *fault)
{
    CLEANUP_FREE char *request = xasprintf("{\"op\":\"fault-add\",%s}", fault);
    CLEANUP_FREE char *reply = sim_ctl_handle(sim->host, request, true);
    assert_non_null(strstr(reply, "\"ok\":true"));
}

/* ---- drivers of another age ---- */

static void an_older_driver_lacks_newer_functions(void **state)
{
    (void)state;
    SERVED(SIM_MDEV);
    STR_SET(sim->host->driver_version, "535.261.03");
    assert_int_equal(nvmlInit_v2(), NVML_SUCCESS);
    struct nvml_device *device = device_at("0000:21:00.0");
    struct nvml_vgpu_heterogeneous_mode_v1 mode = {.version = 0x01000008};
    uint32_t value = 0;
    struct nvml_field_value field = {.field_id = 251};
    assert_int_equal(nvmlDeviceGetVgpuHeterogeneousMode(device, &mode),
                     NVML_ERROR_FUNCTION_NOT_FOUND);
    assert_int_equal(nvmlDeviceGetJpgUtilization(device, &value, &value), NVML_SUCCESS);
    assert_int_equal(
        nvmlDeviceGetVgpuCapabilities(device, NVML_DEVICE_VGPU_MIG_TIMESLICING_SUPPORTED, &value),
        NVML_ERROR_INVALID_ARGUMENT);
    assert_int_equal(nvmlDeviceGetFieldValues(device, 1, &field), NVML_SUCCESS);
    assert_int_equal(field.nvml_return, NVML_ERROR_INVALID_ARGUMENT);
    struct nvml_gpu_instance_profile_info profile;
    assert_int_equal(nvmlDeviceGetGpuInstanceProfileInfo(device, NVML_GI_1_SLICE_GFX, &profile),
                     NVML_ERROR_INVALID_ARGUMENT);
    nvmlShutdown();
    STR_SET(sim->host->driver_version, "580.105.08");
    assert_int_equal(nvmlInit_v2(), NVML_SUCCESS);
    assert_int_not_equal(nvmlDeviceGetVgpuHeterogeneousMode(device, &mode),
                         NVML_ERROR_FUNCTION_NOT_FOUND);
    assert_int_equal(nvmlDeviceGetGpuInstanceProfileInfo(device, NVML_GI_1_SLICE_GFX, &profile),
                     NVML_ERROR_NOT_SUPPORTED);
    nvmlShutdown();
}

/* ---- who may ---- */

static void who_is_not_root_may_read_but_not_set(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        fputs("needs root, to give it up\n", stderr);
        skip();
    }
    SERVED(SIM_VENDOR_VFIO);
    chmod(sim->dir, 0755);
    pid_t pid = fork();
    if (pid == 0) {
        struct nvml_device *device = NULL;
        uint32_t value = 0;
        bool fine = setuid(65534) == 0 && nvmlInit_v2() == NVML_SUCCESS &&
                    nvmlDeviceGetHandleByIndex_v2(0, &device) == NVML_SUCCESS &&
                    nvmlDeviceGetPowerUsage(device, &value) == NVML_SUCCESS &&
                    nvmlDeviceSetPersistenceMode(device, 0) == NVML_ERROR_NO_PERMISSION &&
                    nvmlDeviceSetEccMode(device, 0) == NVML_ERROR_NO_PERMISSION &&
                    nvmlDeviceClearEccErrorCounts(device, 0) == NVML_ERROR_NO_PERMISSION &&
                    nvmlDeviceSetComputeMode(device, 3) == NVML_ERROR_NO_PERMISSION &&
                    nvmlDeviceSetGpuLockedClocks(device, 300, 900) == NVML_ERROR_NO_PERMISSION;
        _exit(fine ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* ---- settings ---- */

static void a_setting_is_read_back_and_bounded(void **state)
{
    (void)state;
    SESSION(SIM_VENDOR_VFIO);
    uint32_t low = 0;
    uint32_t high = 0;
    uint32_t value = 0;
    struct nvml_device *device = l40s();
    assert_int_equal(nvmlDeviceGetPowerManagementLimitConstraints(device, &low, &high), 0);
    assert_int_equal(nvmlDeviceSetPowerManagementLimit(device, low), NVML_SUCCESS);
    assert_int_equal(nvmlDeviceGetEnforcedPowerLimit(device, &value), NVML_SUCCESS);
    assert_int_equal(value, low);
    assert_int_equal(nvmlDeviceSetPowerManagementLimit(device, low - 1),
                     NVML_ERROR_INVALID_ARGUMENT);
    assert_int_equal(nvmlDeviceSetPowerManagementLimit(device, high + 1),
                     NVML_ERROR_INVALID_ARGUMENT);
    assert_int_equal(nvmlDeviceSetComputeMode(device, 1), NVML_ERROR_NOT_SUPPORTED);
    assert_int_equal(nvmlDeviceSetComputeMode(device, 9), NVML_ERROR_INVALID_ARGUMENT);
}

static void ecc_changes_with_the_next_reset(void **state)
{
    (void)state;
    SESSION(SIM_VENDOR_VFIO);
    uint32_t current = 0;
    uint32_t pending = 0;
    assert_int_equal(nvmlDeviceSetEccMode(l40s(), NVML_DISABLED), NVML_SUCCESS);
    assert_int_equal(nvmlDeviceGetEccMode(l40s(), &current, &pending), NVML_SUCCESS);
    assert_int_equal(current, NVML_ENABLED);
    assert_int_equal(pending, NVML_DISABLED);
    sim_lock(sim->host);
    assert_int_equal(sim_gpu_reset(sim->host, sim->fix->gpus[FIX_L40S]), 0);
    sim_unlock(sim->host);
    assert_int_equal(nvmlDeviceGetEccMode(l40s(), &current, &pending), NVML_SUCCESS);
    assert_int_equal(current, NVML_DISABLED);
    uint64_t count = 0;
    assert_int_equal(nvmlDeviceGetTotalEccErrors(l40s(), 0, 0, &count), NVML_ERROR_NOT_SUPPORTED);
}

/* ---- load ---- */

static void a_running_vgpu_makes_its_board_work(void **state)
{
    (void)state;
    SESSION(SIM_VENDOR_VFIO);
    uint32_t idle = 0;
    uint32_t busy = 0;
    struct nvml_utilization utilization;
    assert_int_equal(nvmlDeviceGetPowerUsage(l40s(), &idle), NVML_SUCCESS);
    run_vgpu(sim, 0);
    run_vgpu(sim, 1);
    assert_int_equal(nvmlDeviceGetPowerUsage(l40s(), &busy), NVML_SUCCESS);
    assert_true(busy > idle);
    assert_int_equal(nvmlDeviceGetUtilizationRates(l40s(), &utilization), NVML_SUCCESS);
    assert_in_range(utilization.gpu, 1, 100);
    uint32_t type = 0;
    uint32_t n = 4;
    struct nvml_vgpu_instance_utilization_sample samples[4];
    assert_int_equal(nvmlDeviceGetVgpuUtilization(l40s(), 0, &type, &n, samples), NVML_SUCCESS);
    assert_int_equal(n, 2);
    uint64_t used = 0;
    assert_int_equal(nvmlVgpuInstanceGetFbUsage(samples[0].vgpu_instance, &used), NVML_SUCCESS);
    assert_in_range(used >> 20, 800, 8192);
    n = 0;
    assert_int_equal(nvmlDeviceGetVgpuUtilization(l40s(), 0, &type, &n, NULL),
                     NVML_ERROR_INSUFFICIENT_SIZE);
    assert_int_equal(n, 2);
}

static void energy_only_grows(void **state)
{
    (void)state;
    SESSION(SIM_VENDOR_VFIO);
    uint64_t before = 0;
    for (unsigned grown = 0; grown < 5;) {
        uint64_t energy = 0;
        assert_int_equal(nvmlDeviceGetTotalEnergyConsumption(l40s(), &energy), NVML_SUCCESS);
        assert_true(energy >= before);
        grown += energy > before;
        before = energy;
    }
}

/* ---- events ---- */

static void an_xid_wakes_who_waits_for_it(void **state)
{
    (void)state;
    SESSION(SIM_VENDOR_VFIO);
    struct nvml_event_set *set = NULL;
    struct nvml_event_data data = {0};
    arm(sim, "\"device\":\"0001:61:00.0\",\"xid\":43"); /* before anyone registers */
    assert_int_equal(nvmlEventSetCreate(&set), NVML_SUCCESS);
    assert_int_equal(nvmlDeviceRegisterEvents(l40s(), 8, set), NVML_SUCCESS);
    assert_int_equal(nvmlEventSetWait_v2(set, &data, 1), NVML_ERROR_TIMEOUT);
    arm(sim, "\"device\":\"0000:21:00.0\",\"xid\":13"); /* of another board */
    arm(sim, "\"device\":\"0001:61:00.0\",\"ecc\":\"corrected\"");
    arm(sim, "\"device\":\"0001:61:00.0\",\"xid\":31");
    assert_int_equal(nvmlEventSetWait_v2(set, &data, 1000), NVML_SUCCESS);
    assert_ptr_equal(data.device, l40s());
    assert_int_equal(data.event_type, 8);
    assert_int_equal(data.event_data, 31);
    assert_int_equal(nvmlEventSetWait_v2(set, &data, 1), NVML_ERROR_TIMEOUT);
    assert_int_equal(nvmlEventSetFree(set), NVML_SUCCESS);
}

static void waiting_takes_the_time_it_was_given(void **state)
{
    (void)state;
    SESSION(SIM_VENDOR_VFIO);
    struct nvml_event_set *set = NULL;
    struct nvml_event_data data;
    struct timespec before;
    struct timespec after;
    assert_int_equal(nvmlEventSetCreate(&set), NVML_SUCCESS);
    assert_int_equal(nvmlDeviceRegisterEvents(l40s(), 8, set), NVML_SUCCESS);
    clock_gettime(CLOCK_MONOTONIC, &before);
    assert_int_equal(nvmlEventSetWait_v2(set, &data, 120), NVML_ERROR_TIMEOUT);
    clock_gettime(CLOCK_MONOTONIC, &after);
    long ms = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
    assert_in_range(ms, 119, 60000);
    assert_int_equal(nvmlEventSetFree(set), NVML_SUCCESS);
}

static void memory_errors_are_counted_and_cleared(void **state)
{
    (void)state;
    SESSION(SIM_VENDOR_VFIO);
    uint64_t count = 0;
    arm(sim, "\"device\":\"0001:61:00.0\",\"ecc\":\"uncorrected\"");
    assert_int_equal(nvmlDeviceGetTotalEccErrors(l40s(), 1, 0, &count), NVML_SUCCESS);
    assert_int_equal(count, 1);
    assert_int_equal(nvmlDeviceClearEccErrorCounts(l40s(), 0), NVML_SUCCESS);
    assert_int_equal(nvmlDeviceGetTotalEccErrors(l40s(), 1, 0, &count), NVML_SUCCESS);
    assert_int_equal(count, 0);
    assert_int_equal(nvmlDeviceGetTotalEccErrors(l40s(), 1, 1, &count), NVML_SUCCESS);
    assert_int_equal(count, 1);
}

/* ---- schedulers ---- */

static void a_scheduler_keeps_what_it_was_set_to(void **state)
{
    (void)state;
    SESSION(SIM_VENDOR_VFIO);
    struct nvml_vgpu_scheduler_set_state set = {.scheduler_policy = NVML_SCHEDULER_EQUAL_SHARE,
                                                .enable_arr_mode = NVML_ARR_DISABLE,
                                                .scheduler_params.plain.timeslice = 5000000};
    struct nvml_vgpu_scheduler_get_state get;
    assert_int_equal(nvmlDeviceSetVgpuSchedulerState(l40s(), &set), NVML_SUCCESS);
    assert_int_equal(nvmlDeviceGetVgpuSchedulerState(l40s(), &get), NVML_SUCCESS);
    assert_int_equal(get.scheduler_policy, NVML_SCHEDULER_EQUAL_SHARE);
    assert_int_equal(get.scheduler_params.plain.timeslice, 5000000);
    set.scheduler_params.plain.timeslice = 1;
    assert_int_equal(nvmlDeviceSetVgpuSchedulerState(l40s(), &set), NVML_ERROR_INVALID_ARGUMENT);
    set.enable_arr_mode = NVML_ARR_ENABLE;
    set.scheduler_params.with_arr.avg_factor = 10;
    set.scheduler_params.with_arr.frequency = 100;
    assert_int_equal(nvmlDeviceSetVgpuSchedulerState(l40s(), &set), NVML_SUCCESS);
    assert_int_equal(nvmlDeviceGetVgpuSchedulerState(l40s(), &get), NVML_SUCCESS);
    assert_int_equal(get.scheduler_params.with_arr.avg_factor, 10);
    assert_int_equal(get.scheduler_params.with_arr.timeslice, 10000000);
}

static void a_scheduler_s_log_tells_of_those_that_run(void **state)
{
    (void)state;
    SESSION(SIM_VENDOR_VFIO);
    static struct nvml_vgpu_scheduler_log log;
    assert_int_equal(nvmlDeviceGetVgpuSchedulerLog(l40s(), &log), NVML_SUCCESS);
    assert_int_equal(log.entries_count, 0);
    run_vgpu(sim, 0);
    assert_int_equal(nvmlDeviceGetVgpuSchedulerLog(l40s(), &log), NVML_SUCCESS);
    assert_int_equal(log.entries_count, 200);
    for (uint32_t i = 1; i < log.entries_count; i++) {
        assert_true(log.log_entries[i].timestamp > log.log_entries[i - 1].timestamp);
        assert_true(log.log_entries[i].time_run <= log.log_entries[i].target_time_slice);
    }
}

/* ---- migration ---- */

static void a_vgpu_may_move_to_its_own_model_only(void **state)
{
    (void)state;
    SESSION(SIM_VENDOR_VFIO);
    run_vgpu(sim, 0);
    uint32_t ids[1] = {0};
    uint32_t n = 1;
    assert_int_equal(nvmlDeviceGetActiveVgpus(l40s(), &n, ids), NVML_SUCCESS);
    _Alignas(8) char vgpu[512];
    _Alignas(8) char same[512];
    _Alignas(8) char other[512];
    uint32_t size = 0;
    assert_int_equal(nvmlVgpuInstanceGetMetadata(ids[0], NULL, &size),
                     NVML_ERROR_INSUFFICIENT_SIZE);
    assert_in_range(size, 212, sizeof(vgpu));
    assert_int_equal(nvmlVgpuInstanceGetMetadata(ids[0], (void *)vgpu, &size), NVML_SUCCESS);
    size = sizeof(same);
    assert_int_equal(nvmlDeviceGetVgpuMetadata(l40s(), (void *)same, &size), NVML_SUCCESS);
    size = sizeof(other);
    assert_int_equal(nvmlDeviceGetVgpuMetadata(device_at("0000:41:00.0"), (void *)other, &size),
                     NVML_SUCCESS);
    struct nvml_vgpu_pgpu_compatibility compatibility;
    assert_int_equal(nvmlGetVgpuCompatibility((void *)vgpu, (void *)same, &compatibility), 0);
    assert_int_equal(compatibility.vgpu_vm_compatibility & 8, 8);
    assert_int_equal(compatibility.compatibility_limit_code, 0);
    assert_int_equal(nvmlGetVgpuCompatibility((void *)vgpu, (void *)other, &compatibility), 0);
    assert_int_equal(compatibility.vgpu_vm_compatibility, 0);
    assert_int_equal(compatibility.compatibility_limit_code, 4);
}

static void judged(struct nvml_device *device, uint32_t instance, uint32_t wanted, uint32_t limit)
{
    _Alignas(8) char vgpu[512];
    _Alignas(8) char board[512];
    uint32_t size = sizeof(vgpu);
    struct nvml_vgpu_pgpu_compatibility answer;
    assert_int_equal(nvmlVgpuInstanceGetMetadata(instance, (void *)vgpu, &size), NVML_SUCCESS);
    size = sizeof(board);
    assert_int_equal(nvmlDeviceGetVgpuMetadata(device, (void *)board, &size), NVML_SUCCESS);
    assert_int_equal(nvmlGetVgpuCompatibility((void *)vgpu, (void *)board, &answer), NVML_SUCCESS);
    assert_int_equal(answer.vgpu_vm_compatibility, wanted);
    assert_int_equal(answer.compatibility_limit_code, limit);
}

static uint32_t only_vgpu(void)
{
    uint32_t id = 0;
    uint32_t n = 1;
    assert_int_equal(nvmlDeviceGetActiveVgpus(l40s(), &n, &id), NVML_SUCCESS);
    return id;
}

/* The vGPU's blob from one host, the board's from another: here, the same host at another time. */
static void a_vgpu_moves_to_a_newer_driver_and_not_back(void **state)
{
    (void)state;
    SERVED(SIM_VENDOR_VFIO);
    _Alignas(8) char vgpu[2][512];
    _Alignas(8) char board[2][512];
    static const char *const drivers[] = {"550.163.02", "580.105.08"};
    static const uint32_t limits[2][2] = {{0, 0}, {1, 0}}; /* of vGPU 0, 1 on board 0, 1 */
    for (int i = 0; i < 2; i++) {
        STR_SET(sim->host->driver_version, drivers[i]);
        assert_int_equal(nvmlInit_v2(), NVML_SUCCESS);
        if (i == 0) {
            run_vgpu(sim, 0);
        }
        uint32_t size = sizeof(vgpu[i]);
        assert_int_equal(nvmlVgpuInstanceGetMetadata(only_vgpu(), (void *)vgpu[i], &size), 0);
        size = sizeof(board[i]);
        assert_int_equal(nvmlDeviceGetVgpuMetadata(l40s(), (void *)board[i], &size), 0);
        nvmlShutdown();
    }
    assert_int_equal(nvmlInit_v2(), NVML_SUCCESS);
    for (int from = 0; from < 2; from++) {
        for (int to = 0; to < 2; to++) {
            struct nvml_vgpu_pgpu_compatibility answer;
            assert_int_equal(
                nvmlGetVgpuCompatibility((void *)vgpu[from], (void *)board[to], &answer), 0);
            uint32_t limit = limits[from][to];
            assert_int_equal(answer.compatibility_limit_code, limit);
            assert_int_equal(answer.vgpu_vm_compatibility, limit == 0 ? 1 | 4 | 8 : 1);
        }
    }
}

static void an_administrator_holds_the_version_down_for_an_older_host(void **state)
{
    (void)state;
    SERVED(SIM_VENDOR_VFIO);
    struct nvml_vgpu_version preset;
    struct nvml_vgpu_version now;
    assert_int_equal(nvmlInit_v2(), NVML_SUCCESS);
    assert_int_equal(nvmlGetVgpuVersion(&preset, &now), NVML_SUCCESS);
    assert_memory_equal(&preset, &now, sizeof(preset));
    assert_int_equal(preset.max_version, 0x00190001);
    struct nvml_vgpu_version wanted = {preset.min_version, 0x00140001};
    struct nvml_vgpu_version beyond = {preset.min_version, preset.max_version + 1};
    struct nvml_vgpu_version turned = {preset.max_version, preset.min_version};
    assert_int_equal(nvmlSetVgpuVersion(&beyond), NVML_ERROR_INVALID_ARGUMENT);
    assert_int_equal(nvmlSetVgpuVersion(&turned), NVML_ERROR_INVALID_ARGUMENT);
    assert_int_equal(nvmlSetVgpuVersion(NULL), NVML_ERROR_INVALID_ARGUMENT);
    assert_int_equal(nvmlSetVgpuVersion(&wanted), NVML_SUCCESS);
    assert_int_equal(nvmlGetVgpuVersion(&preset, &now), NVML_SUCCESS);
    assert_memory_equal(&wanted, &now, sizeof(now));
    run_vgpu(sim, 0);
    assert_int_equal(nvmlSetVgpuVersion(&preset), NVML_ERROR_IN_USE);
    _Alignas(8) struct nvml_vgpu_metadata metadata[2];
    uint32_t size = sizeof(metadata);
    assert_int_equal(nvmlVgpuInstanceGetMetadata(only_vgpu(), metadata, &size), NVML_SUCCESS);
    assert_int_equal(metadata[0].guest_vgpu_version, wanted.max_version);
    sim_lock(sim->host);
    sim_reboot(sim->host);
    sim_unlock(sim->host);
    assert_int_equal(nvmlGetVgpuVersion(&preset, &now), NVML_SUCCESS);
    assert_memory_equal(&preset, &now, sizeof(preset));
}

static void debuggers_and_another_ecc_mode_keep_a_vgpu_where_it_is(void **state)
{
    (void)state;
    SERVED(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = sim->fix->gpus[FIX_L40S];
    assert_int_equal(nvmlInit_v2(), NVML_SUCCESS);
    run_vgpu(sim, 0);
    judged(l40s(), only_vgpu(), 1 | 4 | 8, 0);
    STR_SET(gpu->vfs[0].vgpu.params, "disable_vnc=1, enable_debugging=1");
    judged(l40s(), only_vgpu(), 1, 0x80000000);
    STR_SET(gpu->vfs[0].vgpu.params, "enable_uvm=0, my_enable_uvm=1");
    judged(l40s(), only_vgpu(), 1 | 4 | 8, 0);
    STR_SET(gpu->vfs[0].vgpu.params, "my_enable_uvm=0,enable_uvm=1");
    judged(l40s(), only_vgpu(), 1, 0x80000000);
    gpu->vfs[0].vgpu.params[0] = '\0';
    _Alignas(8) char vgpu[512];
    _Alignas(8) char board[512];
    uint32_t size = sizeof(vgpu);
    struct nvml_vgpu_pgpu_compatibility answer;
    assert_int_equal(nvmlVgpuInstanceGetMetadata(only_vgpu(), (void *)vgpu, &size), NVML_SUCCESS);
    uint32_t ecc = 0;
    assert_int_equal(nvmlVgpuInstanceGetEccMode(only_vgpu(), &ecc), NVML_SUCCESS);
    assert_int_equal(ecc, NVML_ENABLED);
    gpu->settings[SIM_SET_ECC_OFF] = 1;
    assert_int_equal(nvmlVgpuInstanceGetEccMode(only_vgpu(), &ecc), NVML_SUCCESS);
    assert_int_equal(ecc, NVML_DISABLED);
    size = sizeof(board);
    assert_int_equal(nvmlDeviceGetVgpuMetadata(l40s(), (void *)board, &size), NVML_SUCCESS);
    assert_int_equal(nvmlGetVgpuCompatibility((void *)vgpu, (void *)board, &answer), NVML_SUCCESS);
    assert_int_equal(answer.vgpu_vm_compatibility, 1);
    assert_int_equal(answer.compatibility_limit_code, 0x80000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_older_driver_lacks_newer_functions),
        cmocka_unit_test(who_is_not_root_may_read_but_not_set),
        cmocka_unit_test(a_setting_is_read_back_and_bounded),
        cmocka_unit_test(ecc_changes_with_the_next_reset),
        cmocka_unit_test(a_running_vgpu_makes_its_board_work),
        cmocka_unit_test(energy_only_grows),
        cmocka_unit_test(an_xid_wakes_who_waits_for_it),
        cmocka_unit_test(waiting_takes_the_time_it_was_given),
        cmocka_unit_test(memory_errors_are_counted_and_cleared),
        cmocka_unit_test(a_scheduler_keeps_what_it_was_set_to),
        cmocka_unit_test(a_scheduler_s_log_tells_of_those_that_run),
        cmocka_unit_test(a_vgpu_may_move_to_its_own_model_only),
        cmocka_unit_test(a_vgpu_moves_to_a_newer_driver_and_not_back),
        cmocka_unit_test(an_administrator_holds_the_version_down_for_an_older_host),
        cmocka_unit_test(debuggers_and_another_ecc_mode_keep_a_vgpu_where_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* An idle board's clocks, power and temperature, and the processes that are not there. */
#include "sim/nvml/library.h"
#include "sim/rpc/client.h"

#define IDLE_CELSIUS 34u
#define IDLE_MILLIWATTS 52000u
#define LIMIT_MILLIWATTS 300000u
#define PCIE_LANES 16u
#define PSTATE_IDLE 8u
#define IDLE_MHZ 345u

static uint32_t pcie_generation(uint32_t arch)
{
    if (arch >= NVML_ARCH_HOPPER) {
        return 5;
    }
    return arch >= NVML_ARCH_AMPERE ? 4 : 3;
}

DEVICE_GETTER(nvmlDeviceGetPowerUsage, uint32_t, IDLE_MILLIWATTS)
DEVICE_GETTER(nvmlDeviceGetPowerManagementLimit, uint32_t, LIMIT_MILLIWATTS)
DEVICE_GETTER(nvmlDeviceGetPowerManagementDefaultLimit, uint32_t, LIMIT_MILLIWATTS)
DEVICE_GETTER(nvmlDeviceGetEnforcedPowerLimit, uint32_t, LIMIT_MILLIWATTS)
DEVICE_GETTER(nvmlDeviceGetPowerManagementMode, uint32_t, NVML_ENABLED)
DEVICE_GETTER(nvmlDeviceGetPerformanceState, uint32_t, PSTATE_IDLE)
DEVICE_GETTER(nvmlDeviceGetPowerState, uint32_t, PSTATE_IDLE)
DEVICE_GETTER(nvmlDeviceGetMaxPcieLinkGeneration, uint32_t, pcie_generation(gpu.arch))
DEVICE_GETTER(nvmlDeviceGetGpuMaxPcieLinkGeneration, uint32_t, pcie_generation(gpu.arch))
DEVICE_GETTER(nvmlDeviceGetCurrPcieLinkGeneration, uint32_t, pcie_generation(gpu.arch))
DEVICE_GETTER(nvmlDeviceGetMaxPcieLinkWidth, uint32_t, PCIE_LANES)
DEVICE_GETTER(nvmlDeviceGetCurrPcieLinkWidth, uint32_t, PCIE_LANES)
DEVICE_GETTER(nvmlDeviceGetAccountingMode, uint32_t, NVML_DISABLED)
DEVICE_GETTER(nvmlDeviceGetAccountingBufferSize, uint32_t, 4000)
DEVICE_GETTER(nvmlDeviceGetCurrentClocksThrottleReasons, uint64_t, 1) /* idle */
DEVICE_GETTER(nvmlDeviceGetCurrentClocksEventReasons, uint64_t, 1)

int32_t nvmlDeviceGetTemperature(struct nvml_device *device, uint32_t sensor_type, uint32_t *temp)
{
    struct rpc_gpu gpu;
    int r = device_read(device, temp, &gpu);
    if (r == NVML_SUCCESS && sensor_type != 0) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    if (r == NVML_SUCCESS) {
        *temp = IDLE_CELSIUS;
    }
    return r;
}

int32_t nvmlDeviceGetClockInfo(struct nvml_device *device, uint32_t type, uint32_t *clock)
{
    (void)type;
    struct rpc_gpu gpu;
    int r = device_read(device, clock, &gpu);
    if (r == NVML_SUCCESS) {
        *clock = IDLE_MHZ;
    }
    return r;
}

int32_t nvmlDeviceGetPowerManagementLimitConstraints(struct nvml_device *device,
                                                     uint32_t *min_limit, uint32_t *max_limit)
{
    struct rpc_gpu gpu;
    int r = device_read(device, max_limit != NULL ? min_limit : NULL, &gpu);
    if (r == NVML_SUCCESS) {
        *min_limit = LIMIT_MILLIWATTS / 2;
        *max_limit = LIMIT_MILLIWATTS;
    }
    return r;
}

/* Not available once the board is partitioned. */
int32_t nvmlDeviceGetUtilizationRates(struct nvml_device *device,
                                      struct nvml_utilization *utilization)
{
    struct rpc_gpu gpu;
    int r = device_read(device, utilization, &gpu);
    if (r == NVML_SUCCESS && gpu.mig_current) {
        r = NVML_ERROR_NOT_SUPPORTED;
    }
    if (r == NVML_SUCCESS) {
        *utilization = (struct nvml_utilization){0};
    }
    return r;
}

static int engine_idle(struct nvml_device *device, uint32_t *utilization, uint32_t *period_us)
{
    struct rpc_gpu gpu;
    int r = device_read(device, period_us != NULL ? utilization : NULL, &gpu);
    if (r == NVML_SUCCESS && gpu.mig_current) {
        r = NVML_ERROR_NOT_SUPPORTED;
    }
    if (r == NVML_SUCCESS) {
        *utilization = 0;
        *period_us = 1000000;
    }
    return r;
}

int32_t nvmlDeviceGetEncoderUtilization(struct nvml_device *device, uint32_t *utilization,
                                        uint32_t *sampling_period_us)
{
    return engine_idle(device, utilization, sampling_period_us);
}

int32_t nvmlDeviceGetDecoderUtilization(struct nvml_device *device, uint32_t *utilization,
                                        uint32_t *sampling_period_us)
{
    return engine_idle(device, utilization, sampling_period_us);
}

int32_t nvmlDeviceGetEccMode(struct nvml_device *device, uint32_t *current, uint32_t *pending)
{
    struct rpc_gpu gpu;
    int r = device_read(device, pending != NULL ? current : NULL, &gpu);
    if (r == NVML_SUCCESS) {
        *current = NVML_ENABLED;
        *pending = NVML_ENABLED;
    }
    return r;
}

int32_t nvmlDeviceGetTotalEccErrors(struct nvml_device *device, uint32_t error_type,
                                    uint32_t counter_type, uint64_t *ecc_counts)
{
    (void)error_type, (void)counter_type;
    struct rpc_gpu gpu;
    int r = device_read(device, ecc_counts, &gpu);
    if (r == NVML_SUCCESS) {
        *ecc_counts = 0;
    }
    return r;
}

/* ---- processes: none, in each of the nine forms ---- */

static int no_processes(struct nvml_device *device, uint32_t *count)
{
    struct rpc_gpu gpu;
    int r = device_read(device, count, &gpu);
    if (r == NVML_SUCCESS) {
        *count = 0;
    }
    return r;
}

#define NO_PROCESSES(name, type)                                                                   \
    int32_t name(struct nvml_device *device, uint32_t *info_count, struct type *infos)             \
    {                                                                                              \
        (void)infos;                                                                               \
        return no_processes(device, info_count);                                                   \
    }

NO_PROCESSES(nvmlDeviceGetComputeRunningProcesses, nvml_process_info_v1)
NO_PROCESSES(nvmlDeviceGetComputeRunningProcesses_v2, nvml_process_info_v2)
NO_PROCESSES(nvmlDeviceGetComputeRunningProcesses_v3, nvml_process_info_v2)
NO_PROCESSES(nvmlDeviceGetGraphicsRunningProcesses, nvml_process_info_v1)
NO_PROCESSES(nvmlDeviceGetGraphicsRunningProcesses_v2, nvml_process_info_v2)
NO_PROCESSES(nvmlDeviceGetGraphicsRunningProcesses_v3, nvml_process_info_v2)
NO_PROCESSES(nvmlDeviceGetMPSComputeRunningProcesses, nvml_process_info_v1)
NO_PROCESSES(nvmlDeviceGetMPSComputeRunningProcesses_v2, nvml_process_info_v2)
NO_PROCESSES(nvmlDeviceGetMPSComputeRunningProcesses_v3, nvml_process_info_v2)

/* SPDX-License-Identifier: Apache-2.0 */
/* Temperatures and their limits. The boards of the catalog are cooled by the chassis: no fans. */
#include "sim/nvml/reader.h"
#include "sim/rpc/client.h"

enum threshold {
    THRESHOLD_SHUTDOWN,
    THRESHOLD_SLOWDOWN,
    THRESHOLD_MEMORY_MAX,
    THRESHOLD_GPU_MAX,
    THRESHOLD_COUNT = 8
};
#define MEMORY_MAX_CELSIUS 95u

int32_t nvmlDeviceGetTemperature(struct nvml_device *device, uint32_t sensor_type, uint32_t *temp)
{
    struct rpc_telemetry t;
    int r = telemetry_read(device, temp, &t);
    if (r == NVML_SUCCESS && sensor_type != 0) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    if (r == NVML_SUCCESS) {
        *temp = t.celsius;
    }
    return r;
}

int32_t nvmlDeviceGetTemperatureV(struct nvml_device *device,
                                  struct nvml_temperature_v1 *temperature)
{
    int r = session_check();
    if (r != NVML_SUCCESS || temperature == NULL) {
        return r != NVML_SUCCESS ? r : NVML_ERROR_INVALID_ARGUMENT;
    }
    if (temperature->version != NVML_VERSION(struct nvml_temperature_v1, 1)) {
        return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    }
    uint32_t celsius = 0;
    r = nvmlDeviceGetTemperature(device, temperature->sensor_type, &celsius);
    if (r == NVML_SUCCESS) {
        temperature->temperature = (int32_t)celsius;
    }
    return r;
}

/* Boards that tell distances from a limit (Ada and later) have no absolute thresholds. */
int32_t nvmlDeviceGetTemperatureThreshold(struct nvml_device *device, uint32_t threshold_type,
                                          uint32_t *temp)
{
    struct rpc_board facts;
    int r = facts_read(device, temp, &facts);
    if (r == NVML_SUCCESS && threshold_type >= THRESHOLD_COUNT) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    if (r != NVML_SUCCESS) {
        return r;
    }
    bool memory = threshold_type == THRESHOLD_MEMORY_MAX;
    if (facts.tlimit || threshold_type > THRESHOLD_GPU_MAX || (memory && !facts.hbm)) {
        return NVML_ERROR_NOT_SUPPORTED;
    }
    const uint32_t limits[] = {facts.shutdown_celsius, facts.slowdown_celsius, MEMORY_MAX_CELSIUS,
                               facts.max_celsius};
    *temp = limits[threshold_type];
    return NVML_SUCCESS;
}

int32_t nvmlDeviceGetMarginTemperature(struct nvml_device *device,
                                       struct nvml_margin_temperature_v1 *margin)
{
    struct rpc_board facts;
    struct rpc_telemetry t;
    int r = facts_read(device, margin, &facts);
    if (r == NVML_SUCCESS &&
        margin->version != NVML_VERSION(struct nvml_margin_temperature_v1, 1)) {
        r = NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    }
    if (r == NVML_SUCCESS && !facts.tlimit) {
        r = NVML_ERROR_NOT_SUPPORTED;
    }
    if (r == NVML_SUCCESS) {
        r = telemetry_read(device, margin, &t);
    }
    if (r == NVML_SUCCESS) {
        margin->margin_temperature = (int32_t)facts.max_celsius - (int32_t)t.celsius;
    }
    return r;
}

int32_t nvmlDeviceGetThermalSettings(struct nvml_device *device, uint32_t sensor_index,
                                     struct nvml_gpu_thermal_settings *settings)
{
    struct rpc_board facts;
    struct rpc_telemetry t;
    int r = telemetry_read(device, settings, &t);
    if (r == NVML_SUCCESS) {
        r = facts_read(device, settings, &facts);
    }
    if (r == NVML_SUCCESS && sensor_index != 0 && sensor_index != 15) { /* 15: all */
        r = NVML_ERROR_NOT_SUPPORTED;
    }
    if (r == NVML_SUCCESS) {
        *settings = (struct nvml_gpu_thermal_settings){.count = 1};
        settings->sensor[0].controller = 1; /* the GPU's own */
        settings->sensor[0].target = 1;     /* the GPU */
        settings->sensor[0].current_temp = (int32_t)t.celsius;
        settings->sensor[0].default_max_temp = (int32_t)facts.max_celsius;
    }
    return r;
}

DEVICE_GETTER(nvmlDeviceGetNumFans, uint32_t, 0)

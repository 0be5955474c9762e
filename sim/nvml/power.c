/* SPDX-License-Identifier: Apache-2.0 */
/* Power: what a board draws, and what it may. */
#include "sim/nvml/reader.h"
#include "sim/rpc/client.h"

#define SCOPE_GPU 0u

TELEMETRY_GETTER(nvmlDeviceGetPowerUsage, uint32_t, t.now.power_mw)
TELEMETRY_GETTER(nvmlDeviceGetPowerManagementLimit, uint32_t, t.limit_mw)
TELEMETRY_GETTER(nvmlDeviceGetEnforcedPowerLimit, uint32_t, t.limit_mw)
TELEMETRY_GETTER(nvmlDeviceGetTotalEnergyConsumption, uint64_t, t.energy_mj)
FACTS_GETTER(nvmlDeviceGetPowerManagementDefaultLimit, uint32_t, facts.power_mw)
DEVICE_GETTER(nvmlDeviceGetPowerManagementMode, uint32_t, NVML_ENABLED)
DEVICE_GETTER(nvmlDeviceGetPowerSource, uint32_t, 0) /* the mains */

int32_t nvmlDeviceGetPowerManagementLimitConstraints(struct nvml_device *device,
                                                     uint32_t *min_limit, uint32_t *max_limit)
{
    struct rpc_board facts;
    int r = facts_read(device, max_limit != NULL ? min_limit : NULL, &facts);
    if (r == NVML_SUCCESS) {
        *min_limit = facts.min_power_mw;
        *max_limit = facts.power_mw;
    }
    return r;
}

int32_t nvmlDeviceSetPowerManagementLimit(struct nvml_device *device, uint32_t limit)
{
    struct rpc_board facts;
    int r = facts_read(device, device, &facts);
    if (r == NVML_SUCCESS && (limit < facts.min_power_mw || limit > facts.power_mw)) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    return r == NVML_SUCCESS ? setting_write(device, SIM_SET_POWER_LIMIT_MW, limit) : r;
}

int32_t nvmlDeviceSetPowerManagementLimit_v2(struct nvml_device *device,
                                             struct nvml_power_value_v2 *power_value)
{
    int r = session_check();
    if (r != NVML_SUCCESS || power_value == NULL) {
        return r != NVML_SUCCESS ? r : NVML_ERROR_INVALID_ARGUMENT;
    }
    if (power_value->version != NVML_VERSION(struct nvml_power_value_v2, 2)) {
        return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    }
    if (power_value->power_scope != SCOPE_GPU) {
        return NVML_ERROR_NOT_SUPPORTED; /* modules of CPU and GPU only */
    }
    return nvmlDeviceSetPowerManagementLimit(device, power_value->power_value_mw);
}

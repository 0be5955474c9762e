/* SPDX-License-Identifier: Apache-2.0 */
/* What an administrator sets and the driver remembers. */
#include <stdio.h>

#include "base/pci.h"
#include "sim/nvml/reader.h"
#include "sim/rpc/client.h"

#define COMPUTE_EXCLUSIVE_THREAD 1u /* long deprecated */
#define COMPUTE_MODES 4u
#define RESTRICTED_APIS 2u

DEVICE_GETTER(nvmlDeviceGetPersistenceMode, uint32_t, gpu.settings[SIM_SET_PERSISTENCE])
DEVICE_GETTER(nvmlDeviceGetComputeMode, uint32_t, gpu.settings[SIM_SET_COMPUTE_MODE])
DEVICE_GETTER(nvmlDeviceGetAccountingMode, uint32_t, gpu.settings[SIM_SET_ACCOUNTING])
DEVICE_GETTER(nvmlDeviceGetAccountingBufferSize, uint32_t, 4000)

static int write_switch(struct nvml_device *device, enum sim_setting setting, uint32_t mode)
{
    int r = session_check();
    if (r == NVML_SUCCESS && mode > NVML_ENABLED) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    return r == NVML_SUCCESS ? setting_write(device, setting, mode) : r;
}

int32_t nvmlDeviceSetPersistenceMode(struct nvml_device *device, uint32_t mode)
{
    return write_switch(device, SIM_SET_PERSISTENCE, mode);
}

int32_t nvmlDeviceSetAccountingMode(struct nvml_device *device, uint32_t mode)
{
    return write_switch(device, SIM_SET_ACCOUNTING, mode);
}

int32_t nvmlDeviceSetComputeMode(struct nvml_device *device, uint32_t mode)
{
    int r = session_check();
    if (r == NVML_SUCCESS && (mode >= COMPUTE_MODES || mode == COMPUTE_EXCLUSIVE_THREAD)) {
        r = mode >= COMPUTE_MODES ? NVML_ERROR_INVALID_ARGUMENT : NVML_ERROR_NOT_SUPPORTED;
    }
    return r == NVML_SUCCESS ? setting_write(device, SIM_SET_COMPUTE_MODE, mode) : r;
}

int32_t nvmlDeviceGetAPIRestriction(struct nvml_device *device, uint32_t api_type,
                                    uint32_t *is_restricted)
{
    struct ref ref;
    int r = board_ref(device, is_restricted, &ref);
    if (r == NVML_SUCCESS && api_type >= RESTRICTED_APIS) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    if (r == NVML_SUCCESS) {
        *is_restricted = NVML_ENABLED; /* root only */
    }
    return r;
}

/* Accounting has nothing to tell of: no process runs on a simulated board. */
int32_t nvmlDeviceGetAccountingPids(struct nvml_device *device, uint32_t *count, uint32_t *pids)
{
    (void)pids;
    struct rpc_gpu gpu;
    int r = device_read(device, count, &gpu);
    if (r == NVML_SUCCESS) {
        *count = 0;
    }
    return r;
}

int32_t nvmlDeviceGetAccountingStats(struct nvml_device *device, uint32_t pid,
                                     struct nvml_accounting_stats *stats)
{
    (void)pid;
    struct rpc_gpu gpu;
    int r = device_read(device, stats, &gpu);
    if (r == NVML_SUCCESS && gpu.settings[SIM_SET_ACCOUNTING] == NVML_DISABLED) {
        return NVML_ERROR_NOT_SUPPORTED;
    }
    return r == NVML_SUCCESS ? NVML_ERROR_NOT_FOUND : r;
}

int32_t nvmlDeviceClearAccountingPids(struct nvml_device *device)
{
    struct rpc_gpu gpu;
    int r = device_read(device, device, &gpu);
    return r == NVML_SUCCESS
               ? setting_write(device, SIM_SET_ACCOUNTING, gpu.settings[SIM_SET_ACCOUNTING])
               : r;
}

/* ---- draining: no new client, named by PCI address ---- */

static int find_drained(const struct nvml_pci_info *pci, const void *out,
                        struct nvml_device **ret_device)
{
    int r = session_check();
    if (r != NVML_SUCCESS || pci == NULL || out == NULL) {
        return r != NVML_SUCCESS ? r : NVML_ERROR_INVALID_ARGUMENT;
    }
    char bdf[32];
    snprintf(bdf, sizeof(bdf), "%08x:%02x:%02x.0", pci->domain, pci->bus & 0xFF,
             pci->device & 0x1F);
    return nvmlDeviceGetHandleByPciBusId_v2(bdf, ret_device);
}

int32_t nvmlDeviceQueryDrainState(struct nvml_pci_info *pci_info, uint32_t *current_state)
{
    struct nvml_device *device = NULL;
    struct rpc_gpu gpu;
    int r = find_drained(pci_info, current_state, &device);
    if (r == NVML_SUCCESS) {
        r = device_read(device, current_state, &gpu);
    }
    if (r == NVML_SUCCESS) {
        *current_state = gpu.settings[SIM_SET_DRAIN];
    }
    return r;
}

int32_t nvmlDeviceModifyDrainState(struct nvml_pci_info *pci_info, uint32_t new_state)
{
    struct nvml_device *device = NULL;
    int r = find_drained(pci_info, pci_info, &device);
    return r == NVML_SUCCESS ? write_switch(device, SIM_SET_DRAIN, new_state) : r;
}

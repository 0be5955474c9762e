/* SPDX-License-Identifier: Apache-2.0 */
/* What is printed on a board or burnt into it, as far as a source tells; and the racks of old. */
#include <stdio.h>
#include <string.h>

#include "sim/nvml/reader.h"
#include "sim/rpc/client.h"

#define BUS_TYPE_PCIE 2u
#define ADDRESSING_NONE 0u
#define GSP_VERSION_SIZE 64u

enum inforom_object { INFOROM_OEM, INFOROM_ECC, INFOROM_COUNT = 4 };

/* A fact that no source tells is NOT_SUPPORTED, which clients show as "N/A". */
static int text_fact(int r, const char *text, char *out, uint32_t length)
{
    if (r == NVML_SUCCESS && text[0] == '\0') {
        return NVML_ERROR_NOT_SUPPORTED;
    }
    return r == NVML_SUCCESS ? text_out(text, out, length) : r;
}

int32_t nvmlDeviceGetVbiosVersion(struct nvml_device *device, char *version, uint32_t length)
{
    struct rpc_board facts;
    return text_fact(facts_read(device, version, &facts), facts.vbios, version, length);
}

int32_t nvmlDeviceGetBoardPartNumber(struct nvml_device *device, char *part_number, uint32_t length)
{
    struct rpc_board facts;
    return text_fact(facts_read(device, part_number, &facts), facts.board_part, part_number,
                     length);
}

int32_t nvmlDeviceGetInforomImageVersion(struct nvml_device *device, char *version, uint32_t length)
{
    struct rpc_board facts;
    return text_fact(facts_read(device, version, &facts), facts.inforom_image, version, length);
}

int32_t nvmlDeviceGetInforomVersion(struct nvml_device *device, uint32_t object, char *version,
                                    uint32_t length)
{
    struct rpc_board facts;
    int r = facts_read(device, version, &facts);
    if (r == NVML_SUCCESS && object >= INFOROM_COUNT) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    if (r != NVML_SUCCESS || object > INFOROM_ECC) {
        return r != NVML_SUCCESS ? r : NVML_ERROR_NOT_SUPPORTED;
    }
    return text_fact(r, object == INFOROM_OEM ? facts.inforom_oem : facts.inforom_ecc, version,
                     length);
}

/* The firmware is the driver's. */
int32_t nvmlDeviceGetGspFirmwareVersion(struct nvml_device *device, char *version)
{
    struct rpc_gpu gpu;
    struct rpc_host host;
    int r = device_read(device, version, &gpu);
    if (r == NVML_SUCCESS && gpu.arch < NVML_ARCH_TURING) {
        r = NVML_ERROR_NOT_SUPPORTED;
    }
    if (r == NVML_SUCCESS) {
        r = host_read(version, &host);
    }
    return r == NVML_SUCCESS ? text_out(host.driver_version, version, GSP_VERSION_SIZE) : r;
}

int32_t nvmlDeviceGetGspFirmwareMode(struct nvml_device *device, uint32_t *is_enabled,
                                     uint32_t *default_mode)
{
    struct rpc_gpu gpu;
    int r = device_read(device, default_mode != NULL ? is_enabled : NULL, &gpu);
    if (r == NVML_SUCCESS && gpu.arch < NVML_ARCH_TURING) {
        r = NVML_ERROR_NOT_SUPPORTED;
    }
    if (r == NVML_SUCCESS) {
        *is_enabled = NVML_ENABLED;
        *default_mode = NVML_ENABLED;
    }
    return r;
}

/* Cores per multiprocessor: CUDA C++ Programming Guide, "Compute Capabilities". */
int32_t nvmlDeviceGetNumGpuCores(struct nvml_device *device, uint32_t *num_cores)
{
    struct rpc_gpu gpu;
    int r = device_read(device, num_cores, &gpu);
    if (r == NVML_SUCCESS && gpu.sm == RPC_NONE) {
        r = NVML_ERROR_NOT_SUPPORTED;
    }
    if (r == NVML_SUCCESS) {
        bool ga100 = gpu.arch == NVML_ARCH_AMPERE && gpu.mig_capable;
        *num_cores = gpu.sm * (gpu.arch <= NVML_ARCH_TURING || ga100 ? 64 : 128);
    }
    return r;
}

DEVICE_GETTER(nvmlDeviceGetBusType, uint32_t, BUS_TYPE_PCIE)
DEVICE_GETTER(nvmlDeviceGetIrqNum, uint32_t, 64 + gpu.minor)

int32_t nvmlDeviceValidateInforom(struct nvml_device *device)
{
    struct rpc_gpu gpu;
    return device_read(device, device, &gpu);
}

int32_t nvmlDeviceGetAddressingMode(struct nvml_device *device,
                                    struct nvml_device_addressing_mode_v1 *mode)
{
    struct rpc_gpu gpu;
    int r = device_read(device, mode, &gpu);
    if (r == NVML_SUCCESS &&
        mode->version != NVML_VERSION(struct nvml_device_addressing_mode_v1, 1)) {
        r = NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    }
    if (r == NVML_SUCCESS) {
        mode->value = ADDRESSING_NONE;
    }
    return r;
}

/* Of the leading hexadecimal digits. */
static uint64_t hex(const char *text)
{
    unsigned value = 0;
    return sscanf(text, "%8x", &value) == 1 ? value : 0;
}

/* A number of the board's own; here the first half of its UUID. */
int32_t nvmlDeviceGetPdi(struct nvml_device *device, struct nvml_pdi_v1 *pdi)
{
    struct rpc_gpu gpu;
    int r = device_read(device, pdi, &gpu);
    if (r == NVML_SUCCESS && pdi->version != NVML_VERSION(struct nvml_pdi_v1, 1)) {
        r = NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    }
    if (r == NVML_SUCCESS) {
        pdi->value = hex(gpu.uuid + strlen("GPU-")) << 32 | gpu.minor;
    }
    return r;
}

int32_t nvmlDeviceGetCapabilities(struct nvml_device *device,
                                  struct nvml_device_capabilities_v1 *caps)
{
    struct rpc_gpu gpu;
    int r = device_read(device, caps, &gpu);
    if (r == NVML_SUCCESS && caps->version != NVML_VERSION(struct nvml_device_capabilities_v1, 1)) {
        r = NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    }
    if (r == NVML_SUCCESS) {
        caps->cap_mask = 0; /* no EGM */
    }
    return r;
}

/* ---- hosts without excluded boards, S-class units and their cards ---- */

static int zero_of_host(uint32_t *count)
{
    struct rpc_host host;
    int r = host_read(count, &host);
    if (r == NVML_SUCCESS) {
        *count = 0;
    }
    return r;
}

static int none_of_host(const void *out)
{
    struct rpc_host host;
    int r = host_read(out, &host);
    return r == NVML_SUCCESS ? NVML_ERROR_INVALID_ARGUMENT : r;
}

int32_t nvmlGetExcludedDeviceCount(uint32_t *device_count)
{
    return zero_of_host(device_count);
}

int32_t nvmlGetBlacklistDeviceCount(uint32_t *device_count)
{
    return zero_of_host(device_count);
}

int32_t nvmlGetExcludedDeviceInfoByIndex(uint32_t index, struct nvml_excluded_device_info *info)
{
    (void)index;
    return none_of_host(info);
}

int32_t nvmlGetBlacklistDeviceInfoByIndex(uint32_t index, struct nvml_excluded_device_info *info)
{
    (void)index;
    return none_of_host(info);
}

int32_t nvmlUnitGetCount(uint32_t *unit_count)
{
    return zero_of_host(unit_count);
}

int32_t nvmlUnitGetHandleByIndex(uint32_t index, struct nvml_unit **unit)
{
    (void)index;
    return none_of_host(unit);
}

int32_t nvmlSystemGetHicVersion(uint32_t *hwbc_count, struct nvml_hwbc_entry *hwbc_entries)
{
    (void)hwbc_entries;
    return zero_of_host(hwbc_count);
}

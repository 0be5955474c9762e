/* SPDX-License-Identifier: Apache-2.0 */
/* Memory errors: counted by the engine, all of them in device memory. */
#include <string.h>

#include "sim/nvml/reader.h"
#include "sim/rpc/client.h"

enum error_type { ERROR_CORRECTED, ERROR_UNCORRECTED, ERROR_TYPES };
enum counter_type { COUNTER_VOLATILE, COUNTER_AGGREGATE, COUNTER_TYPES };
#define LOCATION_DEVICE_MEMORY 2u
#define LOCATIONS 8u

int32_t nvmlDeviceGetEccMode(struct nvml_device *device, uint32_t *current, uint32_t *pending)
{
    struct rpc_gpu gpu;
    int r = device_read(device, pending != NULL ? current : NULL, &gpu);
    if (r == NVML_SUCCESS) {
        *current = gpu.settings[SIM_SET_ECC_OFF] == 0;
        *pending = gpu.settings[SIM_SET_ECC_OFF_PENDING] == 0;
    }
    return r;
}

DEVICE_GETTER(nvmlDeviceGetDefaultEccMode, uint32_t, NVML_ENABLED)

int32_t nvmlDeviceSetEccMode(struct nvml_device *device, uint32_t ecc)
{
    if (ecc > NVML_ENABLED) {
        return NVML_ERROR_INVALID_ARGUMENT;
    }
    return setting_write(device, SIM_SET_ECC_OFF_PENDING, ecc == NVML_DISABLED);
}

/* A board's errors, or a MIG device's: of the latter those outside device memory, uncorrected and
 * since the driver was loaded; a board in MIG mode does not count the latter itself (nvml.h). */
static int read_part(const struct rpc_gpu *gpu, const struct part *part, uint32_t error_type,
                     uint32_t counter_type, struct rpc_ecc *ret_counts)
{
    if (part->is_mig) {
        bool counted = error_type == ERROR_UNCORRECTED && counter_type == COUNTER_VOLATILE;
        *ret_counts = (struct rpc_ecc){0};
        return counted ? NVML_SUCCESS : NVML_ERROR_NOT_SUPPORTED;
    }
    if (gpu->mig_current && counter_type == COUNTER_VOLATILE) {
        return NVML_ERROR_NOT_SUPPORTED;
    }
    struct rpc_telemetry t;
    int r = CALL(TELEMETRY, &t, part->ref.gpu);
    if (r == NVML_SUCCESS) {
        *ret_counts = error_type == ERROR_CORRECTED ? t.corrected : t.uncorrected;
    }
    return r;
}

/* A board whose ECC is off counts nothing. */
static int read_count(struct nvml_device *device, uint32_t error_type, uint32_t counter_type,
                      const void *out, struct part *ret_part, uint64_t *ret_count)
{
    struct rpc_gpu gpu;
    struct rpc_ecc counts;
    int r = part_read(device, out, &gpu, ret_part);
    if (r == NVML_SUCCESS && (error_type >= ERROR_TYPES || counter_type >= COUNTER_TYPES)) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    if (r == NVML_SUCCESS && gpu.settings[SIM_SET_ECC_OFF] != 0) {
        r = NVML_ERROR_NOT_SUPPORTED;
    }
    if (r == NVML_SUCCESS) {
        r = read_part(&gpu, ret_part, error_type, counter_type, &counts);
    }
    if (r == NVML_SUCCESS) {
        *ret_count =
            counter_type == COUNTER_VOLATILE ? counts.volatile_count : counts.aggregate_count;
    }
    return r;
}

int32_t nvmlDeviceGetTotalEccErrors(struct nvml_device *device, uint32_t error_type,
                                    uint32_t counter_type, uint64_t *ecc_counts)
{
    struct part part;
    return read_count(device, error_type, counter_type, ecc_counts, &part, ecc_counts);
}

int32_t nvmlDeviceGetDetailedEccErrors(struct nvml_device *device, uint32_t error_type,
                                       uint32_t counter_type,
                                       struct nvml_ecc_error_counts *ecc_counts)
{
    uint64_t count = 0;
    struct part part;
    int r = read_count(device, error_type, counter_type, ecc_counts, &part, &count);
    if (r == NVML_SUCCESS && part.is_mig) {
        r = NVML_ERROR_NOT_SUPPORTED; /* it would have to tell of device memory, too */
    }
    if (r == NVML_SUCCESS) {
        *ecc_counts = (struct nvml_ecc_error_counts){.device_memory = count};
    }
    return r;
}

int32_t nvmlDeviceGetMemoryErrorCounter(struct nvml_device *device, uint32_t error_type,
                                        uint32_t counter_type, uint32_t location_type,
                                        uint64_t *count)
{
    uint64_t total = 0;
    struct part part;
    int r = read_count(device, error_type, counter_type, count, &part, &total);
    if (r == NVML_SUCCESS && location_type >= LOCATIONS) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    if (r == NVML_SUCCESS && part.is_mig && location_type == LOCATION_DEVICE_MEMORY) {
        r = NVML_ERROR_NOT_SUPPORTED;
    }
    if (r == NVML_SUCCESS) {
        *count = location_type == LOCATION_DEVICE_MEMORY ? total : 0;
    }
    return r;
}

int32_t nvmlDeviceClearEccErrorCounts(struct nvml_device *device, uint32_t counter_type)
{
    struct ref ref;
    struct rpc_nothing nothing;
    int r = board_ref(device, device, &ref);
    if (r == NVML_SUCCESS && counter_type >= COUNTER_TYPES) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    return r == NVML_SUCCESS ? CALL(ECC_CLEAR, &nothing, ref.gpu, counter_type) : r;
}

/* No error of the simulation is in SRAM. */
int32_t nvmlDeviceGetSramEccErrorStatus(struct nvml_device *device,
                                        struct nvml_ecc_sram_error_status_v1 *status)
{
    struct rpc_board facts;
    int r = facts_read(device, status, &facts);
    if (r == NVML_SUCCESS &&
        status->version != NVML_VERSION(struct nvml_ecc_sram_error_status_v1, 1)) {
        r = NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    }
    if (r == NVML_SUCCESS && !facts.row_remapper) {
        r = NVML_ERROR_NOT_SUPPORTED;
    }
    if (r == NVML_SUCCESS) {
        *status = (struct nvml_ecc_sram_error_status_v1){.version = status->version};
    }
    return r;
}

int32_t nvmlDeviceGetSramUniqueUncorrectedEccErrorCounts(
    struct nvml_device *device, struct nvml_ecc_sram_unique_uncorrected_error_counts_v1 *counts)
{
    struct ref ref;
    int r = device_ref(device, counts, &ref);
    if (r == NVML_SUCCESS &&
        counts->version !=
            NVML_VERSION(struct nvml_ecc_sram_unique_uncorrected_error_counts_v1, 1)) {
        r = NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    }
    if (r == NVML_SUCCESS) {
        counts->entry_count = 0;
    }
    return r;
}

/* ---- what became of the memory ---- */

/* Ampere and later remap rows: each uncorrectable error takes one. */
int32_t nvmlDeviceGetRemappedRows(struct nvml_device *device, uint32_t *corr_rows,
                                  uint32_t *unc_rows, uint32_t *is_pending,
                                  uint32_t *failure_occurred)
{
    struct rpc_board facts;
    struct rpc_telemetry t;
    bool whole = corr_rows != NULL && is_pending != NULL && failure_occurred != NULL;
    int r = facts_read(device, whole ? unc_rows : NULL, &facts);
    if (r == NVML_SUCCESS && !facts.row_remapper) {
        r = NVML_ERROR_NOT_SUPPORTED;
    }
    if (r == NVML_SUCCESS) {
        r = telemetry_read(device, unc_rows, &t);
    }
    if (r == NVML_SUCCESS) {
        *corr_rows = 0;
        *unc_rows = (uint32_t)t.uncorrected.aggregate_count;
        *is_pending = t.uncorrected.volatile_count > 0;
        *failure_occurred = 0;
    }
    return r;
}

int32_t nvmlDeviceGetRemappedRows_v2(struct nvml_device *device,
                                     struct nvml_remapped_rows_info_v2 *info)
{
    uint32_t corrected = 0;
    uint32_t uncorrected = 0;
    uint32_t pending = 0;
    uint32_t failed = 0;
    struct ref ref;
    int r = device_ref(device, info, &ref);
    if (r == NVML_SUCCESS) {
        r = nvmlDeviceGetRemappedRows(device, &corrected, &uncorrected, &pending, &failed);
    }
    if (r == NVML_SUCCESS) {
        *info = (struct nvml_remapped_rows_info_v2){.corr_active_remaps = corrected,
                                                    .unc_active_remaps = uncorrected,
                                                    .b_pending = pending,
                                                    .b_failure_occurred = failed};
    }
    return r;
}

int32_t nvmlDeviceGetRowRemapperHistogram(struct nvml_device *device,
                                          struct nvml_row_remapper_histogram_values *values)
{
    struct rpc_board facts;
    int r = facts_read(device, values, &facts);
    if (r == NVML_SUCCESS && !facts.row_remapper) {
        r = NVML_ERROR_NOT_SUPPORTED;
    }
    if (r == NVML_SUCCESS) {
        *values = (struct nvml_row_remapper_histogram_values){.max = facts.remap_banks};
    }
    return r;
}

int32_t nvmlDeviceGetRepairStatus(struct nvml_device *device,
                                  struct nvml_repair_status_v1 *repair_status)
{
    struct rpc_board facts;
    int r = facts_read(device, repair_status, &facts);
    if (r == NVML_SUCCESS &&
        repair_status->version != NVML_VERSION(struct nvml_repair_status_v1, 1)) {
        r = NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    }
    if (r == NVML_SUCCESS && !facts.row_remapper) {
        r = NVML_ERROR_NOT_SUPPORTED;
    }
    if (r == NVML_SUCCESS) {
        *repair_status = (struct nvml_repair_status_v1){.version = repair_status->version};
    }
    return r;
}

int32_t nvmlDeviceGetUnrepairableMemoryFlag_v1(struct nvml_device *device,
                                               struct nvml_unrepairable_memory_status_v1 *status)
{
    struct ref ref;
    int r = device_ref(device, status, &ref);
    if (r == NVML_SUCCESS) {
        status->b_unrepairable_memory = 0;
    }
    return r;
}

/* Boards before Ampere retire pages; none is retired in the simulation. */
static int retired(struct nvml_device *device, uint32_t cause, const void *out)
{
    struct rpc_board facts;
    int r = facts_read(device, out, &facts);
    if (r == NVML_SUCCESS && !facts.page_retirement) {
        return NVML_ERROR_NOT_SUPPORTED;
    }
    return r == NVML_SUCCESS && cause > 1 ? NVML_ERROR_INVALID_ARGUMENT : r;
}

int32_t nvmlDeviceGetRetiredPages(struct nvml_device *device, uint32_t cause, uint32_t *page_count,
                                  uint64_t *addresses)
{
    (void)addresses;
    int r = retired(device, cause, page_count);
    if (r == NVML_SUCCESS) {
        *page_count = 0;
    }
    return r;
}

int32_t nvmlDeviceGetRetiredPages_v2(struct nvml_device *device, uint32_t cause,
                                     uint32_t *page_count, uint64_t *addresses,
                                     uint64_t *timestamps)
{
    (void)timestamps;
    return nvmlDeviceGetRetiredPages(device, cause, page_count, addresses);
}

int32_t nvmlDeviceGetRetiredPagesPendingStatus(struct nvml_device *device, uint32_t *is_pending)
{
    int r = retired(device, 0, is_pending);
    if (r == NVML_SUCCESS) {
        *is_pending = 0;
    }
    return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks: now, highest, as set, and why they are not higher. */
#include <stdio.h>
#include <string.h>

#include "sim/nvml/reader.h"
#include "sim/rpc/client.h"

#define CLOCK_STEP_MHZ 15u
#define LOW_MEMORY_MHZ 405u
#define LOW_MEMORY_GRAPHICS_MHZ 405u
#define REASONS_KNOWN 0x1FFu
#define PSTATES 16u
#define PSTATE_UNKNOWN 32u

enum clock_type { CLOCK_GRAPHICS, CLOCK_SM, CLOCK_MEMORY, CLOCK_VIDEO, CLOCK_COUNT };
enum clock_id { CLOCK_CURRENT, CLOCK_APP_TARGET, CLOCK_APP_DEFAULT, CLOCK_BOOST_MAX };

static uint32_t now_of(const struct rpc_sample *now, uint32_t type)
{
    const uint32_t clocks[CLOCK_COUNT] = {now->graphics_mhz, now->graphics_mhz, now->memory_mhz,
                                          now->video_mhz};
    return clocks[type];
}

static uint32_t max_of(const struct rpc_board *facts, uint32_t type)
{
    const uint32_t clocks[CLOCK_COUNT] = {facts->graphics_mhz, facts->graphics_mhz,
                                          facts->memory_mhz, facts->video_mhz};
    return clocks[type];
}

int32_t nvmlDeviceGetClockInfo(struct nvml_device *device, uint32_t type, uint32_t *clock)
{
    struct rpc_telemetry t;
    int r = telemetry_read(device, clock, &t);
    if (r == NVML_SUCCESS && type >= CLOCK_COUNT) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    if (r == NVML_SUCCESS) {
        *clock = now_of(&t.now, type);
    }
    return r;
}

int32_t nvmlDeviceGetMaxClockInfo(struct nvml_device *device, uint32_t type, uint32_t *clock)
{
    struct rpc_board facts;
    int r = facts_read(device, clock, &facts);
    if (r == NVML_SUCCESS && type >= CLOCK_COUNT) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    if (r == NVML_SUCCESS) {
        *clock = max_of(&facts, type);
    }
    return r;
}

/* Only graphics may boost. */
int32_t nvmlDeviceGetMaxCustomerBoostClock(struct nvml_device *device, uint32_t clock_type,
                                           uint32_t *clock_mhz)
{
    if (clock_type != CLOCK_GRAPHICS) {
        int r = session_check();
        return r != NVML_SUCCESS ? r : NVML_ERROR_NOT_SUPPORTED;
    }
    return nvmlDeviceGetMaxClockInfo(device, clock_type, clock_mhz);
}

int32_t nvmlDeviceGetDefaultApplicationsClock(struct nvml_device *device, uint32_t clock_type,
                                              uint32_t *clock_mhz)
{
    if (clock_type != CLOCK_GRAPHICS && clock_type != CLOCK_MEMORY) {
        int r = session_check();
        return r != NVML_SUCCESS ? r : NVML_ERROR_NOT_SUPPORTED;
    }
    return nvmlDeviceGetMaxClockInfo(device, clock_type, clock_mhz);
}

int32_t nvmlDeviceGetApplicationsClock(struct nvml_device *device, uint32_t clock_type,
                                       uint32_t *clock_mhz)
{
    struct rpc_gpu gpu;
    int r = nvmlDeviceGetDefaultApplicationsClock(device, clock_type, clock_mhz);
    if (r == NVML_SUCCESS) {
        r = device_read(device, clock_mhz, &gpu);
    }
    uint32_t set = r == NVML_SUCCESS
                       ? gpu.settings[clock_type == CLOCK_MEMORY ? SIM_SET_APP_MEMORY_MHZ
                                                                 : SIM_SET_APP_GRAPHICS_MHZ]
                       : 0;
    if (set != 0) {
        *clock_mhz = set;
    }
    return r;
}

int32_t nvmlDeviceGetClock(struct nvml_device *device, uint32_t clock_type, uint32_t clock_id,
                           uint32_t *clock_mhz)
{
    switch (clock_id) {
    case CLOCK_CURRENT:
        return nvmlDeviceGetClockInfo(device, clock_type, clock_mhz);
    case CLOCK_APP_TARGET:
        return nvmlDeviceGetApplicationsClock(device, clock_type, clock_mhz);
    case CLOCK_APP_DEFAULT:
        return nvmlDeviceGetDefaultApplicationsClock(device, clock_type, clock_mhz);
    case CLOCK_BOOST_MAX:
        return nvmlDeviceGetMaxCustomerBoostClock(device, clock_type, clock_mhz);
    default:
        return NVML_ERROR_INVALID_ARGUMENT;
    }
}

/* ---- which may be set ---- */

int32_t nvmlDeviceGetSupportedMemoryClocks(struct nvml_device *device, uint32_t *count,
                                           uint32_t *clocks_mhz)
{
    struct rpc_board facts;
    int r = facts_read(device, count, &facts);
    const uint32_t clocks[] = {facts.memory_mhz, LOW_MEMORY_MHZ};
    return r == NVML_SUCCESS ? list_out(clocks, facts.hbm ? 1 : 2, clocks_mhz, count) : r;
}

/* 0 when the board has no such memory clock. */
static uint32_t highest_graphics(const struct rpc_board *facts, uint32_t memory_mhz)
{
    if (memory_mhz == facts->memory_mhz) {
        return facts->graphics_mhz;
    }
    return memory_mhz == LOW_MEMORY_MHZ && !facts->hbm ? LOW_MEMORY_GRAPHICS_MHZ : 0;
}

int32_t nvmlDeviceGetSupportedGraphicsClocks(struct nvml_device *device, uint32_t memory_clock_mhz,
                                             uint32_t *count, uint32_t *clocks_mhz)
{
    struct rpc_board facts;
    int r = facts_read(device, count, &facts);
    uint32_t highest = r == NVML_SUCCESS ? highest_graphics(&facts, memory_clock_mhz) : 0;
    if (r != NVML_SUCCESS || highest == 0) {
        return r != NVML_SUCCESS ? r : NVML_ERROR_NOT_FOUND;
    }
    uint32_t clocks[256];
    uint32_t n = 0;
    for (uint32_t mhz = highest; mhz >= facts.lowest_mhz && n < 256; mhz -= CLOCK_STEP_MHZ) {
        clocks[n++] = mhz;
    }
    return list_out(clocks, n, clocks_mhz, count);
}

/* ---- setting ---- */

/* Both or neither. */
static int write_app_clocks(struct nvml_device *device, uint32_t memory_mhz, uint32_t graphics_mhz)
{
    struct ref ref;
    struct rpc_nothing nothing;
    int r = board_ref(device, device, &ref);
    return r == NVML_SUCCESS ? CALL(SET, &nothing, ref.gpu, SIM_SET_APP_MEMORY_MHZ, memory_mhz,
                                    SIM_SET_APP_GRAPHICS_MHZ, graphics_mhz)
                             : r;
}

int32_t nvmlDeviceSetApplicationsClocks(struct nvml_device *device, uint32_t mem_clock_mhz,
                                        uint32_t graphics_clock_mhz)
{
    struct rpc_board facts;
    int r = facts_read(device, device, &facts);
    if (r != NVML_SUCCESS) {
        return r;
    }
    uint32_t highest = highest_graphics(&facts, mem_clock_mhz);
    if (highest == 0 || graphics_clock_mhz > highest || graphics_clock_mhz < facts.lowest_mhz) {
        return NVML_ERROR_INVALID_ARGUMENT;
    }
    return write_app_clocks(device, mem_clock_mhz, graphics_clock_mhz);
}

int32_t nvmlDeviceResetApplicationsClocks(struct nvml_device *device)
{
    return write_app_clocks(device, 0, 0);
}

/* A range; a busy board runs at its upper end. Two special values mean "no more than the power
 * limit allows". */
static int lock(struct nvml_device *device, enum sim_setting setting, uint32_t low, uint32_t high,
                uint32_t highest)
{
    bool special = high >= UINT32_MAX - 0xFE;
    if (low > high) {
        return NVML_ERROR_INVALID_ARGUMENT;
    }
    return setting_write(device, setting, special || high > highest ? highest : high);
}

int32_t nvmlDeviceSetGpuLockedClocks(struct nvml_device *device, uint32_t min_gpu_clock_mhz,
                                     uint32_t max_gpu_clock_mhz)
{
    struct rpc_board facts;
    int r = facts_read(device, device, &facts);
    return r == NVML_SUCCESS ? lock(device, SIM_SET_LOCK_GRAPHICS_MHZ, min_gpu_clock_mhz,
                                    max_gpu_clock_mhz, facts.graphics_mhz)
                             : r;
}

int32_t nvmlDeviceSetMemoryLockedClocks(struct nvml_device *device, uint32_t min_mem_clock_mhz,
                                        uint32_t max_mem_clock_mhz)
{
    struct rpc_board facts;
    int r = facts_read(device, device, &facts);
    return r == NVML_SUCCESS ? lock(device, SIM_SET_LOCK_MEMORY_MHZ, min_mem_clock_mhz,
                                    max_mem_clock_mhz, facts.memory_mhz)
                             : r;
}

int32_t nvmlDeviceResetGpuLockedClocks(struct nvml_device *device)
{
    return setting_write(device, SIM_SET_LOCK_GRAPHICS_MHZ, 0);
}

int32_t nvmlDeviceResetMemoryLockedClocks(struct nvml_device *device)
{
    return setting_write(device, SIM_SET_LOCK_MEMORY_MHZ, 0);
}

/* ---- states and reasons ---- */

TELEMETRY_GETTER(nvmlDeviceGetPerformanceState, uint32_t, t.now.pstate)
TELEMETRY_GETTER(nvmlDeviceGetPowerState, uint32_t, t.now.pstate)
TELEMETRY_GETTER(nvmlDeviceGetCurrentClocksThrottleReasons, uint64_t, t.now.reasons)
TELEMETRY_GETTER(nvmlDeviceGetCurrentClocksEventReasons, uint64_t, t.now.reasons)
DEVICE_GETTER(nvmlDeviceGetSupportedClocksThrottleReasons, uint64_t, REASONS_KNOWN)
DEVICE_GETTER(nvmlDeviceGetSupportedClocksEventReasons, uint64_t, REASONS_KNOWN)
DEVICE_GETTER(nvmlDeviceGetAdaptiveClockInfoStatus, uint32_t, NVML_DISABLED)

int32_t nvmlDeviceGetSupportedPerformanceStates(struct nvml_device *device, uint32_t *pstates,
                                                uint32_t size)
{
    struct rpc_board facts;
    int r = facts_read(device, pstates, &facts);
    if (r != NVML_SUCCESS) {
        return r;
    }
    uint32_t room = size / (uint32_t)sizeof(pstates[0]);
    if (room < 2) {
        return NVML_ERROR_INSUFFICIENT_SIZE;
    }
    for (uint32_t i = 0; i < room && i < PSTATES; i++) {
        pstates[i] = PSTATE_UNKNOWN;
    }
    pstates[0] = 0;
    pstates[1] = facts.hbm ? PSTATE_UNKNOWN : 8;
    return NVML_SUCCESS;
}

int32_t nvmlDeviceGetMinMaxClockOfPState(struct nvml_device *device, uint32_t type, uint32_t pstate,
                                         uint32_t *min_clock_mhz, uint32_t *max_clock_mhz)
{
    struct rpc_board facts;
    int r = facts_read(device, max_clock_mhz != NULL ? min_clock_mhz : NULL, &facts);
    if (r == NVML_SUCCESS && type >= CLOCK_COUNT) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    if (r == NVML_SUCCESS && pstate != 0) {
        r = NVML_ERROR_NOT_SUPPORTED;
    }
    if (r == NVML_SUCCESS) {
        *max_clock_mhz = max_of(&facts, type);
        *min_clock_mhz = type == CLOCK_MEMORY ? facts.memory_mhz : facts.lowest_mhz;
    }
    return r;
}

/* Domains: graphics, framebuffer, video, bus. */
int32_t nvmlDeviceGetDynamicPstatesInfo(struct nvml_device *device,
                                        struct nvml_gpu_dynamic_pstates_info *info)
{
    struct rpc_telemetry t;
    int r = telemetry_read(device, info, &t);
    if (r != NVML_SUCCESS) {
        return r;
    }
    const uint32_t percent[] = {t.now.usage.sm, t.now.usage.memory, t.now.usage.decoder, 0};
    memset(info, 0, sizeof(*info));
    for (size_t i = 0; i < sizeof(percent) / sizeof(percent[0]); i++) {
        info->utilization[i].is_present = 1;
        info->utilization[i].percentage = percent[i];
    }
    return NVML_SUCCESS;
}

int32_t nvmlDeviceGetCurrentClockFreqs(struct nvml_device *device,
                                       struct nvml_device_current_clock_freqs_v1 *freqs)
{
    struct rpc_telemetry t;
    int r = telemetry_read(device, freqs, &t);
    if (r == NVML_SUCCESS &&
        freqs->version != NVML_VERSION(struct nvml_device_current_clock_freqs_v1, 1)) {
        r = NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    }
    if (r == NVML_SUCCESS) {
        snprintf(freqs->str, sizeof(freqs->str),
                 "perf=%u, nvclock=%u, memclock=%u, sclock=%u, vclock=%u", t.now.pstate,
                 t.now.graphics_mhz, t.now.memory_mhz, t.now.graphics_mhz, t.now.video_mhz);
    }
    return r;
}

/* How long a policy held the clocks down. Nothing is remembered: reference time runs, none was. */
int32_t nvmlDeviceGetViolationStatus(struct nvml_device *device, uint32_t perf_policy_type,
                                     struct nvml_violation_time *viol_time)
{
    struct rpc_telemetry t;
    int r = telemetry_read(device, viol_time, &t);
    if (r == NVML_SUCCESS && perf_policy_type > 11) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    if (r == NVML_SUCCESS) {
        *viol_time = (struct nvml_violation_time){.reference_time = t.now.time_us};
    }
    return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What boards measure, what an administrator sets on them, and what they report by themselves. */
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "nvml/abi.h"
#include "sim/rpc/board.h"
#include "sim/rpc/handlers.h"
#include "sim/rpc/load.h"
#include "sim/rpc/lookup.h"
#include "sim/rpc/telemetry.h"

#define SAMPLE_PERIOD_US 200000u

/* A board's loads, and whose each is. */
struct scene {
    struct rpc_board facts;
    struct load loads[RPC_MAX_VGPUS];
    const struct sim_vgpu *owners[RPC_MAX_VGPUS];
    struct load_board board;
    uint64_t now_us; /* since the host started */
};

static uint32_t running_along(struct sim_gpu *gpu, uint32_t gi_id)
{
    uint32_t n = 0;
    uint32_t cursor = 0;
    for (struct sim_vgpu *vgpu = sim_next_vgpu(gpu, &cursor, NULL); vgpu != NULL;
         vgpu = sim_next_vgpu(gpu, &cursor, NULL)) {
        n += vgpu->opener != 0 && vgpu->gi_id == gi_id;
    }
    return n > 0 ? n : 1;
}

/* Slices are the vGPU's own; time is what its scheduler gives: best effort all that the others
 * leave, an equal share among those that run, a fixed share among those that could. */
static double cap_of(struct sim_gpu *gpu, const struct sim_vgpu *vgpu)
{
    const struct sim_gi *gi = vgpu->gi_id != SIM_NONE ? sim_find_gi(gpu, vgpu->gi_id) : NULL;
    if (gi != NULL) {
        return (double)gi->profile->compute_slices / gpu->model->compute_slices /
               running_along(gpu, gi->id);
    }
    uint32_t most = vgpu->type->max_per_gpu;
    if (gpu->scheduler_policy == NVML_SCHEDULER_FIXED_SHARE && most != CAT_UNKNOWN && most > 0) {
        return 1.0 / most;
    }
    bool equal = gpu->scheduler_policy == NVML_SCHEDULER_EQUAL_SHARE;
    return equal ? 1.0 / running_along(gpu, SIM_NONE) : 1.0;
}

static uint32_t or_else(uint32_t value, uint32_t otherwise)
{
    return value != 0 ? value : otherwise;
}

static void scene_of(struct sim_host *host, struct sim_gpu *gpu, struct scene *scene)
{
    board_facts(gpu->model, &scene->facts);
    uint32_t n = 0;
    uint32_t cursor = 0;
    for (struct sim_vgpu *vgpu = sim_next_vgpu(gpu, &cursor, NULL);
         vgpu != NULL && n < RPC_MAX_VGPUS; vgpu = sim_next_vgpu(gpu, &cursor, NULL)) {
        if (vgpu->opener != 0) {
            scene->owners[n] = vgpu;
            scene->loads[n++] =
                (struct load){.seed = load_seed(host->seed, vgpu->uuid),
                              .cap = cap_of(gpu, vgpu),
                              .video = vgpu->type->series == 'Q' || vgpu->type->series == 'B'};
        }
    }
    uint32_t graphics =
        or_else(gpu->settings[SIM_SET_LOCK_GRAPHICS_MHZ], gpu->settings[SIM_SET_APP_GRAPHICS_MHZ]);
    uint32_t memory =
        or_else(gpu->settings[SIM_SET_LOCK_MEMORY_MHZ], gpu->settings[SIM_SET_APP_MEMORY_MHZ]);
    scene->board = (struct load_board){
        .facts = &scene->facts,
        .loads = scene->loads,
        .n_loads = n,
        .seed = load_seed(host->seed, gpu->uuid),
        .limit_mw = or_else(gpu->settings[SIM_SET_POWER_LIMIT_MW], scene->facts.power_mw),
        .graphics_mhz = or_else(graphics, scene->facts.graphics_mhz),
        .memory_mhz = or_else(memory, scene->facts.memory_mhz)};
    scene->now_us = clock_monotonic_us() - host->started_us;
}

void telemetry_of_vgpu(struct sim_host *host, struct sim_gpu *gpu, const struct sim_vgpu *vgpu,
                       struct rpc_usage *ret_usage, uint64_t *ret_used_mib)
{
    struct scene scene = {0};
    scene_of(host, gpu, &scene);
    for (uint32_t i = 0; i < scene.board.n_loads; i++) {
        if (scene.owners[i] == vgpu) {
            load_of(&scene.board, i, scene.now_us, ret_usage);
            /* Between a tenth and six tenths of its framebuffer, always the same. */
            uint32_t all = rpc_framebuffer_mib(vgpu->type);
            *ret_used_mib = all / 10 + scene.loads[i].seed % (all / 2 + 1);
        }
    }
}

int rpc_do_BOARD(struct sim_host *host, const uint32_t a[RPC_MAX_ARGS], struct rpc_board *out)
{
    struct sim_gpu *gpu = NULL;
    int r = rpc_gpu_of(host, a[0], &gpu);
    if (r == NVML_SUCCESS) {
        board_facts(gpu->model, out);
    }
    return r;
}

/* The meter goes on with the power of the moment at which it is read. */
static uint64_t read_meter(struct sim_host *host, struct sim_gpu *gpu, uint32_t power_mw)
{
    uint64_t now = clock_monotonic_us();
    uint64_t since = gpu->meter.at_us != 0 ? gpu->meter.at_us : host->started_us;
    gpu->meter.energy_uj += (now - since) * power_mw / 1000;
    gpu->meter.at_us = now;
    return gpu->meter.energy_uj / 1000;
}

int rpc_do_TELEMETRY(struct sim_host *host, const uint32_t a[RPC_MAX_ARGS],
                     struct rpc_telemetry *out)
{
    struct sim_gpu *gpu = NULL;
    int r = rpc_gpu_of(host, a[0], &gpu);
    if (r != NVML_SUCCESS) {
        return r;
    }
    struct scene scene = {0};
    scene_of(host, gpu, &scene);
    out->now.time_us = clock_realtime_us();
    load_sample(&scene.board, scene.now_us, &out->now);
    out->limit_mw = scene.board.limit_mw;
    out->energy_mj = read_meter(host, gpu, out->now.power_mw);
    out->celsius = load_celsius(&scene.board, scene.now_us);
    out->memory_celsius = scene.facts.hbm ? out->celsius + 7 : 0;
    out->corrected =
        (struct rpc_ecc){gpu->corrected.volatile_count, gpu->corrected.aggregate_count};
    out->uncorrected =
        (struct rpc_ecc){gpu->uncorrected.volatile_count, gpu->uncorrected.aggregate_count};
    out->last_xid = gpu->last_xid;
    out->uptime_us = scene.now_us;
    return NVML_SUCCESS;
}

int rpc_do_SAMPLES(struct sim_host *host, const uint32_t a[RPC_MAX_ARGS], struct rpc_samples *out)
{
    struct sim_gpu *gpu = NULL;
    int r = rpc_gpu_of(host, a[0], &gpu);
    if (r != NVML_SUCCESS) {
        return r;
    }
    struct scene scene = {0};
    scene_of(host, gpu, &scene);
    uint64_t realtime_us = clock_realtime_us();
    /* On a fixed grid: who asks twice gets the same samples again, and the new ones. */
    uint64_t newest = scene.now_us / SAMPLE_PERIOD_US;
    out->period_us = SAMPLE_PERIOD_US;
    for (uint32_t i = 0; i < RPC_MAX_SAMPLES && i <= newest; i++) {
        out->n++;
    }
    for (uint32_t i = 0; i < out->n; i++) {
        uint64_t at = (newest - (out->n - 1 - i)) * SAMPLE_PERIOD_US;
        out->items[i].time_us = realtime_us - (scene.now_us - at);
        load_sample(&scene.board, at, &out->items[i]);
    }
    return NVML_SUCCESS;
}

/* ---- changes ---- */

int rpc_do_SET(struct sim_host *host, const uint32_t a[RPC_MAX_ARGS], struct rpc_nothing *out)
{
    (void)out;
    struct sim_gpu *gpu = NULL;
    int r = rpc_gpu_of(host, a[0], &gpu);
    bool two = a[3] != RPC_NONE;
    if (r == NVML_SUCCESS && (a[1] >= SIM_SETTING_COUNT || (two && a[3] >= SIM_SETTING_COUNT))) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    if (r == NVML_SUCCESS && two) {
        r = sim_set_setting(host, gpu, a[3], a[4]);
    }
    return r == NVML_SUCCESS ? sim_set_setting(host, gpu, a[1], a[2]) : r;
}

int rpc_do_ECC_CLEAR(struct sim_host *host, const uint32_t a[RPC_MAX_ARGS], struct rpc_nothing *out)
{
    (void)out;
    struct sim_gpu *gpu = NULL;
    int r = rpc_gpu_of(host, a[0], &gpu);
    if (r == NVML_SUCCESS) {
        sim_clear_ecc(host, gpu, a[1] != 0);
    }
    return r;
}

int rpc_do_RESET(struct sim_host *host, const uint32_t a[RPC_MAX_ARGS], struct rpc_nothing *out)
{
    (void)out;
    struct sim_gpu *gpu = NULL;
    int r = rpc_gpu_of(host, a[0], &gpu);
    return r == NVML_SUCCESS || r == NVML_ERROR_RESET_REQUIRED ? sim_gpu_reset(host, gpu) : r;
}

int rpc_do_EVENT(struct sim_host *host, const uint32_t a[RPC_MAX_ARGS], struct rpc_event *out)
{
    uint64_t cursor = a[0] | (uint64_t)a[1] << 32;
    if (cursor == UINT64_MAX) {
        out->next = host->n_events;
        return NVML_SUCCESS;
    }
    const struct sim_event *event = sim_next_event(host, &cursor);
    out->next = cursor;
    if (event != NULL) {
        out->exists = 1;
        out->gpu = event->gpu;
        out->type = event->type;
        out->data = event->data;
    }
    return NVML_SUCCESS;
}

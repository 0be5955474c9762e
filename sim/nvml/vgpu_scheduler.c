/* SPDX-License-Identifier: Apache-2.0 */
/* How vGPUs share the engines of a board, or of one GPU instance: state, log, limits. */
#include <string.h>
#include <time.h>

#include "sim/nvml/reader.h"
#include "sim/rpc/client.h"

/* vGPU user guide 17, "Changing Scheduling Behavior for Time-Sliced vGPUs"; what
 * `nvidia-smi vgpu -sc` prints. */
#define MIN_TIMESLICE_NS 1000000u
#define MAX_TIMESLICE_NS 30000000u
#define DEFAULT_TIMESLICE_NS 2000000u
#define MIN_FREQUENCY 63u
#define MAX_FREQUENCY 960u
#define DEFAULT_FREQUENCY 480u
#define MIN_AVG_FACTOR 1u
#define MAX_AVG_FACTOR 60u
#define DEFAULT_AVG_FACTOR 33u
#define LOG_ENTRIES 200u
#define ENGINE_GRAPHICS 1u
#define NS_PER_S 1000000000ull

/* What every form of state says. */
struct scheduler {
    uint32_t policy, arr, avg_factor, frequency, timeslice_ns;
};

static uint32_t or_else(uint32_t value, uint32_t otherwise)
{
    return value != 0 ? value : otherwise;
}

static uint32_t effective_timeslice(const struct scheduler *s)
{
    if (s->arr == NVML_ARR_ENABLE) {
        return (uint32_t)(NS_PER_S / or_else(s->frequency, DEFAULT_FREQUENCY));
    }
    return or_else(s->timeslice_ns, DEFAULT_TIMESLICE_NS);
}

static union nvml_vgpu_scheduler_params params_of(const struct scheduler *s)
{
    union nvml_vgpu_scheduler_params params = {0};
    if (s->policy == NVML_SCHEDULER_BEST_EFFORT) {
        return params;
    }
    if (s->arr == NVML_ARR_ENABLE) {
        params.with_arr.avg_factor = or_else(s->avg_factor, DEFAULT_AVG_FACTOR);
        params.with_arr.timeslice = effective_timeslice(s);
    } else {
        params.plain.timeslice = effective_timeslice(s);
    }
    return params;
}

/* A best-effort scheduler has no other parameter. */
static int check(const struct scheduler *s)
{
    if (s->policy < NVML_SCHEDULER_BEST_EFFORT || s->policy > NVML_SCHEDULER_FIXED_SHARE ||
        s->arr > NVML_ARR_ENABLE) {
        return NVML_ERROR_INVALID_ARGUMENT;
    }
    bool avg =
        s->avg_factor == 0 || (s->avg_factor >= MIN_AVG_FACTOR && s->avg_factor <= MAX_AVG_FACTOR);
    bool frequency =
        s->frequency == 0 || (s->frequency >= MIN_FREQUENCY && s->frequency <= MAX_FREQUENCY);
    bool slice = s->timeslice_ns == 0 ||
                 (s->timeslice_ns >= MIN_TIMESLICE_NS && s->timeslice_ns <= MAX_TIMESLICE_NS);
    return avg && frequency && slice ? NVML_SUCCESS : NVML_ERROR_INVALID_ARGUMENT;
}

static struct scheduler from_params(uint32_t policy, uint32_t arr,
                                    const union nvml_vgpu_scheduler_set_params *params)
{
    struct scheduler s = {.policy = policy, .arr = arr};
    if (policy == NVML_SCHEDULER_BEST_EFFORT) {
        return s;
    }
    if (arr == NVML_ARR_ENABLE) {
        s.avg_factor = params->with_arr.avg_factor;
        s.frequency = params->with_arr.frequency;
    } else {
        s.timeslice_ns = params->plain.timeslice;
    }
    return s;
}

/* ---- where it stands ---- */

static int read_board(struct nvml_device *device, const void *out, struct scheduler *ret)
{
    struct rpc_gpu gpu;
    int r = vgpu_board_read(device, out, &gpu);
    if (r == NVML_SUCCESS) {
        *ret = (struct scheduler){.policy = gpu.scheduler_policy,
                                  .arr = gpu.settings[SIM_SET_SCHED_ARR],
                                  .avg_factor = gpu.settings[SIM_SET_SCHED_AVG_FACTOR],
                                  .frequency = gpu.settings[SIM_SET_SCHED_FREQUENCY],
                                  .timeslice_ns = gpu.settings[SIM_SET_SCHED_TIMESLICE_NS]};
    }
    return r;
}

static int write_board(struct nvml_device *device, const struct scheduler *s)
{
    struct ref ref;
    struct rpc_nothing nothing;
    int r = board_ref(device, device, &ref);
    if (r == NVML_SUCCESS) {
        r = check(s);
    }
    return r == NVML_SUCCESS ? CALL(SET_SCHEDULER, &nothing, ref.gpu, s->policy, s->arr,
                                    s->avg_factor, s->frequency, s->timeslice_ns)
                             : r;
}

static int read_gi(struct nvml_gpu_instance *gi, const void *out, struct ref *ret_ref,
                   struct scheduler *ret)
{
    struct rpc_instance instance;
    int r = gi_read(gi, out, ret_ref, &instance, NULL);
    if (r == NVML_SUCCESS) {
        *ret = (struct scheduler){
            .policy = or_else(instance.scheduler.policy, NVML_SCHEDULER_BEST_EFFORT),
            .arr = instance.scheduler.arr,
            .avg_factor = instance.scheduler.avg_factor,
            .frequency = instance.scheduler.frequency,
            .timeslice_ns = instance.scheduler.timeslice_ns};
    }
    return r;
}

static int write_gi(struct nvml_gpu_instance *gi, const void *given, const struct scheduler *s)
{
    struct ref ref;
    struct scheduler before;
    struct rpc_nothing nothing;
    int r = read_gi(gi, given, &ref, &before);
    if (r == NVML_SUCCESS) {
        r = check(s);
    }
    return r == NVML_SUCCESS ? CALL(GI_SCHEDULER, &nothing, ref.gpu, ref.gi, s->policy, s->arr,
                                    s->avg_factor, s->frequency, s->timeslice_ns)
                             : r;
}

/* ---- of a board ---- */

int32_t
nvmlDeviceGetVgpuSchedulerCapabilities(struct nvml_device *device,
                                       struct nvml_vgpu_scheduler_capabilities *capabilities)
{
    struct rpc_gpu gpu;
    int r = vgpu_board_read(device, capabilities, &gpu);
    if (r == NVML_SUCCESS) {
        *capabilities =
            (struct nvml_vgpu_scheduler_capabilities){.supported_schedulers = {1, 2, 3},
                                                      .max_timeslice = MAX_TIMESLICE_NS,
                                                      .min_timeslice = MIN_TIMESLICE_NS,
                                                      .is_arr_mode_supported = 1,
                                                      .max_frequency_for_arr = MAX_FREQUENCY,
                                                      .min_frequency_for_arr = MIN_FREQUENCY,
                                                      .max_avg_factor_for_arr = MAX_AVG_FACTOR,
                                                      .min_avg_factor_for_arr = MIN_AVG_FACTOR};
    }
    return r;
}

int32_t nvmlDeviceGetVgpuSchedulerState(struct nvml_device *device,
                                        struct nvml_vgpu_scheduler_get_state *state)
{
    struct scheduler s;
    int r = read_board(device, state, &s);
    if (r == NVML_SUCCESS) {
        *state = (struct nvml_vgpu_scheduler_get_state){
            .scheduler_policy = s.policy, .arr_mode = s.arr, .scheduler_params = params_of(&s)};
    }
    return r;
}

int32_t nvmlDeviceSetVgpuSchedulerState(struct nvml_device *device,
                                        struct nvml_vgpu_scheduler_set_state *state)
{
    int r = session_check();
    if (r != NVML_SUCCESS || state == NULL) {
        return r != NVML_SUCCESS ? r : NVML_ERROR_INVALID_ARGUMENT;
    }
    struct scheduler s =
        from_params(state->scheduler_policy, state->enable_arr_mode, &state->scheduler_params);
    return write_board(device, &s);
}

static int fill_state_v2(int r, const struct scheduler *s,
                         struct nvml_vgpu_scheduler_state_info_v2 *info)
{
    if (r == NVML_SUCCESS && info->engine_id != ENGINE_GRAPHICS) {
        return NVML_ERROR_INVALID_ARGUMENT;
    }
    if (r == NVML_SUCCESS) {
        info->scheduler_policy = s->policy;
        info->avg_factor =
            s->arr == NVML_ARR_ENABLE ? or_else(s->avg_factor, DEFAULT_AVG_FACTOR) : 0;
        info->timeslice = s->policy == NVML_SCHEDULER_BEST_EFFORT ? 0 : effective_timeslice(s);
    }
    return r;
}

/* The newer form has no ARR switch: a factor or a frequency turns it on. */
static struct scheduler from_state_v2(const struct nvml_vgpu_scheduler_state_v2 *state)
{
    bool arr = state->avg_factor != 0 || state->frequency != 0;
    return (struct scheduler){.policy = state->scheduler_policy,
                              .arr = arr ? NVML_ARR_ENABLE : NVML_ARR_DEFAULT,
                              .avg_factor = state->avg_factor,
                              .frequency = state->frequency};
}

int32_t nvmlDeviceGetVgpuSchedulerState_v2(struct nvml_device *device,
                                           struct nvml_vgpu_scheduler_state_info_v2 *info)
{
    struct scheduler s;
    return fill_state_v2(read_board(device, info, &s), &s, info);
}

int32_t nvmlDeviceSetVgpuSchedulerState_v2(struct nvml_device *device,
                                           struct nvml_vgpu_scheduler_state_v2 *state)
{
    int r = session_check();
    if (r != NVML_SUCCESS || state == NULL) {
        return r != NVML_SUCCESS ? r : NVML_ERROR_INVALID_ARGUMENT;
    }
    struct scheduler s = from_state_v2(state);
    return write_board(device, &s);
}

/* ---- of a GPU instance ---- */

int32_t nvmlGpuInstanceGetVgpuSchedulerState(struct nvml_gpu_instance *gpu_instance,
                                             struct nvml_vgpu_scheduler_state_info_v1 *info)
{
    struct ref ref;
    struct scheduler s;
    int r = read_gi(gpu_instance, info, &ref, &s);
    if (r == NVML_SUCCESS &&
        info->version != NVML_VERSION(struct nvml_vgpu_scheduler_state_info_v1, 1)) {
        r = NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    }
    if (r == NVML_SUCCESS) {
        info->engine_id = ENGINE_GRAPHICS;
        info->scheduler_policy = s.policy;
        info->arr_mode = s.arr;
        info->scheduler_params = params_of(&s);
    }
    return r;
}

int32_t nvmlGpuInstanceSetVgpuSchedulerState(struct nvml_gpu_instance *gpu_instance,
                                             struct nvml_vgpu_scheduler_state_v1 *scheduler)
{
    int r = session_check();
    if (r != NVML_SUCCESS || scheduler == NULL) {
        return r != NVML_SUCCESS ? r : NVML_ERROR_INVALID_ARGUMENT;
    }
    if (scheduler->version != NVML_VERSION(struct nvml_vgpu_scheduler_state_v1, 1)) {
        return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    }
    struct scheduler s = from_params(scheduler->scheduler_policy, scheduler->enable_arr_mode,
                                     &scheduler->scheduler_params);
    return write_gi(gpu_instance, scheduler, &s);
}

int32_t nvmlGpuInstanceGetVgpuSchedulerState_v2(struct nvml_gpu_instance *gpu_instance,
                                                struct nvml_vgpu_scheduler_state_info_v2 *info)
{
    struct ref ref;
    struct scheduler s;
    return fill_state_v2(read_gi(gpu_instance, info, &ref, &s), &s, info);
}

int32_t nvmlGpuInstanceSetVgpuSchedulerState_v2(struct nvml_gpu_instance *gpu_instance,
                                                struct nvml_vgpu_scheduler_state_v2 *state)
{
    int r = session_check();
    if (r != NVML_SUCCESS || state == NULL) {
        return r != NVML_SUCCESS ? r : NVML_ERROR_INVALID_ARGUMENT;
    }
    struct scheduler s = from_state_v2(state);
    return write_gi(gpu_instance, state, &s);
}

/* ---- logs: the turns that the running vGPUs have just had ---- */

static uint32_t running_of(struct ref ref, struct rpc_vgpu *out)
{
    struct rpc_vgpus all;
    uint32_t n = 0;
    if (CALL(VGPUS, &all, ref.gpu) != NVML_SUCCESS) {
        return 0;
    }
    for (uint32_t i = 0; i < all.n; i++) {
        if (all.items[i].running && (ref.gi == RPC_NONE || all.items[i].gi_id == ref.gi)) {
            out[n++] = all.items[i];
        }
    }
    return n;
}

/* One after the other, newest last; what a vGPU runs of its turn is what it uses of the board. */
static uint32_t make_log(struct ref ref, const struct scheduler *s,
                         struct nvml_vgpu_scheduler_log_entry_v2 entries[LOG_ENTRIES])
{
    struct rpc_vgpu vgpus[RPC_MAX_VGPUS];
    uint32_t n = running_of(ref, vgpus);
    if (n == 0) {
        return 0;
    }
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t slice = effective_timeslice(s);
    uint64_t turn = ((uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec) / slice;
    for (uint32_t i = 0; i < LOG_ENTRIES; i++) {
        uint64_t this_turn = turn - (LOG_ENTRIES - 1 - i);
        const struct rpc_vgpu *vgpu = &vgpus[this_turn % n];
        uint64_t run = slice * (vgpu->usage.sm < 100 / n ? vgpu->usage.sm * n : 100) / 100;
        entries[i] =
            (struct nvml_vgpu_scheduler_log_entry_v2){.timestamp = this_turn * slice,
                                                      .time_run_total = this_turn / n * run,
                                                      .time_run = run,
                                                      .sw_runlist_id = vgpu->instance,
                                                      .target_time_slice = slice,
                                                      .cumulative_preemption_time = 0,
                                                      .weight = 1};
    }
    return LOG_ENTRIES;
}

static uint32_t make_log_v1(struct ref ref, const struct scheduler *s,
                            struct nvml_vgpu_scheduler_log_entry entries[LOG_ENTRIES])
{
    struct nvml_vgpu_scheduler_log_entry_v2 all[LOG_ENTRIES];
    uint32_t n = make_log(ref, s, all);
    for (uint32_t i = 0; i < n; i++) {
        entries[i] = (struct nvml_vgpu_scheduler_log_entry){
            .timestamp = all[i].timestamp,
            .time_run_total = all[i].time_run_total,
            .time_run = all[i].time_run,
            .sw_runlist_id = all[i].sw_runlist_id,
            .target_time_slice = all[i].target_time_slice,
            .cumulative_preemption_time = all[i].cumulative_preemption_time};
    }
    return n;
}

int32_t nvmlDeviceGetVgpuSchedulerLog(struct nvml_device *device,
                                      struct nvml_vgpu_scheduler_log *log)
{
    struct scheduler s;
    struct ref ref = {0};
    int r = read_board(device, log, &s);
    if (r == NVML_SUCCESS) {
        r = board_ref(device, log, &ref);
    }
    if (r == NVML_SUCCESS) {
        log->engine_id = ENGINE_GRAPHICS;
        log->scheduler_policy = s.policy;
        log->arr_mode = s.arr;
        log->scheduler_params = params_of(&s);
        log->entries_count = make_log_v1(ref, &s, log->log_entries);
    }
    return r;
}

static int fill_log_v2(int r, struct ref ref, const struct scheduler *s,
                       struct nvml_vgpu_scheduler_log_info_v2 *info)
{
    struct nvml_vgpu_scheduler_state_info_v2 state = {.engine_id =
                                                          r == NVML_SUCCESS ? info->engine_id : 0};
    r = fill_state_v2(r, s, &state);
    if (r == NVML_SUCCESS) {
        info->scheduler_policy = state.scheduler_policy;
        info->avg_factor = state.avg_factor;
        info->timeslice = state.timeslice;
        info->entries_count = make_log(ref, s, info->log_entries);
    }
    return r;
}

int32_t nvmlDeviceGetVgpuSchedulerLog_v2(struct nvml_device *device,
                                         struct nvml_vgpu_scheduler_log_info_v2 *info)
{
    struct scheduler s;
    struct ref ref = {0};
    int r = read_board(device, info, &s);
    if (r == NVML_SUCCESS) {
        r = board_ref(device, info, &ref);
    }
    return fill_log_v2(r, ref, &s, info);
}

int32_t nvmlGpuInstanceGetVgpuSchedulerLog(struct nvml_gpu_instance *gpu_instance,
                                           struct nvml_vgpu_scheduler_log_info_v1 *info)
{
    struct scheduler s;
    struct ref ref = {0};
    int r = read_gi(gpu_instance, info, &ref, &s);
    if (r == NVML_SUCCESS &&
        info->version != NVML_VERSION(struct nvml_vgpu_scheduler_log_info_v1, 1)) {
        r = NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    }
    if (r == NVML_SUCCESS) {
        info->engine_id = ENGINE_GRAPHICS;
        info->scheduler_policy = s.policy;
        info->arr_mode = s.arr;
        info->scheduler_params = params_of(&s);
        info->entries_count = make_log_v1(ref, &s, info->log_entries);
    }
    return r;
}

int32_t nvmlGpuInstanceGetVgpuSchedulerLog_v2(struct nvml_gpu_instance *gpu_instance,
                                              struct nvml_vgpu_scheduler_log_info_v2 *info)
{
    struct scheduler s;
    struct ref ref = {0};
    int r = read_gi(gpu_instance, info, &ref, &s);
    return fill_log_v2(r, ref, &s, info);
}

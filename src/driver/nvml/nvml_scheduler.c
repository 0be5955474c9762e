/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduling policy of time-sliced vGPUs: nvml.h, "vGPU scheduler"; limits and defaults in the
 * vGPU software user guide, "Changing Scheduling Behavior for Time-Sliced vGPUs".
 */
#include "driver/nvml/nvml_scheduler.h"

#include "base/str.h"
#include "driver/nvml/nvml_step.h"

#define NS_PER_S UINT64_C(1000000000)
#define ENGINE_GRAPHICS 1 /* nvml.h, NVML_VGPU_SCHEDULER_ENGINE_TYPE_GRAPHICS */

/* NVML's numbers, in the order of ours. */
static const uint32_t policies[] = {
    [SCHEDULER_UNKNOWN] = NVML_SCHEDULER_BEST_EFFORT, /* the driver's own choice */
    [SCHEDULER_BEST_EFFORT] = NVML_SCHEDULER_BEST_EFFORT,
    [SCHEDULER_EQUAL_SHARE] = NVML_SCHEDULER_EQUAL_SHARE,
    [SCHEDULER_FIXED_SHARE] = NVML_SCHEDULER_FIXED_SHARE,
};
_Static_assert(ARRAY_SIZE(policies) == SCHEDULER_POLICY_COUNT, "every policy has a number");

static enum scheduler_policy policy_of(uint32_t number)
{
    for (size_t i = SCHEDULER_BEST_EFFORT; i < ARRAY_SIZE(policies); i++) {
        if (policies[i] == number) {
            return (enum scheduler_policy)i;
        }
    }
    return SCHEDULER_UNKNOWN;
}

static struct gpu_scheduler scheduler_of(uint32_t policy, uint32_t arr_mode,
                                         const union nvml_vgpu_scheduler_params *params)
{
    struct gpu_scheduler scheduler = {.policy = policy_of(policy)};
    if (scheduler.policy != SCHEDULER_BEST_EFFORT && scheduler.policy != SCHEDULER_UNKNOWN) {
        scheduler.adaptive = arr_mode == NVML_ARR_ENABLE;
        scheduler.slice_ns =
            scheduler.adaptive ? params->with_arr.timeslice : params->plain.timeslice;
    }
    if (scheduler.adaptive) {
        scheduler.averaging = params->with_arr.avg_factor;
        scheduler.frequency_hz =
            scheduler.slice_ns == 0
                ? 0
                : (uint32_t)((NS_PER_S + scheduler.slice_ns / 2) / scheduler.slice_ns);
    }
    return scheduler;
}

int nvml_scheduler_read(const struct nvml_gpu *gpu, struct gpu_scheduler *ret_scheduler,
                        struct error *err)
{
    const struct nvml *nvml = gpu->nvml;
    if (nvml->nvmlDeviceGetVgpuSchedulerState == NULL) {
        return nvml_too_old(err, gpu->subject, "nvmlDeviceGetVgpuSchedulerState");
    }
    struct nvml_vgpu_scheduler_get_state state = {0};
    int32_t code = nvml->nvmlDeviceGetVgpuSchedulerState(gpu->device, &state);
    if (code != NVML_SUCCESS) {
        return nvml_fail(nvml, code, err, gpu->subject, "the vGPU scheduler can't be read");
    }
    *ret_scheduler = scheduler_of(state.scheduler_policy, state.arr_mode, &state.scheduler_params);
    return 0;
}

void nvml_scheduler_read_gi(const struct nvml_gpu *gpu, const struct nvml_gi *gi,
                            struct gpu_scheduler *ret_scheduler)
{
    struct nvml_vgpu_scheduler_state_info_v1 info = {
        .version = NVML_VERSION(struct nvml_vgpu_scheduler_state_info_v1, 1),
        .engine_id = ENGINE_GRAPHICS};
    *ret_scheduler = (struct gpu_scheduler){0};
    if (gpu->nvml->nvmlGpuInstanceGetVgpuSchedulerState != NULL &&
        gpu->nvml->nvmlGpuInstanceGetVgpuSchedulerState(gi->handle, &info) == NVML_SUCCESS) {
        *ret_scheduler = scheduler_of(info.scheduler_policy, info.arr_mode, &info.scheduler_params);
    }
}

uint32_t nvml_scheduler_set_of(const struct nvml_gpu *gpu)
{
    struct nvml_vgpu_scheduler_capabilities can = {0};
    uint32_t set = 0;
    if (gpu->nvml->nvmlDeviceGetVgpuSchedulerCapabilities == NULL ||
        gpu->nvml->nvmlDeviceGetVgpuSchedulerCapabilities(gpu->device, &can) != NVML_SUCCESS) {
        return 0;
    }
    for (size_t i = 0; i < ARRAY_SIZE(can.supported_schedulers); i++) {
        enum scheduler_policy policy = policy_of(can.supported_schedulers[i]);
        set |= policy != SCHEDULER_UNKNOWN ? UINT32_C(1) << policy : 0;
    }
    return set;
}

static int check_range(const struct nvml_gpu *gpu, const char *what, uint32_t value, uint32_t min,
                       uint32_t max, struct error *err)
{
    if (value == 0 || max == 0 || (value >= min && value <= max)) {
        return 0;
    }
    return error_set(err, REASON_INVALID, gpu->subject,
                     "the %s of this GPU's vGPU scheduler can be %u to %u, not %u", what, min, max,
                     value);
}

/* Is it one that this board can have? A driver that doesn't tell is believed to be able. */
static int check_capabilities(const struct nvml_gpu *gpu, const struct gpu_scheduler *wanted,
                              struct error *err)
{
    struct nvml_vgpu_scheduler_capabilities can = {0};
    if (gpu->nvml->nvmlDeviceGetVgpuSchedulerCapabilities == NULL ||
        gpu->nvml->nvmlDeviceGetVgpuSchedulerCapabilities(gpu->device, &can) != NVML_SUCCESS) {
        return 0;
    }
    bool listed = false;
    for (size_t i = 0; i < ARRAY_SIZE(can.supported_schedulers); i++) {
        listed = listed || can.supported_schedulers[i] == policies[wanted->policy];
    }
    if (!listed) {
        return error_set(err, REASON_UNSUPPORTED, gpu->subject,
                         "this GPU has no %s scheduler for vGPUs",
                         gpu_scheduler_policy_name(wanted->policy));
    }
    if (!wanted->adaptive) {
        return check_range(gpu, "time slice in nanoseconds", wanted->slice_ns, can.min_timeslice,
                           can.max_timeslice, err);
    }
    if (can.is_arr_mode_supported == 0) {
        return error_set(
            err, REASON_UNSUPPORTED, gpu->subject,
            "this GPU's vGPU scheduler has no adaptive round robin, so it has no frequency");
    }
    int r = check_range(gpu, "frequency in Hz", wanted->frequency_hz, can.min_frequency_for_arr,
                        can.max_frequency_for_arr, err);
    return r != 0 ? r
                  : check_range(gpu, "averaging factor", wanted->averaging,
                                can.min_avg_factor_for_arr, can.max_avg_factor_for_arr, err);
}

/* Scheduler and parameters of an instance change only while no VM runs on it (NVML API reference,
 * nvmlGpuInstanceSetVgpuSchedulerState). */
static int check_gi(const struct nvml_gpu *gpu, const struct step *step, struct error *err)
{
    CLEANUP(nvml_gis_done) struct nvml_gis gis = {0};
    uint32_t running = 0;
    int r = nvml_gpu_instances(gpu, &gis, err);
    const struct nvml_gi *gi = r == 0 ? nvml_gis_at(&gis, step->start, step->size) : NULL;
    if (r == 0 && gi == NULL) {
        r = error_set(err, REASON_NOT_FOUND, gpu->subject, "there is no GPU instance %s at %u",
                      step->profile, step->start);
    }
    if (r != 0) {
        return r;
    }
    struct gpu_scheduler now = {0};
    nvml_scheduler_read_gi(gpu, gi, &now);
    if (gpu_scheduler_matches(&step->scheduler, &now)) {
        return 0;
    }
    r = nvml_gpu_running_vgpus(gpu, gi->gi.id, &running, err);
    if (r == 0 && running > 0) {
        error_set(err, REASON_IN_USE, gpu->subject,
                  "the vGPU scheduler of GPU instance %u (%s) can't change while %u vGPU(s) run on "
                  "it",
                  gi->gi.id, gi->gi.profile, running);
        error_hint(err, "stop their VMs first");
        return -REASON_IN_USE;
    }
    return r != 0 ? r : check_capabilities(gpu, &step->scheduler, err);
}

static int apply_gi(const struct nvml_gpu *gpu, const struct step *step, struct error *err)
{
    CLEANUP(nvml_gis_done) struct nvml_gis gis = {0};
    int r = check_gi(gpu, step, err);
    r = r != 0 ? r : nvml_gpu_instances(gpu, &gis, err);
    const struct nvml_gi *gi = r == 0 ? nvml_gis_at(&gis, step->start, step->size) : NULL;
    return gi == NULL ? r : nvml_scheduler_set_gi(gpu, gi, &step->scheduler, err);
}

static int check_set(const struct nvml_gpu *gpu, const struct step *step, struct error *err)
{
    struct gpu_scheduler now = {0};
    if (step->start != NO_ID) {
        return check_gi(gpu, step, err);
    }
    int r = nvml_scheduler_read(gpu, &now, err);
    if (r < 0 || gpu_scheduler_matches(&step->scheduler, &now)) {
        return r;
    }
    if (gpu->nvml->nvmlDeviceSetVgpuSchedulerState == NULL) {
        return nvml_too_old(err, gpu->subject, "nvmlDeviceSetVgpuSchedulerState");
    }
    uint32_t running = 0;
    r = nvml_gpu_running_vgpus(gpu, NO_ID, &running, err);
    if (r < 0) {
        return r;
    }
    if (running > 0) {
        error_set(err, REASON_IN_USE, gpu->subject,
                  "the vGPU scheduler can't change while %u vGPU(s) run on the GPU", running);
        error_hint(err, "stop their VMs and release their claims first");
        return -REASON_IN_USE;
    }
    return check_capabilities(gpu, &step->scheduler, err);
}

/* Parameters as NVML takes them, for a policy that has some; returns the mode of round robin. */
static uint32_t put_params(const struct gpu_scheduler *wanted,
                           union nvml_vgpu_scheduler_set_params *params)
{
    if (wanted->policy != SCHEDULER_EQUAL_SHARE && wanted->policy != SCHEDULER_FIXED_SHARE) {
        return NVML_ARR_DEFAULT;
    }
    if (wanted->adaptive) {
        params->with_arr.avg_factor = wanted->averaging;
        params->with_arr.frequency = wanted->frequency_hz;
        return NVML_ARR_ENABLE;
    }
    params->plain.timeslice = wanted->slice_ns;
    return wanted->slice_ns != 0 ? NVML_ARR_DISABLE : NVML_ARR_DEFAULT;
}

static int write_state(const struct nvml_gpu *gpu, const struct gpu_scheduler *wanted,
                       struct error *err)
{
    struct nvml_vgpu_scheduler_set_state state = {.scheduler_policy = policies[wanted->policy]};
    state.enable_arr_mode = put_params(wanted, &state.scheduler_params);
    int32_t code = gpu->nvml->nvmlDeviceSetVgpuSchedulerState(gpu->device, &state);
    return code == NVML_SUCCESS
               ? 0
               : nvml_fail(gpu->nvml, code, err, gpu->subject, "the vGPU scheduler can't be set");
}

static int not_as_wanted(const struct nvml_gpu *gpu, const struct gpu_scheduler *now,
                         const struct gpu_scheduler *wanted, struct error *err)
{
    char wants[96];
    char is[96];
    return error_set(err, REASON_DRIVER, gpu->subject,
                     "the driver reported success, but the vGPU scheduler is %s, not %s",
                     gpu_scheduler_describe(now, is, sizeof(is)),
                     gpu_scheduler_describe(wanted, wants, sizeof(wants)));
}

int nvml_scheduler_set_gi(const struct nvml_gpu *gpu, const struct nvml_gi *gi,
                          const struct gpu_scheduler *wanted, struct error *err)
{
    struct gpu_scheduler now = {0};
    nvml_scheduler_read_gi(gpu, gi, &now);
    if (wanted->policy == SCHEDULER_UNKNOWN || gpu_scheduler_matches(wanted, &now)) {
        return 0;
    }
    if (gpu->nvml->nvmlGpuInstanceSetVgpuSchedulerState == NULL) {
        return nvml_too_old(err, gpu->subject, "nvmlGpuInstanceSetVgpuSchedulerState");
    }
    int r = check_capabilities(gpu, wanted, err);
    struct nvml_vgpu_scheduler_state_v1 state = {
        .version = NVML_VERSION(struct nvml_vgpu_scheduler_state_v1, 1),
        .engine_id = ENGINE_GRAPHICS,
        .scheduler_policy = policies[wanted->policy]};
    state.enable_arr_mode = put_params(wanted, &state.scheduler_params);
    if (r != 0) {
        return r;
    }
    int32_t code = gpu->nvml->nvmlGpuInstanceSetVgpuSchedulerState(gi->handle, &state);
    if (code != NVML_SUCCESS) {
        return nvml_fail(gpu->nvml, code, err, gpu->subject,
                         "the vGPU scheduler of GPU instance %u (%s) can't be set", gi->gi.id,
                         gi->gi.profile);
    }
    nvml_scheduler_read_gi(gpu, gi, &now);
    return gpu_scheduler_matches(wanted, &now) ? 0 : not_as_wanted(gpu, &now, wanted, err);
}

static int apply_set(const struct nvml_gpu *gpu, struct step *step, struct error *err)
{
    struct gpu_scheduler now = {0};
    if (step->start != NO_ID) {
        return apply_gi(gpu, step, err);
    }
    int r = check_set(gpu, step, err);
    r = r != 0 ? r : nvml_scheduler_read(gpu, &now, err);
    if (r != 0 || gpu_scheduler_matches(&step->scheduler, &now)) {
        return r;
    }
    r = write_state(gpu, &step->scheduler, err);
    r = r != 0 ? r : nvml_scheduler_read(gpu, &now, err);
    if (r != 0 || gpu_scheduler_matches(&step->scheduler, &now)) {
        return r;
    }
    return not_as_wanted(gpu, &now, &step->scheduler, err);
}

const struct nvml_verb nvml_verb_scheduler = {.check = check_set, .apply = apply_set};

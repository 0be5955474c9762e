/* SPDX-License-Identifier: Apache-2.0 */
/* How busy a board is: utilisation, samples of the past, encoder and capture sessions, processes.
 */
#include "sim/nvml/reader.h"
#include "sim/rpc/client.h"

#define SAMPLING_PERIOD_US 200000u

enum sampling {
    SAMPLE_POWER,
    SAMPLE_GPU,
    SAMPLE_MEMORY,
    SAMPLE_ENCODER,
    SAMPLE_DECODER,
    SAMPLE_GRAPHICS_CLOCK,
    SAMPLE_MEMORY_CLOCK,
    SAMPLE_MODULE_POWER,
    SAMPLE_JPEG,
    SAMPLE_OFA,
    SAMPLE_COUNT
};

/* Not available once the board is partitioned, nor of its parts. */
static int usage_read(struct nvml_device *device, const void *out, struct rpc_usage *ret_usage)
{
    struct rpc_gpu gpu;
    struct rpc_telemetry t;
    int r = device_read(device, out, &gpu);
    if (r == NVML_SUCCESS && gpu.mig_current) {
        r = NVML_ERROR_NOT_SUPPORTED;
    }
    if (r == NVML_SUCCESS) {
        r = telemetry_read(device, out, &t);
    }
    if (r == NVML_SUCCESS) {
        *ret_usage = t.now.usage;
    }
    return r;
}

int32_t nvmlDeviceGetUtilizationRates(struct nvml_device *device,
                                      struct nvml_utilization *utilization)
{
    struct rpc_usage usage;
    int r = usage_read(device, utilization, &usage);
    if (r == NVML_SUCCESS) {
        *utilization = (struct nvml_utilization){.gpu = usage.sm, .memory = usage.memory};
    }
    return r;
}

#define ENGINE_GETTER(name, field)                                                                 \
    int32_t name(struct nvml_device *device, uint32_t *utilization, uint32_t *period_us)           \
    {                                                                                              \
        struct rpc_usage usage;                                                                    \
        int r = usage_read(device, period_us != NULL ? utilization : NULL, &usage);                \
        if (r == NVML_SUCCESS) {                                                                   \
            *utilization = usage.field;                                                            \
            *period_us = SAMPLING_PERIOD_US;                                                       \
        }                                                                                          \
        return r;                                                                                  \
    }

ENGINE_GETTER(nvmlDeviceGetEncoderUtilization, encoder)
ENGINE_GETTER(nvmlDeviceGetDecoderUtilization, decoder)
ENGINE_GETTER(nvmlDeviceGetJpgUtilization, jpeg)
ENGINE_GETTER(nvmlDeviceGetOfaUtilization, ofa)

/* ---- samples ---- */

static uint32_t sample_value(const struct rpc_sample *sample, uint32_t type)
{
    const uint32_t values[SAMPLE_COUNT] = {
        [SAMPLE_POWER] = sample->power_mw,          [SAMPLE_GPU] = sample->usage.sm,
        [SAMPLE_MEMORY] = sample->usage.memory,     [SAMPLE_ENCODER] = sample->usage.encoder,
        [SAMPLE_DECODER] = sample->usage.decoder,   [SAMPLE_GRAPHICS_CLOCK] = sample->graphics_mhz,
        [SAMPLE_MEMORY_CLOCK] = sample->memory_mhz, [SAMPLE_JPEG] = sample->usage.jpeg,
        [SAMPLE_OFA] = sample->usage.ofa,
    };
    return values[type];
}

static int check_sampling(struct nvml_device *device, uint32_t type, const void *out,
                          struct ref *ret_ref)
{
    struct rpc_gpu gpu;
    int r = board_ref(device, out, ret_ref);
    if (r == NVML_SUCCESS && type >= SAMPLE_COUNT) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    if (r == NVML_SUCCESS) {
        r = device_read(device, out, &gpu);
    }
    bool usage = (type >= SAMPLE_GPU && type <= SAMPLE_DECODER) || type >= SAMPLE_JPEG;
    if (r == NVML_SUCCESS && (type == SAMPLE_MODULE_POWER || (usage && gpu.mig_current))) {
        r = NVML_ERROR_NOT_SUPPORTED;
    }
    return r;
}

/* With no buffer: how many there can be. */
int32_t nvmlDeviceGetSamples(struct nvml_device *device, uint32_t type,
                             uint64_t last_seen_time_stamp, uint32_t *sample_val_type,
                             uint32_t *sample_count, struct nvml_sample *samples)
{
    struct ref ref;
    struct rpc_samples all;
    int r = check_sampling(device, type, sample_val_type != NULL ? sample_count : NULL, &ref);
    if (r != NVML_SUCCESS) {
        return r;
    }
    *sample_val_type = NVML_VALUE_U32;
    if (samples == NULL) {
        *sample_count = RPC_MAX_SAMPLES;
        return NVML_SUCCESS;
    }
    r = CALL(SAMPLES, &all, ref.gpu);
    uint32_t n = 0;
    for (uint32_t i = 0; r == NVML_SUCCESS && i < all.n && n < *sample_count; i++) {
        if (all.items[i].time_us > last_seen_time_stamp) {
            samples[n++] =
                (struct nvml_sample){.time_stamp = all.items[i].time_us,
                                     .sample_value.u32 = sample_value(&all.items[i], type)};
        }
    }
    if (r == NVML_SUCCESS) {
        *sample_count = n;
    }
    return r == NVML_SUCCESS && n == 0 ? NVML_ERROR_NOT_FOUND : r;
}

/* ---- sessions: a simulated vGPU encodes and captures nothing that has a size ---- */

int32_t nvmlDeviceGetFBCStats(struct nvml_device *device, struct nvml_fbc_stats *fbc_stats)
{
    struct ref ref;
    int r = device_ref(device, fbc_stats, &ref);
    if (r == NVML_SUCCESS) {
        *fbc_stats = (struct nvml_fbc_stats){0};
    }
    return r;
}

int32_t nvmlDeviceGetEncoderStats(struct nvml_device *device, uint32_t *session_count,
                                  uint32_t *average_fps, uint32_t *average_latency)
{
    struct ref ref;
    bool whole = average_fps != NULL && average_latency != NULL;
    int r = device_ref(device, whole ? session_count : NULL, &ref);
    if (r == NVML_SUCCESS) {
        *session_count = 0;
        *average_fps = 0;
        *average_latency = 0;
    }
    return r;
}

/* A list that is empty. */
static int none(struct nvml_device *device, uint32_t *count)
{
    struct rpc_gpu gpu;
    int r = device_read(device, count, &gpu);
    if (r == NVML_SUCCESS) {
        *count = 0;
    }
    return r;
}

int32_t nvmlDeviceGetEncoderSessions(struct nvml_device *device, uint32_t *session_count,
                                     struct nvml_encoder_session_info *session_infos)
{
    (void)session_infos;
    return none(device, session_count);
}

int32_t nvmlDeviceGetFBCSessions(struct nvml_device *device, uint32_t *session_count,
                                 struct nvml_fbc_session_info *session_info)
{
    (void)session_info;
    return none(device, session_count);
}

/* H.264, HEVC and AV1; what is free of the encoders, which boards without them do not have. */
int32_t nvmlDeviceGetEncoderCapacity(struct nvml_device *device, uint32_t encoder_query_type,
                                     uint32_t *encoder_capacity)
{
    struct rpc_usage usage;
    int r = usage_read(device, encoder_capacity, &usage);
    if (r == NVML_SUCCESS && encoder_query_type > 2) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    if (r == NVML_SUCCESS) {
        *encoder_capacity = 100 - usage.encoder;
    }
    return r;
}

int32_t nvmlDeviceGetProcessUtilization(struct nvml_device *device,
                                        struct nvml_process_utilization_sample *utilization,
                                        uint32_t *process_samples_count,
                                        uint64_t last_seen_time_stamp)
{
    (void)utilization, (void)last_seen_time_stamp;
    int r = none(device, process_samples_count);
    return r == NVML_SUCCESS ? NVML_ERROR_NOT_FOUND : r;
}

int32_t nvmlDeviceGetProcessesUtilizationInfo(struct nvml_device *device,
                                              struct nvml_processes_utilization_info_v1 *info)
{
    struct rpc_gpu gpu;
    int r = device_read(device, info, &gpu);
    if (r == NVML_SUCCESS &&
        info->version != NVML_VERSION(struct nvml_processes_utilization_info_v1, 1)) {
        return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    }
    if (r == NVML_SUCCESS) {
        info->process_samples_count = 0;
    }
    return r == NVML_SUCCESS ? NVML_ERROR_NOT_FOUND : r;
}

int32_t nvmlDeviceGetRunningProcessDetailList(struct nvml_device *device,
                                              struct nvml_process_detail_list_v1 *plist)
{
    struct rpc_gpu gpu;
    int r = device_read(device, plist, &gpu);
    if (r == NVML_SUCCESS &&
        plist->version != NVML_VERSION(struct nvml_process_detail_list_v1, 1)) {
        return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    }
    if (r == NVML_SUCCESS) {
        plist->num_proc_array_entries = 0;
    }
    return r;
}

/* ---- processes: those that run on GPU instances; none else ---- */

#define FIRST_PID 4200u /* of the program at slice 0 */

static int read_busy(struct nvml_device *device, const void *out, struct rpc_instances *ret_all)
{
    struct ref ref;
    struct rpc_gpu gpu;
    int r = device_ref(device, out, &ref);
    r = r != NVML_SUCCESS ? r : device_read(device, out, &gpu);
    if (r != NVML_SUCCESS || !gpu.mig_current) {
        ret_all->n = 0;
        return r;
    }
    r = CALL(INSTANCES, ret_all, ref.gpu);
    uint32_t n = 0;
    for (uint32_t i = 0; r == NVML_SUCCESS && i < ret_all->n; i++) {
        bool asked = ref.gi == RPC_NONE || ref.gi == ret_all->items[i].id;
        if (ret_all->items[i].busy != 0 && asked) {
            ret_all->items[n++] = ret_all->items[i];
        }
    }
    ret_all->n = n;
    return r;
}

static int compute_processes(struct nvml_device *device, uint32_t *info_count,
                             struct nvml_process_info_v2 *infos)
{
    struct rpc_instances busy;
    int r = read_busy(device, info_count, &busy);
    if (r != NVML_SUCCESS) {
        return r;
    }
    uint32_t room = infos == NULL ? 0 : *info_count;
    *info_count = busy.n;
    if (busy.n > room) {
        return NVML_ERROR_INSUFFICIENT_SIZE;
    }
    for (uint32_t i = 0; i < busy.n; i++) {
        infos[i] = (struct nvml_process_info_v2){.pid = FIRST_PID + busy.items[i].placement.start,
                                                 .used_gpu_memory = UINT64_C(256) << 20,
                                                 .gpu_instance_id = busy.items[i].id};
    }
    return NVML_SUCCESS;
}

int32_t nvmlDeviceGetComputeRunningProcesses(struct nvml_device *device, uint32_t *info_count,
                                             struct nvml_process_info_v1 *infos)
{
    struct nvml_process_info_v2 found[RPC_MAX_INSTANCES];
    uint32_t n = info_count == NULL || infos == NULL ? 0 : *info_count;
    n = n < RPC_MAX_INSTANCES ? n : RPC_MAX_INSTANCES;
    int r = compute_processes(device, info_count == NULL ? NULL : &n, found);
    if (info_count != NULL && (r == NVML_SUCCESS || r == NVML_ERROR_INSUFFICIENT_SIZE)) {
        *info_count = n;
    }
    for (uint32_t i = 0; r == NVML_SUCCESS && i < n; i++) {
        infos[i] = (struct nvml_process_info_v1){.pid = found[i].pid,
                                                 .used_gpu_memory = found[i].used_gpu_memory};
    }
    return r;
}

int32_t nvmlDeviceGetComputeRunningProcesses_v2(struct nvml_device *device, uint32_t *info_count,
                                                struct nvml_process_info_v2 *infos)
{
    return compute_processes(device, info_count, infos);
}

int32_t nvmlDeviceGetComputeRunningProcesses_v3(struct nvml_device *device, uint32_t *info_count,
                                                struct nvml_process_info_v2 *infos)
{
    return compute_processes(device, info_count, infos);
}

#define NO_PROCESSES(name, type)                                                                   \
    int32_t name(struct nvml_device *device, uint32_t *info_count, struct type *infos)             \
    {                                                                                              \
        (void)infos;                                                                               \
        return none(device, info_count);                                                           \
    }

NO_PROCESSES(nvmlDeviceGetGraphicsRunningProcesses, nvml_process_info_v1)
NO_PROCESSES(nvmlDeviceGetGraphicsRunningProcesses_v2, nvml_process_info_v2)
NO_PROCESSES(nvmlDeviceGetGraphicsRunningProcesses_v3, nvml_process_info_v2)
NO_PROCESSES(nvmlDeviceGetMPSComputeRunningProcesses, nvml_process_info_v1)
NO_PROCESSES(nvmlDeviceGetMPSComputeRunningProcesses_v2, nvml_process_info_v2)
NO_PROCESSES(nvmlDeviceGetMPSComputeRunningProcesses_v3, nvml_process_info_v2)

/* SPDX-License-Identifier: Apache-2.0 */
/* NVML structures: what runs on a device and how much it uses: samples, processes, sessions,
 * accounting. */
#ifndef NVML_ABI_USAGE_H
#define NVML_ABI_USAGE_H

#include "nvml/abi_base.h"

struct nvml_accounting_stats {
    uint32_t gpu_utilization;
    uint32_t memory_utilization;
    uint64_t max_memory_usage;
    uint64_t time;
    uint64_t start_time;
    uint32_t is_running;
    uint32_t reserved[5];
};

struct nvml_accounting_stats_v2 {
    uint32_t pid;
    uint32_t is_running;
    uint32_t gpu_utilization;
    uint32_t memory_utilization;
    uint64_t max_memory_usage;
    uint32_t sample_count;
    uint64_t sum_gpu_util;
    uint64_t sum_fb_util;
    uint64_t time;
    uint64_t start_time;
};

struct nvml_encoder_session_info {
    uint32_t session_id;
    uint32_t pid;
    uint32_t vgpu_instance;
    uint32_t codec_type;
    uint32_t h_resolution;
    uint32_t v_resolution;
    uint32_t average_fps;
    uint32_t average_latency;
};

struct nvml_fbc_session_info {
    uint32_t session_id;
    uint32_t pid;
    uint32_t vgpu_instance;
    uint32_t display_ordinal;
    uint32_t session_type;
    uint32_t session_flags;
    uint32_t h_max_resolution;
    uint32_t v_max_resolution;
    uint32_t h_resolution;
    uint32_t v_resolution;
    uint32_t average_fps;
    uint32_t average_latency;
};

struct nvml_fbc_stats {
    uint32_t sessions_count;
    uint32_t average_fps;
    uint32_t average_latency;
};

struct nvml_field_value {
    uint32_t field_id;
    uint32_t scope_id;
    int64_t timestamp;
    int64_t latency_usec;
    uint32_t value_type;
    int32_t nvml_return;
    union nvml_value value;
};

struct nvml_gpm_metric {
    uint32_t metric_id;
    int32_t nvml_return;
    double value;
    struct {
        char *short_name;
        char *long_name;
        char *unit;
    } metric_info;
};

struct nvml_gpm_metrics_get {
    uint32_t version;
    uint32_t num_metrics;
    struct nvml_gpm_sample *sample1;
    struct nvml_gpm_sample *sample2;
    struct nvml_gpm_metric metrics[333];
};

struct nvml_gpm_support {
    uint32_t version;
    uint32_t is_supported_device;
};

struct nvml_process_detail_list_v1 {
    uint32_t version;
    uint32_t mode;
    uint32_t num_proc_array_entries;
    struct nvml_process_detail_v1 *proc_array;
};

struct nvml_process_detail_v1 {
    uint32_t pid;
    uint64_t used_gpu_memory;
    uint32_t gpu_instance_id;
    uint32_t compute_instance_id;
    uint64_t used_gpu_cc_protected_memory;
};

struct nvml_process_info_v2 {
    uint32_t pid;
    uint64_t used_gpu_memory;
    uint32_t gpu_instance_id;
    uint32_t compute_instance_id;
};

struct nvml_process_info_v1 {
    uint32_t pid;
    uint64_t used_gpu_memory;
};

struct nvml_process_utilization_info_v1 {
    uint64_t time_stamp;
    uint32_t pid;
    uint32_t sm_util;
    uint32_t mem_util;
    uint32_t enc_util;
    uint32_t dec_util;
    uint32_t jpg_util;
    uint32_t ofa_util;
};

struct nvml_process_utilization_sample {
    uint32_t pid;
    uint64_t time_stamp;
    uint32_t sm_util;
    uint32_t mem_util;
    uint32_t enc_util;
    uint32_t dec_util;
};

struct nvml_processes_utilization_info_v1 {
    uint32_t version;
    uint32_t process_samples_count;
    uint64_t last_seen_time_stamp;
    struct nvml_process_utilization_info_v1 *proc_util_array;
};

struct nvml_sample {
    uint64_t time_stamp;
    union nvml_value sample_value;
};

struct nvml_utilization {
    uint32_t gpu;
    uint32_t memory;
};

#endif

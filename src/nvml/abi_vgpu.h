/* SPDX-License-Identifier: Apache-2.0 */
/* NVML structures: vGPU types, instances, placement, scheduling, licences and migration data. */
#ifndef NVML_ABI_VGPU_H
#define NVML_ABI_VGPU_H

#include "nvml/abi_base.h"

#define NVML_NO_GPU_INSTANCE 0xFFFFFFFFu /* GPU instance profile id of a time-sliced type */
#define NVML_NO_PLACEMENT 0xFFFFu

/* Modes of a placement list. */
enum nvml_vgpu_placement_mode { NVML_PLACEMENT_HETEROGENEOUS, NVML_PLACEMENT_HOMOGENEOUS };

enum nvml_device_vgpu_cap {
    NVML_DEVICE_VGPU_FRACTIONAL_MULTI_VGPU,
    NVML_DEVICE_VGPU_HETEROGENEOUS_PROFILES,
    NVML_DEVICE_VGPU_HETEROGENEOUS_SIZES,
    NVML_DEVICE_VGPU_READ_BUFFER_BW,
    NVML_DEVICE_VGPU_WRITE_BUFFER_BW,
    NVML_DEVICE_VGPU_STREAMING,
    NVML_DEVICE_VGPU_MINI_QUARTER,
    NVML_DEVICE_VGPU_COMPUTE_MEDIA_ENGINE,
    NVML_DEVICE_VGPU_WARM_UPDATE,
    NVML_DEVICE_VGPU_HOMOGENEOUS_PLACEMENTS,
    NVML_DEVICE_VGPU_MIG_TIMESLICING_SUPPORTED,
    NVML_DEVICE_VGPU_MIG_TIMESLICING_ENABLED,
    NVML_DEVICE_VGPU_CAP_COUNT
};

enum nvml_vgpu_type_cap {
    NVML_VGPU_TYPE_NVLINK_P2P,
    NVML_VGPU_TYPE_GPUDIRECT,
    NVML_VGPU_TYPE_MULTI_VGPU_EXCLUSIVE,
    NVML_VGPU_TYPE_EXCLUSIVE_TYPE,
    NVML_VGPU_TYPE_EXCLUSIVE_SIZE,
    NVML_VGPU_TYPE_CAP_COUNT
};

enum nvml_vgpu_driver_cap {
    NVML_VGPU_DRIVER_HETEROGENEOUS_MULTI_VGPU,
    NVML_VGPU_DRIVER_WARM_UPDATE,
    NVML_VGPU_DRIVER_CAP_COUNT
};

enum nvml_vgpu_vm_id_type { NVML_VM_ID_DOMAIN, NVML_VM_ID_UUID };

enum nvml_virtualization_mode {
    NVML_VIRTUALIZATION_NONE,
    NVML_VIRTUALIZATION_PASSTHROUGH,
    NVML_VIRTUALIZATION_VGPU, /* inside a guest */
    NVML_VIRTUALIZATION_HOST_VGPU,
    NVML_VIRTUALIZATION_HOST_VSGA
};

enum nvml_host_vgpu_mode { NVML_HOST_VGPU_NON_SRIOV, NVML_HOST_VGPU_SRIOV };

enum nvml_scheduler_policy {
    NVML_SCHEDULER_UNKNOWN,
    NVML_SCHEDULER_BEST_EFFORT,
    NVML_SCHEDULER_EQUAL_SHARE,
    NVML_SCHEDULER_FIXED_SHARE
};

/* Adaptive round robin. */
enum nvml_scheduler_arr { NVML_ARR_DEFAULT, NVML_ARR_DISABLE, NVML_ARR_ENABLE };

/* nvml.h, NVML_GRID_LICENSE_STATE_*. */
enum nvml_license_state {
    NVML_LICENSE_UNKNOWN,
    NVML_LICENSE_UNINITIALIZED,
    NVML_LICENSE_UNLICENSED_UNRESTRICTED,
    NVML_LICENSE_UNLICENSED_RESTRICTED,
    NVML_LICENSE_UNLICENSED,
    NVML_LICENSE_LICENSED
};

/* nvml.h, NVML_GRID_LICENSE_EXPIRY_*. */
enum nvml_license_expiry_status {
    NVML_LICENSE_EXPIRY_NOT_AVAILABLE,
    NVML_LICENSE_EXPIRY_INVALID,
    NVML_LICENSE_EXPIRY_VALID,
    NVML_LICENSE_EXPIRY_NOT_APPLICABLE,
    NVML_LICENSE_EXPIRY_PERMANENT
};

struct nvml_active_vgpu_instance_info_v1 {
    uint32_t version;
    uint32_t vgpu_count;
    uint32_t *vgpu_instances;
};

struct nvml_grid_license_expiry {
    uint32_t year;
    uint16_t month;
    uint16_t day;
    uint16_t hour;
    uint16_t min;
    uint16_t sec;
    uint8_t status;
};

struct nvml_grid_licensable_feature {
    uint32_t feature_code;
    uint32_t feature_state;
    char license_info[128];
    char product_name[128];
    uint32_t feature_enabled;
    struct nvml_grid_license_expiry license_expiry;
};

struct nvml_grid_licensable_features {
    int32_t is_grid_license_supported;
    uint32_t licensable_features_count;
    struct nvml_grid_licensable_feature grid_licensable_features[3];
};

struct nvml_vgpu_creatable_placement_info_v1 {
    uint32_t version;
    uint32_t vgpu_type_id;
    uint32_t count;
    uint32_t *placement_ids;
    uint32_t placement_size;
};

struct nvml_vgpu_heterogeneous_mode_v1 {
    uint32_t version;
    uint32_t mode;
};

struct nvml_vgpu_instance_utilization_info_v1 {
    uint64_t time_stamp;
    uint32_t vgpu_instance;
    union nvml_value sm_util;
    union nvml_value mem_util;
    union nvml_value enc_util;
    union nvml_value dec_util;
    union nvml_value jpg_util;
    union nvml_value ofa_util;
};

struct nvml_vgpu_instance_utilization_sample {
    uint32_t vgpu_instance;
    uint64_t time_stamp;
    union nvml_value sm_util;
    union nvml_value mem_util;
    union nvml_value enc_util;
    union nvml_value dec_util;
};

struct nvml_vgpu_instances_utilization_info_v1 {
    uint32_t version;
    uint32_t sample_val_type;
    uint32_t vgpu_instance_count;
    uint64_t last_seen_time_stamp;
    struct nvml_vgpu_instance_utilization_info_v1 *vgpu_util_array;
};

struct nvml_vgpu_license_expiry {
    uint32_t year;
    uint16_t month;
    uint16_t day;
    uint16_t hour;
    uint16_t min;
    uint16_t sec;
    uint8_t status;
};

struct nvml_vgpu_license_info {
    uint8_t is_licensed;
    struct nvml_vgpu_license_expiry license_expiry;
    uint32_t current_state;
};

struct nvml_vgpu_metadata {
    uint32_t version;
    uint32_t revision;
    uint32_t guest_info_state;
    char guest_driver_version[80];
    char host_driver_version[80];
    uint32_t reserved[6];
    uint32_t vgpu_virtualization_caps;
    uint32_t guest_vgpu_version;
    uint32_t opaque_data_size;
    char opaque_data[4];
};

struct nvml_vgpu_pgpu_compatibility {
    uint32_t vgpu_vm_compatibility;
    uint32_t compatibility_limit_code;
};

struct nvml_vgpu_version {
    uint32_t min_version;
    uint32_t max_version;
};

struct nvml_vgpu_pgpu_metadata {
    uint32_t version;
    uint32_t revision;
    char host_driver_version[80];
    uint32_t pgpu_virtualization_caps;
    uint32_t reserved[5];
    struct nvml_vgpu_version host_supported_vgpu_range;
    uint32_t opaque_data_size;
    char opaque_data[4];
};

struct nvml_vgpu_placement_id_v1 {
    uint32_t version;
    uint32_t placement_id;
};

struct nvml_vgpu_placement_list_v2 {
    uint32_t version;
    uint32_t placement_size;
    uint32_t count;
    uint32_t *placement_ids;
    uint32_t mode;
};

struct nvml_vgpu_placement_list_v1 {
    uint32_t version;
    uint32_t placement_size;
    uint32_t count;
    uint32_t *placement_ids;
};

struct nvml_vgpu_process_utilization_info_v1 {
    char process_name[64];
    uint64_t time_stamp;
    uint32_t vgpu_instance;
    uint32_t pid;
    uint32_t sm_util;
    uint32_t mem_util;
    uint32_t enc_util;
    uint32_t dec_util;
    uint32_t jpg_util;
    uint32_t ofa_util;
};

struct nvml_vgpu_process_utilization_sample {
    uint32_t vgpu_instance;
    uint32_t pid;
    char process_name[64];
    uint64_t time_stamp;
    uint32_t sm_util;
    uint32_t mem_util;
    uint32_t enc_util;
    uint32_t dec_util;
};

struct nvml_vgpu_processes_utilization_info_v1 {
    uint32_t version;
    uint32_t vgpu_process_count;
    uint64_t last_seen_time_stamp;
    struct nvml_vgpu_process_utilization_info_v1 *vgpu_proc_util_array;
};

struct nvml_vgpu_runtime_state_v1 {
    uint32_t version;
    uint64_t size;
};

struct nvml_vgpu_scheduler_capabilities {
    uint32_t supported_schedulers[3];
    uint32_t max_timeslice;
    uint32_t min_timeslice;
    uint32_t is_arr_mode_supported;
    uint32_t max_frequency_for_arr;
    uint32_t min_frequency_for_arr;
    uint32_t max_avg_factor_for_arr;
    uint32_t min_avg_factor_for_arr;
};

union nvml_vgpu_scheduler_params {
    struct {
        uint32_t avg_factor;
        uint32_t timeslice;
    } with_arr;
    struct {
        uint32_t timeslice;
    } plain;
};

struct nvml_vgpu_scheduler_get_state {
    uint32_t scheduler_policy;
    uint32_t arr_mode;
    union nvml_vgpu_scheduler_params scheduler_params;
};

struct nvml_vgpu_scheduler_log_entry {
    uint64_t timestamp;
    uint64_t time_run_total;
    uint64_t time_run;
    uint32_t sw_runlist_id;
    uint64_t target_time_slice;
    uint64_t cumulative_preemption_time;
};

struct nvml_vgpu_scheduler_log_entry_v2 {
    uint64_t timestamp;
    uint64_t time_run_total;
    uint64_t time_run;
    uint32_t sw_runlist_id;
    uint64_t target_time_slice;
    uint64_t cumulative_preemption_time;
    uint32_t weight;
};

struct nvml_vgpu_scheduler_log_info_v1 {
    uint32_t version;
    uint32_t engine_id;
    uint32_t scheduler_policy;
    uint32_t arr_mode;
    union nvml_vgpu_scheduler_params scheduler_params;
    uint32_t entries_count;
    struct nvml_vgpu_scheduler_log_entry log_entries[200];
};

struct nvml_vgpu_scheduler_log_info_v2 {
    uint32_t engine_id;
    uint32_t scheduler_policy;
    uint32_t avg_factor;
    uint32_t timeslice;
    uint32_t entries_count;
    struct nvml_vgpu_scheduler_log_entry_v2 log_entries[200];
};

struct nvml_vgpu_scheduler_log {
    uint32_t engine_id;
    uint32_t scheduler_policy;
    uint32_t arr_mode;
    union nvml_vgpu_scheduler_params scheduler_params;
    uint32_t entries_count;
    struct nvml_vgpu_scheduler_log_entry log_entries[200];
};

union nvml_vgpu_scheduler_set_params {
    struct {
        uint32_t avg_factor;
        uint32_t frequency;
    } with_arr;
    struct {
        uint32_t timeslice;
    } plain;
};

struct nvml_vgpu_scheduler_set_state {
    uint32_t scheduler_policy;
    uint32_t enable_arr_mode;
    union nvml_vgpu_scheduler_set_params scheduler_params;
};

struct nvml_vgpu_scheduler_state_info_v1 {
    uint32_t version;
    uint32_t engine_id;
    uint32_t scheduler_policy;
    uint32_t arr_mode;
    union nvml_vgpu_scheduler_params scheduler_params;
};

struct nvml_vgpu_scheduler_state_info_v2 {
    uint32_t engine_id;
    uint32_t scheduler_policy;
    uint32_t avg_factor;
    uint32_t timeslice;
};

struct nvml_vgpu_scheduler_state_v1 {
    uint32_t version;
    uint32_t engine_id;
    uint32_t scheduler_policy;
    uint32_t enable_arr_mode;
    union nvml_vgpu_scheduler_set_params scheduler_params;
};

struct nvml_vgpu_scheduler_state_v2 {
    uint32_t engine_id;
    uint32_t scheduler_policy;
    uint32_t avg_factor;
    uint32_t frequency;
};

struct nvml_vgpu_type_bar1_info_v1 {
    uint32_t version;
    uint64_t bar1_size;
};

struct nvml_vgpu_type_id_info_v1 {
    uint32_t version;
    uint32_t vgpu_count;
    uint32_t *vgpu_type_ids;
};

struct nvml_vgpu_type_max_instance_v1 {
    uint32_t version;
    uint32_t vgpu_type_id;
    uint32_t max_instance_per_gi;
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* NVML structures: clocks, power, temperature, fans. */
#ifndef NVML_ABI_POWER_H
#define NVML_ABI_POWER_H

#include "nvml/abi_base.h"

struct nvml_clk_mon_fault_info {
    uint32_t clk_api_domain;
    uint32_t clk_domain_fault_mask;
};

struct nvml_clk_mon_status {
    uint32_t b_global_status;
    uint32_t clk_mon_list_size;
    struct nvml_clk_mon_fault_info clk_mon_list[32];
};

struct nvml_clock_offset_v1 {
    uint32_t version;
    uint32_t type;
    uint32_t pstate;
    int32_t clock_offset_m_hz;
    int32_t min_clock_offset_m_hz;
    int32_t max_clock_offset_m_hz;
};

struct nvml_cooler_info_v1 {
    uint32_t version;
    uint32_t index;
    uint32_t signal_type;
    uint32_t target;
};

struct nvml_device_current_clock_freqs_v1 {
    uint32_t version;
    char str[2048];
};

struct nvml_device_perf_modes_v1 {
    uint32_t version;
    char str[2048];
};

struct nvml_device_power_mizer_modes_v1 {
    uint32_t current_mode;
    uint32_t mode;
    uint32_t supported_power_mizer_modes;
};

struct nvml_fan_speed_info_v1 {
    uint32_t version;
    uint32_t fan;
    uint32_t speed;
};

struct nvml_gpu_dynamic_pstates_info {
    uint32_t flags;
    struct {
        uint32_t is_present;
        uint32_t percentage;
        uint32_t inc_threshold;
        uint32_t dec_threshold;
    } utilization[8];
};

struct nvml_gpu_thermal_settings {
    uint32_t count;
    struct {
        int32_t controller;
        int32_t default_min_temp;
        int32_t default_max_temp;
        int32_t current_temp;
        int32_t target;
    } sensor[3];
};

struct nvml_margin_temperature_v1 {
    uint32_t version;
    int32_t margin_temperature;
};

struct nvml_power_smoothing_profile_v1 {
    uint32_t version;
    uint32_t profile_id;
    uint32_t param_id;
    double value;
};

struct nvml_power_smoothing_state_v1 {
    uint32_t version;
    uint32_t state;
};

struct nvml_power_value_v2 {
    uint32_t version;
    uint32_t power_scope;
    uint32_t power_value_mw;
};

struct nvml_rusd_settings_v1 {
    uint32_t version;
    uint64_t poll_mask;
};

struct nvml_temperature_v1 {
    uint32_t version;
    uint32_t sensor_type;
    int32_t temperature;
};

struct nvml_violation_time {
    uint64_t reference_time;
    uint64_t violation_time;
};

struct nvml_workload_power_profile_current_profiles_v1 {
    uint32_t version;
    struct nvml_mask255 perf_profiles_mask;
    struct nvml_mask255 requested_profiles_mask;
    struct nvml_mask255 enforced_profiles_mask;
};

struct nvml_workload_power_profile_info_v1 {
    uint32_t version;
    uint32_t profile_id;
    uint32_t priority;
    struct nvml_mask255 conflicting_mask;
};

struct nvml_workload_power_profile_profiles_info_v1 {
    uint32_t version;
    struct nvml_mask255 perf_profiles_mask;
    struct nvml_workload_power_profile_info_v1 perf_profile[255];
};

struct nvml_workload_power_profile_requested_profiles_v1 {
    uint32_t version;
    struct nvml_mask255 requested_profiles_mask;
};

struct nvml_workload_power_profile_update_profiles_v1 {
    uint32_t operation;
    struct nvml_mask255 update_profiles_mask;
};

#endif

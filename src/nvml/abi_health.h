/* SPDX-License-Identifier: Apache-2.0 */
/* NVML structures: errors, events, repair, and the units and power supplies of old racks. */
#ifndef NVML_ABI_HEALTH_H
#define NVML_ABI_HEALTH_H

#include "nvml/abi_base.h"

struct nvml_bbx_time_data_v1 {
    uint32_t time_run;
};

struct nvml_cper_cursor_v1 {
    uint32_t cper_type_mask;
    char uuid[80];
    struct nvml_cper_cursor_handle *handle;
};

struct nvml_dram_encryption_info_v1 {
    uint32_t version;
    uint32_t encryption_state;
};

struct nvml_ecc_error_counts {
    uint64_t l1_cache;
    uint64_t l2_cache;
    uint64_t device_memory;
    uint64_t register_file;
};

struct nvml_ecc_sram_error_status_v1 {
    uint32_t version;
    uint64_t aggregate_unc_parity;
    uint64_t aggregate_unc_sec_ded;
    uint64_t aggregate_cor;
    uint64_t volatile_unc_parity;
    uint64_t volatile_unc_sec_ded;
    uint64_t volatile_cor;
    uint64_t aggregate_unc_bucket_l2;
    uint64_t aggregate_unc_bucket_sm;
    uint64_t aggregate_unc_bucket_pcie;
    uint64_t aggregate_unc_bucket_mcu;
    uint64_t aggregate_unc_bucket_other;
    uint32_t b_threshold_exceeded;
};

struct nvml_ecc_sram_unique_uncorrected_error_counts_v1 {
    uint32_t version;
    uint32_t entry_count;
    struct nvml_ecc_sram_unique_uncorrected_error_entry_v1 *entries;
};

struct nvml_ecc_sram_unique_uncorrected_error_entry_v1 {
    uint32_t unit;
    uint32_t location;
    uint32_t sublocation;
    uint32_t extlocation;
    uint32_t address;
    uint32_t is_parity;
    uint32_t count;
};

struct nvml_event_data {
    struct nvml_device *device;
    uint64_t event_type;
    uint64_t event_data;
    uint32_t gpu_instance_id;
    uint32_t compute_instance_id;
};

struct nvml_get_cper_v1 {
    struct nvml_cper_cursor_v1 cursor;
    uint8_t *buffer;
    uint32_t buffer_size;
};

struct nvml_hwbc_entry {
    uint32_t hwbc_id;
    char firmware_version[32];
};

struct nvml_led_state {
    char cause[256];
    uint32_t color;
};

struct nvml_psu_info {
    char state[256];
    uint32_t current;
    uint32_t voltage;
    uint32_t power;
};

struct nvml_remapped_rows_info_v2 {
    uint32_t corr_active_remaps;
    uint32_t corr_inactive_remaps;
    uint32_t unc_active_remaps;
    uint32_t unc_inactive_remaps;
    uint32_t b_pending;
    uint32_t b_failure_occurred;
};

struct nvml_repair_status_v1 {
    uint32_t version;
    uint32_t b_channel_repair_pending;
    uint32_t b_tpc_repair_pending;
};

struct nvml_row_remapper_histogram_values {
    uint32_t max;
    uint32_t high;
    uint32_t partial;
    uint32_t low;
    uint32_t none;
};

struct nvml_system_event_data_v1 {
    uint64_t event_type;
    uint32_t gpu_id;
};

struct nvml_system_event_set_create_request_v1 {
    uint32_t version;
    struct nvml_system_event_set *set;
};

struct nvml_system_event_set_free_request_v1 {
    uint32_t version;
    struct nvml_system_event_set *set;
};

struct nvml_system_event_set_wait_request_v1 {
    uint32_t version;
    uint32_t timeoutms;
    struct nvml_system_event_set *set;
    struct nvml_system_event_data_v1 *data;
    uint32_t data_size;
    uint32_t num_event;
};

struct nvml_system_register_event_request_v1 {
    uint32_t version;
    uint64_t event_types;
    struct nvml_system_event_set *set;
};

struct nvml_unit_fan_info {
    uint32_t speed;
    uint32_t state;
};

struct nvml_unit_fan_speeds {
    struct nvml_unit_fan_info fans[24];
    uint32_t count;
};

struct nvml_unit_info {
    char name[96];
    char id[96];
    char serial[96];
    char firmware_version[96];
};

struct nvml_unrepairable_memory_status_v1 {
    uint32_t b_unrepairable_memory;
};

#endif

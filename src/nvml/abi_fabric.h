/* SPDX-License-Identifier: Apache-2.0 */
/* NVML structures: NVLink, fabric, bridge chips and confidential computing. */
#ifndef NVML_ABI_FABRIC_H
#define NVML_ABI_FABRIC_H

#include "nvml/abi_device.h"

struct nvml_bridge_chip_info {
    uint32_t type;
    uint32_t fw_version;
};

struct nvml_bridge_chip_hierarchy {
    uint8_t bridge_count;
    struct nvml_bridge_chip_info bridge_chip_info[128];
};

struct nvml_c2c_mode_info_v1 {
    uint32_t is_c2c_enabled;
};

struct nvml_conf_compute_get_key_rotation_threshold_info_v1 {
    uint32_t version;
    uint64_t attacker_advantage;
};

struct nvml_conf_compute_gpu_attestation_report {
    uint32_t is_cec_attestation_report_present;
    uint32_t attestation_report_size;
    uint32_t cec_attestation_report_size;
    uint8_t nonce[32];
    uint8_t attestation_report[8192];
    uint8_t cec_attestation_report[4096];
};

struct nvml_conf_compute_gpu_certificate {
    uint32_t cert_chain_size;
    uint32_t attestation_cert_chain_size;
    uint8_t cert_chain[4096];
    uint8_t attestation_cert_chain[5120];
};

struct nvml_conf_compute_mem_size_info {
    uint64_t protected_mem_size_kib;
    uint64_t unprotected_mem_size_kib;
};

struct nvml_conf_compute_set_key_rotation_threshold_info_v1 {
    uint32_t version;
    uint64_t max_attacker_advantage;
};

struct nvml_conf_compute_system_caps {
    uint32_t cpu_caps;
    uint32_t gpus_caps;
};

struct nvml_conf_compute_system_state {
    uint32_t environment;
    uint32_t cc_feature;
    uint32_t dev_tools_mode;
};

struct nvml_gpu_fabric_info_v3 {
    uint32_t version;
    uint8_t cluster_uuid[16];
    int32_t status;
    uint32_t clique_id;
    uint32_t state;
    uint32_t health_mask;
    uint8_t health_summary;
};

struct nvml_gpu_fabric_info {
    uint8_t cluster_uuid[16];
    int32_t status;
    uint32_t clique_id;
    uint32_t state;
};

struct nvml_gpu_fabric_info_v2 {
    uint32_t version;
    uint8_t cluster_uuid[16];
    int32_t status;
    uint32_t clique_id;
    uint32_t state;
    uint32_t health_mask;
};

struct nvml_nvlink_firmware_version {
    uint8_t ucode_type;
    uint32_t major;
    uint32_t minor;
    uint32_t sub_minor;
};

struct nvml_nvlink_firmware_info {
    struct nvml_nvlink_firmware_version firmware_version[100];
    uint32_t num_valid_entries;
};

struct nvml_nvlink_info_v2 {
    uint32_t version;
    uint32_t is_nvle_enabled;
    struct nvml_nvlink_firmware_info firmware_info;
};

struct nvml_nvlink_info_v1 {
    uint32_t version;
    uint32_t is_nvle_enabled;
};

struct nvml_nvlink_power_thres {
    uint32_t low_pwr_threshold;
};

struct nvml_nvlink_utilization_control {
    uint32_t units;
    uint32_t pktfilter;
};

struct nvml_nvlink_get_bw_mode_v1 {
    uint32_t version;
    uint32_t b_is_best;
    uint8_t bw_mode;
};

struct nvml_nvlink_set_bw_mode_v1 {
    uint32_t version;
    uint32_t b_set_best;
    uint8_t bw_mode;
};

struct nvml_nvlink_supported_bw_modes_v1 {
    uint32_t version;
    uint8_t bw_modes[23];
    uint8_t total_bw_modes;
};

struct nvml_prm_counter_input_v1 {
    uint32_t local_port;
};

struct nvml_prm_counter_list_v1 {
    uint32_t num_counters;
    struct nvml_prm_counter_v1 *counters;
};

struct nvml_prm_counter_value_v1 {
    int32_t status;
    uint32_t output_type;
    union nvml_value output_value;
};

struct nvml_prm_counter_v1 {
    uint32_t counter_id;
    struct nvml_prm_counter_input_v1 in_data;
    struct nvml_prm_counter_value_v1 counter_value;
};

struct nvml_prm_tlv_v1 {
    uint32_t data_size;
    uint32_t status;
    uint8_t data[496]; /* in, then out */
};

struct nvml_system_conf_compute_settings_v1 {
    uint32_t version;
    uint32_t environment;
    uint32_t cc_feature;
    uint32_t dev_tools_mode;
    uint32_t multi_gpu_mode;
};

#endif

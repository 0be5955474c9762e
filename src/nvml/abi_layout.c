/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proof, at compile time, that our declarations have NVML's layout on 64-bit Linux: the size of
 * every structure and the offset of every member after the first. The numbers were measured with
 * gcc 12 on NVML 13.3's published interface (NVIDIA/go-nvml, gen/nvml/nvml.h).
 */
#include <stddef.h>

#include "base/attr.h"
#include "nvml/abi.h"

/* clang-format off */
#define LAYOUT(kind, name, size, members)                                                          \
    UNUSED static inline void check_##name(void)                                                   \
    {                                                                                              \
        typedef kind name checked;                                                                 \
        _Static_assert(sizeof(checked) == (size), #name);                                          \
        members                                                                                    \
    }
#define AT(member, offset) _Static_assert(offsetof(checked, member) == (offset), #member);

LAYOUT(struct, nvml_accounting_stats, 56,
       AT(memory_utilization, 4) AT(max_memory_usage, 8) AT(time, 16) AT(start_time, 24)
       AT(is_running, 32) AT(reserved, 36))
LAYOUT(struct, nvml_accounting_stats_v2, 64,
       AT(is_running, 4) AT(gpu_utilization, 8) AT(memory_utilization, 12) AT(max_memory_usage, 16)
       AT(sample_count, 24) AT(sum_gpu_util, 32) AT(sum_fb_util, 40) AT(time, 48)
       AT(start_time, 56))
LAYOUT(struct, nvml_encoder_session_info, 32,
       AT(pid, 4) AT(vgpu_instance, 8) AT(codec_type, 12) AT(h_resolution, 16) AT(v_resolution, 20)
       AT(average_fps, 24) AT(average_latency, 28))
LAYOUT(struct, nvml_fbc_session_info, 48,
       AT(pid, 4) AT(vgpu_instance, 8) AT(display_ordinal, 12) AT(session_type, 16)
       AT(session_flags, 20) AT(h_max_resolution, 24) AT(v_max_resolution, 28) AT(h_resolution, 32)
       AT(v_resolution, 36) AT(average_fps, 40) AT(average_latency, 44))
LAYOUT(struct, nvml_fbc_stats, 12, AT(average_fps, 4) AT(average_latency, 8))
LAYOUT(struct, nvml_field_value, 40,
       AT(scope_id, 4) AT(timestamp, 8) AT(latency_usec, 16) AT(value_type, 24) AT(nvml_return, 28)
       AT(value, 32))
LAYOUT(struct, nvml_gpm_metric, 40, AT(nvml_return, 4) AT(value, 8) AT(metric_info, 16))
LAYOUT(struct, nvml_gpm_metrics_get, 13344,
       AT(num_metrics, 4) AT(sample1, 8) AT(sample2, 16) AT(metrics, 24))
LAYOUT(struct, nvml_gpm_support, 8, AT(is_supported_device, 4))
LAYOUT(struct, nvml_process_detail_list_v1, 24,
       AT(mode, 4) AT(num_proc_array_entries, 8) AT(proc_array, 16))
LAYOUT(struct, nvml_process_detail_v1, 32,
       AT(used_gpu_memory, 8) AT(gpu_instance_id, 16) AT(compute_instance_id, 20)
       AT(used_gpu_cc_protected_memory, 24))
LAYOUT(struct, nvml_process_info_v2, 24,
       AT(used_gpu_memory, 8) AT(gpu_instance_id, 16) AT(compute_instance_id, 20))
LAYOUT(struct, nvml_process_info_v1, 16, AT(used_gpu_memory, 8))
LAYOUT(struct, nvml_process_utilization_info_v1, 40,
       AT(pid, 8) AT(sm_util, 12) AT(mem_util, 16) AT(enc_util, 20) AT(dec_util, 24)
       AT(jpg_util, 28) AT(ofa_util, 32))
LAYOUT(struct, nvml_process_utilization_sample, 32,
       AT(time_stamp, 8) AT(sm_util, 16) AT(mem_util, 20) AT(enc_util, 24) AT(dec_util, 28))
LAYOUT(struct, nvml_processes_utilization_info_v1, 24,
       AT(process_samples_count, 4) AT(last_seen_time_stamp, 8) AT(proc_util_array, 16))
LAYOUT(struct, nvml_sample, 16, AT(sample_value, 8))
LAYOUT(struct, nvml_utilization, 8, AT(memory, 4))
LAYOUT(struct, nvml_active_vgpu_instance_info_v1, 16, AT(vgpu_count, 4) AT(vgpu_instances, 8))
LAYOUT(struct, nvml_grid_license_expiry, 16,
       AT(month, 4) AT(day, 6) AT(hour, 8) AT(min, 10) AT(sec, 12) AT(status, 14))
LAYOUT(struct, nvml_grid_licensable_feature, 284,
       AT(feature_state, 4) AT(license_info, 8) AT(product_name, 136) AT(feature_enabled, 264)
       AT(license_expiry, 268))
LAYOUT(struct, nvml_grid_licensable_features, 860,
       AT(licensable_features_count, 4) AT(grid_licensable_features, 8))
LAYOUT(struct, nvml_vgpu_creatable_placement_info_v1, 32,
       AT(vgpu_type_id, 4) AT(count, 8) AT(placement_ids, 16) AT(placement_size, 24))
LAYOUT(struct, nvml_vgpu_heterogeneous_mode_v1, 8, AT(mode, 4))
LAYOUT(struct, nvml_vgpu_instance_utilization_info_v1, 64,
       AT(vgpu_instance, 8) AT(sm_util, 16) AT(mem_util, 24) AT(enc_util, 32) AT(dec_util, 40)
       AT(jpg_util, 48) AT(ofa_util, 56))
LAYOUT(struct, nvml_vgpu_instance_utilization_sample, 48,
       AT(time_stamp, 8) AT(sm_util, 16) AT(mem_util, 24) AT(enc_util, 32) AT(dec_util, 40))
LAYOUT(struct, nvml_vgpu_instances_utilization_info_v1, 32,
       AT(sample_val_type, 4) AT(vgpu_instance_count, 8) AT(last_seen_time_stamp, 16)
       AT(vgpu_util_array, 24))
LAYOUT(struct, nvml_vgpu_license_expiry, 16,
       AT(month, 4) AT(day, 6) AT(hour, 8) AT(min, 10) AT(sec, 12) AT(status, 14))
LAYOUT(struct, nvml_vgpu_license_info, 24, AT(license_expiry, 4) AT(current_state, 20))
LAYOUT(struct, nvml_vgpu_metadata, 212,
       AT(revision, 4) AT(guest_info_state, 8) AT(guest_driver_version, 12)
       AT(host_driver_version, 92) AT(reserved, 172) AT(vgpu_virtualization_caps, 196)
       AT(guest_vgpu_version, 200) AT(opaque_data_size, 204) AT(opaque_data, 208))
LAYOUT(struct, nvml_vgpu_pgpu_compatibility, 8, AT(compatibility_limit_code, 4))
LAYOUT(struct, nvml_vgpu_version, 8, AT(max_version, 4))
LAYOUT(struct, nvml_vgpu_pgpu_metadata, 128,
       AT(revision, 4) AT(host_driver_version, 8) AT(pgpu_virtualization_caps, 88) AT(reserved, 92)
       AT(host_supported_vgpu_range, 112) AT(opaque_data_size, 120) AT(opaque_data, 124))
LAYOUT(struct, nvml_vgpu_placement_id_v1, 8, AT(placement_id, 4))
LAYOUT(struct, nvml_vgpu_placement_list_v2, 32,
       AT(placement_size, 4) AT(count, 8) AT(placement_ids, 16) AT(mode, 24))
LAYOUT(struct, nvml_vgpu_placement_list_v1, 24,
       AT(placement_size, 4) AT(count, 8) AT(placement_ids, 16))
LAYOUT(struct, nvml_vgpu_process_utilization_info_v1, 104,
       AT(time_stamp, 64) AT(vgpu_instance, 72) AT(pid, 76) AT(sm_util, 80) AT(mem_util, 84)
       AT(enc_util, 88) AT(dec_util, 92) AT(jpg_util, 96) AT(ofa_util, 100))
LAYOUT(struct, nvml_vgpu_process_utilization_sample, 96,
       AT(pid, 4) AT(process_name, 8) AT(time_stamp, 72) AT(sm_util, 80) AT(mem_util, 84)
       AT(enc_util, 88) AT(dec_util, 92))
LAYOUT(struct, nvml_vgpu_processes_utilization_info_v1, 24,
       AT(vgpu_process_count, 4) AT(last_seen_time_stamp, 8) AT(vgpu_proc_util_array, 16))
LAYOUT(struct, nvml_vgpu_runtime_state_v1, 16, AT(size, 8))
LAYOUT(struct, nvml_vgpu_scheduler_capabilities, 40,
       AT(max_timeslice, 12) AT(min_timeslice, 16) AT(is_arr_mode_supported, 20)
       AT(max_frequency_for_arr, 24) AT(min_frequency_for_arr, 28) AT(max_avg_factor_for_arr, 32)
       AT(min_avg_factor_for_arr, 36))
LAYOUT(union, nvml_vgpu_scheduler_params, 8, AT(plain, 0))
LAYOUT(struct, nvml_vgpu_scheduler_get_state, 16, AT(arr_mode, 4) AT(scheduler_params, 8))
LAYOUT(struct, nvml_vgpu_scheduler_log_entry, 48,
       AT(time_run_total, 8) AT(time_run, 16) AT(sw_runlist_id, 24) AT(target_time_slice, 32)
       AT(cumulative_preemption_time, 40))
LAYOUT(struct, nvml_vgpu_scheduler_log_entry_v2, 56,
       AT(time_run_total, 8) AT(time_run, 16) AT(sw_runlist_id, 24) AT(target_time_slice, 32)
       AT(cumulative_preemption_time, 40) AT(weight, 48))
LAYOUT(struct, nvml_vgpu_scheduler_log_info_v1, 9632,
       AT(engine_id, 4) AT(scheduler_policy, 8) AT(arr_mode, 12) AT(scheduler_params, 16)
       AT(entries_count, 24) AT(log_entries, 32))
LAYOUT(struct, nvml_vgpu_scheduler_log_info_v2, 11224,
       AT(scheduler_policy, 4) AT(avg_factor, 8) AT(timeslice, 12) AT(entries_count, 16)
       AT(log_entries, 24))
LAYOUT(struct, nvml_vgpu_scheduler_log, 9624,
       AT(scheduler_policy, 4) AT(arr_mode, 8) AT(scheduler_params, 12) AT(entries_count, 20)
       AT(log_entries, 24))
LAYOUT(union, nvml_vgpu_scheduler_set_params, 8, AT(plain, 0))
LAYOUT(struct, nvml_vgpu_scheduler_set_state, 16, AT(enable_arr_mode, 4) AT(scheduler_params, 8))
LAYOUT(struct, nvml_vgpu_scheduler_state_info_v1, 24,
       AT(engine_id, 4) AT(scheduler_policy, 8) AT(arr_mode, 12) AT(scheduler_params, 16))
LAYOUT(struct, nvml_vgpu_scheduler_state_info_v2, 16,
       AT(scheduler_policy, 4) AT(avg_factor, 8) AT(timeslice, 12))
LAYOUT(struct, nvml_vgpu_scheduler_state_v1, 24,
       AT(engine_id, 4) AT(scheduler_policy, 8) AT(enable_arr_mode, 12) AT(scheduler_params, 16))
LAYOUT(struct, nvml_vgpu_scheduler_state_v2, 16,
       AT(scheduler_policy, 4) AT(avg_factor, 8) AT(frequency, 12))
LAYOUT(struct, nvml_vgpu_type_bar1_info_v1, 16, AT(bar1_size, 8))
LAYOUT(struct, nvml_vgpu_type_id_info_v1, 16, AT(vgpu_count, 4) AT(vgpu_type_ids, 8))
LAYOUT(struct, nvml_vgpu_type_max_instance_v1, 12, AT(vgpu_type_id, 4) AT(max_instance_per_gi, 8))
LAYOUT(struct, nvml_bar1_memory, 24, AT(bar1_free, 8) AT(bar1_used, 16))
LAYOUT(struct, nvml_device_addressing_mode_v1, 8, AT(value, 4))
LAYOUT(struct, nvml_device_capabilities_v1, 8, AT(cap_mask, 4))
LAYOUT(struct, nvml_pci_info, 68,
       AT(domain, 16) AT(bus, 20) AT(device, 24) AT(pci_device_id, 28) AT(pci_sub_system_id, 32)
       AT(bus_id, 36))
LAYOUT(struct, nvml_excluded_device_info, 148, AT(uuid, 68))
LAYOUT(struct, nvml_hostname_v1, 64, )
LAYOUT(struct, nvml_memory, 24, AT(free, 8) AT(used, 16))
LAYOUT(struct, nvml_memory_v2, 40, AT(total, 8) AT(reserved, 16) AT(free, 24) AT(used, 32))
LAYOUT(struct, nvml_pci_info_ext_v1, 64,
       AT(domain, 4) AT(bus, 8) AT(device, 12) AT(pci_device_id, 16) AT(pci_sub_system_id, 20)
       AT(base_class, 24) AT(sub_class, 28) AT(bus_id, 32))
LAYOUT(struct, nvml_pdi_v1, 16, AT(value, 8))
LAYOUT(struct, nvml_platform_info_v2, 44,
       AT(ib_guid, 4) AT(chassis_serial_number, 20) AT(slot_number, 36) AT(tray_index, 37)
       AT(host_id, 38) AT(peer_type, 39) AT(module_id, 40))
LAYOUT(struct, nvml_platform_info_v1, 44,
       AT(ib_guid, 4) AT(rack_guid, 20) AT(chassis_physical_slot_number, 36)
       AT(compute_slot_index, 37) AT(node_index, 38) AT(peer_type, 39) AT(module_id, 40))
LAYOUT(struct, nvml_system_driver_branch_info_v1, 84, AT(branch, 4))
LAYOUT(union, nvml_uuid_value, 41, AT(bytes, 0))
LAYOUT(struct, nvml_uuid_v1, 52, AT(type, 4) AT(value, 8))
LAYOUT(struct, nvml_bbx_time_data_v1, 4, )
LAYOUT(struct, nvml_cper_cursor_v1, 96, AT(uuid, 4) AT(handle, 88))
LAYOUT(struct, nvml_dram_encryption_info_v1, 8, AT(encryption_state, 4))
LAYOUT(struct, nvml_ecc_error_counts, 32,
       AT(l2_cache, 8) AT(device_memory, 16) AT(register_file, 24))
LAYOUT(struct, nvml_ecc_sram_error_status_v1, 104,
       AT(aggregate_unc_parity, 8) AT(aggregate_unc_sec_ded, 16) AT(aggregate_cor, 24)
       AT(volatile_unc_parity, 32) AT(volatile_unc_sec_ded, 40) AT(volatile_cor, 48)
       AT(aggregate_unc_bucket_l2, 56) AT(aggregate_unc_bucket_sm, 64)
       AT(aggregate_unc_bucket_pcie, 72) AT(aggregate_unc_bucket_mcu, 80)
       AT(aggregate_unc_bucket_other, 88) AT(b_threshold_exceeded, 96))
LAYOUT(struct, nvml_ecc_sram_unique_uncorrected_error_counts_v1, 16,
       AT(entry_count, 4) AT(entries, 8))
LAYOUT(struct, nvml_ecc_sram_unique_uncorrected_error_entry_v1, 28,
       AT(location, 4) AT(sublocation, 8) AT(extlocation, 12) AT(address, 16) AT(is_parity, 20)
       AT(count, 24))
LAYOUT(struct, nvml_event_data, 32,
       AT(event_type, 8) AT(event_data, 16) AT(gpu_instance_id, 24) AT(compute_instance_id, 28))
LAYOUT(struct, nvml_get_cper_v1, 112, AT(buffer, 96) AT(buffer_size, 104))
LAYOUT(struct, nvml_hwbc_entry, 36, AT(firmware_version, 4))
LAYOUT(struct, nvml_led_state, 260, AT(color, 256))
LAYOUT(struct, nvml_psu_info, 268, AT(current, 256) AT(voltage, 260) AT(power, 264))
LAYOUT(struct, nvml_remapped_rows_info_v2, 24,
       AT(corr_inactive_remaps, 4) AT(unc_active_remaps, 8) AT(unc_inactive_remaps, 12)
       AT(b_pending, 16) AT(b_failure_occurred, 20))
LAYOUT(struct, nvml_repair_status_v1, 12,
       AT(b_channel_repair_pending, 4) AT(b_tpc_repair_pending, 8))
LAYOUT(struct, nvml_row_remapper_histogram_values, 20,
       AT(high, 4) AT(partial, 8) AT(low, 12) AT(none, 16))
LAYOUT(struct, nvml_system_event_data_v1, 16, AT(gpu_id, 8))
LAYOUT(struct, nvml_system_event_set_create_request_v1, 16, AT(set, 8))
LAYOUT(struct, nvml_system_event_set_free_request_v1, 16, AT(set, 8))
LAYOUT(struct, nvml_system_event_set_wait_request_v1, 32,
       AT(timeoutms, 4) AT(set, 8) AT(data, 16) AT(data_size, 24) AT(num_event, 28))
LAYOUT(struct, nvml_system_register_event_request_v1, 24, AT(event_types, 8) AT(set, 16))
LAYOUT(struct, nvml_unit_fan_info, 8, AT(state, 4))
LAYOUT(struct, nvml_unit_fan_speeds, 196, AT(count, 192))
LAYOUT(struct, nvml_unit_info, 384, AT(id, 96) AT(serial, 192) AT(firmware_version, 288))
LAYOUT(struct, nvml_unrepairable_memory_status_v1, 4, )
LAYOUT(struct, nvml_bridge_chip_info, 8, AT(fw_version, 4))
LAYOUT(struct, nvml_bridge_chip_hierarchy, 1028, AT(bridge_chip_info, 4))
LAYOUT(struct, nvml_c2c_mode_info_v1, 4, )
LAYOUT(struct, nvml_conf_compute_get_key_rotation_threshold_info_v1, 16, AT(attacker_advantage, 8))
LAYOUT(struct, nvml_conf_compute_gpu_attestation_report, 12332,
       AT(attestation_report_size, 4) AT(cec_attestation_report_size, 8) AT(nonce, 12)
       AT(attestation_report, 44) AT(cec_attestation_report, 8236))
LAYOUT(struct, nvml_conf_compute_gpu_certificate, 9224,
       AT(attestation_cert_chain_size, 4) AT(cert_chain, 8) AT(attestation_cert_chain, 4104))
LAYOUT(struct, nvml_conf_compute_mem_size_info, 16, AT(unprotected_mem_size_kib, 8))
LAYOUT(struct, nvml_conf_compute_set_key_rotation_threshold_info_v1, 16,
       AT(max_attacker_advantage, 8))
LAYOUT(struct, nvml_conf_compute_system_caps, 8, AT(gpus_caps, 4))
LAYOUT(struct, nvml_conf_compute_system_state, 12, AT(cc_feature, 4) AT(dev_tools_mode, 8))
LAYOUT(struct, nvml_gpu_fabric_info_v3, 40,
       AT(cluster_uuid, 4) AT(status, 20) AT(clique_id, 24) AT(state, 28) AT(health_mask, 32)
       AT(health_summary, 36))
LAYOUT(struct, nvml_gpu_fabric_info, 28, AT(status, 16) AT(clique_id, 20) AT(state, 24))
LAYOUT(struct, nvml_gpu_fabric_info_v2, 36,
       AT(cluster_uuid, 4) AT(status, 20) AT(clique_id, 24) AT(state, 28) AT(health_mask, 32))
LAYOUT(struct, nvml_nvlink_firmware_version, 16, AT(major, 4) AT(minor, 8) AT(sub_minor, 12))
LAYOUT(struct, nvml_nvlink_firmware_info, 1604, AT(num_valid_entries, 1600))
LAYOUT(struct, nvml_nvlink_info_v2, 1612, AT(is_nvle_enabled, 4) AT(firmware_info, 8))
LAYOUT(struct, nvml_nvlink_info_v1, 8, AT(is_nvle_enabled, 4))
LAYOUT(struct, nvml_nvlink_power_thres, 4, )
LAYOUT(struct, nvml_nvlink_utilization_control, 8, AT(pktfilter, 4))
LAYOUT(struct, nvml_nvlink_get_bw_mode_v1, 12, AT(b_is_best, 4) AT(bw_mode, 8))
LAYOUT(struct, nvml_nvlink_set_bw_mode_v1, 12, AT(b_set_best, 4) AT(bw_mode, 8))
LAYOUT(struct, nvml_nvlink_supported_bw_modes_v1, 28, AT(bw_modes, 4) AT(total_bw_modes, 27))
LAYOUT(struct, nvml_prm_counter_input_v1, 4, )
LAYOUT(struct, nvml_prm_counter_list_v1, 16, AT(counters, 8))
LAYOUT(struct, nvml_prm_counter_value_v1, 16, AT(output_type, 4) AT(output_value, 8))
LAYOUT(struct, nvml_prm_counter_v1, 24, AT(in_data, 4) AT(counter_value, 8))
LAYOUT(struct, nvml_prm_tlv_v1, 504, AT(status, 4))
LAYOUT(struct, nvml_system_conf_compute_settings_v1, 20,
       AT(environment, 4) AT(cc_feature, 8) AT(dev_tools_mode, 12) AT(multi_gpu_mode, 16))
LAYOUT(struct, nvml_clk_mon_fault_info, 8, AT(clk_domain_fault_mask, 4))
LAYOUT(struct, nvml_clk_mon_status, 264, AT(clk_mon_list_size, 4) AT(clk_mon_list, 8))
LAYOUT(struct, nvml_clock_offset_v1, 24,
       AT(type, 4) AT(pstate, 8) AT(clock_offset_m_hz, 12) AT(min_clock_offset_m_hz, 16)
       AT(max_clock_offset_m_hz, 20))
LAYOUT(struct, nvml_cooler_info_v1, 16, AT(index, 4) AT(signal_type, 8) AT(target, 12))
LAYOUT(struct, nvml_device_current_clock_freqs_v1, 2052, AT(str, 4))
LAYOUT(struct, nvml_device_perf_modes_v1, 2052, AT(str, 4))
LAYOUT(struct, nvml_device_power_mizer_modes_v1, 12, AT(mode, 4) AT(supported_power_mizer_modes, 8))
LAYOUT(struct, nvml_fan_speed_info_v1, 12, AT(fan, 4) AT(speed, 8))
LAYOUT(struct, nvml_gpu_dynamic_pstates_info, 132, AT(utilization, 4))
LAYOUT(struct, nvml_gpu_thermal_settings, 64, AT(sensor, 4))
LAYOUT(struct, nvml_margin_temperature_v1, 8, AT(margin_temperature, 4))
LAYOUT(struct, nvml_power_smoothing_profile_v1, 24, AT(profile_id, 4) AT(param_id, 8) AT(value, 16))
LAYOUT(struct, nvml_power_smoothing_state_v1, 8, AT(state, 4))
LAYOUT(struct, nvml_power_value_v2, 12, AT(power_scope, 4) AT(power_value_mw, 8))
LAYOUT(struct, nvml_rusd_settings_v1, 16, AT(poll_mask, 8))
LAYOUT(struct, nvml_temperature_v1, 12, AT(sensor_type, 4) AT(temperature, 8))
LAYOUT(struct, nvml_violation_time, 16, AT(violation_time, 8))
LAYOUT(struct, nvml_workload_power_profile_current_profiles_v1, 100,
       AT(perf_profiles_mask, 4) AT(requested_profiles_mask, 36) AT(enforced_profiles_mask, 68))
LAYOUT(struct, nvml_workload_power_profile_info_v1, 44,
       AT(profile_id, 4) AT(priority, 8) AT(conflicting_mask, 12))
LAYOUT(struct, nvml_workload_power_profile_profiles_info_v1, 11256,
       AT(perf_profiles_mask, 4) AT(perf_profile, 36))
LAYOUT(struct, nvml_workload_power_profile_requested_profiles_v1, 36,
       AT(requested_profiles_mask, 4))
LAYOUT(struct, nvml_workload_power_profile_update_profiles_v1, 36, AT(update_profiles_mask, 4))
LAYOUT(struct, nvml_compute_instance_placement, 8, AT(size, 4))
LAYOUT(struct, nvml_compute_instance_info, 32,
       AT(gpu_instance, 8) AT(id, 16) AT(profile_id, 20) AT(placement, 24))
LAYOUT(struct, nvml_compute_instance_profile_info, 36,
       AT(slice_count, 4) AT(instance_count, 8) AT(multiprocessor_count, 12)
       AT(shared_copy_engine_count, 16) AT(shared_decoder_count, 20) AT(shared_encoder_count, 24)
       AT(shared_jpeg_count, 28) AT(shared_ofa_count, 32))
LAYOUT(struct, nvml_compute_instance_profile_info_v2, 136,
       AT(id, 4) AT(slice_count, 8) AT(instance_count, 12) AT(multiprocessor_count, 16)
       AT(shared_copy_engine_count, 20) AT(shared_decoder_count, 24) AT(shared_encoder_count, 28)
       AT(shared_jpeg_count, 32) AT(shared_ofa_count, 36) AT(name, 40))
LAYOUT(struct, nvml_compute_instance_profile_info_v3, 140,
       AT(id, 4) AT(slice_count, 8) AT(instance_count, 12) AT(multiprocessor_count, 16)
       AT(shared_copy_engine_count, 20) AT(shared_decoder_count, 24) AT(shared_encoder_count, 28)
       AT(shared_jpeg_count, 32) AT(shared_ofa_count, 36) AT(name, 40) AT(capabilities, 136))
LAYOUT(struct, nvml_device_attributes, 40,
       AT(shared_copy_engine_count, 4) AT(shared_decoder_count, 8) AT(shared_encoder_count, 12)
       AT(shared_jpeg_count, 16) AT(shared_ofa_count, 20) AT(gpu_instance_slice_count, 24)
       AT(compute_instance_slice_count, 28) AT(memory_size_mb, 32))
LAYOUT(struct, nvml_gpu_instance_placement, 8, AT(size, 4))
LAYOUT(struct, nvml_gpu_instance_info, 24, AT(id, 8) AT(profile_id, 12) AT(placement, 16))
LAYOUT(struct, nvml_gpu_instance_profile_info, 48,
       AT(is_p2p_supported, 4) AT(slice_count, 8) AT(instance_count, 12)
       AT(multiprocessor_count, 16) AT(copy_engine_count, 20) AT(decoder_count, 24)
       AT(encoder_count, 28) AT(jpeg_count, 32) AT(ofa_count, 36) AT(memory_size_mb, 40))
LAYOUT(struct, nvml_gpu_instance_profile_info_v2, 152,
       AT(id, 4) AT(is_p2p_supported, 8) AT(slice_count, 12) AT(instance_count, 16)
       AT(multiprocessor_count, 20) AT(copy_engine_count, 24) AT(decoder_count, 28)
       AT(encoder_count, 32) AT(jpeg_count, 36) AT(ofa_count, 40) AT(memory_size_mb, 48)
       AT(name, 56))
LAYOUT(struct, nvml_gpu_instance_profile_info_v3, 152,
       AT(id, 4) AT(slice_count, 8) AT(instance_count, 12) AT(multiprocessor_count, 16)
       AT(copy_engine_count, 20) AT(decoder_count, 24) AT(encoder_count, 28) AT(jpeg_count, 32)
       AT(ofa_count, 36) AT(memory_size_mb, 40) AT(name, 48) AT(capabilities, 144))
LAYOUT(union, nvml_value, 8,
       AT(i32, 0) AT(u32, 0) AT(ulong_value, 0) AT(u64, 0) AT(i64, 0) AT(u16, 0))
LAYOUT(struct, nvml_mask255, 32, )
/* clang-format on */

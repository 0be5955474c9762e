/* SPDX-License-Identifier: Apache-2.0 */
/* NVML structures: identity, PCI, memory and platform of a device. */
#ifndef NVML_ABI_DEVICE_H
#define NVML_ABI_DEVICE_H

#include "nvml/abi_base.h"

#define NVML_ARCH_UNKNOWN 0xFFFFFFFFu
enum nvml_arch {
    NVML_ARCH_VOLTA = 5,
    NVML_ARCH_TURING = 6,
    NVML_ARCH_AMPERE = 7,
    NVML_ARCH_ADA = 8,
    NVML_ARCH_HOPPER = 9,
    NVML_ARCH_BLACKWELL = 10
};

enum nvml_brand {
    NVML_BRAND_UNKNOWN = 0,
    NVML_BRAND_TESLA = 2,
    NVML_BRAND_NVIDIA_RTX = 13,
    NVML_BRAND_NVIDIA = 14
};

enum nvml_compute_mode { NVML_COMPUTE_MODE_DEFAULT, NVML_COMPUTE_MODE_EXCLUSIVE_PROCESS = 3 };

enum nvml_uuid_type { NVML_UUID_ASCII = 1, NVML_UUID_BINARY = 2 };

struct nvml_bar1_memory {
    uint64_t bar1_total;
    uint64_t bar1_free;
    uint64_t bar1_used;
};

struct nvml_device_addressing_mode_v1 {
    uint32_t version;
    uint32_t value;
};

struct nvml_device_capabilities_v1 {
    uint32_t version;
    uint32_t cap_mask;
};

struct nvml_pci_info {
    char bus_id_legacy[16];
    uint32_t domain;
    uint32_t bus;
    uint32_t device;
    uint32_t pci_device_id;
    uint32_t pci_sub_system_id;
    char bus_id[32];
};

struct nvml_excluded_device_info {
    struct nvml_pci_info pci_info;
    char uuid[80];
};

struct nvml_hostname_v1 {
    char value[64];
};

struct nvml_memory {
    uint64_t total;
    uint64_t free;
    uint64_t used;
};

struct nvml_memory_v2 {
    uint32_t version;
    uint64_t total;
    uint64_t reserved;
    uint64_t free;
    uint64_t used;
};

struct nvml_pci_info_ext_v1 {
    uint32_t version;
    uint32_t domain;
    uint32_t bus;
    uint32_t device;
    uint32_t pci_device_id;
    uint32_t pci_sub_system_id;
    uint32_t base_class;
    uint32_t sub_class;
    char bus_id[32];
};

struct nvml_pdi_v1 {
    uint32_t version;
    uint64_t value;
};

struct nvml_platform_info_v2 {
    uint32_t version;
    uint8_t ib_guid[16];
    uint8_t chassis_serial_number[16];
    uint8_t slot_number;
    uint8_t tray_index;
    uint8_t host_id;
    uint8_t peer_type;
    uint8_t module_id;
};

struct nvml_platform_info_v1 {
    uint32_t version;
    uint8_t ib_guid[16];
    uint8_t rack_guid[16];
    uint8_t chassis_physical_slot_number;
    uint8_t compute_slot_index;
    uint8_t node_index;
    uint8_t peer_type;
    uint8_t module_id;
};

struct nvml_system_driver_branch_info_v1 {
    uint32_t version;
    char branch[80];
};

union nvml_uuid_value {
    char str[41];
    uint8_t bytes[16];
};

struct nvml_uuid_v1 {
    uint32_t version;
    uint32_t type;
    union nvml_uuid_value value;
};

#endif

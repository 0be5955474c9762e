/* SPDX-License-Identifier: Apache-2.0 */
/* NVML structures: MIG: GPU instances, compute instances and their profiles. */
#ifndef NVML_ABI_MIG_H
#define NVML_ABI_MIG_H

#include "nvml/abi_base.h"

/* GPU instance profiles are numbered by kind, not by the id that `nvidia-smi mig -lgip` prints. */
enum nvml_gi_profile {
    NVML_GI_1_SLICE,
    NVML_GI_2_SLICE,
    NVML_GI_3_SLICE,
    NVML_GI_4_SLICE,
    NVML_GI_7_SLICE,
    NVML_GI_8_SLICE,
    NVML_GI_6_SLICE,
    NVML_GI_1_SLICE_REV1, /* +me */
    NVML_GI_2_SLICE_REV1, /* +me */
    NVML_GI_1_SLICE_REV2, /* twice the memory */
    NVML_GI_1_SLICE_GFX,
    NVML_GI_2_SLICE_GFX,
    NVML_GI_4_SLICE_GFX,
    NVML_GI_1_SLICE_NO_ME,
    NVML_GI_2_SLICE_NO_ME,
    NVML_GI_1_SLICE_ALL_ME,
    NVML_GI_2_SLICE_ALL_ME,
    NVML_GI_3_SLICE_GFX,
    NVML_GI_PROFILE_COUNT
};

/* Compute instance profiles: here the number is also the id. */
enum nvml_ci_profile {
    NVML_CI_1_SLICE,
    NVML_CI_2_SLICE,
    NVML_CI_3_SLICE,
    NVML_CI_4_SLICE,
    NVML_CI_7_SLICE,
    NVML_CI_8_SLICE,
    NVML_CI_6_SLICE,
    NVML_CI_1_SLICE_REV1,
    NVML_CI_7_SLICE_NVL,
    NVML_CI_PROFILE_COUNT
};

#define NVML_CI_ENGINE_SHARED 0u /* the one engine profile there is */

/* Bits of nvml_gpu_instance_profile_info_v3.capabilities. */
#define NVML_GI_CAP_P2P 0x1u
#define NVML_GI_CAP_GFX 0x2u

struct nvml_compute_instance_placement {
    uint32_t start;
    uint32_t size;
};

struct nvml_compute_instance_info {
    struct nvml_device *device;
    struct nvml_gpu_instance *gpu_instance;
    uint32_t id;
    uint32_t profile_id;
    struct nvml_compute_instance_placement placement;
};

struct nvml_compute_instance_profile_info {
    uint32_t id;
    uint32_t slice_count;
    uint32_t instance_count;
    uint32_t multiprocessor_count;
    uint32_t shared_copy_engine_count;
    uint32_t shared_decoder_count;
    uint32_t shared_encoder_count;
    uint32_t shared_jpeg_count;
    uint32_t shared_ofa_count;
};

struct nvml_compute_instance_profile_info_v2 {
    uint32_t version;
    uint32_t id;
    uint32_t slice_count;
    uint32_t instance_count;
    uint32_t multiprocessor_count;
    uint32_t shared_copy_engine_count;
    uint32_t shared_decoder_count;
    uint32_t shared_encoder_count;
    uint32_t shared_jpeg_count;
    uint32_t shared_ofa_count;
    char name[96];
};

struct nvml_compute_instance_profile_info_v3 {
    uint32_t version;
    uint32_t id;
    uint32_t slice_count;
    uint32_t instance_count;
    uint32_t multiprocessor_count;
    uint32_t shared_copy_engine_count;
    uint32_t shared_decoder_count;
    uint32_t shared_encoder_count;
    uint32_t shared_jpeg_count;
    uint32_t shared_ofa_count;
    char name[96];
    uint32_t capabilities;
};

struct nvml_device_attributes {
    uint32_t multiprocessor_count;
    uint32_t shared_copy_engine_count;
    uint32_t shared_decoder_count;
    uint32_t shared_encoder_count;
    uint32_t shared_jpeg_count;
    uint32_t shared_ofa_count;
    uint32_t gpu_instance_slice_count;
    uint32_t compute_instance_slice_count;
    uint64_t memory_size_mb;
};

struct nvml_gpu_instance_placement {
    uint32_t start;
    uint32_t size;
};

struct nvml_gpu_instance_info {
    struct nvml_device *device;
    uint32_t id;
    uint32_t profile_id;
    struct nvml_gpu_instance_placement placement;
};

struct nvml_gpu_instance_profile_info {
    uint32_t id;
    uint32_t is_p2p_supported;
    uint32_t slice_count;
    uint32_t instance_count;
    uint32_t multiprocessor_count;
    uint32_t copy_engine_count;
    uint32_t decoder_count;
    uint32_t encoder_count;
    uint32_t jpeg_count;
    uint32_t ofa_count;
    uint64_t memory_size_mb;
};

struct nvml_gpu_instance_profile_info_v2 {
    uint32_t version;
    uint32_t id;
    uint32_t is_p2p_supported;
    uint32_t slice_count;
    uint32_t instance_count;
    uint32_t multiprocessor_count;
    uint32_t copy_engine_count;
    uint32_t decoder_count;
    uint32_t encoder_count;
    uint32_t jpeg_count;
    uint32_t ofa_count;
    uint64_t memory_size_mb;
    char name[96];
};

struct nvml_gpu_instance_profile_info_v3 {
    uint32_t version;
    uint32_t id;
    uint32_t slice_count;
    uint32_t instance_count;
    uint32_t multiprocessor_count;
    uint32_t copy_engine_count;
    uint32_t decoder_count;
    uint32_t encoder_count;
    uint32_t jpeg_count;
    uint32_t ofa_count;
    uint64_t memory_size_mb;
    char name[96];
    uint32_t capabilities;
};

#endif

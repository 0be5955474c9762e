/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metadata of a vGPU and of a board, and whether the one may move to the other. The blobs travel
 * from host to host: everything that is compared is in them, nothing is asked of the host that does
 * the comparing.
 */
#include <stdio.h>
#include <string.h>

#include "sim/nvml/reader.h"
#include "sim/rpc/client.h"

#define METADATA_VERSION 3u
#define METADATA_REVISION 1u
#define CAN_MIGRATE 1u
#define GUEST_INITIALIZED 1u

enum compatibility {
    COMPATIBLE_NONE = 0,
    COMPATIBLE_COLD = 1,
    COMPATIBLE_SLEEP = 4,
    COMPATIBLE_LIVE = 8
};
enum limit {
    LIMIT_NONE = 0,
    LIMIT_HOST_DRIVER = 1,
    LIMIT_GUEST_DRIVER = 2,
    LIMIT_GPU = 4,
    LIMIT_OTHER = (int)0x80000000
};

/* What the opaque tail of either holds; clients carry it without a look inside. */
struct opaque {
    uint32_t pci_id;
    uint32_t ecc_off;
    uint32_t type_id; /* of a vGPU */
};

#define TAIL_SIZE sizeof(struct opaque)

static struct opaque opaque_of(const struct rpc_gpu *gpu)
{
    return (struct opaque){.pci_id = gpu->pci_id, .ecc_off = gpu->settings[SIM_SET_ECC_OFF]};
}

/* Room for head and tail; false tells the caller how much is needed. */
static int check_room(uint32_t needed, const void *buf, uint32_t *size)
{
    uint32_t room = buf != NULL ? *size : 0;
    *size = needed;
    return room < needed ? NVML_ERROR_INSUFFICIENT_SIZE : NVML_SUCCESS;
}

int32_t nvmlVgpuInstanceGetMetadata(uint32_t vgpu_instance,
                                    struct nvml_vgpu_metadata *vgpu_metadata, uint32_t *buffer_size)
{
    struct rpc_vgpu vgpu;
    struct rpc_gpu gpu;
    struct rpc_host host;
    int r = vgpu_read(vgpu_instance, buffer_size, &vgpu);
    if (r == NVML_SUCCESS) {
        r = CALL(GPU, &gpu, vgpu.gpu);
    }
    if (r == NVML_SUCCESS) {
        r = host_read(buffer_size, &host);
    }
    size_t head = offsetof(struct nvml_vgpu_metadata, opaque_data);
    if (r == NVML_SUCCESS) {
        r = check_room((uint32_t)(head + TAIL_SIZE), vgpu_metadata, buffer_size);
    }
    if (r != NVML_SUCCESS) {
        return r;
    }
    /* Guest and host agree on the newest version that the host offers. */
    struct nvml_vgpu_metadata metadata = {.version = METADATA_VERSION,
                                          .revision = METADATA_REVISION,
                                          .guest_info_state = GUEST_INITIALIZED,
                                          .vgpu_virtualization_caps =
                                              vgpu.unmovable ? 0 : CAN_MIGRATE,
                                          .guest_vgpu_version = host.vgpu_versions.newest,
                                          .opaque_data_size = TAIL_SIZE};
    snprintf(metadata.guest_driver_version, sizeof(metadata.guest_driver_version), "%s",
             host.driver_version);
    snprintf(metadata.host_driver_version, sizeof(metadata.host_driver_version), "%s",
             host.driver_version);
    struct opaque tail = opaque_of(&gpu);
    tail.type_id = vgpu.type_id;
    memcpy(vgpu_metadata, &metadata, head);
    memcpy((char *)vgpu_metadata + head, &tail, sizeof(tail));
    return NVML_SUCCESS;
}

int32_t nvmlDeviceGetVgpuMetadata(struct nvml_device *device,
                                  struct nvml_vgpu_pgpu_metadata *pgpu_metadata,
                                  uint32_t *buffer_size)
{
    struct rpc_gpu gpu;
    struct rpc_host host;
    int r = vgpu_board_read(device, buffer_size, &gpu);
    if (r == NVML_SUCCESS) {
        r = host_read(buffer_size, &host);
    }
    size_t head = offsetof(struct nvml_vgpu_pgpu_metadata, opaque_data);
    if (r == NVML_SUCCESS) {
        r = check_room((uint32_t)(head + TAIL_SIZE), pgpu_metadata, buffer_size);
    }
    if (r != NVML_SUCCESS) {
        return r;
    }
    struct nvml_vgpu_pgpu_metadata metadata = {
        .version = METADATA_VERSION,
        .revision = METADATA_REVISION,
        .pgpu_virtualization_caps = CAN_MIGRATE,
        .host_supported_vgpu_range = {host.vgpu_versions.oldest, host.vgpu_versions.newest},
        .opaque_data_size = TAIL_SIZE};
    snprintf(metadata.host_driver_version, sizeof(metadata.host_driver_version), "%s",
             host.driver_version);
    struct opaque tail = opaque_of(&gpu);
    memcpy(pgpu_metadata, &metadata, head);
    memcpy((char *)pgpu_metadata + head, &tail, sizeof(tail));
    return NVML_SUCCESS;
}

/* One line, for those who only compare. */
int32_t nvmlDeviceGetPgpuMetadataString(struct nvml_device *device, char *pgpu_metadata,
                                        uint32_t *buffer_size)
{
    struct rpc_gpu gpu;
    struct rpc_host host;
    char text[128];
    int r = vgpu_board_read(device, buffer_size, &gpu);
    if (r == NVML_SUCCESS) {
        r = host_read(buffer_size, &host);
    }
    if (r == NVML_SUCCESS) {
        snprintf(text, sizeof(text), "%08X:%X:%08X:%s", gpu.pci_id, gpu.settings[SIM_SET_ECC_OFF],
                 host.vgpu_versions.newest, host.driver_version);
    }
    return r == NVML_SUCCESS ? text_out_sized(text, pgpu_metadata, buffer_size) : r;
}

/*
 * The same model and the same ECC mode (vGPU user guide 17, "Migrating a VM Configured with vGPU"),
 * and a version that both sides speak: the guest's, agreed on at the source, must be in the
 * target's range (NVML reference, nvmlSetVgpuVersion). So a VM moves to a newer driver, but back
 * only if an administrator had held the newer one down. A guest that boots again agrees again.
 */
static struct nvml_vgpu_pgpu_compatibility judge(const struct nvml_vgpu_metadata *vgpu,
                                                 const struct opaque *vgpu_tail,
                                                 const struct nvml_vgpu_pgpu_metadata *board,
                                                 const struct opaque *board_tail)
{
    const struct nvml_vgpu_version *range = &board->host_supported_vgpu_range;
    enum compatibility after_boot = COMPATIBLE_COLD;
    enum limit limit = LIMIT_NONE;
    if (vgpu_tail->pci_id != board_tail->pci_id) {
        after_boot = COMPATIBLE_NONE;
        limit = LIMIT_GPU;
    } else if (vgpu_tail->ecc_off != board_tail->ecc_off) {
        limit = LIMIT_OTHER;
    } else if (vgpu->guest_vgpu_version > range->max_version) {
        limit = LIMIT_HOST_DRIVER;
    } else if (vgpu->guest_vgpu_version < range->min_version) {
        limit = LIMIT_GUEST_DRIVER;
    } else if ((vgpu->vgpu_virtualization_caps & board->pgpu_virtualization_caps & CAN_MIGRATE) ==
               0) {
        limit = LIMIT_OTHER;
    }
    uint32_t alive = limit == LIMIT_NONE ? COMPATIBLE_SLEEP | COMPATIBLE_LIVE : COMPATIBLE_NONE;
    return (struct nvml_vgpu_pgpu_compatibility){.vgpu_vm_compatibility =
                                                     (uint32_t)after_boot | alive,
                                                 .compatibility_limit_code = (uint32_t)limit};
}

int32_t nvmlGetVgpuCompatibility(struct nvml_vgpu_metadata *vgpu_metadata,
                                 struct nvml_vgpu_pgpu_metadata *pgpu_metadata,
                                 struct nvml_vgpu_pgpu_compatibility *compatibility)
{
    int r = session_check();
    if (r != NVML_SUCCESS) {
        return r;
    }
    if (vgpu_metadata == NULL || pgpu_metadata == NULL || compatibility == NULL ||
        vgpu_metadata->version != METADATA_VERSION || pgpu_metadata->version != METADATA_VERSION ||
        vgpu_metadata->opaque_data_size != TAIL_SIZE ||
        pgpu_metadata->opaque_data_size != TAIL_SIZE) {
        return NVML_ERROR_INVALID_ARGUMENT;
    }
    struct opaque vgpu;
    struct opaque board;
    memcpy(&vgpu, (char *)vgpu_metadata + offsetof(struct nvml_vgpu_metadata, opaque_data),
           sizeof(vgpu));
    memcpy(&board, (char *)pgpu_metadata + offsetof(struct nvml_vgpu_pgpu_metadata, opaque_data),
           sizeof(board));
    *compatibility = judge(vgpu_metadata, &vgpu, pgpu_metadata, &board);
    return NVML_SUCCESS;
}

int32_t nvmlGetVgpuVersion(struct nvml_vgpu_version *supported, struct nvml_vgpu_version *current)
{
    struct rpc_host host;
    int r = host_read(current != NULL ? supported : NULL, &host);
    if (r == NVML_SUCCESS && !host.vgpu_host) {
        r = NVML_ERROR_NOT_SUPPORTED;
    }
    if (r == NVML_SUCCESS) {
        *supported = (struct nvml_vgpu_version){host.vgpu_versions_preset.oldest,
                                                host.vgpu_versions_preset.newest};
        *current = (struct nvml_vgpu_version){host.vgpu_versions.oldest, host.vgpu_versions.newest};
    }
    return r;
}

int32_t nvmlSetVgpuVersion(struct nvml_vgpu_version *vgpu_version)
{
    struct rpc_nothing nothing;
    int r = session_check();
    if (r == NVML_SUCCESS && vgpu_version == NULL) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    return r == NVML_SUCCESS ? CALL(SET_VGPU_VERSIONS, &nothing, vgpu_version->min_version,
                                    vgpu_version->max_version)
                             : r;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata of a vGPU and of a board, and whether the one may move to the other. */
#include <stdio.h>
#include <string.h>

#include "sim/nvml/library.h"
#include "sim/rpc/client.h"

#define METADATA_VERSION 3u
#define METADATA_REVISION 1u
#define CAN_MIGRATE 1u
#define GUEST_UNINITIALIZED 0u
/* Versions of the protocol between host and guest; a driver speaks a range of them. */
#define VGPU_VERSION_OLDEST 0x00070001u
#define VGPU_VERSION_NEWEST 0x00150001u

enum compatibility {
    COMPATIBLE_NONE = 0,
    COMPATIBLE_COLD = 1,
    COMPATIBLE_SLEEP = 4,
    COMPATIBLE_LIVE = 8
};
enum limit { LIMIT_NONE = 0, LIMIT_HOST_DRIVER = 1, LIMIT_GPU = 4 };

/* What the opaque tail of either holds; clients carry it without a look inside. */
struct opaque {
    uint32_t pci_id;
    uint32_t type_id; /* of a vGPU */
};

#define TAIL_SIZE sizeof(struct opaque)

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
    struct nvml_vgpu_metadata metadata = {.version = METADATA_VERSION,
                                          .revision = METADATA_REVISION,
                                          .guest_info_state = GUEST_UNINITIALIZED,
                                          .vgpu_virtualization_caps = CAN_MIGRATE,
                                          .guest_vgpu_version = VGPU_VERSION_NEWEST,
                                          .opaque_data_size = TAIL_SIZE};
    snprintf(metadata.guest_driver_version, sizeof(metadata.guest_driver_version), "N/A");
    snprintf(metadata.host_driver_version, sizeof(metadata.host_driver_version), "%s",
             host.driver_version);
    struct opaque tail = {.pci_id = gpu.pci_id, .type_id = vgpu.type_id};
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
        .host_supported_vgpu_range = {VGPU_VERSION_OLDEST, VGPU_VERSION_NEWEST},
        .opaque_data_size = TAIL_SIZE};
    snprintf(metadata.host_driver_version, sizeof(metadata.host_driver_version), "%s",
             host.driver_version);
    struct opaque tail = {.pci_id = gpu.pci_id};
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
        snprintf(text, sizeof(text), "%08X:%08X:%s", gpu.pci_id, VGPU_VERSION_NEWEST,
                 host.driver_version);
    }
    return r == NVML_SUCCESS ? text_out_sized(text, pgpu_metadata, buffer_size) : r;
}

static bool same_branch(const char *one, const char *other)
{
    size_t n = strcspn(one, ".");
    return strncmp(one, other, n) == 0 && other[n] == '.';
}

/* The same model, and the same driver branch for a live move (vGPU user guide 17, "Migrating a VM
 * Configured with vGPU"). */
int32_t nvmlGetVgpuCompatibility(struct nvml_vgpu_metadata *vgpu_metadata,
                                 struct nvml_vgpu_pgpu_metadata *pgpu_metadata,
                                 struct nvml_vgpu_pgpu_compatibility *compatibility)
{
    int r = session_check();
    if (r != NVML_SUCCESS) {
        return r;
    }
    if (vgpu_metadata == NULL || pgpu_metadata == NULL || compatibility == NULL ||
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
    *compatibility = (struct nvml_vgpu_pgpu_compatibility){
        .vgpu_vm_compatibility = COMPATIBLE_COLD | COMPATIBLE_SLEEP | COMPATIBLE_LIVE};
    if (vgpu.pci_id != board.pci_id) {
        compatibility->vgpu_vm_compatibility = COMPATIBLE_NONE;
        compatibility->compatibility_limit_code = LIMIT_GPU;
    } else if (!same_branch(vgpu_metadata->host_driver_version,
                            pgpu_metadata->host_driver_version)) {
        compatibility->vgpu_vm_compatibility = COMPATIBLE_COLD;
        compatibility->compatibility_limit_code = LIMIT_HOST_DRIVER;
    }
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
        *supported = (struct nvml_vgpu_version){VGPU_VERSION_OLDEST, VGPU_VERSION_NEWEST};
        *current = *supported;
    }
    return r;
}

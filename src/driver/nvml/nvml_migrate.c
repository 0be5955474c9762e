/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/nvml/nvml_migrate.h"

#include <string.h>

#include "base/base64.h"
#include "base/str.h"

#define MAX_VGPUS 64
#define MAX_BLOB 3072

/* Room for the structure and what a driver appends to it (nvml.h: opaqueDataSize says how much). */
union vgpu_blob {
    struct nvml_vgpu_metadata metadata;
    unsigned char bytes[MAX_BLOB];
};
union gpu_blob {
    struct nvml_vgpu_pgpu_metadata metadata;
    unsigned char bytes[MAX_BLOB];
};

static bool is_of_vm(const struct nvml *nvml, uint32_t vgpu, const struct gpu_vgpu_query *query)
{
    char text[80] = "";
    uint32_t kind = NVML_VM_ID_DOMAIN;
    uint32_t type = NO_ID;
    if (nvml->nvmlVgpuInstanceGetVmID == NULL ||
        nvml->nvmlVgpuInstanceGetVmID(vgpu, text, sizeof(text), &kind) != NVML_SUCCESS) {
        return false;
    }
    text[sizeof(text) - 1] = '\0';
    if (kind != NVML_VM_ID_UUID || !str_eq_case(text, query->vm_uuid)) {
        return false;
    }
    if (query->mdev_uuid[0] != '\0') {
        char mdev[80] = "";
        return nvml->nvmlVgpuInstanceGetMdevUUID != NULL &&
               nvml->nvmlVgpuInstanceGetMdevUUID(vgpu, mdev, sizeof(mdev)) == NVML_SUCCESS &&
               str_eq_case(mdev, query->mdev_uuid);
    }
    return nvml->nvmlVgpuInstanceGetType == NULL ||
           nvml->nvmlVgpuInstanceGetType(vgpu, &type) != NVML_SUCCESS || query->type_id == NO_ID ||
           type == query->type_id;
}

static bool find_vgpu(const struct nvml_gpu *gpu, const struct gpu_vgpu_query *query,
                      uint32_t *ret_vgpu)
{
    uint32_t vgpus[MAX_VGPUS];
    uint32_t n = MAX_VGPUS;
    const struct nvml *nvml = gpu->nvml;
    if (nvml->nvmlDeviceGetActiveVgpus == NULL ||
        nvml->nvmlDeviceGetActiveVgpus(gpu->device, &n, vgpus) != NVML_SUCCESS) {
        return false;
    }
    for (uint32_t i = 0; i < n && i < MAX_VGPUS; i++) {
        if (is_of_vm(nvml, vgpus[i], query)) {
            *ret_vgpu = vgpus[i];
            return true;
        }
    }
    return false;
}

int nvml_vgpu_state(const struct nvml_gpu *gpu, const struct gpu_vgpu_query *query,
                    struct gpu_vgpu_state *ret_state, struct error *err)
{
    const struct nvml *nvml = gpu->nvml;
    uint32_t vgpu = 0;
    *ret_state = (struct gpu_vgpu_state){0};
    if (!find_vgpu(gpu, query, &vgpu)) {
        return error_set(err, REASON_NOT_FOUND, gpu->subject,
                         "the driver shows no vGPU of VM %s on this GPU", query->vm_uuid);
    }
    union vgpu_blob blob = {0};
    uint32_t size = sizeof(blob);
    if (nvml->nvmlVgpuInstanceGetMetadata != NULL &&
        nvml->nvmlVgpuInstanceGetMetadata(vgpu, &blob.metadata, &size) == NVML_SUCCESS &&
        size <= sizeof(blob)) {
        (void)base64_encode(blob.bytes, size, ret_state->metadata, sizeof(ret_state->metadata));
    }
    uint64_t used = 0;
    if (nvml->nvmlVgpuInstanceGetFbUsage != NULL &&
        nvml->nvmlVgpuInstanceGetFbUsage(vgpu, &used) == NVML_SUCCESS) {
        ret_state->framebuffer_used_known = true;
        ret_state->framebuffer_used_bytes = used;
    }
    return 0;
}

/* What another host sent must be what it says it is, before the driver looks at it. */
static bool read_blob(const char *text, union vgpu_blob *ret_blob)
{
    size_t len = 0;
    size_t head = offsetof(struct nvml_vgpu_metadata, opaque_data);
    return base64_decode(text, ret_blob->bytes, sizeof(ret_blob->bytes), &len) && len >= head &&
           ret_blob->metadata.opaque_data_size <= len - head;
}

static const char *word_of(uint32_t bits)
{
    /* nvml.h, nvmlVgpuVmCompatibility_t; the most that is possible. */
    static const struct {
        uint32_t bit;
        const char *word;
    } words[] = {{8, "live"}, {4, "sleep"}, {2, "hibernate"}, {1, "cold"}};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if ((bits & words[i].bit) != 0) {
            return words[i].word;
        }
    }
    return "none";
}

int nvml_compatible(const struct nvml_gpu *gpu, const char *metadata, char ret_word[16],
                    struct error *err)
{
    const struct nvml *nvml = gpu->nvml;
    if (nvml->nvmlDeviceGetVgpuMetadata == NULL || nvml->nvmlGetVgpuCompatibility == NULL) {
        return nvml_too_old(err, gpu->subject, "nvmlGetVgpuCompatibility");
    }
    union vgpu_blob vgpu = {0};
    if (!read_blob(metadata, &vgpu)) {
        return error_set(err, REASON_INVALID, "metadata", "the vGPU's metadata can't be read");
    }
    union gpu_blob board = {0};
    uint32_t size = sizeof(board);
    int32_t code = nvml->nvmlDeviceGetVgpuMetadata(gpu->device, &board.metadata, &size);
    struct nvml_vgpu_pgpu_compatibility answer = {0};
    if (code == NVML_SUCCESS) {
        code = nvml->nvmlGetVgpuCompatibility(&vgpu.metadata, &board.metadata, &answer);
    }
    if (code != NVML_SUCCESS) {
        return nvml_fail(nvml, code, err, gpu->subject,
                         "asking whether a vGPU can migrate to this host");
    }
    str_copy(ret_word, 16, word_of(answer.vgpu_vm_compatibility));
    return 0;
}

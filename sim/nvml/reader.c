/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "sim/nvml/reader.h"
#include "sim/rpc/client.h"

int host_read(const void *out, struct rpc_host *ret_host)
{
    int r = session_check();
    if (r == NVML_SUCCESS && out == NULL) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    return r == NVML_SUCCESS ? CALL(HOST, ret_host, 0) : r;
}

int device_ref(const struct nvml_device *device, const void *out, struct ref *ret_ref)
{
    int r = session_check();
    if (r != NVML_SUCCESS) {
        return r;
    }
    return out != NULL && handle_is_device(device, ret_ref) ? NVML_SUCCESS
                                                            : NVML_ERROR_INVALID_ARGUMENT;
}

int board_ref(const struct nvml_device *device, const void *out, struct ref *ret_ref)
{
    int r = device_ref(device, out, ret_ref);
    return r == NVML_SUCCESS && ret_ref->gi != RPC_NONE ? NVML_ERROR_INVALID_ARGUMENT : r;
}

int device_read(const struct nvml_device *device, const void *out, struct rpc_gpu *ret_gpu)
{
    struct ref ref;
    int r = device_ref(device, out, &ref);
    return r == NVML_SUCCESS ? CALL(GPU, ret_gpu, ref.gpu) : r;
}

int part_read(const struct nvml_device *device, const void *out, struct rpc_gpu *ret_gpu,
              struct part *ret_part)
{
    int r = device_ref(device, out, &ret_part->ref);
    if (r == NVML_SUCCESS) {
        r = CALL(GPU, ret_gpu, ret_part->ref.gpu);
    }
    ret_part->is_mig = r == NVML_SUCCESS && ret_part->ref.gi != RPC_NONE;
    if (ret_part->is_mig) {
        r = gi_find(ret_part->ref, &ret_part->instance, &ret_part->profile);
    }
    if (ret_part->is_mig && r == NVML_SUCCESS) {
        r = ci_find(&ret_part->instance, ret_part->ref.ci, &ret_part->compute);
    }
    return r;
}

/* Of a whole board. */
static int whole_ref(const struct nvml_device *device, const void *out, struct ref *ret_ref)
{
    int r = device_ref(device, out, ret_ref);
    return r == NVML_SUCCESS && ret_ref->gi != RPC_NONE ? NVML_ERROR_NOT_SUPPORTED : r;
}

int facts_read(const struct nvml_device *device, const void *out, struct rpc_board *ret_board)
{
    struct ref ref;
    int r = whole_ref(device, out, &ref);
    return r == NVML_SUCCESS ? CALL(BOARD, ret_board, ref.gpu) : r;
}

int telemetry_read(const struct nvml_device *device, const void *out,
                   struct rpc_telemetry *ret_telemetry)
{
    struct ref ref;
    int r = whole_ref(device, out, &ref);
    return r == NVML_SUCCESS ? CALL(TELEMETRY, ret_telemetry, ref.gpu) : r;
}

int setting_write(const struct nvml_device *device, enum sim_setting setting, uint32_t value)
{
    struct ref ref;
    struct rpc_nothing nothing;
    int r = whole_ref(device, device, &ref);
    return r == NVML_SUCCESS ? CALL(SET, &nothing, ref.gpu, setting, value, RPC_NONE) : r;
}

int gi_find(struct ref ref, struct rpc_instance *ret_instance, struct rpc_profile *ret_profile)
{
    struct rpc_instances all;
    int r = CALL(INSTANCES, &all, ref.gpu);
    for (uint32_t i = 0; r == NVML_SUCCESS && i < all.n; i++) {
        if (all.items[i].id != ref.gi) {
            continue;
        }
        *ret_instance = all.items[i];
        return ret_profile != NULL
                   ? CALL(PROFILE, ret_profile, ref.gpu, RPC_BY_ID, all.items[i].profile_id)
                   : NVML_SUCCESS;
    }
    return r == NVML_SUCCESS ? NVML_ERROR_NOT_FOUND : r;
}

int gi_read(const struct nvml_gpu_instance *gi, const void *out, struct ref *ret_ref,
            struct rpc_instance *ret_instance, struct rpc_profile *ret_profile)
{
    int r = session_check();
    if (r != NVML_SUCCESS) {
        return r;
    }
    if (out == NULL || !handle_is_gi(gi, ret_ref)) {
        return NVML_ERROR_INVALID_ARGUMENT;
    }
    r = gi_find(*ret_ref, ret_instance, ret_profile);
    return r == NVML_ERROR_NOT_FOUND ? NVML_ERROR_INVALID_ARGUMENT : r;
}

/* With the slices where the GPU instance has more; without its attributes (nvidia-smi -L and mig
 * -lci of an H100 with a 1g.10gb+me: "MIG 1g.10gb", "MIG 1c.3g.40gb"; starkdrift/prickle-exporter,
 * testdata). */
void ci_name(const struct rpc_profile *gi, uint32_t slices, char *buf, size_t size)
{
    int length = (int)strcspn(gi->name, "+-");
    if (slices < gi->compute_slices) {
        snprintf(buf, size, "%uc.%.*s", slices, length, gi->name);
    } else {
        snprintf(buf, size, "%.*s", length, gi->name);
    }
}

/* One that leaves slices of its GPU instance free has those of so many plain slices (nvidia-smi mig
 * -lcip of an H100: 1c.2g.20gb 16, as 1g.10gb; of an A100: 1c.3g.20gb 14). So has NVML_CI_1_SLICE
 * in a GPU instance of one slice and double memory, where NVML_CI_1_SLICE_REV1 has them all. */
uint32_t ci_multiprocessors(struct ref ref, const struct rpc_profile *gi, uint32_t number,
                            uint32_t slices)
{
    bool all = slices == gi->compute_slices &&
               !(gi->number == NVML_GI_1_SLICE_REV2 && number == NVML_CI_1_SLICE);
    struct rpc_profile plain;
    if (all || CALL(PROFILE, &plain, ref.gpu, RPC_BY_NUMBER, NVML_GI_1_SLICE) != NVML_SUCCESS) {
        return gi->sm / gi->compute_slices * slices;
    }
    uint32_t sm = plain.sm * slices;
    return sm < gi->sm ? sm : gi->sm;
}

int ci_find(const struct rpc_instance *instance, uint32_t id, struct rpc_compute *ret_compute)
{
    for (uint32_t i = 0; i < instance->n_compute; i++) {
        if (instance->compute[i].id == id) {
            *ret_compute = instance->compute[i];
            return NVML_SUCCESS;
        }
    }
    return NVML_ERROR_NOT_FOUND;
}

int type_read(uint32_t type_id, const void *out, struct rpc_type *ret_type)
{
    int r = session_check();
    if (r == NVML_SUCCESS && out == NULL) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    return r == NVML_SUCCESS ? CALL(TYPE, ret_type, RPC_NONE, type_id) : r;
}

int vgpu_read(uint32_t instance, const void *out, struct rpc_vgpu *ret_vgpu)
{
    int r = session_check();
    if (r == NVML_SUCCESS && out == NULL) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    struct rpc_vgpus all;
    if (r == NVML_SUCCESS) {
        r = CALL(VGPUS, &all, RPC_NONE);
    }
    for (uint32_t i = 0; r == NVML_SUCCESS && i < all.n; i++) {
        if (all.items[i].instance == instance && all.items[i].running) {
            *ret_vgpu = all.items[i];
            return NVML_SUCCESS;
        }
    }
    return r == NVML_SUCCESS ? NVML_ERROR_NOT_FOUND : r;
}

int text_out(const char *text, char *buf, uint32_t size)
{
    if (buf == NULL) {
        return NVML_ERROR_INVALID_ARGUMENT;
    }
    size_t len = strlen(text) + 1;
    if (len > size) {
        return NVML_ERROR_INSUFFICIENT_SIZE;
    }
    memcpy(buf, text, len);
    return NVML_SUCCESS;
}

int text_out_sized(const char *text, char *buf, uint32_t *size)
{
    if (size == NULL) {
        return NVML_ERROR_INVALID_ARGUMENT;
    }
    uint32_t room = buf != NULL ? *size : 0;
    *size = (uint32_t)strlen(text) + 1;
    return room < *size ? NVML_ERROR_INSUFFICIENT_SIZE : text_out(text, buf, room);
}

int list_out(const uint32_t *items, uint32_t n, uint32_t *buf, uint32_t *count)
{
    uint32_t room = buf != NULL ? *count : 0;
    *count = n;
    if (n > room) {
        return NVML_ERROR_INSUFFICIENT_SIZE;
    }
    if (n > 0) {
        memcpy(buf, items, n * sizeof(items[0]));
    }
    return NVML_SUCCESS;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A handle is the address of a byte in a static array, and its index names the object. So any
 * pointer that a client passes can be judged without touching it, a handle needs no memory of its
 * own, and it is a true address for clients whose garbage collector looks at pointers (Go).
 */
#include "sim/nvml/handle.h"

#include "sim/rpc/calls.h"

#define MAX_GI_ID 32
#define MAX_CI_ID RPC_MAX_COMPUTE
#define CIS_PER_GPU (MAX_GI_ID * MAX_CI_ID)
#define DEVICES_PER_GPU (1 + CIS_PER_GPU) /* the board, then its MIG devices */

struct nvml_device {
    char unused;
};
struct nvml_gpu_instance {
    char unused;
};
struct nvml_compute_instance {
    char unused;
};

static struct nvml_device devices[RPC_MAX_GPUS * DEVICES_PER_GPU];
static struct nvml_gpu_instance gis[RPC_MAX_GPUS * MAX_GI_ID];
static struct nvml_compute_instance cis[RPC_MAX_GPUS * CIS_PER_GPU];

/* Index of a handle in its array; false when it points elsewhere. */
static bool index_of(const void *handle, const void *array, size_t n, uint32_t *ret_index)
{
    uintptr_t offset = (uintptr_t)handle - (uintptr_t)array;
    if (handle == NULL || offset >= n) {
        return false;
    }
    *ret_index = (uint32_t)offset;
    return true;
}

static uint32_t ci_index(struct ref ref)
{
    return ref.gpu * CIS_PER_GPU + ref.gi % MAX_GI_ID * MAX_CI_ID + ref.ci % MAX_CI_ID;
}

struct nvml_device *handle_device(struct ref ref)
{
    uint32_t part = ref.gi == RPC_NONE ? 0 : 1 + ci_index(ref) % CIS_PER_GPU;
    return &devices[ref.gpu % RPC_MAX_GPUS * DEVICES_PER_GPU + part];
}

struct nvml_gpu_instance *handle_gi(struct ref ref)
{
    return &gis[ref.gpu % RPC_MAX_GPUS * MAX_GI_ID + ref.gi % MAX_GI_ID];
}

struct nvml_compute_instance *handle_ci(struct ref ref)
{
    return &cis[ci_index(ref)];
}

bool handle_is_device(const struct nvml_device *handle, struct ref *ret_ref)
{
    uint32_t index = 0;
    if (!index_of(handle, devices, sizeof(devices), &index)) {
        return false;
    }
    *ret_ref = (struct ref){.gpu = index / DEVICES_PER_GPU, .gi = RPC_NONE, .ci = RPC_NONE};
    uint32_t part = index % DEVICES_PER_GPU;
    if (part > 0) {
        ret_ref->gi = (part - 1) / MAX_CI_ID;
        ret_ref->ci = (part - 1) % MAX_CI_ID;
    }
    return true;
}

bool handle_is_gi(const struct nvml_gpu_instance *handle, struct ref *ret_ref)
{
    uint32_t index = 0;
    if (!index_of(handle, gis, sizeof(gis), &index)) {
        return false;
    }
    *ret_ref = (struct ref){.gpu = index / MAX_GI_ID, .gi = index % MAX_GI_ID, .ci = RPC_NONE};
    return true;
}

bool handle_is_ci(const struct nvml_compute_instance *handle, struct ref *ret_ref)
{
    uint32_t index = 0;
    if (!index_of(handle, cis, sizeof(cis), &index)) {
        return false;
    }
    *ret_ref = (struct ref){
        .gpu = index / CIS_PER_GPU, .gi = index % CIS_PER_GPU / MAX_CI_ID, .ci = index % MAX_CI_ID};
    return true;
}

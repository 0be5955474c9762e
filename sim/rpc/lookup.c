/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/rpc/lookup.h"

#include <string.h>

#include "base/str.h"
#include "nvml/abi_base.h"

#define MIB_PER_GIB 1024u

int rpc_gpu_of(struct sim_host *host, uint32_t number, struct sim_gpu **ret_gpu)
{
    if (number >= host->n_gpus) {
        return NVML_ERROR_INVALID_ARGUMENT;
    }
    struct sim_gpu *gpu = &host->gpus[number];
    if (gpu->lost || !str_eq(gpu->driver, "nvidia")) {
        return NVML_ERROR_GPU_IS_LOST;
    }
    *ret_gpu = gpu;
    return gpu->wedged ? NVML_ERROR_RESET_REQUIRED : NVML_SUCCESS;
}

uint32_t rpc_framebuffer_mib(const struct cat_vgpu_type *type)
{
    if (type->framebuffer_mib != CAT_UNKNOWN) {
        return type->framebuffer_mib;
    }
    const char *size = strrchr(type->name, '-');
    uint32_t gib = 0;
    for (const char *p = size != NULL ? size + 1 : ""; *p >= '0' && *p <= '9' && gib < 1024; p++) {
        gib = gib * 10 + (uint32_t)(*p - '0');
    }
    return gib * MIB_PER_GIB;
}

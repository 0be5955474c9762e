/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of a board. */
#include "sim/state/state.h"

uint32_t sim_memory_mib(const struct sim_gpu *gpu)
{
    const struct cat_measured *seen = &gpu->model->measured;
    uint32_t mib = gpu->settings[SIM_SET_ECC_OFF] != 0 ? seen->ecc_off_mib : seen->mib;
    return mib != CAT_UNKNOWN ? mib : gpu->model->memory_mib;
}

uint32_t sim_reserved_mib(const struct sim_gpu *gpu)
{
    uint32_t mib = gpu->model->measured.reserved_mib;
    return mib != CAT_UNKNOWN ? mib : 0;
}

/* The next power of two above the memory (nvidia-smi -q of an H100, an L40S). */
uint64_t sim_bar1_mib(const struct sim_gpu *gpu)
{
    if (gpu->model->measured.bar1_mib != CAT_UNKNOWN) {
        return gpu->model->measured.bar1_mib;
    }
    uint64_t mib = 1;
    while (mib < gpu->model->memory_mib) {
        mib *= 2;
    }
    return mib;
}

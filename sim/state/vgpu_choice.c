/* SPDX-License-Identifier: Apache-2.0 */
/* Which of several GPU instances with room a vGPU is put on. */
#include "sim/state/internal.h"

WORDS_DEFINE(sim_choice_words, "choice", SIM_CHOICE_COUNT, WORD(SIM_CHOOSE_FILL, "fill"),
             WORD(SIM_CHOOSE_SPREAD, "spread"), WORD(SIM_CHOOSE_RANDOM, "random"))

static uint32_t count_in_gi(struct sim_gpu *gpu, const struct sim_gi *gi)
{
    uint32_t n = 0;
    uint32_t cursor = 0;
    for (struct sim_vgpu *vgpu = sim_next_vgpu(gpu, &cursor, NULL); vgpu != NULL;
         vgpu = sim_next_vgpu(gpu, &cursor, NULL)) {
        n += vgpu->gi_id == gi->id;
    }
    return n;
}

uint64_t sim_choice_rank(struct sim_host *host, struct sim_gpu *gpu, const struct sim_gi *gi)
{
    uint32_t n = count_in_gi(gpu, gi);
    switch (gpu->choice) {
    case SIM_CHOOSE_FILL:
        return (uint64_t)(n == 0) << 32 | gi->id;
    case SIM_CHOOSE_SPREAD:
        return (uint64_t)n << 32 | gi->id;
    case SIM_CHOOSE_RANDOM:
    case SIM_CHOICE_COUNT:
        break;
    }
    return sim_mix(host->seed ^ (host->choices << 16) ^ gi->id);
}

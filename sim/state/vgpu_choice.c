/* SPDX-License-Identifier: Apache-2.0 */
/* Which of several GPU instances with room a vGPU is put on. */
#include "sim/state/internal.h"

#include "base/str.h"

const char *const sim_choice_names[SIM_CHOICE_COUNT + 1] = {
    [SIM_CHOOSE_FILL] = "fill",
    [SIM_CHOOSE_SPREAD] = "spread",
    [SIM_CHOOSE_RANDOM] = "random",
};

bool sim_choice_parse(const char *name, enum sim_choice *ret_choice)
{
    for (int i = 0; i < SIM_CHOICE_COUNT; i++) {
        if (str_eq(sim_choice_names[i], name)) {
            *ret_choice = (enum sim_choice)i;
            return true;
        }
    }
    return false;
}

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

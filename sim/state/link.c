/* SPDX-License-Identifier: Apache-2.0 */
/* The PCI Express link of a board. */
#include "base/str.h"
#include "sim/state/internal.h"

bool sim_has_hbm(const struct gpu_model *model)
{
    /* Data sheets: A100, A30, A800, AX800, B200, B300, GB200, GB300, GH200, H100, H20, H200, H800,
     * V100. */
    static const char *const keys[] = {"a100", "a30", "a800", "ax800", "b200", "b300",
                                       "gb",   "gh",  "h100", "h20",   "h800", "v100"};
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (str_starts(model->key, keys[i])) {
            return true;
        }
    }
    return false;
}

/* Data sheets; of Volta and Turing 3, of Ampere and Ada 4. */
uint32_t sim_link_generation_max(const struct sim_gpu *gpu)
{
    if (gpu->model->arch >= ARCH_HOPPER) {
        return 5;
    }
    return gpu->model->arch >= ARCH_AMPERE ? 4 : 3;
}

static bool is_idle(struct sim_gpu *gpu)
{
    uint32_t cursor = 0;
    struct sim_vgpu *vgpu = sim_next_vgpu(gpu, &cursor, NULL);
    while (vgpu != NULL && vgpu->opener == 0) {
        vgpu = sim_next_vgpu(gpu, &cursor, NULL);
    }
    return vgpu == NULL && sim_bound_to(gpu->driver, "nvidia");
}

/* An idle board with GDDR memory (P8) slows its link down: nvidia-smi of L40S and T4 boards says 1
 * of 4 and 1 of 3. Those with HBM idle in P0 at full speed. */
uint32_t sim_link_generation(struct sim_gpu *gpu)
{
    bool slow = !sim_has_hbm(gpu->model) && is_idle(gpu);
    return slow ? 1 : sim_link_generation_max(gpu);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A GPU is reset, or tests and demonstrations do something to it. */
#include "sim/state/internal.h"

#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"

void sim_gpu_forget_volatile(struct sim_gpu *gpu)
{
    memset(gpu->gis, 0, sizeof(gpu->gis));
    gpu->n_gis = 0;
    gpu->heterogeneous = false;
    gpu->scheduler_policy = SIM_SCHED_BEST_EFFORT;
}

int sim_gpu_reset(struct sim_host *host, struct sim_gpu *gpu)
{
    return sim_nvml_reaches(gpu) ? sim_function_reset(host, gpu) : SIM_NVML_GPU_IS_LOST;
}

int sim_function_reset(struct sim_host *host, struct sim_gpu *gpu)
{
    if (gpu->lost) {
        return SIM_NVML_GPU_IS_LOST;
    }
    if (gpu->no_reset) {
        return SIM_NVML_NOT_SUPPORTED;
    }
    if (gpu->n_vfs > 0 || sim_count_vgpus(gpu) > 0 || sim_any_opened(gpu) ||
        gpu->holder[0] != '\0') {
        return SIM_NVML_IN_USE;
    }
    sim_gpu_forget_volatile(gpu);
    gpu->wedged = false;
    gpu->last_xid = 0;
    /* A pending mode takes effect. Without one, Ampere keeps its mode; Hopper and later forget it.
     */
    bool pending = gpu->mig_pending != gpu->mig_current;
    gpu->mig_current = (pending || gpu->model->mig_needs_reset) && gpu->mig_pending;
    gpu->mig_pending = gpu->mig_current;
    sim_settings_ecc(gpu->settings);
    sim_changed(host);
    return SIM_NVML_OK;
}

int sim_set(struct sim_host *host, struct sim_gpu *gpu, const char *key, const char *value)
{
    if (str_eq(key, "holder")) {
        if (!STR_SET(gpu->holder, value)) {
            return -EINVAL;
        }
    } else if (str_eq(key, "busy")) {
        if (!parse_u32(value, &gpu->busy)) {
            return -EINVAL;
        }
    } else if (str_eq(key, "lost") && (str_eq(value, "1") || str_eq(value, "rescan"))) {
        sim_lose(host, gpu, str_eq(value, "rescan"));
    } else if (str_eq(key, "lost") && str_eq(value, "0")) {
        gpu->lost = false;
    } else if (str_eq(key, "wedged") && (str_eq(value, "0") || str_eq(value, "1"))) {
        gpu->wedged = str_eq(value, "1");
    } else if (str_eq(key, "no_reset") && (str_eq(value, "0") || str_eq(value, "1"))) {
        gpu->no_reset = str_eq(value, "1");
    } else if (!str_eq(key, "instance_choice") || !sim_choice_parse(value, &gpu->choice)) {
        return -EINVAL;
    }
    sim_changed(host);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine's files share and no one else sees. */
#ifndef SIM_STATE_INTERNAL_H
#define SIM_STATE_INTERNAL_H

#include "sim/state/state.h"

/* NVML return codes the engine answers with (nvml.h). */
enum {
    SIM_NVML_OK = 0,
    SIM_NVML_INVALID_ARGUMENT = 2,
    SIM_NVML_NOT_SUPPORTED = 3,
    SIM_NVML_GPU_IS_LOST = 15,
    SIM_NVML_RESET_REQUIRED = 16,
    SIM_NVML_IN_USE = 19,
    SIM_NVML_INSUFFICIENT_RESOURCES = 23,
};

#define SIM_SCHED_BEST_EFFORT 1
#define SIM_SCHED_FIXED_SHARE 3

/* ---- from the bottom: a file uses those above it ---- */

/* mix.c: a number that looks random, of each number; a version 5 style UUID text, of each name. */
uint64_t sim_mix(uint64_t z);
void sim_stable_uuid(const char *name, char out[37]);

/* find.c */
bool sim_bound_to(const char *driver, const char *name);
/* A handle to a GPU that fell off the bus, or whose driver was taken away, is lost. */
bool sim_nvml_reaches(const struct sim_gpu *gpu);
uint32_t sim_count_vgpus(struct sim_gpu *gpu);
bool sim_any_opened(struct sim_gpu *gpu);

/* vgpu_choice.c: the instance of the lowest rank is chosen. */
uint64_t sim_choice_rank(struct sim_host *host, struct sim_gpu *gpu, const struct sim_gi *gi);

/* save.c */
void sim_save(struct sim_host *host);

/* change.c: counts the change, saves, calls the hook. Every change of the engine ends here. */
void sim_changed(struct sim_host *host);

/* gpu.c: drops GPU instances, the mixed-size flag and the scheduler policy: what a rebind does. */
void sim_gpu_forget_volatile(struct sim_gpu *gpu);

/* vgpu_params.c: "vgpu-placement-id=N", SIM_NONE when not given. */
uint32_t sim_params_placement(const char *params);

/* vgpu.c */
void sim_vgpu_clear(struct sim_vgpu *vgpu);
/* False when vgpu_params ask for a placement that the vGPU could not get: its VM must not start. */
bool sim_vgpu_placement_ok(const struct sim_vgpu *vgpu);

/* vf.c */
void sim_gpu_remove_vfs(struct sim_gpu *gpu);
void sim_gpu_add_vfs(struct sim_gpu *gpu);

/* power.c: the GPU as a fresh boot finds it, MIG mode aside; the board as the driver finds it. */
void sim_gpu_power_on(struct sim_gpu *gpu);
void sim_gpu_driver_starts(struct sim_gpu *gpu);

/* host.c: of zeroed memory. */
void sim_host_init(struct sim_host *host);

#endif

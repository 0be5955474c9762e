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

/* Counts the change, saves, tells the hook. Every change of the engine ends here. */
void sim_changed(struct sim_host *host);

/* life.c: the GPU as a fresh boot finds it, MIG mode aside. */
void sim_gpu_power_on(struct sim_gpu *gpu);

/* gpu.c */
void sim_host_init(struct sim_host *host); /* of zeroed memory */
bool sim_bound_to(const char *driver, const char *name);
/* A handle to a GPU that fell off the bus, or whose driver was taken away, is lost. */
bool sim_nvml_reaches(const struct sim_gpu *gpu);
uint32_t sim_count_vgpus(struct sim_gpu *gpu);
bool sim_any_opened(struct sim_gpu *gpu);
/* Drops GPU instances, the mixed-size flag and the scheduler policy: what a rebind does. */
void sim_gpu_forget_volatile(struct sim_gpu *gpu);
/* Version 5 style UUID text of a name; stable. */
void sim_stable_uuid(const char *name, char out[37]);

/* vgpu_params.c: "vgpu-placement-id=N", SIM_NONE when not given. */
uint32_t sim_params_placement(const char *params);

/* vgpu.c */
void sim_vgpu_clear(struct sim_vgpu *vgpu);
/* False when vgpu_params ask for a placement that the vGPU could not get: its VM must not start. */
bool sim_vgpu_placement_ok(const struct sim_vgpu *vgpu);

/* setting.c: the driver starts; a changed ECC mode takes effect (also by a reset) */
void sim_settings_start(struct sim_gpu *gpu);
void sim_settings_ecc(struct sim_gpu *gpu);

/* pci.c */
void sim_gpu_remove_vfs(struct sim_gpu *gpu);

/* save.c */
void sim_save(struct sim_host *host);

/* A number that looks random, of each number. */
uint64_t sim_mix(uint64_t z);

/* vgpu_choice.c */
/* The instance of the lowest rank is chosen. */
uint64_t sim_choice_rank(struct sim_host *host, struct sim_gpu *gpu, const struct sim_gi *gi);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What the simulated driver says that a board can be, without NVML between. */
#include "sim_machine.h"

#include "base/str.h"

#define MAX_TYPES 256

static void add_profile(const struct cat_profile *from, struct board *board)
{
    struct board_profile *profile = vec_push(&board->profiles);
    *profile = (struct board_profile){.id = from->id,
                                      .number = from->nvml_profile,
                                      .gfx = from->gfx,
                                      .compute_slices = from->compute_slices,
                                      .max_instances = from->max_instances,
                                      .size = from->memory_slices,
                                      .n_starts = from->n_placements};
    STR_SET(profile->name, from->name);
    for (uint32_t i = 0; i < from->n_placements; i++) {
        profile->starts[i] = from->placements[i].start;
    }
}

static void add_type(const struct gpu_model *model, const struct cat_vgpu_type *from,
                     struct board *board)
{
    struct board_type *type = vec_push(&board->types);
    *type =
        (struct board_type){.type_id = sim_type_id(model, from),
                            .framebuffer_mib = from->framebuffer_mib,
                            .subsystem_id = from->subsystem_id,
                            .mig_backed = from->mig_backed,
                            .gi_profile_id = from->mig_backed ? from->gi_profile_id : BOARD_UNKNOWN,
                            .max_per_gpu = from->max_per_gpu,
                            .max_per_gi = from->mig_backed ? from->max_per_gi : BOARD_UNKNOWN,
                            .max_per_vm = from->series == 'Q' || from->series == 'C' ? 16 : 1};
    STR_SET(type->name, from->full_name);
}

void sim_board_says(struct sim_host *host, struct sim_gpu *gpu, struct board *ret_board)
{
    const struct cat_vgpu_type *types[MAX_TYPES];
    *ret_board = (struct board){.types_of_mig = gpu->mig_current,
                                .architecture = BOARD_UNKNOWN,
                                .fractional_multi = BOARD_YES, /* sim/nvml/vgpu_mode.c */
                                .mixed_types_multi = BOARD_YES};
    for (vec_each(&gpu->model->profiles, profile)) {
        if (sim_driver_has_profile(host, profile->nvml_profile)) {
            add_profile(profile, ret_board);
        }
    }
    ret_board->profiles_known = ret_board->profiles.n > 0;
    uint32_t n = sim_supported_types(host, gpu, types, MAX_TYPES);
    for (uint32_t i = 0; i < n; i++) {
        add_type(gpu->model, types[i], ret_board);
    }
    ret_board->types_known = n > 0;
    ret_board->vgpu_host = n > 0 ? BOARD_VGPU_YES : BOARD_VGPU_NO;
}

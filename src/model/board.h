/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the driver says that a board can be: its GPU instance profiles with the places that they
 * may take, and its vGPU types. Nothing of it changes while the driver stays loaded, so a port
 * reads it once and not with every look. plan/boards.h lays it over what the catalog knows.
 */
#ifndef MODEL_BOARD_H
#define MODEL_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"

#define BOARD_NAME_SIZE 64
#define BOARD_MAX_PLACES 16 /* of one profile */
#define BOARD_UNKNOWN UINT32_MAX

enum board_answer { BOARD_ANSWER_UNKNOWN, BOARD_NO, BOARD_YES };

struct board_profile {
    uint32_t id;                /* the driver's GI profile id ("nvidia-smi mig -lgip", "ID") */
    uint32_t number;            /* NVML_GPU_INSTANCE_PROFILE_* */
    char name[BOARD_NAME_SIZE]; /* "1g.24gb+gfx" (without "MIG "), "" if the driver has no names */
    bool gfx;
    uint32_t compute_slices, max_instances, memory_mib, sm;
    uint32_t copy_engines, decoders, encoders, jpeg, ofa;
    uint32_t size; /* memory slices, of every place; 0: the driver doesn't say where it may be */
    uint32_t starts[BOARD_MAX_PLACES]; /* ascending */
    uint32_t n_starts;
};

/* BOARD_UNKNOWN: the driver doesn't say. */
struct board_type {
    uint32_t type_id;
    char name[BOARD_NAME_SIZE]; /* in full: "NVIDIA L40S-8Q" */
    uint32_t framebuffer_mib;
    uint32_t subsystem_id; /* of the virtual device: 0xDEVICE */
    bool mig_backed;
    uint32_t gi_profile_id; /* MIG-backed */
    uint32_t max_per_gpu;
    uint32_t max_per_gi; /* MIG-backed */
    uint32_t max_per_vm;
    /* Do all vGPUs of a VM have to be of this type, or of its size? */
    enum board_answer exclusive_type, exclusive_size;
};

enum board_vgpu_host {
    BOARD_VGPU_UNKNOWN,
    BOARD_VGPU_NO, /* the driver can make no vGPU here: it has no vGPU manager, or not for the board
                    */
    BOARD_VGPU_YES,
};

struct board {
    bool profiles_known; /* `profiles` are all that the driver has for the board */
    bool types_known;    /* `types` are all that it offers in the MIG mode that was on */
    bool types_of_mig;   /* that was on */
    enum board_vgpu_host vgpu_host;
    /* May one VM have several vGPUs that are parts of boards, and some of other types? */
    enum board_answer fractional_multi, mixed_types_multi;
    enum board_answer mixed_sizes; /* can its time-sliced vGPUs have several sizes? */
    char vbios[32];                /* "95.02.66.00.15", "" unknown */
    uint32_t architecture;         /* NVML_DEVICE_ARCH_*; BOARD_UNKNOWN */
    VEC(struct board_profile) profiles;
    VEC(struct board_type) types;
};

void board_done(struct board *board);
/* `to` is empty. */
void board_copy(struct board *to, const struct board *from);
bool board_equal(const struct board *a, const struct board *b);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts a vGPU on the GPU instance that it belongs on. The driver chooses among all instances of the
 * profile that have room, and says afterwards which it was (open-gpu-kernel-modules,
 * kernel_vgpu_mgr.c). When it was another one, fillers take the other instances' room: vGPUs of the
 * same type, on functions that the plan set aside, for as long as the step runs. The journal has
 * the list before the first filler is made, so what a daemon leaves that dies is found.
 */
#ifndef EXEC_SEAT_H
#define EXEC_SEAT_H

#include "exec/ports.h"
#include "model/plan.h"

struct seat {
    struct step *step; /* what is read back goes in */
    /* Set aside by the plan, of all GPUs. Borrowed. */
    const struct plan_spare *spares;
    size_t n_spares;
    bool again; /* the step may have been begun before: clear its fillers first */
};

/* Does the step make a vGPU that belongs on one GPU instance? */
bool seat_needed(const struct step *step);

/* 0: the step, of any kind, can be applied. What an attempt before has left takes up room that the
 * check needs, and goes first. Blocks. */
int seat_check(const struct ports *ports, const struct seat *seat, struct error *err);
/* Applies the step, of any kind: by seat_create() if it needs that. Blocks. */
int seat_apply(const struct ports *ports, const struct seat *seat, struct error *err);

/* 0: the vGPU stands on step->gi_id if that is known, else where the driver put it. No filler is
 * left. On an error no vGPU of the step is left on another instance. Blocks. */
int seat_create(const struct ports *ports, const struct seat *seat, struct error *err);

/* Takes away what fillers of the step are left: after a death, or a failure. */
int seat_clear(const struct ports *ports, const struct seat *seat, struct error *err);

/* The id of the instance that the step's vGPU belongs on, as far as the plan's steps made it or
 * made it again in an undo; else as the planner knew it. */
uint32_t seat_instance(const struct plan *plan, const struct step *step);

#endif

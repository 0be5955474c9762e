/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a restoration, each for one mode. Private to src/plan. */
#ifndef PLAN_RESTORE_WORK_H
#define PLAN_RESTORE_WORK_H

#include "plan/restore.h"
#include "plan/work.h"

/* A claim on the GPU, its assignment moved to where the GPU is now. */
struct restore_item {
    struct claim claim;
    const struct claim *stored;
    const struct cat_vgpu_type *type;  /* NULL without a vGPU, or not catalogued */
    const struct cat_profile *profile; /* NULL when not on a GPU instance */
    bool late;
    bool renamed;  /* this boot's vGPUs are of another interface: its device is another */
    bool unsure;   /* so it seems, and it shows once the functions are enabled */
    uint32_t left; /* room for more on its instance, once its claims have theirs */
    enum restore_outcome outcome;
    struct error why;
};

struct restore {
    struct gpu_work work;            /* planner, GPU, model, steps */
    const struct gpu_record *record; /* NULL: nothing is remembered */
    VEC(struct restore_item) items;
    enum gpu_mode mode;
    bool more;
    struct error why;
};

void restore_block(struct restore_item *item, const struct error *why);
void restore_block_all(struct restore *r, const struct error *why);
/* The item's vGPU: there, to be created, or blocked by another on its function. */
void restore_vgpu(struct restore *r, struct restore_item *item);

/* Devices by the interface that the GPU's vGPUs have now: another function, or another UUID. */
void restore_interface(struct restore *r, void (*new_uuid)(char out[37]));
/* True: which interface it is shows only after the steps so far, or is waited for. */
bool restore_looks_first(struct restore *r);

void restore_time_sliced(struct restore *r);
void restore_mig(struct restore *r);
void restore_passthrough(struct restore *r);

#endif

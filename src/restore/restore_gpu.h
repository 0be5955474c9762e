/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One GPU of a restoration (restore_run.h): which GPUs have something to come back, the plan of one
 * attempt, and what becomes of the GPU after it. Loop thread only.
 */
#ifndef RESTORE_RESTORE_GPU_H
#define RESTORE_RESTORE_GPU_H

#include <stdbool.h>

#include "restore/restore_run.h"

struct gpu;
struct manager;

/* Between attempts: doubled each time up to the longest. */
#define RESTORE_FIRST_PAUSE_US 20000
#define RESTORE_LONGEST_PAUSE_US 5000000

void restore_gpu_done(struct restore_gpu *gpu);
/* Adds the GPUs that are there by now and lack something, and finds claims whose GPU is absent. */
void restore_gpus_find(const struct manager *m, struct restore_run *run);
/* What would bring back all that the GPU lacks; the caller ends *ret_restoration. `entry`: claims
 * that failed in it come last; NULL: none has. */
void restore_gpu_plan_alone(struct manager *m, const struct gpu *gpu,
                            const struct restore_gpu *entry, const char *author,
                            struct restoration *ret_restoration);
/* The entry's claims and state become what the plan says of them. */
void restore_gpu_take_outcome(struct restore_gpu *entry, const struct restoration *restoration);
/* The plan that brings something back on that GPU, the caller's; NULL: there is none, and the
 * entry's state says why. */
struct plan *restore_gpu_plan(struct manager *m, struct restore_gpu *entry);
/* The same for the first GPU that is due, *ret_entry; NULL: none is. */
struct plan *restore_gpus_next_plan(struct manager *m, struct restore_gpu **ret_entry);

/* Waits for another attempt. */
void restore_gpu_pause(struct restore_gpu *entry);
/* Nothing more is done for it. */
bool restore_gpu_is_over(const struct restore_gpu *entry);
/* Gives up a GPU whose turn did not come, with its reason. */
void restore_gpu_leave(struct restore_gpu *entry);
/* A plan of it has ended. What waiting can't cure is not tried again. */
void restore_gpu_plan_was_done(struct restore_gpu *entry, const struct plan *plan);
void restore_gpu_plan_has_failed(struct restore_gpu *entry, const struct plan *plan);

#endif

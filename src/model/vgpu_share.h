/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What share of its GPU's time, or of its GPU instance's, a vGPU is entitled to (NVIDIA vGPU
 * software user guide 17, "Changing Scheduling Behavior for Time-Sliced vGPUs"): under best effort
 * none is guaranteed, under equal share it is one of as many parts as vGPUs run, under fixed share
 * one of as many as there may be of its type. Pure.
 */
#ifndef MODEL_VGPU_SHARE_H
#define MODEL_VGPU_SHARE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/gpu_scheduler.h"
#include "schema/schema.h"

/* Names are shown and never change. */
enum share_kind {
    SHARE_UNKNOWN, /* policy, limit or number of vGPUs is not known */
    SHARE_NONE,    /* "none": best effort guarantees nothing */
    SHARE_PART,    /* "part": one of `parts`; 1: all of it */
    SHARE_COUNT
};
WORDS_DECLARE(share_kind, share_kind_words) /* SHARE_UNKNOWN has no word */

enum share_whole {
    SHARE_OF_GPU,      /* "gpu" */
    SHARE_OF_INSTANCE, /* "gpu-instance" */
    SHARE_WHOLE_COUNT
};
WORDS_DECLARE(share_whole, share_whole_words)

struct vgpu_share {
    enum share_kind kind;
    uint32_t parts; /* PART: at least 1 */
    enum share_whole whole;
};

/* All that decides about a share. */
struct share_question {
    enum scheduler_policy policy; /* of the GPU, or of the instance */
    enum share_whole whole;
    uint32_t most;    /* vGPUs of its type that the GPU, or the instance, can have; NO_ID unknown */
    uint32_t running; /* vGPUs that run there, this one among them if it does; NO_ID unknown */
    bool runs;        /* does this one? */
};

struct vgpu_share vgpu_share_of(const struct share_question *question);
/* May what other VMs do change how much this one gets, by its share alone? A VM whose speed has to
 * be predictable takes none of those: it needs fixed share, or a GPU or GPU instance of its own.
 * `most` as above. */
bool vgpu_share_is_predictable(enum scheduler_policy policy, uint32_t most);
/* "1/4 of the GPU", "all of its instance", "none guaranteed"; "" unknown. Returns out. */
#define VGPU_SHARE_TEXT_SIZE 48
const char *vgpu_share_text(const struct vgpu_share *share, char out[VGPU_SHARE_TEXT_SIZE]);

/* {guarantee, parts, of, text}; null: unknown. */
extern const struct schema vgpu_share_schema;

#endif

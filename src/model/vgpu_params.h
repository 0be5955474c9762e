/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parameters of one vGPU, as a claim wants them and as the kernel's file vgpu_params has them
 * (NVIDIA vGPU software user guide 17, "Setting vGPU plugin parameters"). The VM starts with what
 * the file says; the file is lost with the vGPU, by a reboot or a reload of the driver.
 */
#ifndef MODEL_VGPU_PARAMS_H
#define MODEL_VGPU_PARAMS_H

#include <stdint.h>

#include "base/unknown.h"
#include "schema/schema.h"

/* Bytes of a line of vgpu_params that the driver takes (VGPU_CONFIG_PARAMS_MAX_LENGTH of NVIDIA's
 * nvidia-vgpu-vfio, 460.73.01). */
#define VGPU_PARAMS_MAX 1024
#define VGPU_PARAMS_TEXT_SIZE 192

/* Unknown, as wanted: what the driver does without a word about it. */
struct vgpu_params {
    bool set; /* a person named some, or none in an empty object */
    enum tristate unified_memory;
    enum tristate debugger;
    enum tristate profiler;
    enum tristate frame_rate_limiter;
    enum tristate console;
};

/* One parameter: a person's word for it, the driver's key, and what it means. */
struct vgpu_param {
    const char *word; /* "unified-memory", of the command line */
    const char *name; /* "unifiedMemory", of the API */
    const char *key;  /* "enable_uvm", of vgpu_params */
    size_t offset;    /* of its tristate in struct vgpu_params */
    bool inverted;    /* the driver's 1 is "off" */
    bool initial;     /* what the driver does where the file has no word about it */
    bool pins;        /* on: the VM can't live-migrate */
    const char *effect;
};
#define VGPU_PARAM_COUNT 5
extern const struct vgpu_param vgpu_param_table[VGPU_PARAM_COUNT];

enum tristate vgpu_param_get(const struct vgpu_params *params, const struct vgpu_param *param);
void vgpu_param_set(struct vgpu_params *params, const struct vgpu_param *param, bool on);
/* By a person's word; NULL: there is none of that name. */
const struct vgpu_param *vgpu_param_find(const char *word);
/* Does it want any? */
bool vgpu_params_any(const struct vgpu_params *params);
bool vgpu_params_equal(const struct vgpu_params *a, const struct vgpu_params *b);
/* "unified memory" and the like, the first that is on and keeps the VM from live migration; NULL:
 * none. Borrowed. */
const char *vgpu_params_pinned_by(const struct vgpu_params *params);
/* The line for vgpu_params: "vgpu-placement-id=16, enable_uvm=1"; " ", which clears the file, where
 * nothing is wanted. Returns out. */
const char *vgpu_params_line(const struct vgpu_params *params, uint32_t placement_id,
                             char out[VGPU_PARAMS_TEXT_SIZE]);
/* What a line of vgpu_params means. Each parameter is known: one that has no word has its initial
 * value. One with two words that contradict each other, or with a word that is neither 0 nor 1, is
 * unknown. Other parameters are passed over. */
struct vgpu_params vgpu_params_read(const char *line);
/* The same, of those parameters alone that the line names. */
struct vgpu_params vgpu_params_said(const char *line);
/* Has the line what is wanted? False: *out says what differs: "unified-memory is off, and the claim
 * wants it on". */
bool vgpu_params_serve(const struct vgpu_params *wanted, const char *line, char *out, size_t size);
/* "unified-memory on, console off"; "" where none is wanted. Returns out. */
const char *vgpu_params_describe(const struct vgpu_params *params, char out[VGPU_PARAMS_TEXT_SIZE]);

/* {unifiedMemory, debugger, profiler, frameRateLimiter, console}: booleans; null: unset. */
extern const struct schema vgpu_params_schema;

#endif

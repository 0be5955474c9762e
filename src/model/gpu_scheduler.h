/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How time-sliced vGPUs share their GPU's engines (NVIDIA vGPU software user guide, "Changing
 * Scheduling Behavior for Time-Sliced vGPUs"). The driver forgets it when it is reloaded, at a
 * reboot, and when virtual functions are enabled or disabled.
 */
#ifndef MODEL_GPU_SCHEDULER_H
#define MODEL_GPU_SCHEDULER_H

#include <stdbool.h>
#include <stdint.h>

#include "schema/schema.h"

/* Names are stored and never change. */
enum scheduler_policy {
    SCHEDULER_UNKNOWN, /* not reported, or no one wants a particular one */
    SCHEDULER_BEST_EFFORT,
    SCHEDULER_EQUAL_SHARE,
    SCHEDULER_FIXED_SHARE,
    SCHEDULER_POLICY_COUNT
};
WORDS_DECLARE(scheduler_policy, scheduler_policy_words) /* SCHEDULER_UNKNOWN has no word */
/* For people and rules: "unknown", too. */
const char *gpu_scheduler_policy_name(enum scheduler_policy policy);

/* Either a fixed time slice, or adaptive round robin: then a frequency and an averaging factor
 * decide, and slice_ns, as observed, is what comes of them. 0: the driver's default. Best effort
 * has no parameters. */
struct gpu_scheduler {
    enum scheduler_policy policy;
    bool adaptive;
    uint32_t slice_ns;
    uint32_t frequency_hz;
    uint32_t averaging;
};

/* Does what is observed serve what is wanted? Defaults (0) on either side match anything; a
 * frequency matches the slice that comes of it. */
bool gpu_scheduler_matches(const struct gpu_scheduler *wanted,
                           const struct gpu_scheduler *observed);
/* "equal-share, 2.083 ms slices (480 Hz, averaging 33)"; returns out. */
const char *gpu_scheduler_describe(const struct gpu_scheduler *scheduler, char *out, size_t size);

/* {policy, adaptive, sliceNs, frequencyHz, averaging}; null when the policy is unknown. */
extern const struct schema gpu_scheduler_schema;

#endif

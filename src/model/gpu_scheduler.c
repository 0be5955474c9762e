/* SPDX-License-Identifier: Apache-2.0 */
#include "model/gpu_scheduler.h"

#include <stdio.h>

#include "base/str.h"

#define NS_PER_S UINT32_C(1000000000)
#define NS_PER_MS 1e6

WORDS_DEFINE(scheduler_policy_words, "scheduling policy", SCHEDULER_POLICY_COUNT,
             WORD(SCHEDULER_BEST_EFFORT, "best-effort"), WORD(SCHEDULER_EQUAL_SHARE, "equal-share"),
             WORD(SCHEDULER_FIXED_SHARE, "fixed-share"))

const char *gpu_scheduler_policy_name(enum scheduler_policy policy)
{
    return policy == SCHEDULER_UNKNOWN ? "unknown" : scheduler_policy_name(policy);
}

/* The slice that the parameters lead to; 0 when the driver decides. */
static uint32_t slice_of(const struct gpu_scheduler *scheduler)
{
    if (scheduler->slice_ns != 0 || scheduler->frequency_hz == 0) {
        return scheduler->slice_ns;
    }
    return NS_PER_S / scheduler->frequency_hz;
}

static bool same_or_default(uint32_t a, uint32_t b)
{
    return a == 0 || b == 0 || a == b;
}

bool gpu_scheduler_matches(const struct gpu_scheduler *wanted, const struct gpu_scheduler *observed)
{
    if (wanted->policy == SCHEDULER_UNKNOWN) {
        return true;
    }
    if (wanted->policy != observed->policy) {
        return false;
    }
    if (wanted->policy == SCHEDULER_BEST_EFFORT) {
        return true;
    }
    bool chosen = wanted->slice_ns != 0 || wanted->frequency_hz != 0 || wanted->averaging != 0;
    return (!chosen || wanted->adaptive == observed->adaptive) &&
           same_or_default(slice_of(wanted), slice_of(observed)) &&
           same_or_default(wanted->averaging, observed->averaging);
}

const char *gpu_scheduler_describe(const struct gpu_scheduler *scheduler, char *out, size_t size)
{
    CLEANUP_STRBUF struct strbuf text = {0};
    strbuf_addf(&text, "%s", gpu_scheduler_policy_name(scheduler->policy));
    uint32_t slice = slice_of(scheduler);
    if (slice != 0) {
        strbuf_addf(&text, ", %.4g ms slices", slice / NS_PER_MS);
    }
    if (scheduler->adaptive && scheduler->frequency_hz != 0) {
        strbuf_addf(&text, ", %u Hz", scheduler->frequency_hz);
    }
    if (scheduler->adaptive && scheduler->averaging != 0) {
        strbuf_addf(&text, ", averaging %u", scheduler->averaging);
    }
    str_copy(out, size, strbuf_str(&text));
    return out;
}

static const struct field scheduler_fields[] = {
    FIELD_WORD(struct gpu_scheduler, policy, "policy", scheduler_policy, FACE_KEPT,
               .required = true),
    FIELD_BOOL(struct gpu_scheduler, adaptive, "adaptive", FACE_KEPT),
    FIELD_SIZE(struct gpu_scheduler, slice_ns, "sliceNs", FACE_KEPT),
    FIELD_SIZE(struct gpu_scheduler, frequency_hz, "frequencyHz", FACE_KEPT),
    FIELD_SIZE(struct gpu_scheduler, averaging, "averaging", FACE_KEPT),
};
const struct schema gpu_scheduler_schema = SCHEMA_OPTIONAL(gpu_scheduler, scheduler_fields, policy);

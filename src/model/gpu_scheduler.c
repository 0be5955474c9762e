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

static json_t *number(uint32_t value)
{
    return value == 0 ? json_null() : json_integer(value);
}

json_t *gpu_scheduler_to_json(const struct gpu_scheduler *scheduler)
{
    if (scheduler->policy == SCHEDULER_UNKNOWN) {
        return json_null();
    }
    return json_pack("{s:s, s:b, s:o, s:o, s:o}", "policy",
                     gpu_scheduler_policy_name(scheduler->policy), "adaptive", scheduler->adaptive,
                     "sliceNs", number(scheduler->slice_ns), "frequencyHz",
                     number(scheduler->frequency_hz), "averaging", number(scheduler->averaging));
}

void gpu_scheduler_decode(struct reader *outer, const char *key,
                          struct gpu_scheduler *ret_scheduler)
{
    json_t *json = reader_object_or_null(outer, key);
    if (json == NULL) {
        return;
    }
    struct reader r;
    char path[64];
    reader_init(&r, json, outer->origin, reader_path(outer, key, -1, path, sizeof(path)),
                outer->err);
    int policy = reader_word(&r, "policy", &scheduler_policy_words);
    ret_scheduler->policy = policy < 0 ? SCHEDULER_UNKNOWN : (enum scheduler_policy)policy;
    ret_scheduler->adaptive = reader_bool_or(&r, "adaptive", false);
    ret_scheduler->slice_ns = (uint32_t)reader_int_or(&r, "sliceNs", 0, UINT32_MAX, 0);
    ret_scheduler->frequency_hz = (uint32_t)reader_int_or(&r, "frequencyHz", 0, UINT32_MAX, 0);
    ret_scheduler->averaging = (uint32_t)reader_int_or(&r, "averaging", 0, UINT32_MAX, 0);
    int result = reader_end(&r);
    outer->result = outer->result != 0 ? outer->result : result;
}

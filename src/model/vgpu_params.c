/* SPDX-License-Identifier: Apache-2.0 */
#include "model/vgpu_params.h"

#include <string.h>

#include "base/str.h"

#define PLACEMENT_KEY "vgpu-placement-id"

/* Keys and initial values: NVIDIA vGPU software user guide 17, "Setting vGPU plugin parameters",
 * "Enabling unified memory for a vGPU", "Enabling NVIDIA CUDA Toolkit development tools"; what
 * migration can't move: 6.3. */
const struct vgpu_param vgpu_param_table[VGPU_PARAM_COUNT] = {
    {"unified-memory", "unifiedMemory", "enable_uvm", offsetof(struct vgpu_params, unified_memory),
     .pins = true, .effect = "CUDA unified memory"},
    {"debugger", "debugger", "enable_debugging", offsetof(struct vgpu_params, debugger),
     .pins = true, .effect = "CUDA debuggers"},
    {"profiler", "profiler", "enable_profiling", offsetof(struct vgpu_params, profiler),
     .pins = true, .effect = "CUDA profilers"},
    {"frame-rate-limiter", "frameRateLimiter", "frame_rate_limiter",
     offsetof(struct vgpu_params, frame_rate_limiter), .initial = true,
     .effect = "at most 45 frames a second of B types, 60 of others"},
    {"console", "console", "disable_vnc", offsetof(struct vgpu_params, console), .inverted = true,
     .initial = true, .effect = "the vGPU's picture on the VM's console"},
};

static enum tristate *member(struct vgpu_params *params, const struct vgpu_param *param)
{
    return (enum tristate *)((char *)params + param->offset);
}

enum tristate vgpu_param_get(const struct vgpu_params *params, const struct vgpu_param *param)
{
    return *(const enum tristate *)((const char *)params + param->offset);
}

void vgpu_param_set(struct vgpu_params *params, const struct vgpu_param *param, bool on)
{
    params->set = true;
    *member(params, param) = on ? TRI_YES : TRI_NO;
}

const struct vgpu_param *vgpu_param_find(const char *word)
{
    for (size_t i = 0; i < VGPU_PARAM_COUNT; i++) {
        if (str_eq(vgpu_param_table[i].word, word)) {
            return &vgpu_param_table[i];
        }
    }
    return NULL;
}

bool vgpu_params_any(const struct vgpu_params *params)
{
    for (size_t i = 0; i < VGPU_PARAM_COUNT; i++) {
        if (vgpu_param_get(params, &vgpu_param_table[i]) != TRI_UNKNOWN) {
            return true;
        }
    }
    return false;
}

bool vgpu_params_equal(const struct vgpu_params *a, const struct vgpu_params *b)
{
    for (size_t i = 0; i < VGPU_PARAM_COUNT; i++) {
        const struct vgpu_param *param = &vgpu_param_table[i];
        if (vgpu_param_get(a, param) != vgpu_param_get(b, param)) {
            return false;
        }
    }
    return true;
}

const char *vgpu_params_pinned_by(const struct vgpu_params *params)
{
    for (size_t i = 0; i < VGPU_PARAM_COUNT; i++) {
        const struct vgpu_param *param = &vgpu_param_table[i];
        if (param->pins && vgpu_param_get(params, param) == TRI_YES) {
            return param->word;
        }
    }
    return NULL;
}

const char *vgpu_params_line(const struct vgpu_params *params, uint32_t placement_id,
                             char out[VGPU_PARAMS_TEXT_SIZE])
{
    CLEANUP_STRBUF struct strbuf line = {0};
    if (placement_id != NO_ID) {
        strbuf_addf(&line, PLACEMENT_KEY "=%u", placement_id);
    }
    for (size_t i = 0; i < VGPU_PARAM_COUNT; i++) {
        const struct vgpu_param *param = &vgpu_param_table[i];
        enum tristate value = vgpu_param_get(params, param);
        if (value != TRI_UNKNOWN) {
            bool one = (value == TRI_YES) != param->inverted;
            strbuf_addf(&line, "%s%s=%d", line.len > 0 ? ", " : "", param->key, one ? 1 : 0);
        }
    }
    (void)str_copy(out, VGPU_PARAMS_TEXT_SIZE, line.len > 0 ? strbuf_str(&line) : " ");
    return out;
}

/* ---- a line that was read ---- */

static const char separators[] = ", \t\n";

/* The value of one word "key=0" or "key=1" of that parameter; false: it is of another one. */
static bool word_means(const struct vgpu_param *param, const char *word, size_t len,
                       enum tristate *ret_value)
{
    size_t key = strlen(param->key);
    if (len <= key || strncmp(word, param->key, key) != 0 || word[key] != '=') {
        return false;
    }
    *ret_value = TRI_UNKNOWN;
    if (len == key + 2 && (word[key + 1] == '0' || word[key + 1] == '1')) {
        *ret_value = (word[key + 1] == '1') != param->inverted ? TRI_YES : TRI_NO;
    }
    return true;
}

/* Is the parameter in the line? Then its value; unknown: words about it that can't be understood,
 * or contradict each other. */
static bool is_said(const struct vgpu_param *param, const char *line, enum tristate *ret_value)
{
    bool seen = false;
    for (const char *at = line + strspn(line, separators); *at != '\0';
         at += strspn(at, separators)) {
        size_t len = strcspn(at, separators);
        enum tristate word = TRI_UNKNOWN;
        if (word_means(param, at, len, &word)) {
            *ret_value = !seen || *ret_value == word ? word : TRI_UNKNOWN;
            seen = true;
        }
        at += len;
    }
    return seen;
}

struct vgpu_params vgpu_params_read(const char *line)
{
    struct vgpu_params params = {.set = true};
    for (size_t i = 0; i < VGPU_PARAM_COUNT; i++) {
        const struct vgpu_param *param = &vgpu_param_table[i];
        enum tristate value = TRI_UNKNOWN;
        bool said = is_said(param, line, &value);
        *member(&params, param) = said ? value : param->initial ? TRI_YES : TRI_NO;
    }
    return params;
}

struct vgpu_params vgpu_params_said(const char *line)
{
    struct vgpu_params params = {0};
    for (size_t i = 0; i < VGPU_PARAM_COUNT; i++) {
        (void)is_said(&vgpu_param_table[i], line, member(&params, &vgpu_param_table[i]));
    }
    params.set = vgpu_params_any(&params);
    return params;
}

static const char *say(enum tristate value)
{
    return value == TRI_UNKNOWN ? "neither on nor off" : value == TRI_YES ? "on" : "off";
}

bool vgpu_params_serve(const struct vgpu_params *wanted, const char *line, char *out, size_t size)
{
    CLEANUP_STRBUF struct strbuf text = {0};
    struct vgpu_params has = vgpu_params_read(line);
    for (size_t i = 0; i < VGPU_PARAM_COUNT; i++) {
        const struct vgpu_param *param = &vgpu_param_table[i];
        enum tristate want = vgpu_param_get(wanted, param);
        enum tristate is = vgpu_param_get(&has, param);
        if (want != TRI_UNKNOWN && want != is) {
            strbuf_addf(&text, "%s%s is %s, and the claim wants it %s", text.len > 0 ? "; " : "",
                        param->word, say(is), say(want));
        }
    }
    (void)str_copy(out, size, strbuf_str(&text));
    return text.len == 0;
}

const char *vgpu_params_describe(const struct vgpu_params *params, char out[VGPU_PARAMS_TEXT_SIZE])
{
    CLEANUP_STRBUF struct strbuf text = {0};
    for (size_t i = 0; i < VGPU_PARAM_COUNT; i++) {
        enum tristate value = vgpu_param_get(params, &vgpu_param_table[i]);
        if (value != TRI_UNKNOWN) {
            strbuf_addf(&text, "%s%s %s", text.len > 0 ? ", " : "", vgpu_param_table[i].word,
                        say(value));
        }
    }
    (void)str_copy(out, VGPU_PARAMS_TEXT_SIZE, strbuf_str(&text));
    return out;
}

static const struct field vgpu_params_fields[] = {
    FIELD_TRISTATE(struct vgpu_params, unified_memory, "unifiedMemory", FACE_ALL, .left_out = true),
    FIELD_TRISTATE(struct vgpu_params, debugger, "debugger", FACE_ALL, .left_out = true),
    FIELD_TRISTATE(struct vgpu_params, profiler, "profiler", FACE_ALL, .left_out = true),
    FIELD_TRISTATE(struct vgpu_params, frame_rate_limiter, "frameRateLimiter", FACE_ALL,
                   .left_out = true),
    FIELD_TRISTATE(struct vgpu_params, console, "console", FACE_ALL, .left_out = true),
};
const struct schema vgpu_params_schema = SCHEMA_OPTIONAL(vgpu_params, vgpu_params_fields, set);

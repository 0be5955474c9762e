/* SPDX-License-Identifier: Apache-2.0 */
#include "model/vgpu_share.h"

#include "base/str.h"
#include "base/unknown.h"

WORDS_DEFINE(share_kind_words, "guarantee", SHARE_COUNT, WORD(SHARE_NONE, "none"),
             WORD(SHARE_PART, "part"))
WORDS_DEFINE(share_whole_words, "whole", SHARE_WHOLE_COUNT, WORD(SHARE_OF_GPU, "gpu"),
             WORD(SHARE_OF_INSTANCE, "gpu-instance"))

static struct vgpu_share part(const struct share_question *question, uint32_t parts)
{
    if (parts == NO_ID || parts == 0) {
        return (struct vgpu_share){.kind = SHARE_UNKNOWN};
    }
    return (struct vgpu_share){.kind = SHARE_PART, .parts = parts, .whole = question->whole};
}

/* As it will be once this one runs as well. */
static uint32_t count_running(const struct share_question *question)
{
    if (question->running == NO_ID) {
        return NO_ID;
    }
    uint32_t others = question->running - (question->runs && question->running > 0 ? 1 : 0);
    return others + 1;
}

struct vgpu_share vgpu_share_of(const struct share_question *question)
{
    if (question->most == 1) {
        return part(question, 1); /* there is no other one to share with */
    }
    switch (question->policy) {
    case SCHEDULER_BEST_EFFORT:
        return (struct vgpu_share){.kind = SHARE_NONE, .whole = question->whole};
    case SCHEDULER_EQUAL_SHARE:
        return part(question, count_running(question));
    case SCHEDULER_FIXED_SHARE:
        return part(question, question->most);
    case SCHEDULER_UNKNOWN:
    case SCHEDULER_POLICY_COUNT:
        break;
    }
    return (struct vgpu_share){.kind = SHARE_UNKNOWN};
}

bool vgpu_share_is_predictable(enum scheduler_policy policy, uint32_t most)
{
    return most == 1 || policy == SCHEDULER_FIXED_SHARE;
}

const char *vgpu_share_text(const struct vgpu_share *share, char out[VGPU_SHARE_TEXT_SIZE])
{
    const char *whole = share->whole == SHARE_OF_GPU ? "the GPU" : "its instance";
    out[0] = '\0';
    if (share->kind == SHARE_NONE) {
        str_print(out, VGPU_SHARE_TEXT_SIZE, "none guaranteed");
    } else if (share->kind == SHARE_PART && share->parts == 1) {
        str_print(out, VGPU_SHARE_TEXT_SIZE, "all of %s", whole);
    } else if (share->kind == SHARE_PART) {
        str_print(out, VGPU_SHARE_TEXT_SIZE, "1/%u of %s", share->parts, whole);
    }
    return out;
}

static json_t *put_text(const void *object)
{
    char text[VGPU_SHARE_TEXT_SIZE];
    return json_string(vgpu_share_text(object, text));
}

static const struct field_hook text_hook = {.put = put_text};

static const struct field share_fields[] = {
    FIELD_WORD(struct vgpu_share, kind, "guarantee", share_kind, FACE_API, .required = true),
    FIELD_SIZE(struct vgpu_share, parts, "parts", FACE_API),
    FIELD_WORD(struct vgpu_share, whole, "of", share_whole, FACE_API),
    FIELD_HOOK("text", text_hook, FACE_API),
};
const struct schema vgpu_share_schema = SCHEMA_OPTIONAL(vgpu_share, share_fields, kind);

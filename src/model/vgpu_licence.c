/* SPDX-License-Identifier: Apache-2.0 */
#include "model/vgpu_licence.h"

#include "base/clock.h"
#include "base/str.h"

#define DATE_LEN 10 /* of "2027-01-31" */

WORDS_DEFINE(vgpu_licence_state_words, "licence state", VGPU_LICENCE_STATE_COUNT,
             WORD(VGPU_LICENCE_UNINITIALIZED, "uninitialized"),
             WORD(VGPU_LICENCE_UNRESTRICTED, "unrestricted"),
             WORD(VGPU_LICENCE_RESTRICTED, "restricted"),
             WORD(VGPU_LICENCE_UNLICENSED, "unlicensed"), WORD(VGPU_LICENCE_LICENSED, "licensed"))
WORDS_DEFINE(vgpu_licence_expiry_words, "licence expiry", VGPU_LICENCE_EXPIRY_COUNT,
             WORD(VGPU_LICENCE_EXPIRY_VALID, "valid"),
             WORD(VGPU_LICENCE_EXPIRY_PERMANENT, "permanent"),
             WORD(VGPU_LICENCE_EXPIRY_NOT_APPLICABLE, "not-applicable"),
             WORD(VGPU_LICENCE_EXPIRY_INVALID, "invalid"))

bool vgpu_licence_is_missing(const struct vgpu_licence *licence)
{
    return licence->state == VGPU_LICENCE_UNRESTRICTED ||
           licence->state == VGPU_LICENCE_RESTRICTED || licence->state == VGPU_LICENCE_UNLICENSED;
}

static void add_expiry(const struct vgpu_licence *licence, char *out)
{
    char time[CLOCK_TEXT_SIZE];
    if (licence->expiry == VGPU_LICENCE_EXPIRY_VALID) {
        clock_format(licence->expires_us, time, sizeof(time));
        str_print(out, VGPU_LICENCE_TEXT_SIZE, "licensed until %.*s", DATE_LEN, time);
    } else if (licence->expiry == VGPU_LICENCE_EXPIRY_PERMANENT) {
        str_print(out, VGPU_LICENCE_TEXT_SIZE, "licensed permanently");
    } else {
        str_print(out, VGPU_LICENCE_TEXT_SIZE, "licensed");
    }
}

const char *vgpu_licence_text(const struct vgpu_licence *licence, char out[VGPU_LICENCE_TEXT_SIZE])
{
    static const char *const texts[VGPU_LICENCE_STATE_COUNT] = {
        [VGPU_LICENCE_UNINITIALIZED] = "not asked for yet",
        [VGPU_LICENCE_UNRESTRICTED] = "no licence, unrestricted",
        [VGPU_LICENCE_RESTRICTED] = "no licence, restricted",
        [VGPU_LICENCE_UNLICENSED] = "no licence",
    };
    out[0] = '\0';
    if (licence->state == VGPU_LICENCE_LICENSED) {
        add_expiry(licence, out);
    } else if (licence->state < VGPU_LICENCE_STATE_COUNT && texts[licence->state] != NULL) {
        str_print(out, VGPU_LICENCE_TEXT_SIZE, "%s", texts[licence->state]);
    }
    return out;
}

static json_t *put_text(const void *object)
{
    char text[VGPU_LICENCE_TEXT_SIZE];
    return json_string(vgpu_licence_text(object, text));
}

static const struct field_hook text_hook = {.put = put_text};

static bool expiry_is_known(const void *object)
{
    return ((const struct vgpu_licence *)object)->expiry != VGPU_LICENCE_EXPIRY_UNKNOWN;
}

static const struct field licence_fields[] = {
    FIELD_WORD(struct vgpu_licence, state, "state", vgpu_licence_state, FACE_API, .required = true),
    FIELD_WORD(struct vgpu_licence, expiry, "expiry", vgpu_licence_expiry, FACE_API,
               .is_known = expiry_is_known),
    FIELD_TIME(struct vgpu_licence, expires_us, "expires", FACE_API),
    FIELD_HOOK("text", text_hook, FACE_API),
};
const struct schema vgpu_licence_schema = SCHEMA_OPTIONAL(vgpu_licence, licence_fields, state);

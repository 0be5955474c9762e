/* SPDX-License-Identifier: Apache-2.0 */
#include "model/licence_use.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"

#define DAY_US (24ull * 3600 * 1000000)

static const struct field use_fields[] = {
    FIELD_STRING(struct licence_use, vm, "vm", FACE_KEPT),
    FIELD_TEXT(struct licence_use, tenant, "tenant", FACE_KEPT),
    FIELD_WORD(struct licence_use, product, "product", licence, FACE_KEPT, .required = true),
    FIELD_TEXT(struct licence_use, gpu, "gpu", FACE_KEPT),
    FIELD_COUNT(struct licence_use, vgpus, "vgpus", FACE_KEPT),
    FIELD_COUNT(struct licence_use, number, "number", FACE_STORE, .required = true),
    FIELD_COUNT(struct licence_use, from_us, "fromUs", FACE_STORE, .required = true),
    FIELD_COUNT(struct licence_use, until_us, "untilUs", FACE_STORE),
    FIELD_TIME(struct licence_use, from_us, "from", FACE_API),
    FIELD_TIME(struct licence_use, until_us, "until", FACE_API),
    FIELD_BOOL(struct licence_use, end_unknown, "endUnknown", FACE_KEPT),
};
const struct schema licence_use_schema = SCHEMA(licence_use, use_fields);

static const struct field month_use_fields[] = {
    FIELD_WORD(struct licence_month_use, product, "product", licence, FACE_KEPT, .required = true),
    FIELD_BOOL(struct licence_month_use, of_all, "ofAll", FACE_STORE),
    FIELD_TEXT(struct licence_month_use, tenant, "tenant", FACE_KEPT),
    FIELD_COUNT(struct licence_month_use, peak, "peak", FACE_KEPT),
    FIELD_COUNT(struct licence_month_use, peak_us, "peakUs", FACE_STORE),
    FIELD_TIME(struct licence_month_use, peak_us, "peakAt", FACE_API),
    FIELD_COUNT(struct licence_month_use, use_us, "useUs", FACE_STORE),
    FIELD_COUNT(struct licence_month_use, starts, "starts", FACE_KEPT),
};
const struct schema licence_month_use_schema = SCHEMA(licence_month_use, month_use_fields);

static bool is_month(const char *text)
{
    uint64_t from_us = 0;
    uint64_t to_us = 0;
    return licence_month_bounds(text, &from_us, &to_us);
}

static const struct text_form month_form = {.fits = is_month, .complaint = "is no month"};

static const struct field month_fields[] = {
    FIELD_STRING(struct licence_month, month, "month", FACE_STORE, .required = true,
                 .form = &month_form),
    FIELD_LIST(struct licence_month, uses, "uses", licence_month_use, FACE_STORE,
               .max = LICENCE_MONTH_MAX_USES),
};
static const struct schema month_schema = {
    .name = "licence_month",
    .fields = month_fields,
    .n = ARRAY_SIZE(month_fields),
    .size = sizeof(struct licence_month),
};

json_t *licence_use_to_json(const struct licence_use *use)
{
    return schema_to_json(&licence_use_schema, use, FACE_API);
}

json_t *licence_use_to_stored_json(const struct licence_use *use)
{
    return schema_to_json(&licence_use_schema, use, FACE_STORE);
}

int licence_use_from_stored_json(const json_t *json, struct licence_use *ret_use, struct error *err)
{
    const struct schema_input in = {
        .json = json, .origin = "stored use of a licence", .face = FACE_STORE};
    return schema_parse(&licence_use_schema, &in, ret_use, err);
}

json_t *licence_month_to_stored_json(const struct licence_month *month)
{
    return schema_to_json(&month_schema, month, FACE_STORE);
}

int licence_month_from_stored_json(const json_t *json, struct licence_month *ret_month,
                                   struct error *err)
{
    const struct schema_input in = {
        .json = json, .origin = "stored month of licences", .face = FACE_STORE};
    return schema_parse(&month_schema, &in, ret_month, err);
}

void licence_month_done(struct licence_month *month)
{
    vec_done(&month->uses);
}

void licence_months_done(struct licence_months *months)
{
    for (vec_each(months, month)) {
        licence_month_done(month);
    }
    vec_done(months);
}

/* ---- months ---- */

static bool parse_first(const char *month, uint64_t *ret_us)
{
    char text[CLOCK_TEXT_SIZE];
    (void)str_print(text, sizeof(text), "%s-01T00:00:00Z", month);
    return strlen(month) == LICENCE_MONTH_SIZE - 1 && clock_parse(text, ret_us);
}

bool licence_month_bounds(const char *month, uint64_t *ret_from_us, uint64_t *ret_to_us)
{
    char next[LICENCE_MONTH_SIZE];
    return parse_first(month, ret_from_us) &&
           parse_first(licence_month_of(*ret_from_us + 32 * DAY_US, next), ret_to_us);
}

const char *licence_month_of(uint64_t us, char out[LICENCE_MONTH_SIZE])
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(us, text, sizeof(text));
    text[LICENCE_MONTH_SIZE - 1] = '\0';
    (void)str_copy(out, LICENCE_MONTH_SIZE, text);
    return out;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "model/need.h"

#define MAX_WORD 31

/* ---- amounts ---- */

static json_t *put_memory(const void *object)
{
    char text[NEED_TEXT_SIZE];
    const struct need *need = object;
    return need->memory_mib == 0 ? NULL : json_string(need_memory_text(need->memory_mib, text));
}

static void read_memory(struct reader *r, const char *key, void *object)
{
    struct need *need = object;
    need->memory_mib = 0;
    if (!reader_has(r, key)) {
        return;
    }
    if (json_is_number(json_object_get(r->object, key))) {
        reader_fail(r, key, "has no unit: write \"20G\" or \"512M\" (powers of 1024)");
        return;
    }
    const char *text = reader_str(r, key, MAX_WORD);
    if (text != NULL && !need_parse_memory(text, &need->memory_mib)) {
        reader_fail(r, key, "\"%s\" is no amount of memory: write 20G or 512M (powers of 1024)",
                    text);
    }
}

static json_t *put_compute(const void *object)
{
    const struct need *need = object;
    return need->compute == 0 ? NULL : json_sprintf("%u%%", need->compute);
}

/* A bare number is one of percent. */
static void read_compute(struct reader *r, const char *key, void *object)
{
    struct need *need = object;
    need->compute = 0;
    if (json_is_integer(json_object_get(r->object, key))) {
        need->compute = (uint32_t)reader_int(r, key, 1, 100);
        return;
    }
    const char *text = reader_has(r, key) ? reader_str(r, key, MAX_WORD) : NULL;
    if (text != NULL && !need_parse_compute(text, &need->compute)) {
        reader_fail(r, key, "\"%s\" is no share of a GPU: write 25%%, or slices such as 2/7", text);
    }
}

static const struct field_hook memory_hook = {put_memory, read_memory};
static const struct field_hook compute_hook = {put_compute, read_compute};

/* ---- licences ---- */

static json_t *put_licences(const void *object)
{
    const struct need *need = object;
    if (need->any_licence) {
        return NULL;
    }
    json_t *list = json_array();
    for (uint32_t i = 0; i < LICENCE_COUNT; i++) {
        if ((need->licences & LICENCE_SET(i)) != 0) {
            json_array_append_new(list, json_string(licence_name((enum licence)i)));
        }
    }
    return list;
}

static void read_licence(struct reader *r, const char *key, const json_t *word, struct need *need)
{
    const char *text = json_string_value(word);
    enum licence licence = LICENCE_COUNT;
    if (text != NULL && licence_find(text, &licence)) {
        need->licences |= LICENCE_SET(licence);
        return;
    }
    reader_fail(r, key,
                "is any, none, or of vApps, vPC, vWS and NVIDIA AI Enterprise one or a list, and "
                "\"%.40s\" is none of them",
                text != NULL ? text : "a number");
}

/* "any", "none", a product, or a list of products. */
static void read_licences(struct reader *r, const char *key, void *object)
{
    struct need *need = object;
    const json_t *value = json_object_get(r->object, key);
    const char *word = json_string_value(value);
    need->licences = 0;
    need->any_licence = !reader_has(r, key) || (word != NULL && str_eq(word, "any"));
    if (need->any_licence || (word != NULL && str_eq(word, "none"))) {
        return;
    }
    if (word != NULL) {
        read_licence(r, key, value, need);
        return;
    }
    const json_t *list = reader_array(r, key, LICENCE_COUNT);
    for (size_t i = 0; i < json_array_size(list) && r->result == 0; i++) {
        read_licence(r, key, json_array_get(list, i), need);
    }
}

static const struct field_hook licences_hook = {put_licences, read_licences};

/* ---- the table ---- */

static const struct field need_fields[] = {
    FIELD_HOOK("memory", memory_hook, FACE_ALL),
    FIELD_BOOL(struct need, usable_memory, "usableMemory", FACE_ALL, .left_out = true),
    FIELD_HOOK("compute", compute_hook, FACE_ALL),
    FIELD_WORD(struct need, isolation, "isolation", isolation, FACE_ALL, .left_out = true),
    FIELD_WORD(struct need, boundary, "boundary", boundary, FACE_ALL, .left_out = true),
    FIELD_BOOL(struct need, predictable, "predictable", FACE_ALL, .left_out = true),
    FIELD_WORD(struct need, consumer, "consumer", consumer, FACE_ALL, .left_out = true),
    FIELD_WORD(struct need, guest, "guest", guest_os, FACE_ALL, .left_out = true),
    FIELD_BOOL(struct need, graphics, "graphics", FACE_ALL, .left_out = true),
    FIELD_BOOL(struct need, live_migration, "liveMigration", FACE_ALL, .left_out = true),
    FIELD_BOOL(struct need, unified_memory, "unifiedMemory", FACE_ALL, .left_out = true),
    FIELD_COUNT(struct need, gpus, "gpus", FACE_ALL, .min = 1, .max = NEED_MAX_GPUS,
                .left_out = true),
    FIELD_BOOL(struct need, peer_traffic, "peerTraffic", FACE_ALL, .left_out = true),
    FIELD_COUNT(struct need, count, "count", FACE_ALL, .min = 1, .max = NEED_MAX_COUNT,
                .left_out = true),
    FIELD_BOOL(struct need, mixed, "mixed", FACE_ALL, .left_out = true),
    FIELD_WORD(struct need, scheduler, "scheduler", scheduler_policy, FACE_ALL, .left_out = true),
    FIELD_HOOK("licences", licences_hook, FACE_ALL),
    FIELD_OBJECT(struct need, params, "params", vgpu_params, FACE_ALL, .left_out = true),
};
const struct schema need_schema = SCHEMA(need, need_fields);

/* ---- whole needs ---- */

static void refuse_conflict(struct reader *r, const struct need *need)
{
    const struct need_conflict *conflict = r->result == 0 ? need_find_conflict(need) : NULL;
    if (conflict != NULL) {
        reader_fail(r, conflict->word, "contradicts \"%s\": %s", conflict->other, conflict->why);
    }
}

int need_from_json(const json_t *json, const char *origin, const char *path, struct need *ret_need,
                   struct error *err)
{
    struct error ignored = {0};
    struct need need = {0};
    struct reader r;
    reader_init(&r, json, origin, path, err != NULL ? err : &ignored);
    int result = schema_read(&need_schema, &r, &need, FACE_USER);
    refuse_conflict(&r, &need);
    if (r.result == 0) {
        *ret_need = need;
    }
    return result != 0 ? result : r.result;
}

json_t *need_to_json(const struct need *need)
{
    return schema_to_json(&need_schema, need, FACE_STORE);
}

bool need_is_same(const struct need *a, const struct need *b)
{
    CLEANUP_JSON json_t *x = need_to_json(a);
    CLEANUP_JSON json_t *y = need_to_json(b);
    return json_equal(x, y) != 0;
}

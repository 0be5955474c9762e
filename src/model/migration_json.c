/* SPDX-License-Identifier: Apache-2.0 */
/* A migration as the API shows and the store keeps it. Schema Migration in openapi.yaml. */
#include "base/str.h"
#include "model/decode.h"
#include "model/encode.h"
#include "model/migration.h"

#define MAX_STEPS 4096

/* ---- devices ---- */

json_t *devices_to_json(const struct migration_devices *devices)
{
    json_t *list = json_array();
    for (vec_each(devices, device)) {
        json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "claim", device->claim, "from",
                                              assignment_to_json(&device->from), "to",
                                              assignment_to_json(&device->to)));
    }
    return list;
}

void devices_read(struct reader *outer, const char *key, struct migration_devices *ret_devices)
{
    json_t *list = reader_array_or_null(outer, key, MIGRATION_MAX_CLAIMS);
    for (size_t i = 0; list != NULL && i < json_array_size(list); i++) {
        char path[160];
        struct reader r;
        struct migration_device *device = vec_push(ret_devices);
        reader_init(&r, json_array_get(list, i), outer->origin,
                    reader_path(outer, key, (int)i, path, sizeof(path)), outer->err);
        decode_text(&r, "claim", device->claim, sizeof(device->claim));
        assignment_read(&r, "from", &device->from);
        assignment_read(&r, "to", &device->to);
        int result = reader_end(&r);
        outer->result = outer->result != 0 ? outer->result : result;
    }
}

json_t *steps_to_json(const struct migration_steps *steps)
{
    json_t *list = json_array();
    for (vec_each(steps, step)) {
        json_array_append_new(list, json_string(step->text));
    }
    return list;
}

void steps_read(struct reader *outer, const char *key, struct migration_steps *ret_steps)
{
    const json_t *list = reader_array_or_null(outer, key, MAX_STEPS);
    for (size_t i = 0; list != NULL && i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (text == NULL || !str_is_clean(text)) {
            reader_fail(outer, key, "a step is text");
            return;
        }
        STR_SET(vec_push(ret_steps)->text, text);
    }
}

/* ---- numbers: one table for both ways ---- */

struct number {
    const char *key;
    size_t offset;
};

static const struct number request_numbers[] = {
    {"bandwidthBytes", offsetof(struct migration_request, bandwidth_bytes)},
    {"maxDowntimeMs", offsetof(struct migration_request, max_downtime_ms)},
};
static const struct number progress_numbers[] = {
    {"totalBytes", offsetof(struct migration_progress, total_bytes)},
    {"processedBytes", offsetof(struct migration_progress, processed_bytes)},
    {"remainingBytes", offsetof(struct migration_progress, remaining_bytes)},
    {"bytesPerSecond", offsetof(struct migration_progress, bytes_per_s)},
    {"dirtyBytesPerSecond", offsetof(struct migration_progress, dirty_bytes_per_s)},
    {"deviceBytes", offsetof(struct migration_progress, device_bytes)},
    {"elapsedMs", offsetof(struct migration_progress, elapsed_ms)},
    {"downtimeMs", offsetof(struct migration_progress, downtime_ms)},
};
static const struct number estimate_numbers[] = {
    {"memoryBytes", offsetof(struct migration_estimate, memory_bytes)},
    {"framebufferBytes", offsetof(struct migration_estimate, framebuffer_bytes)},
    {"dirtyBytesPerSecond", offsetof(struct migration_estimate, dirty_bytes_per_s)},
    {"linkBytesPerSecond", offsetof(struct migration_estimate, link_bytes_per_s)},
    {"totalMs", offsetof(struct migration_estimate, total_ms)},
    {"downtimeMs", offsetof(struct migration_estimate, downtime_ms)},
};

/* 0 is "not known", and becomes null. */
static void put_numbers(json_t *json, const struct number *numbers, size_t n, const void *object)
{
    for (size_t i = 0; i < n; i++) {
        const uint64_t *value = (const void *)((const char *)object + numbers[i].offset);
        json_object_set_new(json, numbers[i].key,
                            *value == 0 ? json_null() : json_integer((json_int_t)*value));
    }
}

static void read_numbers(struct reader *r, const struct number *numbers, size_t n, void *object)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t *value = (void *)((char *)object + numbers[i].offset);
        *value = (uint64_t)reader_int_or(r, numbers[i].key, 0, INT64_MAX, 0);
    }
}

/* ---- the whole ---- */

static json_t *request_to_json(const struct migration_request *request)
{
    json_t *json = json_pack("{s:s, s:s, s:o, s:o, s:b}", "vm", request->vm, "destination",
                             request->destination, "peer", encode_text(request->peer), "migrateUri",
                             encode_text(request->migrate_uri), "strict", request->strict);
    put_numbers(json, request_numbers, ARRAY_SIZE(request_numbers), request);
    return json;
}

static json_t *estimate_to_json(const struct migration_estimate *estimate)
{
    json_t *json =
        json_pack("{s:b, s:b}", "known", estimate->known, "converges", estimate->converges);
    put_numbers(json, estimate_numbers, ARRAY_SIZE(estimate_numbers), estimate);
    return json;
}

static json_t *problem_to_json(const struct migration *migration)
{
    if (migration->problem[0] == '\0') {
        return json_null();
    }
    return json_pack(
        "{s:s, s:s, s:o, s:o}", "reason",
        reason_name(migration->reason == REASON_NONE ? REASON_INTERNAL : migration->reason),
        "message", migration->problem, "rule", encode_text(migration->rule), "hint",
        encode_text(migration->hint));
}

json_t *migration_to_json(const struct migration *migration)
{
    json_t *json = json_pack(
        "{s:s, s:o, s:s, s:o, s:o, s:o, s:b, s:b}", "id", migration->id, "author",
        encode_text(migration->author), "state", migration_state_name(migration->state), "vmUuid",
        encode_text(migration->vm_uuid), "target", encode_text(migration->target), "plan",
        encode_text(migration->plan), "cancel", migration->cancel, "moved", migration->moved);
    json_t *progress = json_object();
    put_numbers(progress, progress_numbers, ARRAY_SIZE(progress_numbers), &migration->progress);
    json_object_set_new(json, "request", request_to_json(&migration->request));
    json_object_set_new(json, "devices", devices_to_json(&migration->devices));
    json_object_set_new(json, "checks", checks_to_json(&migration->checks));
    json_object_set_new(json, "steps", steps_to_json(&migration->steps));
    json_object_set_new(json, "estimate", estimate_to_json(&migration->estimate));
    json_object_set_new(json, "progress", progress);
    json_object_set_new(json, "problem", problem_to_json(migration));
    bool settled = migration->settled != SETTLED_NOT;
    json_object_set_new(json, "settled",
                        encode_text(settled ? migration_settled_name(migration->settled) : ""));
    json_object_set_new(json, "settledBy", encode_text(migration->settled_by));
    json_object_set_new(json, "answeredAt", encode_time(migration->answered_us));
    json_object_set_new(json, "answeredUs", json_integer((json_int_t)migration->answered_us));
    json_object_set_new(json, "createdAt", encode_time(migration->created_us));
    json_object_set_new(json, "finishedAt", encode_time(migration->finished_us));
    json_object_set_new(json, "createdUs", json_integer((json_int_t)migration->created_us));
    json_object_set_new(json, "finishedUs", json_integer((json_int_t)migration->finished_us));
    return json;
}

static void read_request(struct reader *outer, struct migration_request *request)
{
    struct reader r;
    reader_init(&r, reader_object(outer, "request"), outer->origin, "request", outer->err);
    decode_text(&r, "vm", request->vm, sizeof(request->vm));
    decode_text(&r, "destination", request->destination, sizeof(request->destination));
    decode_text(&r, "peer", request->peer, sizeof(request->peer));
    decode_text(&r, "migrateUri", request->migrate_uri, sizeof(request->migrate_uri));
    request->strict = reader_bool_or(&r, "strict", false);
    read_numbers(&r, request_numbers, ARRAY_SIZE(request_numbers), request);
    int result = reader_end(&r);
    outer->result = outer->result != 0 ? outer->result : result;
}

static void read_estimate(struct reader *outer, struct migration_estimate *estimate)
{
    struct reader r;
    reader_init(&r, reader_object(outer, "estimate"), outer->origin, "estimate", outer->err);
    estimate->known = reader_bool(&r, "known");
    estimate->converges = reader_bool(&r, "converges");
    read_numbers(&r, estimate_numbers, ARRAY_SIZE(estimate_numbers), estimate);
    int result = reader_end(&r);
    outer->result = outer->result != 0 ? outer->result : result;
}

static void read_progress(struct reader *outer, struct migration_progress *progress)
{
    struct reader r;
    reader_init(&r, reader_object(outer, "progress"), outer->origin, "progress", outer->err);
    read_numbers(&r, progress_numbers, ARRAY_SIZE(progress_numbers), progress);
    int result = reader_end(&r);
    outer->result = outer->result != 0 ? outer->result : result;
}

static void read_problem(struct reader *outer, struct migration *migration)
{
    json_t *json = reader_object_or_null(outer, "problem");
    if (json == NULL) {
        return;
    }
    struct reader r;
    reader_init(&r, json, outer->origin, "problem", outer->err);
    migration->reason = reason_from_name(reader_str_or(&r, "reason", 48, ""));
    decode_text(&r, "message", migration->problem, sizeof(migration->problem));
    decode_text(&r, "rule", migration->rule, sizeof(migration->rule));
    decode_text(&r, "hint", migration->hint, sizeof(migration->hint));
    int result = reader_end(&r);
    outer->result = outer->result != 0 ? outer->result : result;
}

/* Absent in what was stored before there was such a thing. */
static void read_settled(struct reader *r, struct migration *migration)
{
    migration->settled =
        (enum migration_settled)reader_word_or(r, "settled", &migration_settled_words, SETTLED_NOT);
    STR_SET(migration->settled_by,
            reader_str_or(r, "settledBy", sizeof(migration->settled_by) - 1, ""));
    migration->answered_us = (uint64_t)reader_int_or(r, "answeredUs", 0, INT64_MAX, 0);
    reader_has(r, "answeredAt");
}

int migration_from_stored_json(const json_t *json, struct migration **ret_migration,
                               struct error *err)
{
    struct error local = {0};
    CLEANUP(migration_freep) struct migration *m = xcalloc(1, sizeof(*m));
    struct reader r;
    reader_init(&r, json, "stored migration", "", err != NULL ? err : &local);
    decode_text(&r, "id", m->id, sizeof(m->id));
    decode_text(&r, "author", m->author, sizeof(m->author));
    int state = reader_word(&r, "state", &migration_state_words);
    m->state = state < 0 ? MIGRATION_FAILED : (enum migration_state)state;
    decode_text(&r, "vmUuid", m->vm_uuid, sizeof(m->vm_uuid));
    decode_text(&r, "target", m->target, sizeof(m->target));
    decode_text(&r, "plan", m->plan, sizeof(m->plan));
    m->cancel = reader_bool(&r, "cancel");
    m->moved = reader_bool(&r, "moved");
    read_request(&r, &m->request);
    devices_read(&r, "devices", &m->devices);
    checks_read(&r, "checks", &m->checks);
    steps_read(&r, "steps", &m->steps);
    read_estimate(&r, &m->estimate);
    read_progress(&r, &m->progress);
    read_problem(&r, m);
    read_settled(&r, m);
    m->created_us = (uint64_t)reader_int(&r, "createdUs", 0, INT64_MAX);
    m->finished_us = (uint64_t)reader_int(&r, "finishedUs", 0, INT64_MAX);
    reader_has(&r, "createdAt");
    reader_has(&r, "finishedAt");
    int result = reader_end(&r);
    if (result == 0) {
        *ret_migration = TAKE_PTR(m);
    }
    return result;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A migration as the API shows and the store keeps it. Schema Migration in openapi.yaml. */
#include "model/migration.h"

#define MAX_REASON 48 /* bytes of a reason's name */

static const struct field device_fields[] = {
    FIELD_STRING(struct migration_device, claim, "claim", FACE_KEPT),
    FIELD_OBJECT(struct migration_device, from, "from", assignment, FACE_KEPT),
    FIELD_OBJECT(struct migration_device, to, "to", assignment, FACE_KEPT),
};
const struct schema migration_device_schema = SCHEMA(migration_device, device_fields);

static const struct field request_fields[] = {
    FIELD_STRING(struct migration_request, vm, "vm", FACE_KEPT),
    FIELD_STRING(struct migration_request, destination, "destination", FACE_KEPT),
    FIELD_TEXT(struct migration_request, peer, "peer", FACE_KEPT),
    FIELD_TEXT(struct migration_request, migrate_uri, "migrateUri", FACE_KEPT),
    FIELD_BOOL(struct migration_request, strict, "strict", FACE_KEPT),
    FIELD_SIZE(struct migration_request, bandwidth_bytes, "bandwidthBytes", FACE_KEPT),
    FIELD_SIZE(struct migration_request, max_downtime_ms, "maxDowntimeMs", FACE_KEPT),
};
static const struct schema migration_request_schema = SCHEMA(migration_request, request_fields);

static const struct field estimate_fields[] = {
    FIELD_BOOL(struct migration_estimate, known, "known", FACE_KEPT, .required = true),
    FIELD_BOOL(struct migration_estimate, converges, "converges", FACE_KEPT, .required = true),
    FIELD_AMOUNT(struct migration_estimate, memory_bytes, "memoryBytes", FACE_KEPT),
    FIELD_AMOUNT(struct migration_estimate, framebuffer_bytes, "framebufferBytes", FACE_KEPT),
    FIELD_AMOUNT(struct migration_estimate, dirty_bytes_per_s, "dirtyBytesPerSecond", FACE_KEPT),
    FIELD_AMOUNT(struct migration_estimate, link_bytes_per_s, "linkBytesPerSecond", FACE_KEPT),
    FIELD_AMOUNT(struct migration_estimate, total_ms, "totalMs", FACE_KEPT),
    FIELD_AMOUNT(struct migration_estimate, downtime_ms, "downtimeMs", FACE_KEPT),
};
static const struct schema migration_estimate_schema = SCHEMA(migration_estimate, estimate_fields);

static const struct field progress_fields[] = {
    FIELD_AMOUNT(struct migration_progress, total_bytes, "totalBytes", FACE_KEPT),
    FIELD_AMOUNT(struct migration_progress, processed_bytes, "processedBytes", FACE_KEPT),
    FIELD_AMOUNT(struct migration_progress, remaining_bytes, "remainingBytes", FACE_KEPT),
    FIELD_AMOUNT(struct migration_progress, bytes_per_s, "bytesPerSecond", FACE_KEPT),
    FIELD_AMOUNT(struct migration_progress, dirty_bytes_per_s, "dirtyBytesPerSecond", FACE_KEPT),
    FIELD_AMOUNT(struct migration_progress, device_bytes, "deviceBytes", FACE_KEPT),
    FIELD_AMOUNT(struct migration_progress, elapsed_ms, "elapsedMs", FACE_KEPT),
    FIELD_AMOUNT(struct migration_progress, downtime_ms, "downtimeMs", FACE_KEPT),
};
static const struct schema migration_progress_schema = SCHEMA(migration_progress, progress_fields);

static json_t *put_reason(const void *object)
{
    const struct migration *m = object;
    return json_string(reason_name(m->reason == REASON_NONE ? REASON_INTERNAL : m->reason));
}

static void read_reason(struct reader *r, const char *key, void *object)
{
    struct migration *m = object;
    m->reason = reason_from_name(reader_str_or(r, key, MAX_REASON, ""));
}

static const struct field_hook reason_hook = {put_reason, read_reason};

static const struct field problem_fields[] = {
    FIELD_HOOK("reason", reason_hook, FACE_KEPT),
    FIELD_STRING(struct migration, problem, "message", FACE_KEPT),
    FIELD_TEXT(struct migration, rule, "rule", FACE_KEPT),
    FIELD_TEXT(struct migration, hint, "hint", FACE_KEPT),
};
static const struct schema problem_schema = SCHEMA_GROUP(struct migration, problem_fields, problem);

static const struct field migration_fields[] = {
    FIELD_STRING(struct migration, id, "id", FACE_KEPT),
    FIELD_TEXT(struct migration, author, "author", FACE_KEPT),
    FIELD_WORD(struct migration, state, "state", migration_state, FACE_KEPT, .required = true),
    FIELD_TEXT(struct migration, vm_uuid, "vmUuid", FACE_KEPT),
    FIELD_TEXT(struct migration, target, "target", FACE_KEPT),
    FIELD_TEXT(struct migration, plan, "plan", FACE_KEPT),
    FIELD_BOOL(struct migration, cancel, "cancel", FACE_KEPT, .required = true),
    FIELD_BOOL(struct migration, moved, "moved", FACE_KEPT, .required = true),
    FIELD_OBJECT(struct migration, request, "request", migration_request, FACE_KEPT,
                 .required = true),
    FIELD_LIST(struct migration, devices, "devices", migration_device, FACE_KEPT,
               .max = MIGRATION_MAX_CLAIMS),
    FIELD_LIST(struct migration, checks, "checks", check, FACE_KEPT, .max = MIGRATION_MAX_CHECKS),
    FIELD_LINES(struct migration, steps, text, "steps", "a step must be text", FACE_KEPT,
                .max = MIGRATION_MAX_STEPS),
    FIELD_OBJECT(struct migration, estimate, "estimate", migration_estimate, FACE_KEPT,
                 .required = true),
    FIELD_OBJECT(struct migration, progress, "progress", migration_progress, FACE_KEPT,
                 .required = true),
    FIELD_GROUP("problem", problem_schema, FACE_KEPT),
    /* Absent in what was stored before there was such a thing, as all that isn't required. */
    FIELD_WORD(struct migration, resolution, "resolution", migration_resolution, FACE_KEPT,
               .null = true),
    FIELD_TEXT(struct migration, resolved_by, "resolvedBy", FACE_KEPT),
    FIELD_COUNT(struct migration, answered_us, "answeredUs", FACE_KEPT),
    FIELD_TIME(struct migration, answered_us, "answeredAt", FACE_KEPT),
    FIELD_COUNT(struct migration, created_us, "createdUs", FACE_KEPT, .required = true),
    FIELD_COUNT(struct migration, finished_us, "finishedUs", FACE_KEPT, .required = true),
    FIELD_TIME(struct migration, created_us, "createdAt", FACE_KEPT),
    FIELD_TIME(struct migration, finished_us, "finishedAt", FACE_KEPT),
};
const struct schema migration_schema = SCHEMA(migration, migration_fields);

json_t *migration_to_json(const struct migration *migration)
{
    return schema_to_json(&migration_schema, migration, FACE_STORE);
}

int migration_from_stored_json(const json_t *json, struct migration **ret_migration,
                               struct error *err)
{
    const struct schema_input in = {.json = json, .origin = "stored migration", .face = FACE_STORE};
    CLEANUP(migration_freep) struct migration *m = xcalloc(1, sizeof(*m));
    int r = schema_parse(&migration_schema, &in, m, err);
    if (r == 0) {
        *ret_migration = TAKE_PTR(m);
    }
    return r;
}

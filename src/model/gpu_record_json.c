/* SPDX-License-Identifier: Apache-2.0 */
/* A GPU's record as the store keeps it, and its parts as the API shows them. */
#include "model/gpu_record.h"

static const struct field cordon_fields[] = {
    FIELD_TEXT(struct cordon, by, "by", FACE_KEPT),
    FIELD_TEXT(struct cordon, why, "reason", FACE_KEPT),
    FIELD_TIME(struct cordon, since_us, "since", FACE_KEPT),
    FIELD_COUNT(struct cordon, since_us, "sinceUs", FACE_STORE, .required = true),
};
static const struct schema cordon_schema = SCHEMA_OPTIONAL(cordon, cordon_fields, set);

static const struct field quarantine_fields[] = {
    FIELD_TEXT(struct quarantine, kind, "kind", FACE_KEPT),
    FIELD_TEXT(struct quarantine, why, "reason", FACE_KEPT),
    FIELD_TIME(struct quarantine, since_us, "since", FACE_KEPT),
    FIELD_TEXT(struct quarantine, boot_id, "bootId", FACE_STORE),
    FIELD_COUNT(struct quarantine, since_us, "sinceUs", FACE_STORE, .required = true),
};
static const struct schema quarantine_schema = SCHEMA_OPTIONAL(quarantine, quarantine_fields, set);

static const struct field stuck_fields[] = {
    FIELD_ADDRESS(struct stuck_vf, addr, "address", FACE_KEPT),
    FIELD_TEXT(struct stuck_vf, why, "reason", FACE_KEPT),
    FIELD_TIME(struct stuck_vf, since_us, "since", FACE_KEPT),
    FIELD_COUNT(struct stuck_vf, since_us, "sinceUs", FACE_STORE, .required = true),
};
static const struct schema stuck_vf_schema = SCHEMA(stuck_vf, stuck_fields);

static const struct field companion_fields[] = {
    FIELD_ADDRESS(struct companion, addr, "address", FACE_STORE),
    FIELD_TEXT(struct companion, driver, "driver", FACE_STORE),
};
static const struct schema companion_schema = SCHEMA(companion, companion_fields);

static json_t *put_mode(const void *object)
{
    const struct gpu_record *record = object;
    return record->mode_set ? json_string(gpu_mode_name(record->mode)) : json_null();
}

static void read_mode(struct reader *r, const char *key, void *object)
{
    struct gpu_record *record = object;
    int mode = reader_word_or(r, key, &gpu_mode_words, -1);
    record->mode_set = mode >= 0;
    record->mode = mode >= 0 ? (enum gpu_mode)mode : GPU_IDLE;
}

static const struct field_hook mode_hook = {put_mode, read_mode};

static const struct field record_fields[] = {
    FIELD_TEXT(struct gpu_record, uuid, "uuid", FACE_STORE),
    FIELD_ADDRESS(struct gpu_record, addr, "address", FACE_STORE),
    FIELD_HOOK("mode", mode_hook, FACE_STORE), /* null: none is wanted, not even idle */
    FIELD_BOOL(struct gpu_record, vfs, "virtualFunctions", FACE_STORE),
    FIELD_BOOL(struct gpu_record, mixed, "mixedSizes", FACE_STORE),
    FIELD_OBJECT(struct gpu_record, scheduler, "scheduler", gpu_scheduler, FACE_STORE),
    FIELD_OBJECT(struct gpu_record, cordon, "cordoned", cordon, FACE_STORE),
    FIELD_OBJECT(struct gpu_record, quarantine, "quarantine", quarantine, FACE_STORE),
    FIELD_ARRAY(struct gpu_record, stuck_vfs, n_stuck_vfs, "stuckVirtualFunctions", stuck_vf,
                FACE_STORE),
    FIELD_ARRAY(struct gpu_record, companions, n_companions, "companions", companion, FACE_STORE),
};
const struct schema gpu_record_schema = SCHEMA(gpu_record, record_fields);

json_t *cordon_to_json(const struct cordon *cordon)
{
    return schema_to_json(&cordon_schema, cordon, FACE_API);
}

json_t *quarantine_to_json(const struct quarantine *quarantine)
{
    return schema_to_json(&quarantine_schema, quarantine, FACE_API);
}

json_t *stuck_vfs_to_json(const struct gpu_record *record)
{
    return schema_list_to_json(&stuck_vf_schema, record->stuck_vfs, record->n_stuck_vfs, FACE_API);
}

json_t *gpu_record_to_json(const struct gpu_record *record)
{
    return schema_to_json(&gpu_record_schema, record, FACE_STORE);
}

int gpu_record_from_stored_json(const json_t *json, struct gpu_record *ret_record,
                                struct error *err)
{
    const struct schema_input in = {
        .json = json, .origin = "stored GPU record", .face = FACE_STORE};
    struct gpu_record record = {0};
    int r = schema_parse(&gpu_record_schema, &in, &record, err);
    if (r == 0) {
        *ret_record = record;
    }
    return r;
}

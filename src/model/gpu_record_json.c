/* SPDX-License-Identifier: Apache-2.0 */
/* A GPU's record as the store keeps it, and its parts as the API shows them. */
#include "base/str.h"
#include "model/decode.h"
#include "model/encode.h"
#include "model/gpu_record.h"

json_t *cordon_to_json(const struct cordon *cordon)
{
    if (!cordon->set) {
        return json_null();
    }
    return json_pack("{s:o, s:o, s:o}", "by", encode_text(cordon->by), "reason",
                     encode_text(cordon->why), "since", encode_time(cordon->since_us));
}

json_t *quarantine_to_json(const struct quarantine *quarantine)
{
    if (!quarantine->set) {
        return json_null();
    }
    return json_pack("{s:o, s:o, s:o}", "kind", encode_text(quarantine->kind), "reason",
                     encode_text(quarantine->why), "since", encode_time(quarantine->since_us));
}

json_t *stuck_vfs_to_json(const struct gpu_record *record)
{
    json_t *list = json_array();
    for (size_t i = 0; i < record->n_stuck_vfs; i++) {
        const struct stuck_vf *stuck = &record->stuck_vfs[i];
        json_array_append_new(
            list, json_pack("{s:o, s:o, s:o}", "address", encode_addr(&stuck->addr), "reason",
                            encode_text(stuck->why), "since", encode_time(stuck->since_us)));
    }
    return list;
}

static json_t *companions_to_json(const struct gpu_record *record)
{
    json_t *list = json_array();
    for (size_t i = 0; i < record->n_companions; i++) {
        const struct companion *companion = &record->companions[i];
        json_array_append_new(list,
                              json_pack("{s:o, s:o}", "address", encode_addr(&companion->addr),
                                        "driver", encode_text(companion->driver)));
    }
    return list;
}

/* The store keeps times as numbers, too. */
static json_t *with_time(json_t *json, uint64_t since_us)
{
    if (json_is_object(json)) {
        json_object_set_new(json, "sinceUs", json_integer((json_int_t)since_us));
    }
    return json;
}

static json_t *stored_quarantine(const struct quarantine *quarantine)
{
    json_t *json = with_time(quarantine_to_json(quarantine), quarantine->since_us);
    if (json_is_object(json)) {
        json_object_set_new(json, "bootId", encode_text(quarantine->boot_id));
    }
    return json;
}

static json_t *stored_stuck_vfs(const struct gpu_record *record)
{
    json_t *list = stuck_vfs_to_json(record);
    for (size_t i = 0; i < record->n_stuck_vfs; i++) {
        with_time(json_array_get(list, i), record->stuck_vfs[i].since_us);
    }
    return list;
}

json_t *gpu_record_to_json(const struct gpu_record *record)
{
    return json_pack("{s:o, s:o, s:o, s:b, s:b, s:o, s:o, s:o, s:o, s:o}", "uuid",
                     encode_text(record->uuid), "address", encode_addr(&record->addr), "mode",
                     record->mode_set ? json_string(gpu_mode_name(record->mode)) : json_null(),
                     "virtualFunctions", record->vfs, "mixedSizes", record->mixed, "scheduler",
                     gpu_scheduler_to_json(&record->scheduler), "cordoned",
                     with_time(cordon_to_json(&record->cordon), record->cordon.since_us),
                     "quarantine", stored_quarantine(&record->quarantine), "stuckVirtualFunctions",
                     stored_stuck_vfs(record), "companions", companions_to_json(record));
}

static void read_mode(struct reader *r, struct gpu_record *record)
{
    int mode = reader_word_or(r, "mode", &gpu_mode_words, -1);
    record->mode_set = mode >= 0;
    record->mode = mode >= 0 ? (enum gpu_mode)mode : GPU_IDLE;
}

static void read_cordon(struct reader *outer, struct cordon *cordon)
{
    json_t *json = reader_object_or_null(outer, "cordoned");
    if (json == NULL) {
        return;
    }
    struct reader r;
    reader_init(&r, json, outer->origin, "cordoned", outer->err);
    cordon->set = true;
    decode_text(&r, "by", cordon->by, sizeof(cordon->by));
    decode_text(&r, "reason", cordon->why, sizeof(cordon->why));
    reader_has(&r, "since");
    cordon->since_us = (uint64_t)reader_int(&r, "sinceUs", 0, INT64_MAX);
    int result = reader_end(&r);
    outer->result = outer->result != 0 ? outer->result : result;
}

static void read_quarantine(struct reader *outer, struct quarantine *quarantine)
{
    json_t *json = reader_object_or_null(outer, "quarantine");
    if (json == NULL) {
        return;
    }
    struct reader r;
    reader_init(&r, json, outer->origin, "quarantine", outer->err);
    quarantine->set = true;
    decode_text(&r, "kind", quarantine->kind, sizeof(quarantine->kind));
    decode_text(&r, "reason", quarantine->why, sizeof(quarantine->why));
    reader_has(&r, "since");
    decode_text(&r, "bootId", quarantine->boot_id, sizeof(quarantine->boot_id));
    quarantine->since_us = (uint64_t)reader_int(&r, "sinceUs", 0, INT64_MAX);
    int result = reader_end(&r);
    outer->result = outer->result != 0 ? outer->result : result;
}

static void read_stuck_vf(struct reader *r, struct stuck_vf *stuck)
{
    decode_addr(r, "address", &stuck->addr);
    decode_text(r, "reason", stuck->why, sizeof(stuck->why));
    reader_has(r, "since");
    stuck->since_us = (uint64_t)reader_int(r, "sinceUs", 0, INT64_MAX);
}

static void read_stuck_vfs(struct reader *outer, struct gpu_record *record)
{
    static const char key[] = "stuckVirtualFunctions";
    json_t *list = reader_array_or_null(outer, key, GPU_RECORD_STUCK_VFS);
    for (size_t i = 0; i < json_array_size(list); i++) {
        char path[160];
        struct reader r;
        reader_path(outer, key, (int)i, path, sizeof(path));
        reader_init(&r, json_array_get(list, i), outer->origin, path, outer->err);
        read_stuck_vf(&r, &record->stuck_vfs[record->n_stuck_vfs++]);
        int result = reader_end(&r);
        outer->result = outer->result != 0 ? outer->result : result;
    }
}

static void read_companions(struct reader *outer, struct gpu_record *record)
{
    static const char key[] = "companions";
    json_t *list = reader_array_or_null(outer, key, GPU_RECORD_COMPANIONS);
    for (size_t i = 0; i < json_array_size(list); i++) {
        char path[160];
        struct reader r;
        struct companion *companion = &record->companions[record->n_companions++];
        reader_path(outer, key, (int)i, path, sizeof(path));
        reader_init(&r, json_array_get(list, i), outer->origin, path, outer->err);
        decode_addr(&r, "address", &companion->addr);
        decode_text(&r, "driver", companion->driver, sizeof(companion->driver));
        int result = reader_end(&r);
        outer->result = outer->result != 0 ? outer->result : result;
    }
}

int gpu_record_from_stored_json(const json_t *json, struct gpu_record *ret_record,
                                struct error *err)
{
    struct error local = {0};
    struct reader r;
    struct gpu_record record = {0};
    reader_init(&r, json, "stored GPU record", "", err != NULL ? err : &local);
    decode_text(&r, "uuid", record.uuid, sizeof(record.uuid));
    decode_addr(&r, "address", &record.addr);
    read_mode(&r, &record);
    record.vfs = reader_bool_or(&r, "virtualFunctions", false);
    record.mixed = reader_bool_or(&r, "mixedSizes", false);
    gpu_scheduler_decode(&r, "scheduler", &record.scheduler);
    read_cordon(&r, &record.cordon);
    read_quarantine(&r, &record.quarantine);
    read_stuck_vfs(&r, &record);
    read_companions(&r, &record);
    int result = reader_end(&r);
    if (result == 0) {
        *ret_record = record;
    }
    return result;
}

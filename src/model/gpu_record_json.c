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

/* The store keeps times as numbers, too. */
static json_t *with_time(json_t *json, uint64_t since_us)
{
    if (json_is_object(json)) {
        json_object_set_new(json, "sinceUs", json_integer((json_int_t)since_us));
    }
    return json;
}

json_t *gpu_record_to_json(const struct gpu_record *record)
{
    return json_pack(
        "{s:o, s:o, s:o, s:b, s:b, s:o, s:o, s:o}", "uuid", encode_text(record->uuid), "address",
        encode_addr(&record->addr), "mode",
        record->mode_set ? json_string(gpu_mode_name(record->mode)) : json_null(),
        "virtualFunctions", record->vfs, "mixedSizes", record->mixed, "scheduler",
        gpu_scheduler_to_json(&record->scheduler), "cordoned",
        with_time(cordon_to_json(&record->cordon), record->cordon.since_us), "quarantine",
        with_time(quarantine_to_json(&record->quarantine), record->quarantine.since_us));
}

static void read_mode(struct reader *r, struct gpu_record *record)
{
    const char *modes[GPU_MODE_COUNT + 1] = {NULL};
    for (size_t i = 0; i < GPU_MODE_COUNT; i++) {
        modes[i] = gpu_mode_name((enum gpu_mode)i);
    }
    int mode = reader_choice_or(r, "mode", modes, -1);
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
    quarantine->since_us = (uint64_t)reader_int(&r, "sinceUs", 0, INT64_MAX);
    int result = reader_end(&r);
    outer->result = outer->result != 0 ? outer->result : result;
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
    int result = reader_end(&r);
    if (result == 0) {
        *ret_record = record;
    }
    return result;
}

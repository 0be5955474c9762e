/* SPDX-License-Identifier: Apache-2.0 */
/* Forms of a claim: the user's (strict), the API's and the store's. Schema Claim in openapi.yaml.
 */
#include <stdio.h>

#include "base/json.h"
#include "base/parse.h"
#include "base/str.h"
#include "model/claim.h"
#include "model/decode.h"
#include "model/encode.h"

static void read_name(struct reader *r, const char *key, char out[NAME_SIZE], const char *fallback)
{
    const char *text = reader_str_or(r, key, NAME_SIZE - 1, fallback);
    if (text == NULL || text[0] == '\0') {
        return;
    }
    if (!parse_name(text)) {
        reader_fail(r, key,
                    "\"%s\" is no name: letters, digits, '.', '_' and '-', starting with a letter "
                    "or digit, at most 63",
                    text);
        return;
    }
    str_copy(out, NAME_SIZE, text);
}

/* The fields that a user may write. */
static void read_spec(struct reader *r, struct claim *claim)
{
    struct claim_spec *spec = &claim->spec;
    if (!reader_has(r, "name")) {
        reader_fail(r, "name", "a claim needs a name");
    }
    read_name(r, "name", claim->name, "");
    read_name(r, "tenant", claim->tenant, "default");
    decode_text(r, "vm", claim->vm, sizeof(claim->vm));
    spec->mode = (enum claim_mode)reader_word_or(r, "mode", &claim_mode_words, CLAIM_MODE_AUTO);
    decode_text(r, "gpu", spec->gpu, sizeof(spec->gpu));
    decode_text(r, "type", spec->type, sizeof(spec->type));
    decode_text(r, "profile", spec->profile, sizeof(spec->profile));
    spec->start = (uint32_t)reader_int_or(r, "start", 0, 63, NO_ID);
    spec->mixed = reader_bool_or(r, "mixed", false);
    spec->guest = (enum guest_os)reader_word_or(r, "guest", &guest_os_words, GUEST_LINUX);
    spec->migratable = reader_bool_or(r, "migratable", false);
    spec->hold = (enum claim_hold)reader_word_or(r, "hold", &claim_hold_words, CLAIM_HELD);
}

static void claim_clear(struct claim *claim)
{
    *claim = (struct claim){0};
    claim->got.gi_id = claim->got.start = claim->got.size = NO_ID;
    claim->got.type_id = claim->got.placement_id = NO_ID;
}

int claim_from_json(const json_t *json, const char *origin, const char *path,
                    struct claim *ret_claim, struct error *err)
{
    struct error local = {0};
    struct reader r;
    reader_init(&r, json, origin, path, err != NULL ? err : &local);
    struct claim claim;
    claim_clear(&claim);
    read_spec(&r, &claim);
    int result = reader_end(&r);
    if (result == 0) {
        *ret_claim = claim;
    }
    return result;
}

json_t *assignment_to_json(const struct assignment *got)
{
    if (!got->set) {
        return json_null();
    }
    json_t *json = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "gpu", encode_addr(&got->gpu),
        "gpuUuid", encode_text(got->gpu_uuid), "profile", encode_text(got->profile), "gpuInstance",
        encode_id(got->gi_id), "start", encode_id(got->start), "size", encode_id(got->size),
        "typeId", encode_id(got->type_id), "device", encode_addr(&got->device), "mdevUuid",
        encode_text(got->mdev_uuid), "placementId", encode_id(got->placement_id), "migUuid",
        encode_text(got->mig_uuid));
    if (got->board != CLAIM_BOARD_HERE) {
        json_object_set_new(json, "board", json_string(claim_board_name(got->board)));
    }
    return json;
}

static json_t *device_to_json(const struct claim_device *device)
{
    if (!device->set) {
        return json_null();
    }
    return json_pack("{s:o, s:o, s:o}", "gpu", encode_addr(&device->gpu), "device",
                     encode_addr(&device->device), "mdevUuid", encode_text(device->mdev_uuid));
}

static void read_device(struct reader *outer, struct claim_device *device)
{
    json_t *json = reader_object_or_null(outer, "named");
    if (json == NULL) {
        return;
    }
    struct reader r;
    reader_init(&r, json, outer->origin, "named", outer->err);
    decode_addr(&r, "gpu", &device->gpu);
    decode_addr(&r, "device", &device->device);
    decode_text(&r, "mdevUuid", device->mdev_uuid, sizeof(device->mdev_uuid));
    device->set = true;
    int result = reader_end(&r);
    if (result != 0) {
        outer->result = result;
    }
}

/* A claim in another state was bound, or parked. */
static bool may_be_new(enum claim_state state)
{
    return state == CLAIM_PENDING || state == CLAIM_BINDING || state == CLAIM_FAILED;
}

json_t *claim_to_json(const struct claim *claim)
{
    const struct claim_spec *spec = &claim->spec;
    json_t *json = json_pack("{s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:b, s:s, s:b}", "name",
                             claim->name, "tenant", claim->tenant, "vm", encode_text(claim->vm),
                             "mode", claim_mode_name(spec->mode), "gpu", encode_text(spec->gpu),
                             "type", encode_text(spec->type), "profile", encode_text(spec->profile),
                             "start", encode_id(spec->start), "mixed", spec->mixed, "guest",
                             guest_os_name(spec->guest), "migratable", spec->migratable);
    json_object_set_new(json, "hold", json_string(claim_hold_name(spec->hold)));
    json_object_set_new(json, "author", encode_text(claim->author));
    json_object_set_new(json, "site", encode_text(claim->site));
    json_object_set_new(json, "state", json_string(claim_state_name(claim->state)));
    json_object_set_new(json, "got", assignment_to_json(&claim->got));
    json_object_set_new(json, "named", device_to_json(&claim->named));
    json_object_set_new(json, "vmUuid", encode_text(claim->vm_uuid));
    json_object_set_new(json, "problem", encode_text(claim->problem));
    json_object_set_new(json, "version", json_integer((json_int_t)claim->version));
    json_object_set_new(json, "createdAt", encode_time(claim->created_us));
    json_object_set_new(json, "createdUs", json_integer((json_int_t)claim->created_us));
    if (may_be_new(claim->state)) {
        json_object_set_new(json, "wasBound", json_boolean(claim->was_bound));
    }
    if (claim->vm_uuid_before[0] != '\0') {
        json_object_set_new(json, "vmUuidBefore", json_string(claim->vm_uuid_before));
    }
    if (claim->vm_gone_us != 0) {
        json_object_set_new(json, "vmGoneUs", json_integer((json_int_t)claim->vm_gone_us));
    }
    return json;
}

void assignment_read(struct reader *outer, const char *key, struct assignment *got)
{
    got->gi_id = got->start = got->size = got->type_id = got->placement_id = NO_ID;
    json_t *json = reader_object_or_null(outer, key);
    if (json == NULL) {
        return;
    }
    struct reader r;
    char path[160];
    reader_init(&r, json, outer->origin, reader_path(outer, key, -1, path, sizeof(path)),
                outer->err);
    decode_addr(&r, "gpu", &got->gpu);
    decode_text(&r, "gpuUuid", got->gpu_uuid, sizeof(got->gpu_uuid));
    decode_text(&r, "profile", got->profile, sizeof(got->profile));
    got->gi_id = decode_id(&r, "gpuInstance");
    got->start = decode_id(&r, "start");
    got->size = decode_id(&r, "size");
    got->type_id = decode_id(&r, "typeId");
    decode_addr(&r, "device", &got->device);
    decode_text(&r, "mdevUuid", got->mdev_uuid, sizeof(got->mdev_uuid));
    got->placement_id = decode_id(&r, "placementId");
    decode_text(&r, "migUuid", got->mig_uuid, sizeof(got->mig_uuid));
    got->board =
        (enum claim_board)reader_word_or(&r, "board", &claim_board_words, CLAIM_BOARD_HERE);
    got->set = true;
    int result = reader_end(&r);
    if (result != 0) {
        outer->result = result;
    }
}

int claim_from_stored_json(const json_t *json, struct claim *ret_claim, struct error *err)
{
    struct error local = {0};
    struct reader r;
    reader_init(&r, json, "stored claim", "", err != NULL ? err : &local);
    struct claim claim;
    claim_clear(&claim);
    read_spec(&r, &claim);
    decode_text(&r, "author", claim.author, sizeof(claim.author));
    decode_text(&r, "site", claim.site, sizeof(claim.site));
    claim.state = (enum claim_state)reader_word_or(&r, "state", &claim_state_words, CLAIM_PENDING);
    assignment_read(&r, "got", &claim.got);
    read_device(&r, &claim.named);
    decode_text(&r, "vmUuid", claim.vm_uuid, sizeof(claim.vm_uuid));
    if (reader_has(&r, "vmUuidBefore")) {
        decode_text(&r, "vmUuidBefore", claim.vm_uuid_before, sizeof(claim.vm_uuid_before));
    }
    decode_text(&r, "problem", claim.problem, sizeof(claim.problem));
    claim.version = (uint64_t)reader_int(&r, "version", 0, INT64_MAX);
    claim.created_us = (uint64_t)reader_int(&r, "createdUs", 0, INT64_MAX);
    /* An older cleaved did not say. */
    bool maybe = claim.state != CLAIM_FAILED || claim.got.set;
    claim.was_bound = reader_bool_or(&r, "wasBound", maybe);
    claim.vm_gone_us = (uint64_t)reader_int_or(&r, "vmGoneUs", 0, INT64_MAX, 0);
    reader_has(&r, "createdAt");
    int result = reader_end(&r);
    if (result == 0) {
        *ret_claim = claim;
    }
    return result;
}

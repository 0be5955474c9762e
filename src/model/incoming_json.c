/* SPDX-License-Identifier: Apache-2.0 */
/* What travels between two hosts. Schemas MigrationOffer and Incoming in openapi.yaml. */
#include "base/parse.h"
#include "base/str.h"
#include "model/decode.h"
#include "model/encode.h"
#include "model/incoming.h"

/* Of a claim's own form, what its owner did not write. */
static const char *const not_asked_for[] = {
    "author",    "site",  "state",  "got",      "problem",  "version",     "createdAt",
    "createdUs", "named", "vmUuid", "wasBound", "vmGoneUs", "vmUuidBefore"};

static json_t *wish_to_json(const struct claim *claim)
{
    json_t *json = claim_to_json(claim);
    for (size_t i = 0; i < ARRAY_SIZE(not_asked_for); i++) {
        json_object_del(json, not_asked_for[i]);
    }
    return json;
}

json_t *migration_offer_to_json(const struct migration_offer *offer)
{
    json_t *claims = json_array();
    for (size_t i = 0; i < offer->n_claims; i++) {
        const struct offer_claim *one = &offer->claims[i];
        json_array_append_new(
            claims, json_pack("{s:o, s:o, s:o}", "claim", wish_to_json(&one->claim), "facts",
                              facts_to_json(&one->facts), "metadata", encode_text(one->metadata)));
    }
    return json_pack("{s:s, s:s, s:s, s:o, s:b, s:o, s:o}", "id", offer->id, "host", offer->host,
                     "vm", offer->vm, "vmUuid", encode_text(offer->vm_uuid), "strict",
                     offer->strict, "facts", facts_to_json(&offer->facts), "claims", claims);
}

static int read_offer_claim(const json_t *json, const char *origin, const char *path,
                            struct offer_claim *ret_claim, struct error *err)
{
    struct reader r;
    reader_init(&r, json, origin, path, err);
    json_t *claim = reader_object(&r, "claim");
    facts_read(&r, "facts", &ret_claim->facts);
    decode_text(&r, "metadata", ret_claim->metadata, sizeof(ret_claim->metadata));
    int result = reader_end(&r);
    if (result != 0) {
        return result;
    }
    char inner[160];
    return claim_from_json(claim, origin, reader_path(&r, "claim", -1, inner, sizeof(inner)),
                           &ret_claim->claim, err);
}

static int read_offer_claims(const json_t *list, struct migration_offer *offer, struct error *err)
{
    offer->claims = xcalloc(json_array_size(list) + 1, sizeof(*offer->claims));
    for (size_t i = 0; i < json_array_size(list); i++) {
        char path[32];
        struct reader top = {.path = ""};
        int result = read_offer_claim(json_array_get(list, i), "request body",
                                      reader_path(&top, "claims", (int)i, path, sizeof(path)),
                                      &offer->claims[i], err);
        if (result != 0) {
            return result;
        }
        for (size_t k = 0; k < i; k++) {
            if (str_eq(offer->claims[k].claim.name, offer->claims[i].claim.name)) {
                return error_set(err, REASON_INVALID, path, "claim \"%s\" is listed twice",
                                 offer->claims[i].claim.name);
            }
        }
        offer->n_claims++;
    }
    return 0;
}

int migration_offer_from_json(const json_t *json, struct migration_offer **ret_offer,
                              struct error *err)
{
    struct error local = {0};
    err = err != NULL ? err : &local;
    CLEANUP(migration_offer_freep) struct migration_offer *offer = xcalloc(1, sizeof(*offer));
    struct reader r;
    reader_init(&r, json, "request body", "", err);
    const char *id = reader_str(&r, "id", sizeof(offer->id) - 1);
    if (id != NULL && !parse_uuid(id)) {
        reader_fail(&r, "id", "\"%s\" is no UUID", id);
    }
    STR_SET(offer->id, id == NULL ? "" : id);
    decode_text(&r, "host", offer->host, sizeof(offer->host));
    const char *vm = reader_str(&r, "vm", sizeof(offer->vm) - 1);
    if (vm != NULL && vm[0] == '\0') {
        reader_fail(&r, "vm", "a VM has a name");
    }
    STR_SET(offer->vm, vm == NULL ? "" : vm);
    decode_text(&r, "vmUuid", offer->vm_uuid, sizeof(offer->vm_uuid));
    offer->strict = reader_bool_or(&r, "strict", false);
    facts_read(&r, "facts", &offer->facts);
    const json_t *claims = reader_array(&r, "claims", MIGRATION_MAX_CLAIMS);
    int result = reader_end(&r);
    result = result != 0 ? result : read_offer_claims(claims, offer, err);
    if (result == 0) {
        *ret_offer = TAKE_PTR(offer);
    }
    return result;
}

json_t *incoming_to_json(const struct incoming *incoming)
{
    json_t *json = json_pack(
        "{s:s, s:o, s:o, s:o, s:s, s:o, s:s, s:b, s:s, s:b}", "id", incoming->id, "host",
        encode_text(incoming->host), "target", encode_text(incoming->target), "author",
        encode_text(incoming->author), "vm", incoming->vm, "vmUuid", encode_text(incoming->vm_uuid),
        "state", incoming_state_name(incoming->state), "vmPresent", incoming->vm_present, "vmState",
        vm_state_name(incoming->vm_state), "abort", incoming->abort);
    json_object_set_new(json, "plan", encode_text(incoming->plan));
    json_object_set_new(json, "devices", devices_to_json(&incoming->devices));
    json_object_set_new(json, "checks", checks_to_json(&incoming->checks));
    json_object_set_new(json, "steps", steps_to_json(&incoming->steps));
    json_object_set_new(json, "problem", encode_text(incoming->problem));
    json_object_set_new(json, "createdAt", encode_time(incoming->created_us));
    json_object_set_new(json, "finishedAt", encode_time(incoming->finished_us));
    json_object_set_new(json, "createdUs", json_integer((json_int_t)incoming->created_us));
    json_object_set_new(json, "finishedUs", json_integer((json_int_t)incoming->finished_us));
    return json;
}

int incoming_from_json(const json_t *json, const char *origin, struct incoming **ret_incoming,
                       struct error *err)
{
    struct error local = {0};
    CLEANUP(incoming_freep) struct incoming *in = xcalloc(1, sizeof(*in));
    struct reader r;
    reader_init(&r, json, origin, "", err != NULL ? err : &local);
    decode_text(&r, "id", in->id, sizeof(in->id));
    decode_text(&r, "host", in->host, sizeof(in->host));
    decode_text(&r, "target", in->target, sizeof(in->target));
    decode_text(&r, "author", in->author, sizeof(in->author));
    decode_text(&r, "vm", in->vm, sizeof(in->vm));
    decode_text(&r, "vmUuid", in->vm_uuid, sizeof(in->vm_uuid));
    int state = reader_word(&r, "state", &incoming_state_words);
    in->state = state < 0 ? INCOMING_ABORTED : (enum incoming_state)state;
    in->vm_present = reader_bool(&r, "vmPresent");
    int vm = reader_word(&r, "vmState", &vm_state_words);
    in->vm_state = vm < 0 ? VM_UNKNOWN : (enum vm_state)vm;
    in->abort = reader_bool(&r, "abort");
    decode_text(&r, "plan", in->plan, sizeof(in->plan));
    devices_read(&r, "devices", &in->devices);
    checks_read(&r, "checks", &in->checks);
    steps_read(&r, "steps", &in->steps);
    decode_text(&r, "problem", in->problem, sizeof(in->problem));
    in->created_us = (uint64_t)reader_int(&r, "createdUs", 0, INT64_MAX);
    in->finished_us = (uint64_t)reader_int(&r, "finishedUs", 0, INT64_MAX);
    reader_has(&r, "createdAt");
    reader_has(&r, "finishedAt");
    int result = reader_end(&r);
    if (result == 0) {
        *ret_incoming = TAKE_PTR(in);
    }
    return result;
}

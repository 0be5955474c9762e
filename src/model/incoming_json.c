/* SPDX-License-Identifier: Apache-2.0 */
/* What travels between two hosts. Schemas MigrationOffer and Incoming in openapi.yaml. */
#include "base/str.h"
#include "model/incoming.h"

/* ---- what the source asks for ---- */

static json_t *put_need(const void *object)
{
    const struct offer_claim *one = object;
    return one->claim.has_need ? need_to_json(&one->claim.need) : NULL;
}

static void read_need(struct reader *r, const char *key, void *object)
{
    struct offer_claim *one = object;
    one->claim.has_need = reader_has(r, key);
    if (one->claim.has_need) {
        const struct schema_place place = {key, -1, json_object_get(r->object, key)};
        schema_read_below(&need_schema, r, &place, &one->claim.need, FACE_WIRE);
    }
}

static const struct field_hook need_hook = {put_need, read_need};

static const struct field offer_claim_fields[] = {
    FIELD_OBJECT(struct offer_claim, claim, "claim", claim, FACE_WIRE, .required = true),
    FIELD_OBJECT(struct offer_claim, facts, "facts", migration_facts, FACE_WIRE, .required = true),
    FIELD_TEXT(struct offer_claim, metadata, "metadata", FACE_WIRE),
    /* A cleaved that knows no needs refuses these keys: migration_offer_to_plain_json(). */
    FIELD_HOOK("need", need_hook, FACE_WIRE),
    FIELD_OBJECT(struct offer_claim, claim.typed, "typed", claim_words, FACE_WIRE,
                 .left_out = true),
};
static const struct schema offer_claim_schema = SCHEMA(offer_claim, offer_claim_fields);

static json_t *put_claims(const void *object)
{
    const struct migration_offer *offer = object;
    return schema_list_to_json(&offer_claim_schema, offer->claims, offer->n_claims, FACE_WIRE);
}

static int refuse_twice(const struct migration_offer *offer, const char *path, struct error *err)
{
    const char *name = offer->claims[offer->n_claims].claim.name;
    for (size_t i = 0; i < offer->n_claims; i++) {
        if (str_eq(offer->claims[i].claim.name, name)) {
            return error_set(err, REASON_INVALID, path, "claim \"%s\" is listed twice", name);
        }
    }
    return 0;
}

static void read_claims(struct reader *r, const char *key, void *object)
{
    struct migration_offer *offer = object;
    const json_t *list = reader_array(r, key, MIGRATION_MAX_CLAIMS);
    offer->claims = xcalloc(json_array_size(list) + 1, sizeof(*offer->claims));
    for (size_t i = 0; i < json_array_size(list) && r->result == 0; i++) {
        char path[sizeof(r->path)];
        struct reader one;
        reader_init(&one, json_array_get(list, i), r->origin,
                    reader_path(r, key, (int)i, path, sizeof(path)), r->err);
        r->result = schema_read(&offer_claim_schema, &one, &offer->claims[i], FACE_WIRE);
        r->result = r->result != 0 ? r->result : refuse_twice(offer, path, r->err);
        offer->n_claims++;
    }
}

static const struct field_hook claims_hook = {put_claims, read_claims};

static const struct field offer_fields[] = {
    FIELD_STRING(struct migration_offer, id, "id", FACE_WIRE, .required = true, .form = &uuid_form),
    FIELD_STRING(struct migration_offer, host, "host", FACE_WIRE),
    FIELD_STRING(struct migration_offer, vm, "vm", FACE_WIRE, .required = true),
    FIELD_TEXT(struct migration_offer, vm_uuid, "vmUuid", FACE_WIRE),
    FIELD_BOOL(struct migration_offer, strict, "strict", FACE_WIRE),
    FIELD_OBJECT(struct migration_offer, facts, "facts", migration_facts, FACE_WIRE,
                 .required = true),
    FIELD_HOOK("claims", claims_hook, FACE_WIRE), /* no VEC() */
};
const struct schema migration_offer_schema = SCHEMA(migration_offer, offer_fields);

json_t *migration_offer_to_json(const struct migration_offer *offer)
{
    return schema_to_json(&migration_offer_schema, offer, FACE_WIRE);
}

json_t *migration_offer_to_plain_json(const struct migration_offer *offer)
{
    bool has_needs = false;
    json_t *json = migration_offer_to_json(offer);
    for (size_t i = 0; i < offer->n_claims; i++) {
        json_t *one = json_array_get(json_object_get(json, "claims"), i);
        has_needs = has_needs || offer->claims[i].claim.has_need;
        json_object_del(one, "need");
        json_object_del(one, "typed");
    }
    if (!has_needs) {
        json_decref(json);
        return NULL;
    }
    return json;
}

int migration_offer_read(const json_t *json, void *migration_offer, struct error *err)
{
    const struct schema_input in = {.json = json, .origin = "request body", .face = FACE_WIRE};
    struct migration_offer *offer = migration_offer;
    int r = schema_parse(&migration_offer_schema, &in, offer, err);
    if (r == 0 && offer->vm[0] == '\0') {
        r = error_set(err, REASON_INVALID, in.origin, "vm: the VM needs a name");
    }
    return r;
}

int migration_offer_from_json(const json_t *json, struct migration_offer **ret_offer,
                              struct error *err)
{
    CLEANUP(migration_offer_freep) struct migration_offer *offer = xcalloc(1, sizeof(*offer));
    int r = migration_offer_read(json, offer, err);
    if (r == 0) {
        *ret_offer = TAKE_PTR(offer);
    }
    return r;
}

/* ---- what this host keeps ready ---- */

static const struct field incoming_fields[] = {
    FIELD_STRING(struct incoming, id, "id", FACE_KEPT),
    FIELD_TEXT(struct incoming, host, "host", FACE_KEPT),
    FIELD_TEXT(struct incoming, target, "target", FACE_KEPT),
    FIELD_TEXT(struct incoming, author, "author", FACE_KEPT),
    FIELD_STRING(struct incoming, vm, "vm", FACE_KEPT),
    FIELD_TEXT(struct incoming, vm_uuid, "vmUuid", FACE_KEPT),
    FIELD_WORD(struct incoming, state, "state", incoming_state, FACE_KEPT, .required = true),
    FIELD_BOOL(struct incoming, vm_present, "vmPresent", FACE_KEPT, .required = true),
    FIELD_WORD(struct incoming, vm_state, "vmState", vm_state, FACE_KEPT, .required = true),
    FIELD_BOOL(struct incoming, abort, "abort", FACE_KEPT, .required = true),
    FIELD_TEXT(struct incoming, plan, "plan", FACE_KEPT),
    FIELD_LIST(struct incoming, devices, "devices", migration_device, FACE_KEPT,
               .max = MIGRATION_MAX_CLAIMS),
    FIELD_LIST(struct incoming, checks, "checks", check, FACE_KEPT, .max = MIGRATION_MAX_CHECKS),
    FIELD_LINES(struct incoming, steps, text, "steps", "a step must be text", FACE_KEPT,
                .max = MIGRATION_MAX_STEPS),
    FIELD_TEXT(struct incoming, problem, "problem", FACE_KEPT),
    FIELD_COUNT(struct incoming, created_us, "createdUs", FACE_KEPT, .required = true),
    FIELD_COUNT(struct incoming, finished_us, "finishedUs", FACE_KEPT, .required = true),
    FIELD_TIME(struct incoming, created_us, "createdAt", FACE_KEPT),
    FIELD_TIME(struct incoming, finished_us, "finishedAt", FACE_KEPT),
};
const struct schema incoming_schema = SCHEMA(incoming, incoming_fields);

json_t *incoming_to_json(const struct incoming *incoming)
{
    return schema_to_json(&incoming_schema, incoming, FACE_STORE);
}

int incoming_from_json(const json_t *json, const char *origin, struct incoming **ret_incoming,
                       struct error *err)
{
    const struct schema_input in = {.json = json, .origin = origin, .face = FACE_STORE};
    CLEANUP(incoming_freep) struct incoming *incoming = xcalloc(1, sizeof(*incoming));
    int r = schema_parse(&incoming_schema, &in, incoming, err);
    if (r == 0) {
        *ret_incoming = TAKE_PTR(incoming);
    }
    return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Forms of a claim: the user's (which goes to other hosts, too), the API's and the store's. Schema
 * Claim in openapi.yaml. */
#include "base/str.h"
#include "model/claim.h"
#include "model/claim_conflict.h"

#define MAX_START 63 /* first memory slice of a GPU instance */

static const struct field assignment_fields[] = {
    FIELD_ADDRESS(struct assignment, gpu, "gpu", FACE_KEPT),
    FIELD_TEXT(struct assignment, gpu_uuid, "gpuUuid", FACE_KEPT),
    FIELD_TEXT(struct assignment, profile, "profile", FACE_KEPT),
    FIELD_ID(struct assignment, gi_id, "gpuInstance", FACE_KEPT),
    FIELD_ID(struct assignment, start, "start", FACE_KEPT),
    FIELD_ID(struct assignment, size, "size", FACE_KEPT),
    FIELD_ID(struct assignment, type_id, "typeId", FACE_KEPT),
    FIELD_ADDRESS(struct assignment, device, "device", FACE_KEPT),
    FIELD_TEXT(struct assignment, mdev_uuid, "mdevUuid", FACE_KEPT),
    FIELD_ID(struct assignment, placement_id, "placementId", FACE_KEPT),
    FIELD_TEXT(struct assignment, mig_uuid, "migUuid", FACE_KEPT),
    FIELD_WORD(struct assignment, board, "board", claim_board, FACE_KEPT, .left_out = true),
};
const struct schema assignment_schema = SCHEMA_OPTIONAL(assignment, assignment_fields, set);

static const struct field device_fields[] = {
    FIELD_ADDRESS(struct claim_device, gpu, "gpu", FACE_KEPT),
    FIELD_ADDRESS(struct claim_device, device, "device", FACE_KEPT),
    FIELD_TEXT(struct claim_device, mdev_uuid, "mdevUuid", FACE_KEPT),
};
static const struct schema claim_device_schema = SCHEMA_OPTIONAL(claim_device, device_fields, set);

/* A claim in another state was bound, or gave its device back. */
static bool may_be_new(enum claim_state state)
{
    return state == CLAIM_PENDING || state == CLAIM_BINDING || state == CLAIM_FAILED;
}

static json_t *put_was_bound(const void *object)
{
    const struct claim *claim = object;
    return may_be_new(claim->state) ? json_boolean(claim->was_bound) : NULL;
}

static void read_was_bound(struct reader *r, const char *key, void *object)
{
    struct claim *claim = object;
    /* An older cleaved did not say. */
    bool maybe = claim->state != CLAIM_FAILED || claim->assigned.set;
    claim->was_bound = reader_bool_or(r, key, maybe);
}

static const struct field_hook was_bound_hook = {put_was_bound, read_was_bound};

/* A number in quotes would be the next error: a site takes no index, and no type is a number. */
#define GPU_ADVICE                                                                                 \
    "write the GPU's address or UUID in quotes, such as gpu: \"0000:41:00.0\"; `cleave gpu list` " \
    "shows the addresses"
#define PROFILE_ADVICE "`cleave profile list` shows the vGPU types and profiles"

/* ---- needs ---- */

static json_t *put_need(const void *object)
{
    const struct claim *claim = object;
    return claim->has_need ? need_to_json(&claim->need) : NULL;
}

/* Words that a claim has both outside its need and in it. */
static void check_twins(struct reader *r, const json_t *need)
{
    static const struct {
        const char *word, *needed;
    } twins[] = {{"guest", "guest"}, {"mixed", "mixed"}, {"migratable", "liveMigration"}};
    for (size_t i = 0; i < ARRAY_SIZE(twins); i++) {
        const json_t *said = json_object_get(r->object, twins[i].word);
        const json_t *needed = json_object_get(need, twins[i].needed);
        bool both = said != NULL && !json_is_null(said) && needed != NULL && !json_is_null(needed);
        if (both && !json_equal(said, needed)) {
            reader_fail(r, twins[i].word, "contradicts \"need.%s\": the two say different things",
                        twins[i].needed);
        }
    }
    const json_t *said = json_object_get(r->object, "params");
    const json_t *needed = json_object_get(need, "params");
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)said, name, value)
    {
        const json_t *other = json_object_get(needed, name);
        if (json_is_boolean(value) && json_is_boolean(other) && !json_equal(value, other)) {
            reader_fail(r, "params", "contradicts \"need.params\": they say %s both on and off",
                        name);
        }
    }
}

static void read_need(struct reader *r, const char *key, void *object)
{
    struct claim *claim = object;
    claim->has_need = reader_has(r, key);
    if (claim->has_need) {
        const struct schema_place place = {key, -1, json_object_get(r->object, key)};
        schema_read_below(&need_schema, r, &place, &claim->need, FACE_USER);
        if (!reader_has(r, "state")) { /* what is stored was accepted, and says what was settled */
            check_twins(r, place.json);
        }
    }
}

static const struct field_hook need_hook = {put_need, read_need};

static const struct field words_fields[] = {
    FIELD_WORD(struct claim_words, mode, "mode", claim_mode, FACE_KEPT | FACE_WIRE,
               .fallback = CLAIM_MODE_AUTO),
    FIELD_TEXT(struct claim_words, type, "type", FACE_KEPT | FACE_WIRE),
    FIELD_TEXT(struct claim_words, profile, "profile", FACE_KEPT | FACE_WIRE),
    FIELD_ID(struct claim_words, start, "start", FACE_KEPT | FACE_WIRE, .max = MAX_START),
};
const struct schema claim_words_schema = SCHEMA_OPTIONAL(claim_words, words_fields, set);

static json_t *put_overrides(const void *object)
{
    const struct claim *claim = object;
    return rule_overrides_to_json(&claim->overrides);
}

static void read_overrides(struct reader *r, const char *key, void *object)
{
    struct claim *claim = object;
    rule_overrides_read(r, key, &claim->overrides);
}

static const struct field_hook overrides_hook = {put_overrides, read_overrides};

static const struct field claim_fields[] = {
    FIELD_NAME(struct claim, name, "name", FACE_ALL, .required = true,
               .missing = "a claim needs a name"),
    FIELD_NAME(struct claim, tenant, "tenant", FACE_ALL, .text = "default"),
    FIELD_TEXT(struct claim, vm, "vm", FACE_ALL),
    FIELD_WORD(struct claim, spec.mode, "mode", claim_mode, FACE_ALL, .fallback = CLAIM_MODE_AUTO),
    FIELD_TEXT(struct claim, spec.gpu, "gpu", FACE_ALL, .advice = GPU_ADVICE),
    FIELD_TEXT(struct claim, spec.type, "type", FACE_ALL, .advice = PROFILE_ADVICE),
    FIELD_TEXT(struct claim, spec.profile, "profile", FACE_ALL, .advice = PROFILE_ADVICE),
    FIELD_ID(struct claim, spec.start, "start", FACE_ALL, .max = MAX_START),
    FIELD_BOOL(struct claim, spec.mixed, "mixed", FACE_ALL),
    FIELD_WORD(struct claim, spec.guest, "guest", guest_os, FACE_ALL, .fallback = GUEST_LINUX),
    FIELD_BOOL(struct claim, spec.migratable, "migratable", FACE_ALL),
    FIELD_WORD(struct claim, spec.hold, "hold", claim_hold, FACE_ALL, .fallback = CLAIM_HELD),
    FIELD_HOOK("need", need_hook, FACE_USER | FACE_KEPT),
    FIELD_OBJECT(struct claim, typed, "typed", claim_words, FACE_KEPT, .left_out = true),
    FIELD_STRING(struct claim, choice, "choice", FACE_KEPT, .left_out = true),
    FIELD_COUNT(struct claim, count, "count", FACE_USER, .min = 1, .max = NEED_MAX_COUNT),
    FIELD_OBJECT(struct claim, params, "params", vgpu_params, FACE_ALL, .left_out = true),
    FIELD_HOOK("overrides", overrides_hook, FACE_ALL),

    FIELD_TEXT(struct claim, author, "author", FACE_KEPT),
    FIELD_TEXT(struct claim, site, "site", FACE_KEPT),
    FIELD_WORD(struct claim, state, "state", claim_state, FACE_KEPT, .fallback = CLAIM_PENDING),
    FIELD_OBJECT(struct claim, assigned, "assigned", assignment, FACE_KEPT),
    FIELD_OBJECT(struct claim, reserved, "reserved", claim_device, FACE_KEPT),
    FIELD_TEXT(struct claim, vm_uuid, "vmUuid", FACE_KEPT),
    FIELD_STRING(struct claim, vm_uuid_before, "vmUuidBefore", FACE_KEPT, .left_out = true),
    FIELD_TEXT(struct claim, problem, "problem", FACE_KEPT),
    FIELD_COUNT(struct claim, version, "version", FACE_KEPT, .required = true),
    FIELD_COUNT(struct claim, created_us, "createdUs", FACE_KEPT, .required = true),
    FIELD_HOOK("wasBound", was_bound_hook, FACE_KEPT),
    FIELD_COUNT(struct claim, vm_gone_us, "vmGoneUs", FACE_KEPT, .left_out = true),
    FIELD_TIME(struct claim, created_us, "createdAt", FACE_KEPT),
};
const struct schema claim_schema = SCHEMA(claim, claim_fields);

/* Words that are typed next to a need are kept apart from what is chosen later. Words that claim
 * and need both have hold if either says so. */
static void settle_words(struct claim *claim)
{
    struct claim_spec *spec = &claim->spec;
    struct need *need = &claim->need;
    claim->typed =
        (struct claim_words){.set = spec->mode != CLAIM_MODE_AUTO || spec->type[0] != '\0' ||
                                    spec->profile[0] != '\0' || spec->start != NO_ID,
                             .mode = spec->mode,
                             .start = spec->start};
    STR_SET(claim->typed.type, spec->type);
    STR_SET(claim->typed.profile, spec->profile);
    need->mixed = spec->mixed = need->mixed || spec->mixed;
    need->live_migration = spec->migratable = need->live_migration || spec->migratable;
    need->guest = spec->guest = need->guest == GUEST_LINUX ? spec->guest : need->guest;
    for (size_t i = 0; i < VGPU_PARAM_COUNT; i++) {
        const struct vgpu_param *param = &vgpu_param_table[i];
        enum tristate said = vgpu_param_get(&claim->params, param);
        enum tristate needed = vgpu_param_get(&need->params, param);
        if (said != TRI_UNKNOWN || needed != TRI_UNKNOWN) {
            bool on = (said != TRI_UNKNOWN ? said : needed) == TRI_YES;
            vgpu_param_set(&claim->params, param, on);
            vgpu_param_set(&need->params, param, on);
        }
    }
}

int claim_settle_need(struct claim *claim, const char *origin, const char *path, struct error *err)
{
    if (!claim->has_need) {
        return 0;
    }
    settle_words(claim);
    const struct need_conflict *conflict = need_find_conflict(&claim->need);
    const char *dot = path[0] != '\0' ? "." : "";
    if (conflict != NULL) {
        return error_set(err, REASON_INVALID, origin, "%s%sneed: \"%s\" contradicts \"%s\": %s",
                         path, dot, conflict->word, conflict->other, conflict->why);
    }
    const struct claim_conflict *other = claim_find_conflict(claim);
    if (other != NULL) {
        return error_set(err, REASON_INVALID, origin, "%s%s\"%s\" contradicts \"%s\": %s", path,
                         path[0] != '\0' ? ": " : "", other->word, other->other, other->why);
    }
    return 0;
}

int claim_from_json(const json_t *json, const char *origin, const char *path,
                    struct claim *ret_claim, struct error *err)
{
    const struct schema_input in = {
        .json = json, .origin = origin, .path = path, .face = FACE_USER};
    struct claim claim = {0};
    int r = schema_parse(&claim_schema, &in, &claim, err);
    r = r != 0 ? r : claim_settle_need(&claim, origin, path, err);
    if (r == 0) {
        *ret_claim = claim;
    }
    return r;
}

json_t *claim_to_json(const struct claim *claim)
{
    return schema_to_json(&claim_schema, claim, FACE_STORE);
}

/* Where a later version may have added keys. */
static const struct later_place places[] = {
    {NULL, &claim_schema},
    {"need", &need_schema},
    {"typed", &claim_words_schema},
    {"params", &vgpu_params_schema},
    {"assigned", &assignment_schema},
    {"reserved", &claim_device_schema},
    {"overrides", &rule_override_schema},
};

json_t *claim_to_stored_json(const struct claim *claim)
{
    json_t *json = claim_to_json(claim);
    later_keys_put(json, claim->later);
    return json;
}

int claim_from_stored_json(const json_t *json, struct claim *ret_claim, struct error *err)
{
    CLEANUP_JSON json_t *known = json_deep_copy(json);
    const struct schema_input in = {.json = known, .origin = "stored claim", .face = FACE_STORE};
    struct claim claim = {0};
    char later[LATER_KEYS_SIZE] = "";
    if (!later_keys_take(known, places, ARRAY_SIZE(places), later)) {
        return error_set(err, REASON_INVALID, "stored claim",
                         "a later version stored more than this one can keep");
    }
    int r = schema_parse(&claim_schema, &in, &claim, err);
    if (r == 0) {
        STR_SET(claim.later, later);
        *ret_claim = claim;
    }
    return r;
}

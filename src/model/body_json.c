/* SPDX-License-Identifier: Apache-2.0 */
#include "model/body.h"

#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"

#define ORIGIN "request body"
#define SITE_MAX_CLAIMS 1024
#define TIMEOUT_MAX_S (24 * 3600)
#define MAX_XML (512 * 1024)
#define MAX_DOMAIN 4095 /* bytes of a name; the XML says it again */
#define MAX_DOWNTIME_MS (24 * 3600 * 1000)
/* libvirt counts whole MiB per second. */
#define MIN_BANDWIDTH (1024 * 1024)
#define RESTORE_TIMEOUT_S 120
#define STOP_TIMEOUT_S 120

#define BODY_OF_TABLE(document_, type, schema_, ...)                                               \
    {.document = (document_),                                                                      \
     .size = sizeof(type),                                                                         \
     .schema = &(schema_),                                                                         \
     .face = FACE_USER,                                                                            \
     ##__VA_ARGS__}

static int parse_body(const struct schema *schema, const json_t *json, void *body,
                      struct error *err)
{
    const struct schema_input in = {.json = json, .origin = ORIGIN, .face = FACE_USER};
    return schema_parse(schema, &in, body, err);
}

int body_read(const struct body_kind *kind, const json_t *json, void **ret_body, struct error *err)
{
    CLEANUP_JSON json_t *none = json == NULL ? json_object() : NULL;
    const json_t *whole = json == NULL ? none : json;
    const struct schema_input in = {.json = whole, .origin = ORIGIN, .face = kind->face};
    void *body = xcalloc(1, kind->size);
    int r = kind->read != NULL ? kind->read(whole, body, err)
                               : schema_parse(kind->schema, &in, body, err);
    if (r != 0) {
        body_done(kind, body);
        return r;
    }
    *ret_body = body;
    return 0;
}

void body_done(const struct body_kind *kind, void *body)
{
    if (kind->done != NULL) {
        kind->done(body);
    }
    free(body);
}

/* ---- claims ---- */

static int claim_body_read(const json_t *json, void *claim_body, struct error *err)
{
    static const char key[] = "moveIdle";
    struct claim_body *body = claim_body;
    struct reader r;
    reader_init(&r, json, ORIGIN, "", err);
    body->move_idle = reader_bool_or(&r, key, false);
    if (r.result != 0) {
        return r.result;
    }
    CLEANUP_JSON json_t *spec = json_copy((json_t *)(uintptr_t)json);
    json_object_del(spec, key);
    return claim_from_json(spec, ORIGIN, "", &body->claim, err);
}

const struct body_kind body_claim = {
    .document = "ClaimRequest", .size = sizeof(struct claim_body), .read = claim_body_read};

static const struct text_form site_form = {
    .fits = parse_name, .complaint = "is not a name: use letters, digits, '.', '_' and '-'"};

static const struct field site_fields[] = {
    FIELD_STRING(struct site_body, name, "name", FACE_USER, .required = true, .form = &site_form),
    FIELD_BOOL(struct site_body, move_idle, "moveIdle", FACE_USER),
    FIELD_LIST(struct site_body, claims, "claims", claim, FACE_USER, .required = true,
               .max = SITE_MAX_CLAIMS),
};
static const struct schema site_body_schema = SCHEMA(site_body, site_fields);

/* Adds the claims that one of the site stands for. */
static int add_claims(struct claim *claim, const char *path, struct claims *all, struct error *err)
{
    size_t first = all->n;
    int r = claim_settle_need(claim, ORIGIN, path, err);
    r = r != 0 ? r : claim_spread(claim, all, err);
    if (r == 0 && all->n > SITE_MAX_CLAIMS) {
        return error_set(err, REASON_INVALID, path, "a site has at most %d claims",
                         SITE_MAX_CLAIMS);
    }
    for (size_t i = first; r == 0 && i < all->n; i++) {
        const char *name = all->items[i].name;
        if (claims_find(all, name) != &all->items[i]) {
            r = error_set(err, REASON_INVALID, path, "claim \"%s\" is listed twice", name);
        }
    }
    return r;
}

static int site_body_read(const json_t *json, void *site_body, struct error *err)
{
    struct site_body *body = site_body;
    struct claims all = {0};
    int r = parse_body(&site_body_schema, json, body, err);
    for (size_t i = 0; r == 0 && i < body->claims.n; i++) {
        char path[64];
        str_print(path, sizeof(path), "claims[%zu]", i);
        r = add_claims(&body->claims.items[i], path, &all, err);
    }
    vec_done(&body->claims);
    body->claims = all;
    return r;
}

static void site_body_done(void *site_body)
{
    vec_done(&((struct site_body *)site_body)->claims);
}

const struct body_kind body_site = BODY_OF_TABLE("SiteSpec", struct site_body, site_body_schema,
                                                 .read = site_body_read, .done = site_body_done);

static int need_body_read(const json_t *json, void *need, struct error *err)
{
    return need_from_json(json, ORIGIN, "", need, err);
}

const struct body_kind body_need =
    BODY_OF_TABLE("Need", struct need, need_schema, .read = need_body_read);

/* ---- GPUs and the host ---- */

static const struct field cordon_fields[] = {
    FIELD_TEXT(struct cordon_body, reason, "reason", FACE_USER),
};
static const struct schema cordon_body_schema = SCHEMA(cordon_body, cordon_fields);
const struct body_kind body_cordon =
    BODY_OF_TABLE("CordonSpec", struct cordon_body, cordon_body_schema);

const struct body_kind body_licence_pool =
    BODY_OF_TABLE("LicencePoolSpec", struct licence_pool, licence_pool_schema);

static const struct field mode_fields[] = {
    FIELD_WORD(struct mode_body, mode, "mode", gpu_mode, FACE_USER, .required = true),
};
static const struct schema mode_body_schema = SCHEMA(mode_body, mode_fields);
const struct body_kind body_mode = BODY_OF_TABLE("GpuModeSpec", struct mode_body, mode_body_schema);

static const struct field scheduler_fields[] = {
    FIELD_WORD(struct gpu_scheduler, policy, "policy", scheduler_policy, FACE_USER,
               .required = true),
    FIELD_SIZE(struct gpu_scheduler, slice_ns, "sliceNs", FACE_USER, .min = 1, .max = UINT32_MAX),
    FIELD_SIZE(struct gpu_scheduler, frequency_hz, "frequencyHz", FACE_USER, .min = 1,
               .max = UINT32_MAX),
    FIELD_SIZE(struct gpu_scheduler, averaging, "averaging", FACE_USER, .min = 1,
               .max = UINT32_MAX),
};
static const struct schema gpu_scheduler_body_schema = SCHEMA(gpu_scheduler, scheduler_fields);

static int gpu_scheduler_body_read(const json_t *json, void *gpu_scheduler, struct error *err)
{
    struct gpu_scheduler *scheduler = gpu_scheduler;
    int r = parse_body(&gpu_scheduler_body_schema, json, scheduler, err);
    scheduler->adaptive = scheduler->frequency_hz != 0 || scheduler->averaging != 0;
    return r;
}

const struct body_kind body_scheduler =
    BODY_OF_TABLE("GpuSchedulerSpec", struct gpu_scheduler, gpu_scheduler_body_schema,
                  .read = gpu_scheduler_body_read);

static const struct field restore_fields[] = {
    FIELD_COUNT(struct restore_body, timeout_s, "timeoutSeconds", FACE_USER, .max = TIMEOUT_MAX_S,
                .fallback = RESTORE_TIMEOUT_S),
};
static const struct schema restore_body_schema = SCHEMA(restore_body, restore_fields);
const struct body_kind body_restore =
    BODY_OF_TABLE("RestoreSpec", struct restore_body, restore_body_schema);

const struct body_kind body_drain = BODY_OF_TABLE("DrainSpec", struct drain, drain_schema);

/* ---- migrations ---- */

static const struct field migration_fields[] = {
    FIELD_STRING(struct migration_request, vm, "vm", FACE_USER, .required = true),
    FIELD_STRING(struct migration_request, destination, "destination", FACE_USER, .required = true),
    FIELD_TEXT(struct migration_request, peer, "peer", FACE_USER),
    FIELD_TEXT(struct migration_request, migrate_uri, "migrateUri", FACE_USER),
    FIELD_SIZE(struct migration_request, bandwidth_bytes, "bandwidthBytes", FACE_USER,
               .min = MIN_BANDWIDTH),
    FIELD_SIZE(struct migration_request, max_downtime_ms, "maxDowntimeMs", FACE_USER, .min = 1,
               .max = MAX_DOWNTIME_MS),
    FIELD_BOOL(struct migration_request, strict, "strict", FACE_USER),
};
static const struct schema migration_body_schema = SCHEMA(migration_request, migration_fields);
const struct body_kind body_migration =
    BODY_OF_TABLE("MigrationSpec", struct migration_request, migration_body_schema);

static const struct field resolution_fields[] = {
    FIELD_WORD(struct resolution_body, where, "vm", migration_resolution, FACE_USER,
               .required = true),
};
static const struct schema resolution_body_schema = SCHEMA(resolution_body, resolution_fields);
const struct body_kind body_resolution =
    BODY_OF_TABLE("ResolutionSpec", struct resolution_body, resolution_body_schema);

const struct body_kind body_offer = {.document = "MigrationOffer",
                                     .size = sizeof(struct migration_offer),
                                     .schema = &migration_offer_schema,
                                     .face = FACE_WIRE,
                                     .read = migration_offer_read,
                                     .done = migration_offer_done};

/* ---- VMs ---- */

static int vm_body_read(const json_t *json, void *vm_body, struct error *err)
{
    struct vm_body *body = vm_body;
    struct reader r;
    reader_init(&r, json, ORIGIN, "", err);
    const char *name = reader_str(&r, "name", sizeof(body->name) - 1);
    body->template = reader_text(&r, "template", MAX_XML);
    if (name != NULL && !parse_long_name(name, sizeof(body->name) - 1)) {
        reader_fail(&r, "name", "\"%s\" is not a name: use letters, digits, '.', '_' and '-'",
                    name);
    }
    STR_SET(body->name, name == NULL ? "" : name);
    return reader_end(&r);
}

const struct body_kind body_vm = {
    .document = "VmSpec", .size = sizeof(struct vm_body), .read = vm_body_read};

static const struct field stop_fields[] = {
    FIELD_BOOL(struct stop_body, force, "force", FACE_USER),
    FIELD_COUNT(struct stop_body, timeout_s, "timeoutSeconds", FACE_USER, .min = 1,
                .max = TIMEOUT_MAX_S, .fallback = STOP_TIMEOUT_S),
};
static const struct schema stop_body_schema = SCHEMA(stop_body, stop_fields);
const struct body_kind body_stop = BODY_OF_TABLE("VmStopSpec", struct stop_body, stop_body_schema);

WORDS_DEFINE(hook_operation_words, "operation", HOOK_OPERATION_COUNT, WORD(HOOK_PREPARE, "prepare"),
             WORD(HOOK_START, "start"), WORD(HOOK_STARTED, "started"),
             WORD(HOOK_STOPPED, "stopped"), WORD(HOOK_RELEASE, "release"),
             WORD(HOOK_MIGRATE, "migrate"), WORD(HOOK_RESTORE, "restore"),
             WORD(HOOK_RECONNECT, "reconnect"), WORD(HOOK_ATTACH, "attach"))

static int hook_body_read(const json_t *json, void *hook_body, struct error *err)
{
    struct hook_body *body = hook_body;
    struct reader r;
    reader_init(&r, json, ORIGIN, "", err);
    body->domain = reader_text(&r, "domain", MAX_DOMAIN);
    int operation = reader_word(&r, "operation", &hook_operation_words);
    (void)reader_str_or(&r, "subOperation", NAME_SIZE - 1, "-");
    body->extra = reader_str_or(&r, "extra", NAME_SIZE - 1, "-");
    body->xml = reader_text(&r, "xml", MAX_XML);
    body->operation = operation < 0 ? HOOK_PREPARE : (enum hook_operation)operation;
    return reader_end(&r);
}

const struct body_kind body_hook = {
    .document = "HookSpec", .size = sizeof(struct hook_body), .read = hook_body_read};

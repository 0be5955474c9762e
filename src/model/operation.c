/* SPDX-License-Identifier: Apache-2.0 */
#include "model/operation.h"

#include <string.h>

#include "base/mem.h"
#include "base/sm.h"
#include "base/str.h"

WORDS_DEFINE(operation_kind_id_words, "operation kind", OPERATION_KIND_COUNT,
             WORD(OPERATION_KIND_PLAN, "plan"), WORD(OPERATION_KIND_MIGRATION, "migration"),
             WORD(OPERATION_KIND_INCOMING, "incoming"), WORD(OPERATION_KIND_DRAIN, "drain"),
             WORD(OPERATION_KIND_RESTORATION, "restoration"),
             WORD(OPERATION_KIND_RELEASE, "release"), WORD(OPERATION_KIND_GIVE_BACK, "give-back"))

const struct operation_limits operation_limits[OPERATION_KIND_COUNT] = {
    [OPERATION_KIND_PLAN] = {.stored = 1000, .listed = 100},
    [OPERATION_KIND_MIGRATION] = {.stored = 50, .listed = 50},
    [OPERATION_KIND_INCOMING] = {.stored = 50, .listed = 50},
    [OPERATION_KIND_DRAIN] = {.stored = 20, .listed = 20},
    [OPERATION_KIND_RESTORATION] = {.stored = 20, .listed = 20},
    [OPERATION_KIND_RELEASE] = {.listed = 20},
    [OPERATION_KIND_GIVE_BACK] = {.listed = 20},
};

#define TO(state) SM_TO(OPERATION_##state)
static const struct word operation_state_rows[] = {
    [OPERATION_WAITING] = {.name = "waiting",
                           .next =
                               TO(RUNNING) | TO(CANCELLING) | TO(DONE) | TO(FAILED) | TO(CANCELLED),
                           .initial = true},
    [OPERATION_RUNNING] = {.name = "running",
                           .next = TO(WAITING) | TO(CANCELLING) | TO(DONE) | TO(FAILED) |
                                   TO(CANCELLED)},
    /* A cancel may come too late, or what comes back may fail. */
    [OPERATION_CANCELLING] = {.name = "cancelling", .next = TO(DONE) | TO(FAILED) | TO(CANCELLED)},
    [OPERATION_DONE] = {.name = "done", .final = true},
    [OPERATION_FAILED] = {.name = "failed", .final = true},
    [OPERATION_CANCELLED] = {.name = "cancelled", .final = true},
};
WORDS_OF(operation_state_words, "operation", operation_state_rows, OPERATION_STATE_COUNT)
#undef TO

bool operation_state_is_over(enum operation_state state)
{
    return operation_state_rows[state].final;
}

static const struct field progress_fields[] = {
    FIELD_STRING(struct operation_progress, unit, "unit", FACE_KEPT),
    FIELD_COUNT(struct operation_progress, done, "done", FACE_KEPT),
    FIELD_COUNT(struct operation_progress, total, "total", FACE_KEPT),
    FIELD_TEXT(struct operation_progress, text, "text", FACE_KEPT),
};
static const struct schema operation_progress_schema =
    SCHEMA_OPTIONAL(operation_progress, progress_fields, unit);

static const struct field view_fields[] = {
    FIELD_STRING(struct operation_view, id, "id", FACE_KEPT, .required = true),
    FIELD_WORD(struct operation_view, kind, "kind", operation_kind_id, FACE_KEPT, .required = true),
    FIELD_STRING(struct operation_view, subject, "subject", FACE_KEPT, .required = true),
    FIELD_STRING(struct operation_view, about, "about", FACE_STORE, .left_out = true),
    FIELD_TEXT(struct operation_view, host, "host", FACE_KEPT),
    FIELD_STRING(struct operation_view, text, "text", FACE_KEPT),
    FIELD_TEXT(struct operation_view, author, "author", FACE_KEPT),
    FIELD_WORD(struct operation_view, state, "state", operation_state, FACE_KEPT, .required = true),
    FIELD_BOOL(struct operation_view, dry_run, "dryRun", FACE_API),
    FIELD_BOOL(struct operation_view, cancel, "cancel", FACE_KEPT),
    FIELD_BOOL(struct operation_view, cancellable, "cancellable", FACE_API),
    FIELD_COUNT(struct operation_view, attempts, "attempts", FACE_KEPT),
    FIELD_COUNT(struct operation_view, created_us, "createdUs", FACE_STORE, .required = true),
    FIELD_COUNT(struct operation_view, finished_us, "finishedUs", FACE_STORE, .required = true),
    FIELD_TIME(struct operation_view, created_us, "createdAt", FACE_API),
    FIELD_TIME(struct operation_view, finished_us, "finishedAt", FACE_API),
    FIELD_TIME(struct operation_view, next_attempt_us, "nextAttemptAt", FACE_API),
    FIELD_TIME(struct operation_view, deadline_us, "deadlineAt", FACE_API),
    FIELD_OBJECT(struct operation_view, progress, "progress", operation_progress, FACE_KEPT),
    FIELD_TEXT(struct operation_view, problem, "problem", FACE_KEPT),
    FIELD_TEXT(struct operation_view, hint, "hint", FACE_KEPT),
    FIELD_TEXT(struct operation_view, url, "url", FACE_API),
    FIELD_IGNORED("body", FACE_STORE), /* the kind's, which reads it */
};
const struct schema operation_view_schema = SCHEMA(operation_view, view_fields);

/* Between two subjects: no name of a claim, VM or GPU has a slash. */
#define BETWEEN "//"

static bool has_about(const struct operation_view *view, const char *subject)
{
    CLEANUP_FREE char *all = xasprintf(BETWEEN "%s" BETWEEN, view->about);
    CLEANUP_FREE char *one = xasprintf(BETWEEN "%s" BETWEEN, subject);
    return strstr(all, one) != NULL;
}

void operation_view_add_about(struct operation_view *view, const char *subject)
{
    size_t len = strlen(view->about);
    const char *between = len > 0 ? BETWEEN : "";
    bool fits = len + strlen(between) + strlen(subject) < sizeof(view->about);
    if (fits && !has_about(view, subject)) {
        str_print(view->about + len, sizeof(view->about) - len, "%s%s", between, subject);
    }
}

bool operation_view_is_about(const struct operation_view *view, const char *subject)
{
    return str_eq(view->subject, subject) || has_about(view, subject);
}

json_t *operation_view_to_json(const struct operation_view *view)
{
    return schema_to_json(&operation_view_schema, view, FACE_API);
}

json_t *operation_to_stored_json(const struct operation_view *view, const json_t *body)
{
    json_t *json = schema_to_json(&operation_view_schema, view, FACE_STORE);
    json_object_set(json, "body", (json_t *)body);
    return json;
}

int operation_from_stored_json(const json_t *json, struct operation_view *ret_view,
                               const json_t **ret_body, struct error *err)
{
    const struct schema_input in = {.json = json, .origin = "stored operation", .face = FACE_STORE};
    int r = schema_parse(&operation_view_schema, &in, ret_view, err);
    *ret_body = json_object_get(json, "body");
    return r != 0 || *ret_body != NULL ? r
                                       : error_set(err, REASON_INTERNAL, "store", "it has no body");
}

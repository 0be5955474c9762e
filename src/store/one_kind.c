/* SPDX-License-Identifier: Apache-2.0 */
#include "store/one_kind.h"

#include "base/attr.h"
#include "base/json.h"
#include "base/str.h"

/* What an operation's state was called by its kind. `problem`: it had one. */
static const struct {
    const char *kind, *state, *now, *problem;
} states[] = {
    {"plan", "running", "running", "waiting"},
    {"plan", "undoing", "running", "running"},
    {"plan", "done", "done", "failed"},
    {"plan", "undone", "failed", "failed"},
    {"plan", "failed", "failed", "failed"},
    {"plan", "stuck", "failed", "failed"},
    {"migration", "checking", "running", "running"},
    {"migration", "preparing", "running", "running"},
    {"migration", "moving", "running", "running"},
    {"migration", "switching", "running", "running"},
    {"migration", "releasing", "running", "running"},
    {"migration", "aborting", "running", "running"},
    {"migration", "done", "done", "done"},
    {"migration", "cancelled", "cancelled", "cancelled"},
    {"migration", "failed", "failed", "failed"},
    {"incoming", "preparing", "running", "running"},
    {"incoming", "prepared", "waiting", "waiting"},
    {"incoming", "aborting", "running", "running"},
    {"incoming", "committed", "done", "done"},
    {"incoming", "aborted", "cancelled", "failed"},
    {"drain", "planning", "running", "running"},
    {"drain", "running", "running", "running"},
    {"drain", "cancelling", "cancelling", "cancelling"},
    {"drain", "done", "done", "done"},
    {"drain", "incomplete", "failed", "failed"},
    {"drain", "cancelled", "cancelled", "cancelled"},
};

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static bool is_cancelled(const struct former_record *record)
{
    return json_is_true(json_object_get(record->document, "cancel")) ||
           json_is_true(json_object_get(record->document, "abort")) ||
           str_starts(text_of(record->document, "state"), "cancel");
}

static const char *state_of(const struct former_record *record)
{
    const char *state = text_of(record->document, "state");
    bool problem = text_of(record->document, "problem")[0] != '\0';
    for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
        if (str_eq(states[i].kind, record->kind) && str_eq(states[i].state, state)) {
            const char *now = problem ? states[i].problem : states[i].now;
            bool goes_on = str_eq(now, "running") || str_eq(now, "waiting");
            return goes_on && is_cancelled(record) ? "cancelling" : now;
        }
    }
    return NULL;
}

/* The name of the one claim that a plan changes; NULL: of none, or of several. */
static const char *only_claim(const json_t *document)
{
    const char *only = NULL;
    const json_t *claims = json_object_get(document, "claims");
    for (size_t i = 0; i < json_array_size(claims); i++) {
        const json_t *entry = json_array_get(claims, i);
        const char *name = text_of(json_object_get(entry, "claim"), "name");
        bool keeps = str_eq(text_of(entry, "verb"), "keep");
        if (!keeps && only != NULL && !str_eq(only, name)) {
            return NULL;
        }
        only = keeps ? only : name;
    }
    return only;
}

static const char *only_gpu(const json_t *steps)
{
    const char *only = NULL;
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const char *gpu = text_of(json_array_get(steps, i), "gpu");
        if (only != NULL && !str_eq(only, gpu)) {
            return NULL;
        }
        only = gpu;
    }
    return only;
}

static json_t *subject_of(const struct former_record *record)
{
    const json_t *document = record->document;
    if (str_eq(record->kind, "migration")) {
        return json_sprintf("vm/%s", text_of(json_object_get(document, "request"), "vm"));
    }
    if (str_eq(record->kind, "incoming")) {
        return json_sprintf("vm/%s", text_of(document, "vm"));
    }
    const char *claim = only_claim(document);
    const char *gpu = only_gpu(record->steps);
    return claim != NULL ? json_sprintf("claim/%s", claim)
           : gpu != NULL ? json_sprintf("gpu/%s", gpu)
                         : json_string("host");
}

/* A plan that ended long ago is shown by its record alone. */
static void add_plan(const struct former_record *record, json_t *json)
{
    const char *hint = "";
    size_t done = 0;
    for (size_t i = 0; i < json_array_size(record->steps); i++) {
        const json_t *step = json_array_get(record->steps, i);
        done += str_eq(text_of(step, "state"), "done");
        if (text_of(step, "problem")[0] != '\0' &&
            (hint[0] == '\0' || str_eq(text_of(step, "state"), "stuck"))) {
            hint = text_of(step, "hint");
        }
    }
    json_object_set_new(json, "text", json_string(text_of(record->document, "reason")));
    json_object_set_new(json, "problem", json_string(text_of(record->document, "problem")));
    json_object_set_new(json, "hint", json_string(hint));
    json_object_set_new(json, "progress",
                        json_pack("{s:s, s:I, s:I}", "unit", "steps", "done", (json_int_t)done,
                                  "total", (json_int_t)json_array_size(record->steps)));
}

json_t *one_kind(const struct former_record *record)
{
    const json_t *document = record->document;
    const char *state = state_of(record);
    if (state == NULL) {
        return NULL;
    }
    json_t *json =
        json_pack("{s:s, s:s, s:o, s:s, s:s, s:b, s:I, s:I, s:O}", "kind", record->kind, "id",
                  record->id, "subject", subject_of(record), "author", text_of(document, "author"),
                  "state", state, "cancel", (int)is_cancelled(record), "createdUs",
                  json_integer_value(json_object_get(document, "createdUs")), "finishedUs",
                  json_integer_value(json_object_get(document, "finishedUs")), "body", document);
    if (str_eq(record->kind, "plan")) {
        add_plan(record, json);
    }
    return json;
}

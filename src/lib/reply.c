/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/reply.h"

#include "base/str.h"

json_t *reply_parse(const char *text, size_t len)
{
    json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    if (json != NULL && !json_is_object(json)) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static const char *text_at(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    return text == NULL ? "" : text;
}

/* /v1/health of a cleaved that can do nothing is no problem of its own form, and says what is
 * wrong. */
static int health_problem(const json_t *health, struct error *err)
{
    const json_t *first = json_array_get(json_object_get(health, "problems"), 0);
    return error_set(err, REASON_UNAVAILABLE, "cleaved", "%s", text_at(first, "text"));
}

int reply_problem(const json_t *problem, long status, struct error *err)
{
    if (json_array_size(json_object_get(problem, "problems")) > 0) {
        return health_problem(problem, err);
    }
    enum reason reason = reason_from_name(text_at(problem, "reason"));
    const char *detail = text_at(problem, "detail");
    if (reason == REASON_NONE || detail[0] == '\0') {
        return error_set(err, REASON_INTERNAL, "cleaved", "cleaved answered with HTTP status %ld",
                         status);
    }
    int result = error_set(err, reason, text_at(problem, "subject"), "%s", detail);
    const char *hint = text_at(problem, "hint");
    if (hint[0] != '\0') {
        error_hint(err, "%s", hint);
    }
    if (err != NULL) {
        STR_SET(err->rule, text_at(problem, "rule"));
    }
    return result;
}

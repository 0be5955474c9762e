/* SPDX-License-Identifier: Apache-2.0 */
#include "api/problem.h"

#include "base/str.h"
#include "model/encode.h"

struct phrase {
    int status;
    const char *text;
};

/* RFC 9110, section 15. */
static const struct phrase phrases[] = {
    {400, "Bad Request"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {422, "Unprocessable Content"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
};

static const char *phrase_of(int status)
{
    for (size_t i = 0; i < ARRAY_SIZE(phrases); i++) {
        if (phrases[i].status == status) {
            return phrases[i].text;
        }
    }
    return "Error";
}

json_t *problem_to_json(int status, const struct error *err)
{
    return json_pack("{s:s, s:s, s:i, s:s, s:s, s:o, s:o, s:o}", "type", "about:blank", "title",
                     phrase_of(status), "status", status, "detail",
                     err->message[0] == '\0' ? reason_text(err->reason) : err->message, "reason",
                     reason_name(err->reason), "subject", encode_text(err->subject), "rule",
                     encode_text(err->rule), "hint", encode_text(err->hint));
}

bool change_is_running(const json_t *body)
{
    const json_t *plan = json_object_get(body, "plan");
    const json_t *migration = json_object_get(body, "migration");
    const json_t *operation = json_object_get(body, "operation");
    if (operation != NULL) {
        return json_is_null(json_object_get(operation, "finishedAt"));
    }
    if (migration != NULL) {
        return json_is_null(json_object_get(migration, "finishedAt"));
    }
    const json_t *what = plan != NULL ? plan : body; /* a restoration has no plan of its own */
    const char *state = json_string_value(json_object_get(what, "state"));
    return state != NULL && (str_eq(state, "running") || str_eq(state, "undoing"));
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/index.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "service/verb.h"

#define STATUS_OK 200

/* Made of api/openapi.yaml by meson.build; ends with a NUL. */
extern const char api_description[];

static char *list_paths(void)
{
    json_t *paths = json_array();
    const char *last = "";
    for (enum verb_id id = 0; id < VERB_COUNT; id++) {
        const char *path = verb_of(id)->path; /* those of one path stand together */
        if (!str_eq(path, last)) {
            json_array_append_new(paths, json_string(path));
        }
        last = path;
    }
    CLEANUP_JSON json_t *body = json_pack("{s:s, s:s, s:o}", "api", "cleave", "description",
                                          "/openapi.yaml", "paths", paths);
    CLEANUP_FREE char *text = json_text(body);
    return xasprintf("%s\n", text);
}

bool index_answer(const struct http_request *request, struct http_response *ret_response)
{
    const struct target *target = &request->target;
    const char *first = target->segments[0];
    bool reads = str_eq(request->method, "GET") || str_eq(request->method, "HEAD");
    bool one = target->n_segments == 1;
    bool version =
        str_eq(first, "v1") && (one || (target->n_segments == 2 && target->segments[1][0] == '\0'));
    *ret_response = (struct http_response){.status = STATUS_OK};
    if (reads && one && str_eq(first, "openapi.yaml")) {
        ret_response->content_type = "application/yaml"; /* RFC 9512 */
        ret_response->body = xstrdup(api_description);
        return true;
    }
    if (reads && ((one && first[0] == '\0') || version)) {
        ret_response->content_type = "application/json";
        ret_response->body = list_paths();
        return true;
    }
    return false;
}

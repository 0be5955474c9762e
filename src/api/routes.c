/* SPDX-License-Identifier: Apache-2.0 */
#include "api/routes.h"

#include "base/str.h"

/* Sets of methods that a path can have, for the Allow header. */
enum {
    METHOD_GET = 1 << 0,
    METHOD_POST = 1 << 1,
    METHOD_PUT = 1 << 2,
    METHOD_DELETE = 1 << 3,
    METHOD_SETS = 1 << 4,
};

static const char *const allow_texts[METHOD_SETS] = {
    [METHOD_GET] = "GET, HEAD",
    [METHOD_POST] = "POST",
    [METHOD_PUT] = "PUT",
    [METHOD_DELETE] = "DELETE",
    [METHOD_PUT | METHOD_DELETE] = "PUT, DELETE",
    [METHOD_GET | METHOD_POST] = "GET, HEAD, POST",
    [METHOD_GET | METHOD_POST | METHOD_DELETE] = "GET, HEAD, POST, DELETE",
    [METHOD_GET | METHOD_DELETE] = "GET, HEAD, DELETE",
};

static unsigned method_bit(const char *method)
{
    if (str_eq(method, "POST")) {
        return METHOD_POST;
    }
    if (str_eq(method, "PUT")) {
        return METHOD_PUT;
    }
    return str_eq(method, "DELETE") ? METHOD_DELETE : METHOD_GET;
}

/* Compares "/v1/gpus/{gpu}" with the decoded segments; a parameter takes any but the empty one. */
static bool path_matches(const char *path, const struct target *target, const char **ret_name)
{
    *ret_name = NULL;
    const char *part = path;
    for (size_t i = 0; i < target->n_segments; i++) {
        if (*part != '/') {
            return false;
        }
        part++;
        size_t len = strcspn(part, "/");
        const char *segment = target->segments[i];
        if (*part == '{') {
            if (segment[0] == '\0') {
                return false;
            }
            *ret_name = segment;
        } else if (strlen(segment) != len || strncmp(part, segment, len) != 0) {
            return false;
        }
        part += len;
    }
    return *part == '\0';
}

enum route_found routes_find(const char *method, const struct target *target,
                             const struct verb **ret_verb, const char **ret_name,
                             const char **ret_allow)
{
    const char *wanted = str_eq(method, "HEAD") ? "GET" : method;
    unsigned methods = 0;
    for (enum verb_id id = 0; id < VERB_COUNT; id++) {
        const struct verb *verb = verb_of(id);
        const char *name = NULL;
        if (!path_matches(verb->path, target, &name)) {
            continue;
        }
        if (str_eq(verb->method, wanted)) {
            *ret_verb = verb;
            *ret_name = name;
            return ROUTE_FOUND;
        }
        methods |= method_bit(verb->method);
    }
    if (methods == 0) {
        return ROUTE_NO_PATH;
    }
    *ret_allow = allow_texts[methods];
    return ROUTE_NO_METHOD;
}

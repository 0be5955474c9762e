/* SPDX-License-Identifier: Apache-2.0 */
/* The route table and api/openapi.yaml say the same. */
#include "api/routes.h"

#include <ctype.h>
#include <stdio.h>

#include "base/json.h"
#include "base/str.h"
#include "test.h"

#define OPENAPI SOURCE_ROOT "/api/openapi.yaml"

static json_t *openapi;

static int load(void **state)
{
    (void)state;
    struct error err = {0};
    if (json_read_file(OPENAPI, &openapi, &err) != 0) {
        print_error("%s\n", err.message);
        return -1;
    }
    return 0;
}

static int unload(void **state)
{
    (void)state;
    json_decref(openapi);
    return 0;
}

static json_t *operation(const struct route *route)
{
    char method[8] = "";
    for (size_t i = 0; route->method[i] != '\0'; i++) {
        method[i] = (char)tolower(route->method[i]);
    }
    return json_object_get(json_object_get(json_object_get(openapi, "paths"), route->path), method);
}

/* Follows "#/components/…"; returns the object itself if it is no reference. */
static json_t *resolve(json_t *json)
{
    const char *ref = json_string_value(json_object_get(json, "$ref"));
    if (ref == NULL) {
        return json;
    }
    char copy[128];
    assert_true(str_copy(copy, sizeof(copy), ref));
    char *rest = copy + 2;
    json_t *found = openapi;
    while (rest != NULL) {
        found = json_object_get(found, strsep(&rest, "/"));
    }
    assert_non_null(found);
    return found;
}

static bool has_param(json_t *op, const char *in, const char *name)
{
    json_t *list = json_object_get(op, "parameters");
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *param = resolve(json_array_get(list, i));
        if (str_eq(json_string_value(json_object_get(param, "in")), in) &&
            str_eq(json_string_value(json_object_get(param, "name")), name)) {
            return true;
        }
    }
    return false;
}

static void every_route_is_described(void **state)
{
    (void)state;
    size_t n = 0;
    const struct route *routes = routes_all(&n);
    for (size_t i = 0; i < n; i++) {
        if (operation(&routes[i]) == NULL) {
            fail_msg("%s %s is not in openapi.yaml", routes[i].method, routes[i].path);
        }
    }
}

static void every_description_has_a_route(void **state)
{
    (void)state;
    size_t n = 0;
    size_t described = 0;
    routes_all(&n);
    const char *path = NULL;
    json_t *item = NULL;
    json_object_foreach(json_object_get(openapi, "paths"), path, item)
    {
        described += json_object_size(item);
    }
    assert_int_equal(described, n);
}

static void query_parameters_agree(void **state)
{
    (void)state;
    size_t n = 0;
    const struct route *routes = routes_all(&n);
    for (size_t i = 0; i < n; i++) {
        for (unsigned bit = QUERY_DRY_RUN; bit <= QUERY_LIMIT; bit <<= 1) {
            const char *name = route_query_name((enum route_query)bit);
            bool described = has_param(operation(&routes[i]), "query", name);
            if (described != ((routes[i].query & bit) != 0)) {
                fail_msg("%s %s: query parameter %s", routes[i].method, routes[i].path, name);
            }
        }
    }
}

static void path_parameters_agree(void **state)
{
    (void)state;
    size_t n = 0;
    const struct route *routes = routes_all(&n);
    for (size_t i = 0; i < n; i++) {
        const char *open = strchr(routes[i].path, '{');
        if (open == NULL) {
            continue;
        }
        char name[32] = "";
        assert_true(strcspn(open + 1, "}") < sizeof(name));
        memcpy(name, open + 1, strcspn(open + 1, "}"));
        if (!has_param(operation(&routes[i]), "path", name)) {
            fail_msg("%s %s: path parameter %s", routes[i].method, routes[i].path, name);
        }
    }
}

static void bodies_agree(void **state)
{
    (void)state;
    size_t n = 0;
    const struct route *routes = routes_all(&n);
    for (size_t i = 0; i < n; i++) {
        json_t *body = json_object_get(operation(&routes[i]), "requestBody");
        bool required = json_is_true(json_object_get(body, "required"));
        if ((body != NULL) != (routes[i].body != ROUTE_NO_BODY) ||
            required != (routes[i].body == ROUTE_NEEDS_BODY)) {
            fail_msg("%s %s: body", routes[i].method, routes[i].path);
        }
    }
}

static void every_change_has_a_dry_run(void **state)
{
    (void)state;
    size_t n = 0;
    const struct route *routes = routes_all(&n);
    for (size_t i = 0; i < n; i++) {
        bool asks = str_starts(routes[i].path, "/v1/hooks/"); /* libvirt, not a person */
        bool changes = !str_eq(routes[i].method, "GET") && !asks;
        if (changes != ((routes[i].query & QUERY_DRY_RUN) != 0)) {
            fail_msg("%s %s", routes[i].method, routes[i].path);
        }
    }
}

static void reasons_agree(void **state)
{
    (void)state;
    json_t *schemas = json_object_get(json_object_get(openapi, "components"), "schemas");
    json_t *names = json_object_get(json_object_get(schemas, "Reason"), "enum");
    assert_int_equal(json_array_size(names), REASON_COUNT - 1);
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        if (reason_from_name(name) == REASON_NONE) {
            fail_msg("reason %s", name);
        }
    }
}

static enum route_found find(const char *method, const char *raw, const struct route **ret_route,
                             const char **ret_allow)
{
    struct target target = {0};
    const char *name = NULL;
    assert_int_equal(target_parse(raw, &target, NULL), 0);
    enum route_found found = routes_find(method, &target, ret_route, &name, ret_allow);
    target_done(&target);
    return found;
}

static void a_path_without_the_method_says_what_it_serves(void **state)
{
    (void)state;
    const struct route *route = NULL;
    const char *allow = NULL;
    assert_int_equal(find("PATCH", "/v1/claims/x", &route, &allow), ROUTE_NO_METHOD);
    assert_string_equal(allow, "GET, HEAD, DELETE");
    assert_int_equal(find("GET", "/v1/vms/x", &route, &allow), ROUTE_NO_METHOD);
    assert_string_equal(allow, "DELETE");
    size_t n = 0;
    const struct route *routes = routes_all(&n);
    for (size_t i = 0; i < n; i++) {
        allow = NULL;
        assert_int_equal(find("PATCH", routes[i].path, &route, &allow), ROUTE_NO_METHOD);
        if (allow == NULL || strstr(allow, routes[i].method) == NULL) {
            fail_msg("%s %s", routes[i].method, routes[i].path);
        }
    }
}

static void unknown_paths_are_not_found(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/",         "/v1",         "/v1/",           "/v1/gpu",
        "/v1/gpus/", "/v1/gpus/x/", "/v1/gpus/x/mod", "/v1/gpus/x/mode/y",
        "/V1/gpus"};
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        const struct route *route = NULL;
        const char *allow = NULL;
        if (find("GET", paths[i], &route, &allow) != ROUTE_NO_PATH) {
            fail_msg("%s was found", paths[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_described),
        cmocka_unit_test(every_description_has_a_route),
        cmocka_unit_test(query_parameters_agree),
        cmocka_unit_test(path_parameters_agree),
        cmocka_unit_test(bodies_agree),
        cmocka_unit_test(every_change_has_a_dry_run),
        cmocka_unit_test(reasons_agree),
        cmocka_unit_test(a_path_without_the_method_says_what_it_serves),
        cmocka_unit_test(unknown_paths_are_not_found),
    };
    return cmocka_run_group_tests(tests, load, unload);
}

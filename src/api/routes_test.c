/* SPDX-License-Identifier: Apache-2.0 */
/* The table of verbs and api/openapi.yaml say the same. */
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

static json_t *operation(const struct verb *verb)
{
    char method[8] = "";
    for (size_t i = 0; verb->method[i] != '\0'; i++) {
        method[i] = (char)tolower(verb->method[i]);
    }
    return json_object_get(json_object_get(json_object_get(openapi, "paths"), verb->path), method);
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

static void every_verb_is_described(void **state)
{
    (void)state;
    for (enum verb_id id = 0; id < VERB_COUNT; id++) {
        const struct verb *verb = verb_of(id);
        const char *name = json_string_value(json_object_get(operation(verb), "operationId"));
        if (name == NULL || !str_eq(name, verb->name)) {
            fail_msg("%s %s: %s in verbs.def, %s in openapi.yaml", verb->method, verb->path,
                     verb->name, name == NULL ? "nothing" : name);
        }
    }
}

static void every_description_has_a_verb(void **state)
{
    (void)state;
    size_t described = 0;
    const char *path = NULL;
    json_t *item = NULL;
    json_object_foreach(json_object_get(openapi, "paths"), path, item)
    {
        described += json_object_size(item);
    }
    assert_int_equal(described, VERB_COUNT);
}

static void query_parameters_agree(void **state)
{
    (void)state;
    for (enum verb_id id = 0; id < VERB_COUNT; id++) {
        const struct verb *verb = verb_of(id);
        for (unsigned bit = TAKES_DRY_RUN; bit <= TAKES_LAST; bit <<= 1) {
            const char *name = verb_flag_name((enum verb_flag)bit);
            bool described = has_param(operation(verb), "query", name);
            if (described != ((verb->flags & bit) != 0)) {
                fail_msg("%s %s: query parameter %s", verb->method, verb->path, name);
            }
        }
    }
}

static void path_parameters_agree(void **state)
{
    (void)state;
    for (enum verb_id id = 0; id < VERB_COUNT; id++) {
        const struct verb *verb = verb_of(id);
        const char *open = strchr(verb->path, '{');
        if (open == NULL) {
            continue;
        }
        char name[32] = "";
        assert_true(strcspn(open + 1, "}") < sizeof(name));
        memcpy(name, open + 1, strcspn(open + 1, "}"));
        if (!has_param(operation(verb), "path", name)) {
            fail_msg("%s %s: path parameter %s", verb->method, verb->path, name);
        }
    }
}

static const json_t *body_schema(const char *name)
{
    const json_t *components = json_object_get(openapi, "components");
    return json_object_get(json_object_get(components, "schemas"), name);
}

static const json_t *resolve_schema(const json_t *body)
{
    const json_t *content = json_object_get(body, "content");
    return resolve(json_object_get(json_object_get(content, "application/json"), "schema"));
}

static void bodies_agree(void **state)
{
    (void)state;
    for (enum verb_id id = 0; id < VERB_COUNT; id++) {
        const struct verb *verb = verb_of(id);
        json_t *body = json_object_get(operation(verb), "requestBody");
        bool required = json_is_true(json_object_get(body, "required"));
        if ((body != NULL) != (verb->has_body != BODY_NONE) ||
            required != (verb->has_body == BODY_NEEDED)) {
            fail_msg("%s %s: body", verb->method, verb->path);
        }
        if (body != NULL && resolve_schema(body) != body_schema(verb->body->document)) {
            fail_msg("%s %s: the body is not a %s in openapi.yaml", verb->method, verb->path,
                     verb->body->document);
        }
    }
}

static void what_begins_an_operation_says_of_which_kind(void **state)
{
    (void)state;
    bool begins[OPERATION_KIND_COUNT] = {false};
    for (enum verb_id id = 0; id < VERB_COUNT; id++) {
        const struct verb *verb = verb_of(id);
        const char *kind = json_string_value(json_object_get(operation(verb), "x-operation"));
        const char *name =
            verb->begins == OPERATION_KIND_COUNT ? NULL : operation_kind_id_name(verb->begins);
        if (!str_eq(kind == NULL ? "" : kind, name == NULL ? "" : name)) {
            fail_msg("%s %s: begins %s in verbs.def, %s in openapi.yaml", verb->method, verb->path,
                     name == NULL ? "nothing" : name, kind == NULL ? "nothing" : kind);
        }
        if (name != NULL) {
            begins[verb->begins] = true;
            assert_string_not_equal(verb->method, "GET");
        }
    }
    for (uint32_t i = 0; i < OPERATION_KIND_COUNT; i++) {
        bool own = i == OPERATION_KIND_RELEASE || i == OPERATION_KIND_GIVE_BACK; /* cleaved's */
        assert_int_equal(begins[i], !own);
    }
}

static void every_change_has_a_dry_run(void **state)
{
    (void)state;
    for (enum verb_id id = 0; id < VERB_COUNT; id++) {
        const struct verb *verb = verb_of(id);
        bool asks = verb->permission == ROLE_ROOT;    /* libvirt, not a person */
        bool reads = verb->permission == ROLE_VIEWER; /* a question may have a body */
        bool changes = !str_eq(verb->method, "GET") && !asks && !reads;
        if (changes != ((verb->flags & TAKES_DRY_RUN) != 0)) {
            fail_msg("%s %s", verb->method, verb->path);
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

static enum route_found find(const char *method, const char *raw, const struct verb **ret_verb,
                             const char **ret_allow)
{
    struct target target = {0};
    const char *name = NULL;
    assert_int_equal(target_parse(raw, &target, NULL), 0);
    enum route_found found = routes_find(method, &target, ret_verb, &name, ret_allow);
    target_done(&target);
    return found;
}

static void a_path_without_the_method_says_what_it_serves(void **state)
{
    (void)state;
    const struct verb *found = NULL;
    const char *allow = NULL;
    assert_int_equal(find("PATCH", "/v1/claims/x", &found, &allow), ROUTE_NO_METHOD);
    assert_string_equal(allow, "GET, HEAD, DELETE");
    assert_int_equal(find("GET", "/v1/vms/x/stop", &found, &allow), ROUTE_NO_METHOD);
    assert_string_equal(allow, "POST");
    for (enum verb_id id = 0; id < VERB_COUNT; id++) {
        const struct verb *verb = verb_of(id);
        allow = NULL;
        assert_int_equal(find("PATCH", verb->path, &found, &allow), ROUTE_NO_METHOD);
        if (allow == NULL || strstr(allow, verb->method) == NULL) {
            fail_msg("%s %s", verb->method, verb->path);
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
        const struct verb *found = NULL;
        const char *allow = NULL;
        if (find("GET", paths[i], &found, &allow) != ROUTE_NO_PATH) {
            fail_msg("%s was found", paths[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verb_is_described),
        cmocka_unit_test(every_description_has_a_verb),
        cmocka_unit_test(query_parameters_agree),
        cmocka_unit_test(path_parameters_agree),
        cmocka_unit_test(bodies_agree),
        cmocka_unit_test(what_begins_an_operation_says_of_which_kind),
        cmocka_unit_test(every_change_has_a_dry_run),
        cmocka_unit_test(reasons_agree),
        cmocka_unit_test(a_path_without_the_method_says_what_it_serves),
        cmocka_unit_test(unknown_paths_are_not_found),
    };
    return cmocka_run_group_tests(tests, load, unload);
}

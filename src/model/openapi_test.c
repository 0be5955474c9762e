/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Do api/openapi.yaml's schemas say what the field tables do: the same keys, required or not, null
 * or not, with the same words and limits? Nested objects are followed.
 */
#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"
#include "model/body.h"
#include "model/drain.h"
#include "model/event.h"
#include "model/gpu_record.h"
#include "model/incoming.h"
#include "model/operation.h"
#include "model/seen_boards.h"
#include "test.h"

#define PATH_SIZE 256

struct comparison {
    const json_t *schemas;
    struct strbuf differences;
    size_t n;
};

/* Keys of answers that openapi.yaml knows more of than a table. */
struct exception {
    const char *schema;
    const char *key;
};
/* No field of the struct: who writes the answer adds it. */
static const struct exception added[] = {
    {"claim", "observedAt"},  {"claim", "late"},
    {"claim", "releaseAt"},   {"claim", "share"}, /* of its device, as the host has it */
    {"claim", "usedPercent"}, {"claim", "licence"},
    {"gpu", "observedAt"},    {"gpu", "late"},
    {"gpu", "cordoned"}, /* decided, not observed: of the GPU's record, like the next two */
    {"gpu", "quarantine"},    {"gpu", "stuckVirtualFunctions"},
    {"host", "observedAt"},   {"host", "late"},
    {"host", "hook"},         {"host", "heldClaims"},
    {"host", "intruders"},    {"host", "rulesProblem"},
    {"host", "warnings"},
};
/* Always set where the struct is used. */
static const struct exception never_null[] = {{"plan_move", "from"}, {"plan_move", "to"}};

static bool is_listed(const struct exception *list, size_t n, const struct schema *schema,
                      const char *key)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq(list[i].schema, schema->name) && str_eq(list[i].key, key)) {
            return true;
        }
    }
    return false;
}

PRINTF_ATTR(3, 4)
static void differ(struct comparison *c, const char *path, const char *fmt, ...)
{
    char text[256];
    va_list args;
    va_start(args, fmt);
    (void)str_vprint(text, sizeof(text), fmt, args);
    va_end(args);
    strbuf_addf(&c->differences, "\n    %s: %s", path, text);
    c->n++;
}

/* ---- openapi.yaml ---- */

/* Follows references; of two forms, one of which is null, the other one. */
static const json_t *resolve(const struct comparison *c, const json_t *node)
{
    static const char prefix[] = "#/components/schemas/";
    const char *ref = json_string_value(json_object_get(node, "$ref"));
    if (ref != NULL && str_starts(ref, prefix)) {
        return resolve(c, json_object_get(c->schemas, ref + sizeof(prefix) - 1));
    }
    const json_t *forms = json_object_get(node, "oneOf");
    for (size_t i = 0; i < json_array_size(forms); i++) {
        const json_t *form = json_array_get(forms, i);
        if (!str_eq(json_string_value(json_object_get(form, "type")), "null")) {
            return resolve(c, form);
        }
    }
    return node;
}

static bool has_word(const json_t *list, const char *word)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (str_eq(json_string_value(json_array_get(list, i)), word)) {
            return true;
        }
    }
    return false;
}

static bool has_type(const json_t *node, const char *type)
{
    const json_t *types = json_object_get(node, "type");
    return str_eq(json_string_value(types), type) || has_word(types, type);
}

static bool may_be_null(const struct comparison *c, const json_t *node)
{
    const json_t *forms = json_object_get(node, "oneOf");
    for (size_t i = 0; i < json_array_size(forms); i++) {
        if (has_type(json_array_get(forms, i), "null")) {
            return true;
        }
    }
    return has_type(resolve(c, node), "null");
}

/* ---- one field ---- */

static bool is_written_only(enum face face)
{
    return face == FACE_API;
}

static const char *type_of(const struct field *field)
{
    switch (field->kind) {
    case KIND_TEXT:
    case KIND_WORD:
    case KIND_HEX:
    case KIND_TIME:
    case KIND_ADDRESS:
        return "string";
    case KIND_BOOL:
    case KIND_TRISTATE:
        return "boolean";
    case KIND_NUMBER:
    case KIND_AMOUNT:
        return "integer";
    case KIND_OBJECT:
        return "object";
    case KIND_LIST:
    case KIND_ARRAY:
    case KIND_LINES:
        return "array";
    case KIND_HOOK:
        break;
    }
    return NULL; /* only its functions know */
}

static bool field_may_be_null(const struct field *field, enum face face)
{
    if (!is_written_only(face)) {
        return !field->required;
    }
    bool is_optional = field->kind == KIND_OBJECT && field->schema->set_size != 0;
    bool has_unknown = field->kind == KIND_TRISTATE || field->kind == KIND_AMOUNT;
    return field->null || is_optional || has_unknown || field->is_known != NULL;
}

static void compare_words(struct comparison *c, const struct field *field, enum face face,
                          const json_t *node, const char *path)
{
    const json_t *words = json_object_get(node, "enum");
    size_t n = 0;
    for (uint32_t i = 0; i < field->words->n; i++) {
        const char *name = field->words->rows[i].name;
        bool is_written = !is_written_only(face) || !field->left_out || i != field->fallback;
        if (name != NULL && is_written) {
            n++;
            if (!has_word(words, name)) {
                differ(c, path, "lacks the word \"%s\"", name);
            }
        }
    }
    size_t n_there = 0;
    for (size_t i = 0; i < json_array_size(words); i++) {
        n_there += json_is_string(json_array_get(words, i));
    }
    if (n_there > n) {
        differ(c, path, "has %zu words, the table %zu", n_there, n);
    }
}

/* A value that is read has the table's limits; they are left out where a number may be all that its
 * member holds. */
static void compare_limit(struct comparison *c, const json_t *node, const char *key, int64_t limit,
                          const char *path)
{
    const json_t *value = json_object_get(node, key);
    if (value == NULL ? limit != 0 : json_integer_value(value) != limit) {
        differ(c, path, "has %s %lld, the table %lld", key, (long long)json_integer_value(value),
               (long long)limit);
    }
}

static void compare_limits(struct comparison *c, const struct field *field, const json_t *node,
                           const char *path)
{
    bool is_list = str_eq(type_of(field), "array");
    if (field->kind == KIND_NUMBER) {
        compare_limit(c, node, "minimum", field->min, path);
        compare_limit(c, node, "maximum", field->max, path);
    } else if (is_list) {
        compare_limit(c, node, "maxItems", field->max, path);
    } else if (field->kind == KIND_TEXT && json_object_get(node, "maxLength") != NULL) {
        compare_limit(c, node, "maxLength", (int64_t)field->size - 1, path);
    }
}

static void compare_schema(struct comparison *c, const struct schema *schema, enum face face,
                           const json_t *node, const char *path);

static void compare_value(struct comparison *c, const struct field *field, enum face face,
                          const json_t *node, const char *path)
{
    const json_t *value = resolve(c, node);
    const char *type = type_of(field);
    if (type == NULL) {
        return;
    }
    bool is_word = field->kind == KIND_WORD && json_object_get(value, "type") == NULL;
    if (!has_type(value, type) && !is_word) {
        differ(c, path, "is of another type than \"%s\"", type);
    }
    if (field->kind == KIND_WORD) {
        compare_words(c, field, face, value, path);
    } else if (field->kind == KIND_OBJECT) {
        compare_schema(c, field->schema, face, value, path);
    } else if (field->kind == KIND_LIST || field->kind == KIND_ARRAY) {
        compare_schema(c, field->schema, face, resolve(c, json_object_get(value, "items")), path);
    }
    if (field->kind == KIND_AMOUNT) {
        compare_limit(c, value, "minimum", field->min, path);
    }
    if (!is_written_only(face)) {
        compare_limits(c, field, value, path);
    }
}

/* ---- all fields ---- */

static void compare_required(struct comparison *c, const struct field *field, enum face face,
                             const json_t *node, const char *path)
{
    if (field->kind == KIND_HOOK) {
        return;
    }
    bool is_required = is_written_only(face) ? !field->left_out : field->required;
    if (has_word(json_object_get(node, "required"), field->key) != is_required) {
        differ(c, path, "is%s required", is_required ? "" : " not");
    }
}

static void compare_null(struct comparison *c, const struct field *field, enum face face,
                         const json_t *node, const char *path)
{
    bool is_free = field->kind == KIND_HOOK || field->kind == KIND_TIME; /* some are always known */
    bool may_be = field_may_be_null(field, face);
    if (!is_free && may_be_null(c, node) != may_be) {
        differ(c, path, "may%s be null", may_be ? "" : " not");
    }
}

static const struct field *find_field(const struct schema *schema, enum face face, const char *key)
{
    for (size_t i = 0; i < schema->n; i++) {
        if (str_eq(schema->fields[i].key, key) && (schema->fields[i].faces & face) != 0) {
            return &schema->fields[i];
        }
    }
    return NULL;
}

static void compare_schema(struct comparison *c, const struct schema *schema, enum face face,
                           const json_t *node, const char *path)
{
    const json_t *properties = json_object_get(node, "properties");
    char inner[PATH_SIZE];
    if (properties == NULL) {
        differ(c, path, "has no properties");
        return;
    }
    for (size_t i = 0; i < schema->n; i++) {
        const struct field *field = &schema->fields[i];
        const json_t *property = json_object_get(properties, field->key);
        if ((field->faces & face) == 0) {
            continue;
        }
        (void)str_print(inner, sizeof(inner), "%s.%s", path, field->key);
        if (property == NULL) {
            differ(c, inner, "is not in openapi.yaml");
            continue;
        }
        compare_required(c, field, face, node, inner);
        if (!is_listed(never_null, ARRAY_SIZE(never_null), schema, field->key)) {
            compare_null(c, field, face, property, inner);
        }
        compare_value(c, field, face, property, inner);
    }
    const char *key = NULL;
    json_t *property = NULL;
    json_object_foreach((json_t *)(uintptr_t)properties, key, property)
    {
        (void)str_print(inner, sizeof(inner), "%s.%s", path, key);
        if (find_field(schema, face, key) == NULL &&
            !is_listed(added, ARRAY_SIZE(added), schema, key)) {
            differ(c, inner, "is not in the table");
        }
    }
}

/* ---- tests ---- */

static const struct {
    const char *name;
    const struct schema *schema;
    enum face face;
} documents[] = {
    {"Claim", &claim_schema, FACE_API},
    {"ClaimSpec", &claim_schema, FACE_USER},
    {"Drain", &drain_schema, FACE_API},
    {"Event", &event_schema, FACE_API},
    {"Gpu", &gpu_schema, FACE_API},
    {"Host", &host_schema, FACE_API},
    {"Incoming", &incoming_schema, FACE_API},
    {"Migration", &migration_schema, FACE_API},
    {"Operation", &operation_view_schema, FACE_API},
    {"Plan", &plan_schema, FACE_API},
    {"Vm", &vm_schema, FACE_API},
};

#define KIND(name) &body_##name,
static const struct body_kind *const bodies[] = {BODY_MAP(KIND)};
#undef KIND

static void the_tables_are_sound(void **state)
{
    (void)state;
    assert_null(schema_check(&gpu_record_schema)); /* of the store alone, as the next */
    assert_null(schema_check(&seen_boards_schema));
    for (size_t i = 0; i < ARRAY_SIZE(documents); i++) {
        const char *problem = schema_check(documents[i].schema);
        if (problem != NULL) {
            fail_msg("%s: %s", documents[i].name, problem);
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
        const char *problem = bodies[i]->schema != NULL ? schema_check(bodies[i]->schema) : NULL;
        if (problem != NULL) {
            fail_msg("%s: %s", bodies[i]->document, problem);
        }
    }
}

static void openapi_yaml_says_what_the_tables_do(void **state)
{
    (void)state;
    CLEANUP_FREE char *text = NULL;
    CLEANUP_JSON json_t *openapi = NULL;
    size_t len = 0;
    assert_int_equal(fs_read(OPENAPI, INPUT_MAX_BYTES, &text, &len), 0);
    assert_int_equal(yaml_read(text, len, "openapi.yaml", &openapi, NULL), 0);
    struct comparison c = {.schemas =
                               json_object_get(json_object_get(openapi, "components"), "schemas")};
    for (size_t i = 0; i < ARRAY_SIZE(documents); i++) {
        const json_t *node = json_object_get(c.schemas, documents[i].name);
        assert_non_null(node);
        compare_schema(&c, documents[i].schema, documents[i].face, node, documents[i].name);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
        const struct body_kind *kind = bodies[i];
        const json_t *node = json_object_get(c.schemas, kind->document);
        assert_non_null(node);
        if (kind->schema != NULL) {
            compare_schema(&c, kind->schema, kind->face, node, kind->document);
        }
    }
    CLEANUP_STRBUF struct strbuf differences = c.differences;
    if (c.n > 0) {
        fail_msg("%zu differences:%s", c.n, strbuf_str(&differences));
    }
}

/* A number that is a time says so. */
static void check_times(const json_t *node, const char *name, size_t *n)
{
    const char *key = NULL;
    json_t *property = NULL;
    const json_t *properties = json_object_get(node, "properties");
    json_object_foreach((json_t *)(uintptr_t)properties, key, property)
    {
        size_t len = strlen(key);
        const char *ref = json_string_value(json_object_get(property, "$ref"));
        if (len < 3 || !str_eq(key + len - 2, "Us")) {
            continue;
        }
        if (!str_eq(ref, "#/components/schemas/Microseconds")) {
            fail_msg("%s.%s: is it a time?", name, key);
        }
        (*n)++;
    }
}

static void times_in_microseconds_are_described(void **state)
{
    (void)state;
    CLEANUP_FREE char *text = NULL;
    CLEANUP_JSON json_t *openapi = NULL;
    size_t len = 0;
    size_t n = 0;
    const char *name = NULL;
    json_t *node = NULL;
    assert_int_equal(fs_read(OPENAPI, INPUT_MAX_BYTES, &text, &len), 0);
    assert_int_equal(yaml_read(text, len, "openapi.yaml", &openapi, NULL), 0);
    json_object_foreach(json_object_get(json_object_get(openapi, "components"), "schemas"), name,
                        node)
    {
        check_times(node, name, &n);
    }
    assert_true(n >= 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tables_are_sound),
        cmocka_unit_test(openapi_yaml_says_what_the_tables_do),
        cmocka_unit_test(times_in_microseconds_are_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

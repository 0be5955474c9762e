/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/schema.h"

#include <string.h>

#include "base/str.h"
#include "schema/member.h"

#define MAX_DEPTH 8

bool schema_is_set(const struct schema *schema, const void *object)
{
    const char *at = (const char *)object + schema->set_offset;
    uint32_t value = 1;
    if (schema->set_size == sizeof(value)) {
        memcpy(&value, at, sizeof(value));
    } else if (schema->set_size != 0) {
        value = *at != '\0';
    }
    return value != 0;
}

/* ---- fallbacks ---- */

static void clear_field(const struct field *field, void *object)
{
    void *at = field_at(field, object);
    if (field->ignored) {
        return;
    }
    switch (field->kind) {
    case KIND_TEXT:
        *(char *)at = '\0';
        if (field->text != NULL) {
            (void)str_copy(at, field->size, field->text);
        }
        break;
    case KIND_BOOL:
        *(bool *)at = field->fallback != 0;
        break;
    case KIND_NUMBER:
    case KIND_WORD:
    case KIND_TRISTATE:
        field_set_number(field, object, field->fallback);
        break;
    case KIND_AMOUNT:
        *(struct amount *)at = (struct amount){0};
        break;
    case KIND_ADDRESS:
        *(struct pci_addr *)at = (struct pci_addr){0};
        break;
    case KIND_OBJECT:
        schema_clear(field->schema, at);
        break;
    case KIND_HEX:
    case KIND_TIME:
    case KIND_LIST:
    case KIND_ARRAY:
    case KIND_LINES:
    case KIND_HOOK:
        break;
    }
}

void schema_clear(const struct schema *schema, void *object)
{
    if (schema->set_size == sizeof(bool)) {
        *((bool *)object + schema->set_offset) = false;
    }
    for (size_t i = 0; i < schema->n; i++) {
        clear_field(&schema->fields[i], object);
    }
}

/* ---- the table itself ---- */

static const char *check_field(const struct schema *schema, const struct field *field)
{
    bool is_list = field->kind == KIND_LIST || field->kind == KIND_LINES;
    if (field->faces == 0) {
        return "a field is part of no face";
    }
    if (field->offset + (is_list ? FIELD_VEC_SIZE : field->size) > schema->size) {
        return "a field lies outside of the struct";
    }
    if (is_list && field->max == 0 && (field->faces & ~(unsigned)FACE_API) != 0) {
        return "a list has no limit";
    }
    if (field->null && field->left_out) {
        return "a field is both null and left out";
    }
    if (field->kind == KIND_OBJECT && field->size != 0 && field->size != field->schema->size) {
        return "an object has the schema of another struct";
    }
    return NULL;
}

static const char *check_schema(const struct schema *schema, unsigned depth)
{
    if (depth == MAX_DEPTH) {
        return "schemas are nested too deeply";
    }
    for (size_t i = 0; i < schema->n; i++) {
        const struct field *field = &schema->fields[i];
        const char *problem = check_field(schema, field);
        for (size_t k = 0; problem == NULL && k < i; k++) {
            bool is_twice = str_eq(field->key, schema->fields[k].key) &&
                            (field->faces & schema->fields[k].faces) != 0;
            problem = is_twice ? "a key is there twice" : NULL;
        }
        if (problem == NULL && field->schema != NULL) {
            problem = check_schema(field->schema, depth + 1);
        }
        if (problem != NULL) {
            return problem;
        }
    }
    return NULL;
}

const char *schema_check(const struct schema *schema)
{
    return check_schema(schema, 0);
}

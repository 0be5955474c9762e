/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "schema/member.h"
#include "schema/schema.h"

static json_t *text_to_json(const char *text)
{
    json_t *json = json_string(text);
    if (json != NULL) {
        return json;
    }
    CLEANUP_FREE char *copy = xstrdup(text);
    str_make_clean(copy);
    return json_string(copy);
}

static json_t *tristate_to_json(enum tristate value)
{
    return value == TRI_UNKNOWN ? json_null() : json_boolean(value == TRI_YES);
}

static json_t *amount_to_json(const struct amount *amount)
{
    return amount->known ? json_integer((json_int_t)amount->value) : json_null();
}

static json_t *time_to_json(uint64_t realtime_us)
{
    char text[32];
    return realtime_us == 0 ? json_null()
                            : json_string(clock_format(realtime_us, text, sizeof(text)));
}

static json_t *lines_to_json(const struct field *field, const struct field_vec *lines)
{
    json_t *list = json_array();
    for (size_t i = 0; i < lines->n; i++) {
        json_array_append_new(list, text_to_json((const char *)lines->items + i * field->size));
    }
    return list;
}

/* Is it what an absent key would mean? */
static bool is_fallback(const struct field *field, const void *object)
{
    const void *at = field_of(field, object);
    switch (field->kind) {
    case KIND_TEXT:
        return field->text == NULL ? *(const char *)at == '\0' : str_eq(at, field->text);
    case KIND_BOOL:
        return *(const bool *)at == (field->fallback != 0);
    case KIND_NUMBER:
    case KIND_WORD:
    case KIND_TRISTATE:
    case KIND_HEX:
        return field_number(field, object) == field->fallback;
    case KIND_AMOUNT:
        return !((const struct amount *)at)->known;
    case KIND_LIST:
    case KIND_ARRAY:
    case KIND_LINES:
        return field_elements(field, object).n == 0;
    case KIND_OBJECT:
        return !schema_is_set(field->schema, at);
    case KIND_TIME:
    case KIND_ADDRESS:
    case KIND_HOOK:
        break;
    }
    return false;
}

static json_t *value_to_json(const struct field *field, const void *object, enum face face)
{
    const void *at = field_of(field, object);
    struct field_vec elements = {0};
    char bdf[BDF_SIZE];
    switch (field->kind) {
    case KIND_TEXT:
        return text_to_json(at);
    case KIND_BOOL:
        return json_boolean(*(const bool *)at);
    case KIND_NUMBER:
        return json_integer((json_int_t)field_number(field, object));
    case KIND_AMOUNT:
        return amount_to_json(at);
    case KIND_WORD:
        return json_string(words_name(field->words, (uint32_t)field_number(field, object)));
    case KIND_TRISTATE:
        return tristate_to_json((enum tristate)field_number(field, object));
    case KIND_HEX:
        return json_sprintf("0x%04x", (unsigned)field_number(field, object));
    case KIND_TIME:
        return time_to_json(*(const uint64_t *)at);
    case KIND_ADDRESS:
        return json_string(pci_addr_format(at, bdf));
    case KIND_OBJECT:
        return schema_to_json(field->schema, at, face);
    case KIND_LIST:
    case KIND_ARRAY:
        elements = field_elements(field, object);
        return schema_list_to_json(field->schema, elements.items, elements.n, face);
    case KIND_LINES:
        elements = field_elements(field, object);
        return lines_to_json(field, &elements);
    case KIND_HOOK:
        return field->hook != NULL && field->hook->put != NULL ? field->hook->put(object) : NULL;
    }
    return NULL;
}

json_t *schema_to_json(const struct schema *schema, const void *object, enum face face)
{
    if (!schema_is_set(schema, object)) {
        return json_null();
    }
    json_t *json = json_object();
    for (size_t i = 0; i < schema->n; i++) {
        const struct field *field = &schema->fields[i];
        bool is_unsaid = (field->null || field->left_out) && is_fallback(field, object);
        is_unsaid = is_unsaid || (field->is_known != NULL && !field->is_known(object));
        if ((field->faces & face) == 0 || (is_unsaid && field->left_out)) {
            continue;
        }
        json_t *value = is_unsaid ? json_null() : value_to_json(field, object, face);
        if (value != NULL) {
            json_object_set_new_nocheck(json, field->key, value);
        }
    }
    return json;
}

json_t *schema_list_to_json(const struct schema *schema, const void *items, size_t n,
                            enum face face)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(list,
                              schema_to_json(schema, (const char *)items + i * schema->size, face));
    }
    return list;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/str.h"
#include "schema/member.h"
#include "schema/schema.h"

#define PATH_SIZE sizeof(((struct reader *)0)->path)

static bool fits_form(const struct text_form *form, const char *text)
{
    return form == NULL || (form->or_empty && text[0] == '\0') || form->fits(text);
}

/* The object has the fallback already. */
static void read_text(struct reader *r, const struct field *field, char *ret_text)
{
    bool was_well = r->result == 0;
    if (field->missing != NULL && !reader_has(r, field->key)) {
        reader_fail_missing(r, field->key, field->missing);
    }
    const char *text = field->required ? reader_str(r, field->key, field->size - 1)
                                       : reader_str_or(r, field->key, field->size - 1, NULL);
    if (was_well && r->result != 0 && field->advice != NULL) {
        error_hint(r->err, "%s", field->advice);
    }
    if (text == NULL) {
        return;
    }
    if (!fits_form(field->form, text)) {
        reader_fail(r, field->key, "\"%s\" %s", text, field->form->complaint);
        return;
    }
    str_copy(ret_text, field->size, text);
    if (r->is_stored) {
        str_make_clean(ret_text);
    }
}

static void read_number(struct reader *r, const struct field *field, void *object)
{
    int64_t max = field_max(field);
    int64_t value = field->required
                        ? reader_int(r, field->key, field->min, max)
                        : reader_int_or(r, field->key, field->min, max, field->fallback);
    field_set_number(field, object, (uint64_t)value);
}

static void read_amount(struct reader *r, const struct field *field, struct amount *ret_amount)
{
    *ret_amount = (struct amount){0};
    if (reader_has(r, field->key)) {
        *ret_amount = amount_of((uint64_t)reader_int(r, field->key, field->min, INT64_MAX));
    }
}

static void read_word(struct reader *r, const struct field *field, void *object)
{
    int value = field->required ? reader_word(r, field->key, field->words)
                                : reader_word_or(r, field->key, field->words, (int)field->fallback);
    field_set_number(field, object, value < 0 ? field->fallback : (uint32_t)value);
}

static void read_tristate(struct reader *r, const struct field *field, void *object)
{
    enum tristate value = TRI_UNKNOWN;
    if (reader_has(r, field->key)) {
        value = reader_bool(r, field->key) ? TRI_YES : TRI_NO;
    }
    field_set_number(field, object, value);
}

static void read_address(struct reader *r, const struct field *field, struct pci_addr *ret_addr)
{
    const char *text = reader_str(r, field->key, BDF_SIZE - 1);
    *ret_addr = (struct pci_addr){0};
    if (text != NULL && !pci_addr_parse(text, ret_addr)) {
        reader_fail(r, field->key, "\"%s\" is not a PCI address", text);
    }
}

/* ---- nested ---- */

void schema_read_below(const struct schema *schema, struct reader *outer,
                       const struct schema_place *place, void *object, enum face face)
{
    char path[PATH_SIZE];
    struct reader r;
    reader_init(&r, place->json, outer->origin,
                reader_path(outer, place->key, place->index, path, sizeof(path)), outer->err);
    r.context = outer->context;
    int result = schema_read(schema, &r, object, face);
    outer->result = outer->result != 0 ? outer->result : result;
}

static void read_object(struct reader *r, const struct field *field, void *object, enum face face)
{
    const json_t *json =
        field->required ? reader_object(r, field->key) : reader_object_or_null(r, field->key);
    if (json == NULL) {
        schema_clear(field->schema, object);
        return;
    }
    const struct schema_place place = {field->key, -1, json};
    schema_read_below(field->schema, r, &place, object, face);
}

static const json_t *read_list(struct reader *r, const struct field *field)
{
    return field->required ? reader_array(r, field->key, (size_t)field->max)
                           : reader_array_or_null(r, field->key, (size_t)field->max);
}

static void read_elements(struct reader *r, const struct field *field, void *object, enum face face)
{
    const json_t *list = read_list(r, field);
    for (size_t i = 0; i < json_array_size(list) && r->result == 0; i++) {
        const struct schema_place place = {field->key, (int)i, json_array_get(list, i)};
        schema_read_below(field->schema, r, &place, field_push(field, object), face);
    }
}

static void read_lines(struct reader *r, const struct field *field, void *object)
{
    const json_t *list = read_list(r, field);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (text == NULL || !(r->is_stored ? str_is_text(text) : str_is_clean(text))) {
            reader_fail(r, field->key, "%s", field->text);
            return;
        }
        char *line = field_push(field, object);
        str_copy(line, field->size, text);
        if (r->is_stored) {
            str_make_clean(line);
        }
    }
}

/* ---- all ---- */

static void read_field(struct reader *r, const struct field *field, void *object, enum face face)
{
    void *at = field_at(field, object);
    if (field->ignored) {
        (void)reader_has(r, field->key);
        return;
    }
    switch (field->kind) {
    case KIND_TEXT:
        read_text(r, field, at);
        break;
    case KIND_BOOL:
        *(bool *)at = field->required ? reader_bool(r, field->key)
                                      : reader_bool_or(r, field->key, field->fallback != 0);
        break;
    case KIND_NUMBER:
        read_number(r, field, object);
        break;
    case KIND_AMOUNT:
        read_amount(r, field, at);
        break;
    case KIND_WORD:
        read_word(r, field, object);
        break;
    case KIND_TRISTATE:
        read_tristate(r, field, object);
        break;
    case KIND_ADDRESS:
        read_address(r, field, at);
        break;
    case KIND_OBJECT:
        read_object(r, field, at, face);
        break;
    case KIND_LIST:
    case KIND_ARRAY:
        read_elements(r, field, object, face);
        break;
    case KIND_LINES:
        read_lines(r, field, object);
        break;
    case KIND_HEX:
    case KIND_TIME:
        (void)reader_has(r, field->key);
        break;
    case KIND_HOOK:
        if (field->hook != NULL && field->hook->read != NULL) {
            field->hook->read(r, field->key, object);
        } else {
            (void)reader_has(r, field->key);
        }
        break;
    }
}

int schema_read(const struct schema *schema, struct reader *r, void *object, enum face face)
{
    schema_clear(schema, object);
    r->is_stored = face == FACE_STORE;
    for (size_t i = 0; i < schema->n; i++) {
        if ((schema->fields[i].faces & face) != 0) {
            read_field(r, &schema->fields[i], object, face);
        }
    }
    if (schema->set_size == sizeof(bool)) {
        *((bool *)object + schema->set_offset) = true;
    }
    return reader_end(r);
}

int schema_parse(const struct schema *schema, const struct schema_input *in, void *object,
                 struct error *err)
{
    struct error local = {0};
    struct reader r;
    reader_init(&r, in->json, in->origin, in->path != NULL ? in->path : "",
                err != NULL ? err : &local);
    return schema_read(schema, &r, object, in->face);
}

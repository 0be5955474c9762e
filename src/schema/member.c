/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/member.h"

#include <string.h>

#include "base/mem.h"

#define FIRST_ELEMENTS 8

uint64_t field_number(const struct field *field, const void *object)
{
    uint64_t wide = 0;
    uint32_t narrow = 0;
    if (field->size == sizeof(wide)) {
        memcpy(&wide, field_of(field, object), sizeof(wide));
        return wide;
    }
    memcpy(&narrow, field_of(field, object), sizeof(narrow));
    return narrow;
}

void field_set_number(const struct field *field, void *object, uint64_t value)
{
    uint32_t narrow = (uint32_t)value;
    bool is_wide = field->size == sizeof(value);
    memcpy(field_at(field, object), is_wide ? (const void *)&value : &narrow, field->size);
}

int64_t field_max(const struct field *field)
{
    if (field->max != 0) {
        return field->max;
    }
    return field->size == sizeof(uint64_t) ? INT64_MAX : UINT32_MAX;
}

/* What VEC() is, but for the type of its elements. */
struct vec {
    void *items;
    size_t n;
    size_t cap;
};

static struct vec load_vec(const struct field *field, const void *object)
{
    struct vec vec;
    memcpy(&vec, field_of(field, object), sizeof(vec));
    return vec;
}

size_t field_element_size(const struct field *field)
{
    return field->kind == KIND_LINES ? field->size : field->schema->size;
}

static size_t count_of(const struct field *array, const void *object)
{
    const char *at = (const char *)object + array->n_offset;
    size_t wide = 0;
    uint32_t narrow = 0;
    if (array->n_size == sizeof(wide)) {
        memcpy(&wide, at, sizeof(wide));
        return wide;
    }
    memcpy(&narrow, at, sizeof(narrow));
    return narrow;
}

static void set_count(const struct field *array, void *object, size_t n)
{
    uint32_t narrow = (uint32_t)n;
    bool is_wide = array->n_size == sizeof(n);
    memcpy((char *)object + array->n_offset, is_wide ? (const void *)&n : &narrow, array->n_size);
}

struct field_vec field_elements(const struct field *field, const void *object)
{
    if (field->kind == KIND_ARRAY) {
        return (struct field_vec){.items = field_of(field, object), .n = count_of(field, object)};
    }
    struct vec vec = load_vec(field, object);
    return (struct field_vec){.items = vec.items, .n = vec.n};
}

void *field_push(const struct field *field, void *object)
{
    size_t size = field_element_size(field);
    if (field->kind == KIND_ARRAY) {
        size_t n = count_of(field, object);
        char *element = (char *)field_at(field, object) + n * size;
        set_count(field, object, n + 1);
        memset(element, 0, size);
        return element;
    }
    struct vec vec = load_vec(field, object);
    if (vec.n == vec.cap) {
        vec.cap = vec.cap == 0 ? FIRST_ELEMENTS : vec.cap * 2;
        vec.items = xrealloc_array(vec.items, vec.cap, size);
    }
    char *element = (char *)vec.items + vec.n++ * size;
    memcpy(field_at(field, object), &vec, sizeof(vec));
    memset(element, 0, size);
    return element;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Members of objects by their fields, for the parts of the codec. */
#ifndef SCHEMA_MEMBER_H
#define SCHEMA_MEMBER_H

#include "schema/field.h"

static inline void *field_at(const struct field *field, void *object)
{
    return (char *)object + field->offset;
}

static inline const void *field_of(const struct field *field, const void *object)
{
    return (const char *)object + field->offset;
}

/* Bytes of a VEC(). */
#define FIELD_VEC_SIZE (sizeof(void *) + 2 * sizeof(size_t))

/* A VEC() whose elements' type only the field knows. */
struct field_vec {
    const void *items;
    size_t n;
};

uint64_t field_number(const struct field *field, const void *object);
void field_set_number(const struct field *field, void *object, uint64_t value);
/* Of KIND_LIST, KIND_ARRAY and KIND_LINES. */
struct field_vec field_elements(const struct field *field, const void *object);
/* Appends a zeroed element, which there must be room for in an array. */
void *field_push(const struct field *field, void *object);
size_t field_element_size(const struct field *field);
int64_t field_max(const struct field *field);

#endif

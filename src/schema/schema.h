/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Field tables: each field of a struct once, with its JSON key, its kind and the forms ("faces") it
 * is part of; and one codec for all of them.
 *
 *     static const struct field lamp_fields[] = {
 *         FIELD_NAME(struct lamp, name, "name", FACE_ALL, .required = true),
 *         FIELD_WORD(struct lamp, state, "state", lamp_state, FACE_KEPT),
 *         FIELD_OBJECT(struct lamp, shade, "shade", shade, FACE_KEPT),
 *     };
 *     const struct schema lamp_schema = SCHEMA(lamp, lamp_fields);
 *
 * Names follow tags: `lamp_schema` is that of `struct lamp`, `lamp_state_words` (base/words.h) are
 * those of `enum lamp_state`. A member of another type or width than its row's kind does not
 * compile. Rows are read in their order, so the first error is that of the first row, and a hook
 * may use what rows before it have read.
 */
#ifndef SCHEMA_SCHEMA_H
#define SCHEMA_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "schema/field.h"
#include "schema/rows.h"

/* A new reference, never NULL: what is no clean text has '?' for what is wrong with it. */
json_t *schema_to_json(const struct schema *schema, const void *object, enum face face);
/* The same for `n` structs one after another: a list. */
json_t *schema_list_to_json(const struct schema *schema, const void *items, size_t n,
                            enum face face);

/* Reads all fields of the face, and refuses other keys (reader_end()). Fields of other faces get
 * their fallback, so the object may be anything but for its lists, which are appended to; a hook's
 * members are as they were. 0 or -reason; then the object is half read, and the caller's to free.
 */
int schema_read(const struct schema *schema, struct reader *r, void *object, enum face face);

/* The value at a key of a reader's object, or in the list there (index < 0: no list). */
struct schema_place {
    const char *key;
    int index;
    const json_t *json;
};
/* The same for what stands there, in hooks: an error is the outer reader's. */
void schema_read_below(const struct schema *schema, struct reader *outer,
                       const struct schema_place *place, void *object, enum face face);

/* The document that is read, and its name in messages (as in base/json.h). */
struct schema_input {
    const json_t *json;
    const char *origin;
    const char *path; /* NULL: "" */
    enum face face;
};
/* schema_read() of a whole document. `err` may be NULL. */
int schema_parse(const struct schema *schema, const struct schema_input *in, void *object,
                 struct error *err);
/* Each field as though its key were absent; lists and hooks' members are left as they are. */
void schema_clear(const struct schema *schema, void *object);
/* Is the object more than null? */
bool schema_is_set(const struct schema *schema, const void *object);
/* For tests: what is wrong with the table, nested ones included, or NULL. Static. */
const char *schema_check(const struct schema *schema);

#endif

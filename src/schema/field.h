/* SPDX-License-Identifier: Apache-2.0 */
/* What a field table consists of; schema/schema.h says what it is for, schema/rows.h makes rows. */
#ifndef SCHEMA_FIELD_H
#define SCHEMA_FIELD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/words.h"

/* Forms of a document. A key of another face is unknown to the one that is read. */
enum face {
    FACE_USER = 1,  /* what a person writes */
    FACE_API = 2,   /* what the API answers */
    FACE_STORE = 4, /* what the store keeps */
    FACE_WIRE = 8,  /* what one cleaved sends another */
    FACE_KEPT = FACE_API | FACE_STORE,
    FACE_ALL = FACE_USER | FACE_KEPT | FACE_WIRE
};

enum field_kind {
    KIND_TEXT,
    KIND_BOOL,
    KIND_NUMBER, /* of 32 or 64 bits */
    KIND_AMOUNT, /* unknown is null, and 0 a number like any other */
    KIND_WORD,
    KIND_TRISTATE, /* unknown is null */
    KIND_HEX,      /* "0x26b9"; written only */
    KIND_TIME,     /* RFC 3339 of realtime in µs; written only, its number is another row */
    KIND_ADDRESS,
    KIND_OBJECT,
    KIND_LIST,  /* VEC() of structs */
    KIND_ARRAY, /* of structs, with a count next to it */
    KIND_LINES, /* VEC() of structs that are one text each: a list of strings */
    KIND_HOOK
};

/* Which text a member takes; NULL: any that is clean. */
struct text_form {
    bool (*fits)(const char *text);
    const char *complaint; /* "is no name": behind the quoted text */
    bool or_empty;         /* takes "", too */
};
extern const struct text_form name_form; /* parse_name(), or "" */
extern const struct text_form uuid_form; /* parse_uuid() */

/* The rare field that needs functions of its own: what it says follows from several members. */
struct field_hook {
    /* A new reference; NULL: the key is left out. No function: always left out. */
    json_t *(*put)(const void *object);
    /* Reads the key of the reader's object. No function: the key is known, and ignored. What it
     * sets as the reader's context is that of all readers below. */
    void (*read)(struct reader *r, const char *key, void *object);
};

struct schema;

struct field {
    const char *key;
    enum field_kind kind;
    unsigned faces; /* set of enum face */
    uint32_t size;  /* of the member, or of one of its elements */
    size_t offset;
    size_t n_offset; /* KIND_ARRAY: its count, of 32 or 64 bits */
    size_t n_size;

    bool required; /* reading: absent and null are errors */
    bool ignored;  /* reading: the key is known, the member stays as it was */
    bool null;     /* writing: null where the value is the fallback */
    bool left_out; /* writing: no key where the value is the fallback; a list: where it is empty */
    bool (*is_known)(const void *object); /* writing: null where it is not; NULL: always */
    const char *missing; /* of a required text: "a claim needs a name" in place of "is missing" */
    const char *advice;  /* a text: what to write in place of a value that is none; NULL: quotes */

    int64_t min, max;  /* of a number (max 0: all it can hold); most elements of a list */
    uint32_t fallback; /* number, word, bool: of an absent key or null */
    const char *text;  /* text: likewise, NULL for ""; KIND_LINES: what is said of a bad one */
    const struct text_form *form;
    const struct words *words;
    const struct schema *schema;
    const struct field_hook *hook;
};

struct schema {
    const char *name;
    const struct field *fields;
    size_t n;
    size_t size; /* of the struct */
    /* The member that says whether there is anything: the object is null without it. A bool, which
     * reading sets, or an enum or a text, which is a field itself. Size 0: it is always there. */
    size_t set_offset;
    uint32_t set_size;
};

#endif

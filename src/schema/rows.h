/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of a field table (schema/schema.h). Each ends with its faces, which
 * further parts of `struct field` may follow: FIELD_COUNT(struct lamp, watts, "watts", FACE_ALL,
 * .max = 500, .required = true).
 */
#ifndef SCHEMA_ROWS_H
#define SCHEMA_ROWS_H

#include "base/attr.h"
#include "base/pci.h"
#include "base/unknown.h"
#include "schema/field.h"

/* "" is null. */
#define FIELD_TEXT(type, member, key_, ...)                                                        \
    {FIELD_OF_TEXT(type, member, key_), .null = true, .faces = __VA_ARGS__}
/* "" is "". */
#define FIELD_STRING(type, member, key_, ...)                                                      \
    {FIELD_OF_TEXT(type, member, key_), .faces = __VA_ARGS__}
/* A name as parse_name() takes it, or "". */
#define FIELD_NAME(type, member, key_, ...)                                                        \
    {FIELD_OF_TEXT(type, member, key_), .form = &name_form, .faces = __VA_ARGS__}
#define FIELD_BOOL(type, member, key_, ...)                                                        \
    {FIELD_OF(KIND_BOOL, type, member, key_, FIELD_IS(type, member, bool)), .faces = __VA_ARGS__}
/* An unsigned number, 0 if absent. */
#define FIELD_COUNT(type, member, key_, ...)                                                       \
    {FIELD_OF_NUMBER(type, member, key_), .faces = __VA_ARGS__}
/* The same; 0, which no such thing has, is null: not known, or not asked for. */
#define FIELD_SIZE(type, member, key_, ...)                                                        \
    {FIELD_OF_NUMBER(type, member, key_), .null = true, .faces = __VA_ARGS__}
/* A `struct amount`: what may be 0, too. */
#define FIELD_AMOUNT(type, member, key_, ...)                                                      \
    {FIELD_OF(KIND_AMOUNT, type, member, key_, FIELD_IS(type, member, struct amount)),             \
     .faces = __VA_ARGS__}
/* NO_ID is null. */
#define FIELD_ID(type, member, key_, ...)                                                          \
    {FIELD_OF(KIND_NUMBER, type, member, key_, FIELD_IS(type, member, uint32_t)), .null = true,    \
     .fallback = NO_ID, .faces = __VA_ARGS__}
/* A NUMA node or the like: -1 (the bits of NO_ID) is null. */
#define FIELD_NODE(type, member, key_, ...)                                                        \
    {FIELD_OF(KIND_NUMBER, type, member, key_, FIELD_IS(type, member, int32_t)), .null = true,     \
     .fallback = NO_ID, .max = INT32_MAX, .faces = __VA_ARGS__}
/* A process: 0 is none. */
#define FIELD_PID(type, member, key_, ...)                                                         \
    {FIELD_OF(KIND_NUMBER, type, member, key_, FIELD_IS(type, member, int32_t)), .max = INT32_MAX, \
     .faces = __VA_ARGS__}
/* A value of `enum tag`, by `tag_words`. */
#define FIELD_WORD(type, member, key_, tag, ...)                                                   \
    {FIELD_OF(KIND_WORD, type, member, key_, FIELD_IS(type, member, enum tag)),                    \
     .words = &tag##_words, .faces = __VA_ARGS__}
#define FIELD_TRISTATE(type, member, key_, ...)                                                    \
    {FIELD_OF(KIND_TRISTATE, type, member, key_, FIELD_IS(type, member, enum tristate)),           \
     .faces = __VA_ARGS__}
#define FIELD_HEX(type, member, key_, ...)                                                         \
    {FIELD_OF(KIND_HEX, type, member, key_, FIELD_IS(type, member, uint32_t)), .null = true,       \
     .faces = __VA_ARGS__}
#define FIELD_TIME(type, member, key_, ...)                                                        \
    {FIELD_OF(KIND_TIME, type, member, key_, FIELD_IS(type, member, uint64_t)),                    \
     .faces = __VA_ARGS__}
#define FIELD_ADDRESS(type, member, key_, ...)                                                     \
    {FIELD_OF(KIND_ADDRESS, type, member, key_, FIELD_IS(type, member, struct pci_addr)),          \
     .required = true, .faces = __VA_ARGS__}
/* A `struct tag`, by `tag_schema`. */
#define FIELD_OBJECT(type, member, key_, tag, ...)                                                 \
    {FIELD_OF(KIND_OBJECT, type, member, key_, FIELD_IS(type, member, struct tag)),                \
     .schema = &tag##_schema, .faces = __VA_ARGS__}
/* Some members of the same struct as an object of their own. */
#define FIELD_GROUP(key_, schema_, ...)                                                            \
    {.key = (key_), .kind = KIND_OBJECT, .schema = &(schema_), .faces = __VA_ARGS__}
/* VEC(struct tag), of at most `.max`. */
#define FIELD_LIST(type, member, key_, tag, ...)                                                   \
    {FIELD_OF(KIND_LIST, type, member.items, key_, FIELD_IS(type, member.items, struct tag *)),    \
     .schema = &tag##_schema, .faces = __VA_ARGS__}
/* struct tag member[N], of which `count` (a size_t or uint32_t) are there. */
#define FIELD_ARRAY(type, member, count, key_, tag, ...)                                           \
    {FIELD_OF(KIND_ARRAY, type, member, key_,                                                      \
              FIELD_IS(type, member, struct tag[ARRAY_SIZE(((type *)0)->member)]) &&               \
                  (FIELD_IS(type, count, size_t) || FIELD_IS(type, count, uint32_t))),             \
     .n_offset = offsetof(type, count),                                                            \
     .n_size = sizeof(((type *)0)->count),                                                         \
     .max = ARRAY_SIZE(((type *)0)->member),                                                       \
     .schema = &tag##_schema,                                                                      \
     .faces = __VA_ARGS__}
/* VEC() of structs whose one member is `line`, of at most `.max`; longer lines are cut. `text` is
 * what is said of one that is no clean text. */
#define FIELD_LINES(type, member, line, key_, text_, ...)                                          \
    {.key = (key_),                                                                                \
     .kind = KIND_LINES,                                                                           \
     .offset =                                                                                     \
         offsetof(type, member.items) + FIELD_ASSERT(FIELD_IS_TEXT(type, member.items[0].line) &&  \
                                                     sizeof(((type *)0)->member.items[0].line) ==  \
                                                         sizeof(((type *)0)->member.items[0])),    \
     .size = sizeof(((type *)0)->member.items[0]),                                                 \
     .text = (text_),                                                                              \
     .faces = __VA_ARGS__}
#define FIELD_HOOK(key_, hook_, ...)                                                               \
    {.key = (key_), .kind = KIND_HOOK, .hook = &(hook_), .faces = __VA_ARGS__}
/* Written by the caller, or by an older cleaved; known and ignored when read. */
#define FIELD_IGNORED(key_, ...) {.key = (key_), .kind = KIND_HOOK, .faces = __VA_ARGS__}

/* `const struct schema tag_schema =` of `struct tag`. */
#define SCHEMA(tag, fields_) {SCHEMA_OF(#tag, struct tag, fields_)}
/* The same; null unless `member` is set: a bool, an enum that is not 0, or a text. */
#define SCHEMA_OPTIONAL(tag, fields_, member)                                                      \
    {SCHEMA_OF(#tag, struct tag, fields_), SCHEMA_SET(struct tag, member)}
/* For FIELD_GROUP(): some members of a `type`. */
#define SCHEMA_GROUP(type, fields_, member)                                                        \
    {SCHEMA_OF(#type, type, fields_), SCHEMA_SET(type, member)}

/* ---- what rows are made of ---- */

#define FIELD_MEMBER(type, member) __typeof__(((type *)0)->member)
#define FIELD_IS(type, member, wanted)                                                             \
    __builtin_types_compatible_p(FIELD_MEMBER(type, member), wanted)
#define FIELD_IS_TEXT(type, member) FIELD_IS(type, member, char[sizeof(((type *)0)->member)])
#define FIELD_IS_NUMBER(type, member)                                                              \
    (FIELD_IS(type, member, uint32_t) || FIELD_IS(type, member, uint64_t))
/* 0, unless the member has another type than the row's kind. */
#define FIELD_ASSERT(fits)                                                                         \
    (0 * sizeof(struct {                                                                           \
         _Static_assert(fits, "the member has the type of the row's kind");                        \
         char unused;                                                                              \
     }))
#define FIELD_OF(kind_, type, member, key_, fits)                                                  \
    .key = (key_), .kind = (kind_), .offset = offsetof(type, member) + FIELD_ASSERT(fits),         \
    .size = sizeof(((type *)0)->member)
#define FIELD_OF_TEXT(type, member, key_)                                                          \
    FIELD_OF(KIND_TEXT, type, member, key_, FIELD_IS_TEXT(type, member))
#define FIELD_OF_NUMBER(type, member, key_)                                                        \
    FIELD_OF(KIND_NUMBER, type, member, key_, FIELD_IS_NUMBER(type, member))
#define SCHEMA_OF(name_, type, fields_)                                                            \
    .name = (name_), .fields = (fields_), .n = ARRAY_SIZE(fields_), .size = sizeof(type)
#define SCHEMA_SET(type, member)                                                                   \
    .set_offset = offsetof(type, member), .set_size = sizeof(((type *)0)->member)

#endif

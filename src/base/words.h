/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words of an enum, in one table: what is stored and shown for each value, both ways. An enum
 * numbers its values from 0, and each has a row. Where the values are the states of a machine, the
 * row also says which may follow (base/sm.h).
 *
 *     enum lamp { LAMP_OFF, LAMP_ON, LAMP_COUNT };
 *     WORDS_DECLARE(lamp, lamp_words)        in the header; gives lamp_name() and lamp_parse()
 *     WORDS_DEFINE(lamp_words, "lamp", LAMP_COUNT, WORD(LAMP_OFF, "off"), WORD(LAMP_ON, "on"))
 */
#ifndef BASE_WORDS_H
#define BASE_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct word {
    const char *name; /* stored and shown: renamed only with a migration of the store */
    uint32_t next;    /* of a state: set of SM_TO(state) */
    bool initial;
    bool final; /* may stay there; others must have a way out */
};

#define WORDS_MAX 64 /* rows of a table */

struct words {
    const char *what; /* "claim state": for messages, and the name of a picture */
    const struct word *rows;
    uint32_t n;
};

/* The value's word, static; a value without one is a bug, and ends the process. */
const char *words_name(const struct words *words, uint32_t value);
/* The value that has that word (exactly); false if there is none, or `name` is NULL. */
bool words_find(const struct words *words, const char *name, uint32_t *ret_value);

#define WORDS_DECLARE(tag, table)                                                                  \
    extern const struct words table;                                                               \
    static inline const char *tag##_name(enum tag value)                                           \
    {                                                                                              \
        return words_name(&(table), (uint32_t)value);                                              \
    }                                                                                              \
    static inline bool tag##_parse(const char *name, enum tag *ret_value)                          \
    {                                                                                              \
        uint32_t value = 0;                                                                        \
        bool found = words_find(&(table), name, &value);                                           \
        if (found) {                                                                               \
            *ret_value = (enum tag)value;                                                          \
        }                                                                                          \
        return found;                                                                              \
    }

#define WORD(value, text) [value] = {.name = (text)}

/* All at file scope. WORDS_OF(): the rows stand in an array of their own, as a machine's do;
 * WORDS_LOCAL(): of an enum that one file alone knows. */
#define WORDS_DEFINE(table, what_, count, ...)                                                     \
    static const struct word table##_rows[] = {__VA_ARGS__};                                       \
    WORDS_OF(table, what_, table##_rows, count)
#define WORDS_LOCAL(table, what_, count, ...)                                                      \
    static const struct word table##_rows[] = {__VA_ARGS__};                                       \
    WORDS_CHECK(table##_rows, count)                                                               \
    static const struct words table = {.what = (what_), .rows = table##_rows, .n = (count)};
#define WORDS_OF(table, what_, rows_, count)                                                       \
    WORDS_CHECK(rows_, count)                                                                      \
    const struct words table = {.what = (what_), .rows = (rows_), .n = (count)};
#define WORDS_CHECK(rows_, count)                                                                  \
    _Static_assert(ARRAY_SIZE(rows_) == (count) && (count) <= WORDS_MAX, "every value has a row");

#endif

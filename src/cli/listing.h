/* SPDX-License-Identifier: Apache-2.0 */
/* Lists for people: a table of columns says what a line shows of each element of the API's answer,
 * and one function gets the answer, prints it as it is (-o json, -o yaml) or draws the table. The
 * same columns, one below the other, are the fields of a single element. */
#ifndef CLI_LISTING_H
#define CLI_LISTING_H

#include <jansson.h>
#include <stddef.h>

#include "base/str.h"
#include "cli/cli.h"
#include "cli/table.h"

#define LISTING_MAX_ARRAYS 2

/* How a cell shows what is found at its path. */
enum column_format {
    COLUMN_TEXT,  /* a string; the usual one */
    COLUMN_WORD,  /* the last word of a string: "L40S-8Q" of "NVIDIA L40S-8Q" */
    COLUMN_VALUE, /* a string, a number, or yes and no */
    COLUMN_FLAG,  /* yes where it is true, no anywhere else */
    COLUMN_TIME,  /* "2026-11-21 05:30:12 UTC" */
    COLUMN_ID,    /* view_short_id() of a string */
    COLUMN_KIB,   /* memory: "512 MiB", "1.5 GiB" */
    COLUMN_MIB,   /* the same */
    COLUMN_COUNT, /* the number of an array's elements */
    COLUMN_LIST,  /* an array's elements, each at its own path */
    COLUMN_ROW,   /* the number of the row, from 1 */
};

struct column {
    const char *title;
    const char *path; /* such as "assigned.gpu"; "a|b": b where a is missing or null */
    enum column_format format;
    enum table_align align;
    unsigned drop;    /* of struct table_column */
    const char *each; /* COLUMN_LIST: the path in each element */
    const char *none; /* the cell where nothing is found; NULL: "-" */
    /* Instead of path and format, for a cell of several fields: adds its text. Nothing added:
     * `none`. */
    void (*cell)(const json_t *item, struct strbuf *out);
};

struct listing {
    const char *arrays[LISTING_MAX_ARRAYS]; /* paths of what has a row for each element; none: the
                                               answer itself */
    const char *name; /* the path of an element's name, for -o name; NULL: it has none */
    const struct column *columns;
    size_t n_columns;
    const char *empty; /* the sentence in place of a table without rows; NULL: nothing */
    /* Adds to an answer what the columns need besides; NULL: nothing. */
    void (*complete)(struct cli *cli, json_t *answer);
    /* Instead of a table that has no room as it is; NULL: columns give way. */
    void (*narrow)(const json_t *answer, size_t width);
    /* What people read below a table that has rows and a header; NULL: nothing. */
    void (*after)(const json_t *answer, size_t width);
};

#define LISTING_COLUMNS(table) .columns = (table), .n_columns = ARRAY_SIZE(table)

/* Gets `url` and shows the answer, as JSON or YAML where that was asked for, and with --watch again
 * whenever it has changed. */
int listing_show(struct cli *cli, const char *url, const struct listing *listing,
                 struct error *err);
/* Shows an answer as the options of lists say: names, a table, sorted, without its header. */
int listing_show_answer(const struct cli *cli, const json_t *answer, const struct listing *listing,
                        struct error *err);
/* Draws the table of an answer; `width` as for tables. */
void listing_print(const struct listing *listing, const json_t *answer, size_t width);
/* Prints the columns of one element as fields. */
void listing_print_fields(const struct column *columns, size_t n, const json_t *item, size_t width);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* How wide the columns of a table are where they can't all be as wide as their cells. */
#ifndef CLI_COLUMN_WIDTHS_H
#define CLI_COLUMN_WIDTHS_H

#include <stdbool.h>
#include <stddef.h>

/* A column's fate where there is too little room. Nothing that is needed to act is
 * cut: names, addresses, identifiers and states take several lines at worst. */
enum table_align {
    TABLE_LEFT,  /* stays whole as long as anything else gives way */
    TABLE_RIGHT, /* the same, for numbers */
    TABLE_NAME,  /* a long one takes several lines */
    TABLE_SHORT, /* is shortened in its middle: what only describes */
    TABLE_WRAP,  /* sentences: broken at blanks */
    TABLE_LIST,  /* broken at blanks, each word whole */
};

struct fit {
    enum table_align align;
    unsigned drop;  /* of struct table_column */
    size_t header;  /* columns of a terminal, as all that follow */
    size_t natural; /* the widest cell, or the header */
    size_t word;    /* the widest word of any cell, or the header */
    bool empty;     /* no cell says anything */
    size_t width;   /* out */
    bool shown;     /* out */
};

/* Sets `width` and `shown` of `n` columns, with one blank between two, so that they fit into
 * `width`. What may be dropped goes first, by its number, once texts are as narrow as is still read
 * with ease; a column that would always stay is narrowed further only then. */
void fit_columns(struct fit *columns, size_t n, size_t width);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Tables on standard output; the only file that sees libsmartcols is table.c. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "cli/column_widths.h"

struct table;

struct table_column {
    const char *name;
    enum table_align align;
    unsigned drop; /* 0: always shown. Else what goes first where there is too little room: 1 */
};

/* `width`: columns of the terminal, which no line exceeds; 0: everything on one line a row. */
struct table *table_new(const struct table_column *columns, size_t n, size_t width);
void table_free(struct table *table);
DEFINE_FREEP(struct table *, table_free)

/* Adds a row of as many cells as there are columns; they are copied. */
void table_row(struct table *table, const char *const *cells);
/* The header is left out. */
void table_hide_header(struct table *table);
/* Standard error says which columns had no room. */
void table_print(struct table *table);
/* Has each column room for the widest of its cells? */
bool table_fits(const struct table *table);

#endif

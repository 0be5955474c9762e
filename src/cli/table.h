/* SPDX-License-Identifier: Apache-2.0 */
/* Tables on standard output; the only file that sees libsmartcols is table.c. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stddef.h>

#include "base/attr.h"

struct table;

enum table_align {
    TABLE_LEFT,
    TABLE_RIGHT,
    TABLE_WRAP, /* left, and takes several lines on a terminal that is too narrow */
    /* Left. On a terminal a long one takes several lines of its own width, and leaves the others
     * theirs: */
    TABLE_NAME,    /* of a VM: 32 */
    TABLE_SUBJECT, /* what an event is about: "plan/" and a UUID have 41 */
};

struct table_column {
    const char *name;
    enum table_align align;
};

struct table *table_new(const struct table_column *columns, size_t n);
void table_free(struct table *table);
DEFINE_FREEP(struct table *, table_free)

/* Adds a row of as many cells as there are columns; they are copied. */
void table_row(struct table *table, const char *const *cells);
void table_print(struct table *table);
/* Says `empty` when there is no row. */
void table_print_or(struct table *table, const char *empty);

/* "Name : value" lines, aligned, as in nvidia-smi -q. */
struct table_field {
    const char *name;
    const char *value;
};
void fields_print(const struct table_field *fields, size_t n);

#endif

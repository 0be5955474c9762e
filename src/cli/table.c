/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

struct table {
    struct libscols_table *scols;
    size_t n_columns;
};

static int flags_of(enum table_align align)
{
    switch (align) {
    case TABLE_LEFT:
        return 0;
    case TABLE_RIGHT:
        return SCOLS_FL_RIGHT;
    case TABLE_WRAP:
        return isatty(STDOUT_FILENO) == 1 ? SCOLS_FL_WRAP : 0;
    }
    return 0;
}

struct table *table_new(const struct table_column *columns, size_t n)
{
    struct table *table = xcalloc(1, sizeof(*table));
    table->scols = scols_new_table();
    table->n_columns = n;
    for (size_t i = 0; i < n; i++) {
        scols_table_new_column(table->scols, columns[i].name, 0, flags_of(columns[i].align));
    }
    return table;
}

void table_free(struct table *table)
{
    if (table != NULL) {
        scols_unref_table(table->scols);
        free(table);
    }
}

void table_row(struct table *table, const char *const *cells)
{
    struct libscols_line *line = scols_table_new_line(table->scols, NULL);
    for (size_t i = 0; i < table->n_columns; i++) {
        scols_line_set_data(line, i, cells[i]);
    }
}

void table_print(struct table *table)
{
    scols_print_table(table->scols);
}

void table_print_or(struct table *table, const char *empty)
{
    if (scols_table_is_empty(table->scols) != 0) {
        printf("%s\n", empty);
        return;
    }
    scols_print_table(table->scols);
}

void fields_print(const struct table_field *fields, size_t n)
{
    size_t width = 0;
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(fields[i].name);
        width = len > width ? len : width;
    }
    for (size_t i = 0; i < n; i++) {
        printf("    %-*s : %s\n", (int)width, fields[i].name, fields[i].value);
    }
}

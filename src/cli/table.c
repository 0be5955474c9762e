/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#define NAME_WIDTH 32
#define SUBJECT_WIDTH 44
#define NARROW_SUBJECT_WIDTH 24
#define NARROW 120

struct table {
    struct libscols_table *scols;
    const struct table_column *columns;
    size_t n_columns;
    bool tty;
};

static int flags_of(enum table_align align, bool tty)
{
    switch (align) {
    case TABLE_LEFT:
        return 0;
    case TABLE_RIGHT:
        return SCOLS_FL_RIGHT;
    case TABLE_WRAP:
    case TABLE_NAME:
    case TABLE_SUBJECT:
        return tty ? SCOLS_FL_WRAP : 0;
    }
    return 0;
}

/* 0: as wide as it is. */
static size_t line_width(const struct table *table, size_t column)
{
    enum table_align align = table->columns[column].align;
    bool narrow = scols_table_get_termwidth(table->scols) < NARROW;
    if (!table->tty || (align != TABLE_NAME && align != TABLE_SUBJECT)) {
        return 0;
    }
    return align == TABLE_NAME ? NAME_WIDTH : narrow ? NARROW_SUBJECT_WIDTH : SUBJECT_WIDTH;
}

struct table *table_new(const struct table_column *columns, size_t n)
{
    struct table *table = xcalloc(1, sizeof(*table));
    table->scols = scols_new_table();
    table->columns = columns;
    table->n_columns = n;
    table->tty = isatty(STDOUT_FILENO) == 1;
    for (size_t i = 0; i < n; i++) {
        struct libscols_column *column = scols_table_new_column(
            table->scols, columns[i].name, 0, flags_of(columns[i].align, table->tty));
        if (line_width(table, i) > 0) { /* where table_row() broke the line, and nowhere else */
            scols_column_set_wrapfunc(column, scols_wrapnl_chunksize, scols_wrapnl_nextchunk, NULL);
            scols_column_set_safechars(column, "\n");
        }
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

/* Breaks the line after each `width` characters. */
static void break_lines(const char *cell, size_t width, struct strbuf *out)
{
    size_t n = 0;
    for (const char *at = cell; *at != '\0'; at++) {
        bool begins = ((unsigned char)*at & 0xc0) != 0x80;
        if (begins && n > 0 && n % width == 0) {
            strbuf_add(out, "\n");
        }
        n += begins ? 1 : 0;
        strbuf_addn(out, at, 1);
    }
}

void table_row(struct table *table, const char *const *cells)
{
    struct libscols_line *line = scols_table_new_line(table->scols, NULL);
    for (size_t i = 0; i < table->n_columns; i++) {
        CLEANUP_STRBUF struct strbuf broken = {0};
        size_t width = cells[i] == NULL ? 0 : line_width(table, i);
        if (width > 0) {
            break_lines(cells[i], width, &broken);
        }
        scols_line_set_data(line, i, width > 0 ? strbuf_str(&broken) : cells[i]);
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

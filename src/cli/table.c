/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cli/column_widths.h"
#include "cli/text.h"

struct table {
    const struct table_column *columns;
    size_t n_columns;
    size_t width;
    bool headless;
    char **cells; /* row by row; NULL: an empty one */
    size_t n_cells;
};

struct table *table_new(const struct table_column *columns, size_t n, size_t width)
{
    struct table *table = xcalloc(1, sizeof(*table));
    table->columns = columns;
    table->n_columns = n;
    table->width = width;
    return table;
}

void table_free(struct table *table)
{
    if (table != NULL) {
        for (size_t i = 0; i < table->n_cells; i++) {
            free(table->cells[i]);
        }
        free(table->cells);
        free(table);
    }
}

void table_row(struct table *table, const char *const *cells)
{
    size_t n = table->n_cells + table->n_columns;
    table->cells = xrealloc_array(table->cells, n, sizeof(*table->cells));
    for (size_t i = 0; i < table->n_columns; i++) {
        table->cells[table->n_cells++] = cells[i] == NULL ? NULL : xstrdup(cells[i]);
    }
}

void table_hide_header(struct table *table)
{
    table->headless = true;
}

/* ---- room ---- */

static void measure_columns(const struct table *table, struct fit *fits)
{
    for (size_t k = 0; k < table->n_columns; k++) {
        const struct table_column *column = &table->columns[k];
        size_t header = table->headless ? 0 : text_width(column->name);
        fits[k] = (struct fit){.align = column->align,
                               .drop = column->drop,
                               .header = header,
                               .natural = header,
                               .word = header,
                               .empty = true};
    }
    for (size_t i = 0; i < table->n_cells; i++) {
        struct fit *fit = &fits[i % table->n_columns];
        const char *cell = table->cells[i] == NULL ? "" : table->cells[i];
        size_t width = text_width(cell);
        size_t word = text_word_width(cell);
        fit->natural = width > fit->natural ? width : fit->natural;
        fit->word = word > fit->word ? word : fit->word;
        fit->empty = fit->empty && (cell[0] == '\0' || str_eq(cell, "-"));
    }
}

static void set_cell(struct libscols_line *line, size_t n, const char *cell, const struct fit *fit)
{
    CLEANUP_STRBUF struct strbuf text = {0};
    switch (fit->align) {
    case TABLE_LEFT:
    case TABLE_RIGHT:
    case TABLE_NAME:
        text_break(cell, fit->width, "\n", &text);
        break;
    case TABLE_SHORT:
        text_shorten(cell, fit->width, &text);
        break;
    case TABLE_WRAP:
    case TABLE_LIST:
        text_wrap(cell, fit->width, "\n", &text);
        break;
    }
    scols_line_set_data(line, n, strbuf_str(&text));
}

static void add_columns(const struct table *table, const struct fit *fits,
                        struct libscols_table *scols)
{
    for (size_t k = 0; k < table->n_columns; k++) {
        if (!fits[k].shown) {
            continue;
        }
        bool lines = table->width > 0 && fits[k].align != TABLE_RIGHT;
        int flags = fits[k].align == TABLE_RIGHT ? SCOLS_FL_RIGHT : lines ? SCOLS_FL_WRAP : 0;
        const char *name = table->headless ? "" : table->columns[k].name; /* its width counts */
        struct libscols_column *column = scols_table_new_column(scols, name, 0, flags);
        if (lines) { /* where set_cell() broke the line, and nowhere else */
            scols_column_set_wrapfunc(column, scols_wrapnl_chunksize, scols_wrapnl_nextchunk, NULL);
            scols_column_set_safechars(column, "\n");
        }
    }
}

static void report_dropped(const struct table *table, const struct fit *fits)
{
    size_t n = 0;
    for (size_t k = 0; k < table->n_columns; k++) {
        if (!fits[k].shown && !fits[k].empty) {
            fprintf(stderr, "%s%s", n++ == 0 ? "hint: no room for " : ", ", table->columns[k].name);
        }
    }
    fprintf(stderr, "%s", n > 0 ? "; see -o wide\n" : "");
}

bool table_fits(const struct table *table)
{
    CLEANUP_FREE struct fit *fits = xcalloc(table->n_columns, sizeof(*fits));
    measure_columns(table, fits);
    size_t total = table->n_columns - 1;
    for (size_t k = 0; k < table->n_columns; k++) {
        total += fits[k].natural;
    }
    return table->width == 0 || total <= table->width;
}

void table_print(struct table *table)
{
    CLEANUP_FREE struct fit *fits = xcalloc(table->n_columns, sizeof(*fits));
    measure_columns(table, fits);
    fit_columns(fits, table->n_columns, table->width > 0 ? table->width : TEXT_WITHOUT_END);
    struct libscols_table *scols = scols_new_table();
    scols_table_set_termforce(scols, SCOLS_TERMFORCE_NEVER); /* it fits already */
    scols_table_enable_noheadings(scols, table->headless);
    add_columns(table, fits, scols);
    for (size_t i = 0; i < table->n_cells; i += table->n_columns) {
        struct libscols_line *line = scols_table_new_line(scols, NULL);
        size_t n = 0;
        for (size_t k = 0; k < table->n_columns; k++) {
            const char *cell = table->cells[i + k];
            if (fits[k].shown && cell != NULL) {
                set_cell(line, n, cell, &fits[k]);
            }
            n += fits[k].shown ? 1 : 0;
        }
    }
    scols_print_table(scols);
    scols_unref_table(scols);
    (void)fflush(stdout);
    report_dropped(table, fits);
}

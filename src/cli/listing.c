/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/listing.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/fields.h"
#include "cli/prose.h"
#include "cli/view.h"

#define KIB_PER_MIB 1024

/* ---- a cell ---- */

/* The first of the paths, cut by "|", at which there is something; NULL: none. Borrowed. */
static const json_t *value_at(const json_t *item, const char *paths)
{
    CLEANUP_FREE char *copy = xstrdup(paths);
    char *rest = copy;
    const json_t *found = NULL;
    while (rest != NULL && found == NULL) {
        found = view_at(item, strsep(&rest, "|"));
    }
    return found;
}

static void add_memory(const json_t *value, int64_t per_mib, struct strbuf *out)
{
    char text[VIEW_SIZE];
    if (json_is_integer(value)) {
        strbuf_add(out, view_mib(json_integer_value(value) / per_mib, text));
    }
}

static void add_list(const json_t *list, const char *each, struct strbuf *out)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        char text[VIEW_SIZE];
        const json_t *value = value_at(json_array_get(list, i), each);
        strbuf_addf(out, "%s%s", i == 0 ? "" : ", ", view_value(value, text));
    }
}

/* Adds nothing where nothing is found. */
static void add_value(const struct column *column, const json_t *value, size_t row,
                      struct strbuf *out)
{
    char text[VIEW_SIZE];
    const char *string = json_string_value(value);
    switch (column->format) {
    case COLUMN_TEXT:
        strbuf_add(out, string != NULL ? string : "");
        break;
    case COLUMN_WORD:
        strbuf_add(out, string != NULL ? view_last_word(string) : "");
        break;
    case COLUMN_VALUE:
        strbuf_add(out, value != NULL ? view_value(value, text) : "");
        break;
    case COLUMN_FLAG:
        strbuf_add(out, json_is_true(value) ? "yes" : "no");
        break;
    case COLUMN_TIME:
        strbuf_add(out, string != NULL ? view_clock(string, text) : "");
        break;
    case COLUMN_KIB:
        add_memory(value, KIB_PER_MIB, out);
        break;
    case COLUMN_MIB:
        add_memory(value, 1, out);
        break;
    case COLUMN_COUNT:
        if (json_is_array(value)) {
            strbuf_addf(out, "%zu", json_array_size(value));
        }
        break;
    case COLUMN_LIST:
        add_list(value, column->each, out);
        break;
    case COLUMN_ROW:
        strbuf_addf(out, "%zu", row);
        break;
    }
}

/* The caller frees. */
static char *cell_text(const struct column *column, const json_t *item, size_t row)
{
    CLEANUP_STRBUF struct strbuf text = {0};
    if (column->cell != NULL) {
        column->cell(item, &text);
    } else {
        const json_t *value = column->path != NULL ? value_at(item, column->path) : NULL;
        add_value(column, value, row, &text);
    }
    if (text.len == 0) {
        strbuf_add(&text, column->none != NULL ? column->none : "-");
    }
    return strbuf_take(&text);
}

/* ---- a table ---- */

static void add_row(const struct listing *listing, const json_t *item, size_t row,
                    struct table *table)
{
    CLEANUP_FREE char **cells = xcalloc(listing->n_columns, sizeof(*cells));
    for (size_t i = 0; i < listing->n_columns; i++) {
        cells[i] = cell_text(&listing->columns[i], item, row);
    }
    table_row(table, (const char *const *)cells);
    for (size_t i = 0; i < listing->n_columns; i++) {
        free(cells[i]);
    }
}

static void add_rows(const struct listing *listing, const json_t *items, size_t *rows,
                     struct table *table)
{
    for (size_t i = 0; i < json_array_size(items); i++) {
        *rows += 1;
        add_row(listing, json_array_get(items, i), *rows, table);
    }
}

void listing_print(const struct listing *listing, const json_t *answer, size_t width)
{
    CLEANUP_FREE struct table_column *columns = xcalloc(listing->n_columns, sizeof(*columns));
    for (size_t i = 0; i < listing->n_columns; i++) {
        const struct column *column = &listing->columns[i];
        columns[i] = (struct table_column){column->title, column->align, column->drop};
    }
    CLEANUP(table_freep) struct table *table = table_new(columns, listing->n_columns, width);
    size_t rows = 0;
    if (listing->arrays[0] == NULL) {
        add_rows(listing, answer, &rows, table);
    }
    for (size_t i = 0; i < LISTING_MAX_ARRAYS && listing->arrays[i] != NULL; i++) {
        add_rows(listing, view_at(answer, listing->arrays[i]), &rows, table);
    }
    if (listing->narrow != NULL && !table_fits(table)) {
        listing->narrow(answer, width);
    } else if (rows > 0) {
        table_print(table);
    } else if (listing->empty != NULL) {
        prose_print(width, "%s", listing->empty);
    }
}

int listing_show(struct cli *cli, const char *url, const struct listing *listing, struct error *err)
{
    CLEANUP_JSON json_t *answer = NULL;
    int result = cli_get(cli, url, &answer, err);
    if (result == 0 && !cli_print_raw(cli, answer)) {
        listing_print(listing, answer, cli_width(cli));
    }
    return result;
}

void listing_print_fields(const struct column *columns, size_t n, const json_t *item, size_t width)
{
    CLEANUP_FREE struct field_row *fields = xcalloc(n, sizeof(*fields));
    CLEANUP_FREE char **texts = xcalloc(n, sizeof(*texts));
    for (size_t i = 0; i < n; i++) {
        texts[i] = cell_text(&columns[i], item, 1);
        fields[i] = (struct field_row){columns[i].title, texts[i]};
    }
    fields_print(fields, n, width);
    for (size_t i = 0; i < n; i++) {
        free(texts[i]);
    }
}

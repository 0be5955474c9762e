/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/listing.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/vec.h"
#include "cli/csv.h"
#include "cli/fields.h"
#include "cli/follow.h"
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
        strbuf_addf(out, "%s%s", i == 0 ? "" : ", ", view_last_word(view_value(value, text)));
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
    case COLUMN_ID:
        strbuf_add(out, string != NULL ? view_short_id(string, text) : "");
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

/* ---- rows ---- */

struct row {
    const json_t *item;
    char **cells;
};

struct rows {
    struct row *items;
    size_t n;
    size_t cap;
    size_t n_columns;
};

static void rows_done(struct rows *rows)
{
    for (vec_each(rows, row)) {
        for (size_t k = 0; k < rows->n_columns; k++) {
            free(row->cells[k]);
        }
        free(row->cells);
    }
    vec_done(rows);
}

static void add_row(const struct listing *listing, const json_t *item, struct rows *rows)
{
    struct row *row = vec_push(rows);
    *row = (struct row){item, xcalloc(listing->n_columns, sizeof(*row->cells))};
    for (size_t k = 0; k < listing->n_columns; k++) {
        row->cells[k] = cell_text(&listing->columns[k], item, rows->n);
    }
}

static void add_rows(const struct listing *listing, const json_t *items, struct rows *rows)
{
    for (size_t i = 0; i < json_array_size(items); i++) {
        add_row(listing, json_array_get(items, i), rows);
    }
}

static void make_rows(const struct listing *listing, const json_t *answer, struct rows *ret_rows)
{
    *ret_rows = (struct rows){.n_columns = listing->n_columns};
    if (listing->arrays[0] == NULL) {
        add_rows(listing, answer, ret_rows);
    }
    for (size_t i = 0; i < LISTING_MAX_ARRAYS && listing->arrays[i] != NULL; i++) {
        add_rows(listing, view_at(answer, listing->arrays[i]), ret_rows);
    }
}

/* ---- sorting ---- */

struct order {
    const struct column *column;
    size_t index;
    bool descending;
};

/* "per-gpu" names the column "PER GPU". */
static bool is_title(const char *title, const char *word)
{
    for (; *title != '\0' && *word != '\0'; title++, word++) {
        char c = *word == '-' || *word == '_' ? ' ' : *word;
        if (tolower((unsigned char)c) != tolower((unsigned char)*title)) {
            return false;
        }
    }
    return *title == *word;
}

static int find_order(const struct listing *listing, const char *word, struct order *ret_order,
                      struct error *err)
{
    const char *title = word[0] == '-' ? word + 1 : word;
    CLEANUP_STRBUF struct strbuf titles = {0};
    for (size_t k = 0; k < listing->n_columns; k++) {
        const struct column *column = &listing->columns[k];
        strbuf_addf(&titles, "%s%s", k == 0 ? "" : ", ", column->title);
        if (is_title(column->title, title)) {
            *ret_order = (struct order){column, k, word[0] == '-'};
            return 0;
        }
    }
    error_set(err, REASON_INVALID, "", "there is no column \"%s\" to sort by", title);
    error_hint(err, "one of %s; with - before it the greatest comes first", strbuf_str(&titles));
    return -REASON_INVALID;
}

/* Numbers by their value, however they are shown; texts with numbers in them in their order. What
 * is not known comes last. */
static int compare_rows(const void *a, const void *b, void *data)
{
    const struct order *order = data;
    const struct row *left = a;
    const struct row *right = b;
    const char *path = order->column->path;
    const json_t *x = path != NULL ? value_at(left->item, path) : NULL;
    const json_t *y = path != NULL ? value_at(right->item, path) : NULL;
    const char *text = left->cells[order->index];
    const char *other = right->cells[order->index];
    int unknown = (str_eq(text, "-") ? 1 : 0) - (str_eq(other, "-") ? 1 : 0);
    if (unknown != 0) {
        return unknown;
    }
    int result = strverscmp(text, other);
    if (json_is_integer(x) && json_is_integer(y)) {
        json_int_t n = json_integer_value(x);
        json_int_t m = json_integer_value(y);
        result = (n > m ? 1 : 0) - (n < m ? 1 : 0);
    }
    return order->descending ? -result : result;
}

static int sort_rows(const struct listing *listing, const char *word, struct rows *rows,
                     struct error *err)
{
    struct order order = {0};
    int result = word == NULL ? 0 : find_order(listing, word, &order, err);
    if (result == 0 && word != NULL && rows->n > 0) {
        qsort_r(rows->items, rows->n, sizeof(rows->items[0]), compare_rows, &order);
    }
    return result;
}

/* ---- a table ---- */

/* How a table is printed: the header may be left out. */
struct layout {
    size_t width;
    bool headless;
};

static void print_rows(const struct listing *listing, const json_t *answer, const struct rows *rows,
                       struct layout layout)
{
    CLEANUP_FREE struct table_column *columns = xcalloc(listing->n_columns, sizeof(*columns));
    for (size_t i = 0; i < listing->n_columns; i++) {
        const struct column *column = &listing->columns[i];
        columns[i] = (struct table_column){column->title, column->align, column->drop};
    }
    CLEANUP(table_freep)
    struct table *table = table_new(columns, listing->n_columns, layout.width);
    for (vec_each(rows, row)) {
        table_row(table, (const char *const *)row->cells);
    }
    if (layout.headless) {
        table_hide_header(table);
    }
    if (listing->narrow != NULL && !table_fits(table)) {
        listing->narrow(answer, layout.width);
    } else if (rows->n > 0) {
        table_print(table);
    } else if (listing->empty != NULL) {
        prose_print(layout.width, "%s", listing->empty);
    }
    if (listing->after != NULL && rows->n > 0 && !layout.headless) {
        listing->after(answer, layout.width);
    }
}

void listing_print(const struct listing *listing, const json_t *answer, size_t width)
{
    CLEANUP(rows_done) struct rows rows = {0};
    make_rows(listing, answer, &rows);
    print_rows(listing, answer, &rows, (struct layout){.width = width});
}

/* ---- as the options of lists say ---- */

static const char *name_of(const struct listing *listing, const json_t *item, char out[VIEW_SIZE])
{
    return view_value(listing->name == NULL ? NULL : value_at(item, listing->name), out);
}

static int print_names(const struct listing *listing, const struct rows *rows, struct error *err)
{
    if (listing->name == NULL) {
        return error_set(err, REASON_INVALID, "", "what is listed here has no names");
    }
    for (vec_each(rows, row)) {
        char text[VIEW_SIZE];
        printf("%s\n", name_of(listing, row->item, text));
    }
    return 0;
}

/* All columns; what is not known is empty. */
static void print_csv(const struct listing *listing, const struct rows *rows, bool headless)
{
    CLEANUP_STRBUF struct strbuf out = {0};
    CLEANUP_FREE const char **fields = xcalloc(listing->n_columns, sizeof(*fields));
    for (size_t k = 0; k < listing->n_columns; k++) {
        fields[k] = listing->columns[k].title;
    }
    if (!headless) {
        csv_add_record(&out, fields, listing->n_columns);
    }
    for (vec_each(rows, row)) {
        for (size_t k = 0; k < listing->n_columns; k++) {
            fields[k] = str_eq(row->cells[k], "-") ? "" : row->cells[k];
        }
        csv_add_record(&out, fields, listing->n_columns);
    }
    fputs(strbuf_str(&out), stdout);
}

/* Where rows give way to blocks, those follow the answer's own order. */
static void reorder(const struct listing *listing, const struct rows *rows, json_t *answer)
{
    json_t *sorted = json_array();
    for (vec_each(rows, row)) {
        json_array_append(sorted, (json_t *)(uintptr_t)row->item);
    }
    if (listing->arrays[0] != NULL && listing->arrays[1] == NULL) {
        json_object_set(answer, listing->arrays[0], sorted);
    }
    json_decref(sorted);
}

int listing_show_answer(const struct cli *cli, const json_t *answer, const struct listing *listing,
                        struct error *err)
{
    CLEANUP(rows_done) struct rows rows = {0};
    make_rows(listing, answer, &rows);
    int result = sort_rows(listing, cli->sort, &rows, err);
    if (result != 0 || cli->output == OUTPUT_NAME) {
        return result != 0 ? result : print_names(listing, &rows, err);
    }
    if (cli->output == OUTPUT_CSV) {
        print_csv(listing, &rows, cli->no_headers);
        return 0;
    }
    CLEANUP_JSON json_t *sorted = json_copy((json_t *)(uintptr_t)answer);
    if (cli->sort != NULL) {
        reorder(listing, &rows, sorted);
    }
    print_rows(listing, sorted, &rows, (struct layout){cli_width(cli), cli->no_headers});
    return 0;
}

/* ---- watching ---- */

#define WATCH_PAUSE_US 2000000 /* each answer has a look at the host behind it */

struct watched {
    struct cli *cli;
    const struct listing *listing;
};

/* What of the answer was not there before, or differs; names that went. */
static json_t *changed_rows(const struct listing *listing, const struct rows *rows, json_t *seen,
                            json_t **ret_gone)
{
    json_t *changed = json_array();
    json_t *now = json_object();
    for (vec_each(rows, row)) {
        char text[VIEW_SIZE];
        json_t *item = (json_t *)(uintptr_t)row->item;
        const char *name = name_of(listing, item, text);
        json_object_set(now, name, item);
        if (!json_equal(json_object_get(seen, name), item)) {
            json_array_append(changed, item);
        }
    }
    *ret_gone = json_array();
    const char *name = NULL;
    json_t *item = NULL;
    json_object_foreach(seen, name, item)
    {
        if (name[0] != '\0' && json_object_get(now, name) == NULL) {
            json_array_append_new(*ret_gone, json_string(name));
        }
    }
    json_object_clear(seen);
    json_object_update(seen, now);
    json_decref(now);
    return changed;
}

static void show_changed(const struct watched *watched, const json_t *changed)
{
    CLEANUP(rows_done) struct rows rows = {.n_columns = watched->listing->n_columns};
    add_rows(watched->listing, changed, &rows);
    CLEANUP_JSON json_t *answer = json_object();
    if (watched->listing->arrays[0] != NULL) {
        json_object_set(answer, watched->listing->arrays[0], (json_t *)(uintptr_t)changed);
    }
    if (watched->cli->output == OUTPUT_NAME) {
        (void)print_names(watched->listing, &rows, NULL);
    } else if (watched->cli->output == OUTPUT_CSV) {
        print_csv(watched->listing, &rows, true);
    } else if (rows.n > 0) {
        /* Where there is little room, which columns are shown follows from the rows. */
        size_t width = cli_width(watched->cli);
        bool headless = watched->cli->no_headers || width == 0;
        print_rows(watched->listing, answer, &rows, (struct layout){width, headless});
    }
}

static void show_watched(const json_t *answer, json_t *seen, void *data)
{
    struct watched *watched = data;
    bool first = json_object_size(seen) == 0;
    CLEANUP(rows_done) struct rows rows = {0};
    CLEANUP_JSON json_t *gone = NULL;
    if (!first && watched->listing->complete != NULL) {
        watched->listing->complete(watched->cli, (json_t *)(uintptr_t)answer);
    }
    make_rows(watched->listing, answer, &rows);
    CLEANUP_JSON json_t *changed = changed_rows(watched->listing, &rows, seen, &gone);
    bool same = json_array_size(changed) == 0 && json_array_size(gone) == 0;
    if (!first && !same && !cli_print_raw(watched->cli, answer)) {
        show_changed(watched, changed);
    }
    for (size_t i = 0; i < json_array_size(gone); i++) {
        prose_report("gone: %s", json_string_value(json_array_get(gone, i)));
    }
    json_object_set_new(seen, "", json_true()); /* the next answer is not the first */
    (void)fflush(stdout);
}

static int watch_list(struct cli *cli, const char *url, const struct listing *listing,
                      json_t **answer, struct error *err)
{
    struct watched watched = {cli, listing};
    const struct follow follow = {.url = url,
                                  .ended = follow_unwritten,
                                  .show = show_watched,
                                  .data = &watched,
                                  .pause_us = WATCH_PAUSE_US};
    return follow_run(cli, &follow, answer, err);
}

int listing_show(struct cli *cli, const char *url, const struct listing *listing, struct error *err)
{
    CLEANUP_JSON json_t *answer = NULL;
    int result = cli_get(cli, url, &answer, err);
    if (result == 0 && listing->complete != NULL &&
        (cli->output == OUTPUT_TABLE || cli->output == OUTPUT_CSV)) {
        listing->complete(cli, answer);
    }
    if (result == 0 && !cli_print_raw(cli, answer)) {
        result = listing_show_answer(cli, answer, listing, err);
    }
    return result != 0 || !cli->watch ? result : watch_list(cli, url, listing, &answer, err);
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

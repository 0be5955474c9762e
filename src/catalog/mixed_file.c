/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a table of mixed-size placements: where vGPUs of each framebuffer size may sit. */
#include "base/str.h"
#include "catalog/readers.h"

#define MAX_ROWS 16

static void read_ids(struct reader *r, uint32_t region, struct cat_mixed_row *row)
{
    json_t *ids = reader_array(r, "ids", ARRAY_SIZE(row->placement_ids));
    uint32_t free_from = 0;
    for (size_t i = 0; r->result == 0 && i < json_array_size(ids); i++) {
        const json_t *id = json_array_get(ids, i);
        json_int_t value = json_integer_value(id);
        if (!json_is_integer(id) || value < (json_int_t)free_from) {
            reader_fail(r, "ids", "item %zu must be a placement id of at least %u", i, free_from);
            return;
        }
        if (value + row->placement_size > region) {
            reader_fail(r, "ids", "item %zu ends beyond the region of %u", i, region);
            return;
        }
        row->placement_ids[row->n_placement_ids++] = (uint32_t)value;
        free_from = (uint32_t)value + row->placement_size;
    }
    row->max_mixed = row->n_placement_ids;
    if (row->n_placement_ids == 0) {
        reader_fail(r, "ids", "is empty");
    }
}

static int read_row(struct reader *r, uint32_t region, struct cat_mixed_row *row)
{
    row->framebuffer_mib = (uint32_t)reader_int(r, "mib", 1, 4096 * 1024);
    row->placement_size = (uint32_t)reader_int(r, "size", 1, region);
    row->max_equal = cat_number(r, "max", 1, 1024);
    read_ids(r, region, row);
    return reader_end(r);
}

static int read_table_source(struct reader *outer)
{
    json_t *source = reader_object(outer, "source");
    if (source == NULL) {
        return outer->result;
    }
    struct reader r = cat_inner(outer, "source", -1, source);
    (void)reader_str(&r, "text", CAT_TEXT_MAX);
    (void)reader_word(&r, "confidence", &cat_confidence_words);
    return reader_end(&r);
}

int cat_read_table(struct cat_file *file, const char *name, const json_t *json)
{
    struct reader r;
    reader_init(&r, json, file->path, "", file->err);
    uint32_t region = (uint32_t)reader_int(&r, "region_gb", 1, 4096);
    int result = read_table_source(&r);
    json_t *rows = reader_array(&r, "rows", MAX_ROWS);
    if (result == 0) {
        result = reader_end(&r);
    }
    if (result < 0) {
        return result;
    }
    struct cat_table *table = vec_push(&file->catalog->tables);
    table->name = cat_keep(file->catalog, name);
    table->region_gb = region;
    for (size_t i = 0; result == 0 && i < json_array_size(rows); i++) {
        struct reader at = cat_inner(&r, "rows", (int)i, json_array_get(rows, i));
        uint32_t below = i == 0 ? CAT_UNKNOWN : table->rows.items[i - 1].framebuffer_mib;
        struct cat_mixed_row *row = vec_push(&table->rows);
        result = read_row(&at, region, row);
        if (result == 0 && row->framebuffer_mib >= below) {
            reader_fail(&at, "mib", "is %u, not smaller than in the row before",
                        row->framebuffer_mib);
            result = at.result;
        }
    }
    return result;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/file.h"

#include "base/str.h"

struct reader cat_inner(const struct reader *outer, const char *key, int index, const json_t *json)
{
    char path[sizeof(outer->path)];
    struct reader r;
    reader_init(&r, json, outer->origin, reader_path(outer, key, index, path, sizeof(path)),
                outer->err);
    return r;
}

uint32_t cat_number(struct reader *r, const char *key, uint32_t min, uint32_t max)
{
    return (uint32_t)reader_int_or(r, key, min, max, CAT_UNKNOWN);
}

struct cat_source cat_read_source(struct cat_file *file, struct reader *r, const char *key,
                                  struct cat_source fallback)
{
    const char *id = reader_str_or(r, key, CAT_TEXT_MAX, NULL);
    if (id == NULL) {
        return fallback;
    }
    const char *ids[CAT_MAX_SOURCES];
    for (size_t i = 0; i < file->sources.n; i++) {
        struct cat_named_source *named = &file->sources.items[i];
        ids[i] = named->id;
        if (str_eq(named->id, id)) {
            named->used = true;
            return named->source;
        }
    }
    const char *nearest = str_nearest(id, ids, file->sources.n);
    reader_fail(r, key, "\"%s\" is not under sources%s%s%s", id,
                nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
                nearest != NULL ? "\"?" : "");
    return fallback;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* One file of the catalog while it is read, and what its readers share. Private to the catalog. */
#ifndef CATALOG_FILE_H
#define CATALOG_FILE_H

#include "base/json.h"
#include "catalog/content.h"

#define CAT_TEXT_MAX 256 /* longest text in a file, sources included */

#define CAT_MAX_SOURCES 32

/* A source of the file that is being read. */
struct cat_named_source {
    const char *id;
    struct cat_source source;
    bool used;
};

/* One file that is being read. */
struct cat_file {
    struct catalog *catalog;
    const char *path; /* as the origin of errors */
    struct error *err;
    VEC(struct cat_named_source) sources;
};

/* A reader of element `index` (or of the whole, index < 0) of the member `key` of `outer`. */
struct reader cat_inner(const struct reader *outer, const char *key, int index, const json_t *json);
/* A number that may be absent: then CAT_UNKNOWN. */
uint32_t cat_number(struct reader *r, const char *key, uint32_t min, uint32_t max);
/* The source that member `key` names, `fallback` if it names none. */
struct cat_source cat_read_source(struct cat_file *file, struct reader *r, const char *key,
                                  struct cat_source fallback);

#endif

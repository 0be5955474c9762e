/* SPDX-License-Identifier: Apache-2.0 */
/* Loads a catalog from its folder. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "catalog/consistency.h"
#include "catalog/readers.h"

#define FILE_ENDING ".yaml"

typedef int read_fn(struct cat_file *file, const char *name, const json_t *json);

/* Reads one file; its name without the ending is what it is called. */
static int load_file(struct catalog *catalog, const char *dir, const char *file_name, read_fn *read,
                     struct error *err)
{
    CLEANUP_FREE char *path = xasprintf("%s/%s", dir, file_name);
    CLEANUP_FREE char *name = xstrndup(file_name, strlen(file_name) - strlen(FILE_ENDING));
    CLEANUP_JSON json_t *json = NULL;
    int r = json_read_file(path, &json, err);
    if (r < 0) {
        return r;
    }
    struct cat_file file = {.catalog = catalog, .path = path, .err = err};
    r = read(&file, name, json);
    vec_done(&file.sources);
    return r;
}

static int load_dir(struct catalog *catalog, const char *dir, read_fn *read, struct error *err)
{
    CLEANUP_STRLIST struct strlist names = {0};
    int r = fs_list(dir, &names);
    if (r < 0) {
        return error_set_errno(err, r, dir, "cannot read the catalog in \"%s\"", dir);
    }
    for (size_t i = 0; i < names.n; i++) {
        if (!str_ends(names.items[i], FILE_ENDING)) {
            continue;
        }
        r = load_file(catalog, dir, names.items[i], read, err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int compare_models(const void *a, const void *b)
{
    const struct gpu_model *x = *(const struct gpu_model *const *)a;
    const struct gpu_model *y = *(const struct gpu_model *const *)b;
    return strcmp(x->key, y->key);
}

int catalog_load(const char *dir, struct catalog **ret_catalog, struct error *err)
{
    struct error problem = {0};
    CLEANUP(catalog_freep) struct catalog *catalog = xcalloc(1, sizeof(*catalog));
    CLEANUP_FREE char *tables = xasprintf("%s/mixed-size", dir);
    int r = fs_exists(tables) ? load_dir(catalog, tables, cat_read_table, &problem) : 0;
    if (r == 0) {
        r = load_dir(catalog, dir, cat_read_model, &problem);
    }
    if (r == 0 && catalog->models.n == 0) {
        r = error_set(&problem, REASON_NOT_FOUND, dir, "no GPU models (*.yaml) in \"%s\"", dir);
    }
    if (catalog->models.n > 1) {
        qsort(catalog->models.items, catalog->models.n, sizeof(struct gpu_model *), compare_models);
    }
    if (r == 0) {
        r = cat_check_unique(catalog, dir, &problem);
    }
    if (r < 0) {
        if (err != NULL) {
            *err = problem;
        }
        return r;
    }
    *ret_catalog = TAKE_PTR(catalog);
    return 0;
}

int catalog_load_default(struct catalog **ret_catalog, struct error *err)
{
    const char *datadir = getenv("CLEAVE_DATADIR");
    CLEANUP_FREE char *dir = xasprintf("%s/catalog", datadir != NULL ? datadir : CLEAVE_DATADIR);
    return catalog_load(dir, ret_catalog, err);
}

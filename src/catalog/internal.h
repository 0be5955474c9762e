/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the catalog: what a catalog holds, and what the readers of its files share. */
#ifndef CATALOG_INTERNAL_H
#define CATALOG_INTERNAL_H

#include "base/fs.h"
#include "base/json.h"
#include "catalog/catalog.h"

#define CAT_TEXT_MAX 256 /* longest text in a file, sources included */

struct cat_table {
    const char *name; /* "48gb-ada" */
    uint32_t region_gb;
    VEC(struct cat_mixed_row) rows;
};

struct catalog {
    VEC(struct gpu_model *) models; /* sorted by key */
    VEC(struct cat_table) tables;
    struct strlist strings; /* owns every text */
};

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

/* Copies a text into the catalog; NULL stays NULL. */
const char *cat_keep(struct catalog *catalog, const char *text);

/* A reader of element `index` (or of the whole, index < 0) of the member `key` of `outer`. */
struct reader cat_inner(const struct reader *outer, const char *key, int index, const json_t *json);
/* A number that may be absent: then CAT_UNKNOWN. */
uint32_t cat_number(struct reader *r, const char *key, uint32_t min, uint32_t max);
/* The source that member `key` names, `fallback` if it names none. */
struct cat_source cat_read_source(struct cat_file *file, struct reader *r, const char *key,
                                  struct cat_source fallback);

/* Readers of the parts; each returns 0 or -reason with the error set. */
int cat_read_table(struct cat_file *file, const char *name, const json_t *json);
int cat_read_model(struct cat_file *file, const char *key, const json_t *json);
int cat_read_mig(struct cat_file *file, const struct reader *outer, const json_t *json,
                 struct gpu_model *model);
int cat_read_vgpu(struct cat_file *file, const struct reader *outer, const json_t *json,
                  struct gpu_model *model);
void cat_model_free(struct gpu_model *model);

/* Checks across the parts of a model. cat_complete_type() also takes the series and the slices from
 * the type's name. */
void cat_check_profiles(struct reader *r, const struct gpu_model *model);
void cat_complete_type(struct reader *r, const struct gpu_model *model, struct cat_vgpu_type *type);
/* Names, PCI ids and type ids are unique over all models. */
int cat_check_unique(const struct catalog *catalog, const char *dir, struct error *err);

/* Same name: case ignored, ' ' and '_' count as '-'. */
bool cat_same_name(const char *a, const char *b);

#endif

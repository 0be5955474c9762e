/* SPDX-License-Identifier: Apache-2.0 */
/* What a catalog holds. Private to the catalog. */
#ifndef CATALOG_CONTENT_H
#define CATALOG_CONTENT_H

#include "base/fs.h"
#include "catalog/catalog.h"

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

/* Copies a text into the catalog; NULL stays NULL. */
const char *cat_keep(struct catalog *catalog, const char *text);

#endif

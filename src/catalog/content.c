/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/content.h"

#include <stdlib.h>

#include "base/str.h"

const char *cat_keep(struct catalog *catalog, const char *text)
{
    if (text == NULL) {
        return NULL;
    }
    char **slot = vec_push(&catalog->strings);
    *slot = xstrdup(text);
    return *slot;
}

static void free_model(struct gpu_model *model)
{
    free(model->aliases.items);
    vec_done(&model->pci_ids);
    vec_done(&model->profiles);
    vec_done(&model->types);
    vec_done(&model->mixed);
    free(model);
}

void catalog_free(struct catalog *catalog)
{
    if (catalog == NULL) {
        return;
    }
    for (size_t i = 0; i < catalog->models.n; i++) {
        free_model(catalog->models.items[i]);
    }
    vec_done(&catalog->models);
    for (size_t i = 0; i < catalog->tables.n; i++) {
        vec_done(&catalog->tables.items[i].rows);
    }
    vec_done(&catalog->tables);
    strlist_done(&catalog->strings);
    free(catalog);
}

size_t catalog_count(const struct catalog *catalog)
{
    return catalog->models.n;
}

const struct gpu_model *catalog_at(const struct catalog *catalog, size_t i)
{
    return i < catalog->models.n ? catalog->models.items[i] : NULL;
}

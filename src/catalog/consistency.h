/* SPDX-License-Identifier: Apache-2.0 */
/* Checks across the parts of a model, and over all models. Private to the catalog. */
#ifndef CATALOG_CONSISTENCY_H
#define CATALOG_CONSISTENCY_H

#include "base/json.h"
#include "catalog/content.h"

/* cat_complete_type() also takes the series and the slices from
 * the type's name. */
void cat_check_profiles(struct reader *r, const struct gpu_model *model);
void cat_complete_type(struct reader *r, const struct gpu_model *model, struct cat_vgpu_type *type);
/* Names, PCI ids and type ids are unique over all models. */
int cat_check_unique(const struct catalog *catalog, const char *dir, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What a word names on one model, without a word about what it does not name. Private to the
 * catalog. */
#ifndef CATALOG_LOOKUP_H
#define CATALOG_LOOKUP_H

#include "catalog/catalog.h"

/* NULL if the model has none, or the text names another board with it. */
const struct cat_profile *lookup_profile(const struct gpu_model *model, const char *text);
/* NULL if the model has none. *ret_letter_forgotten: found, and to be refused all the same. */
const struct cat_vgpu_type *lookup_type(const struct gpu_model *model, const char *text,
                                        bool *ret_letter_forgotten);

#endif

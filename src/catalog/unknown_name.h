/* SPDX-License-Identifier: Apache-2.0 */
/* What to say of a name that a model does not have: what it is instead, or what is nearest. Private
 * to the catalog. -NOT_FOUND: the text may name something of another model; -INVALID: it is
 * something else. err may be NULL, as for a search over all models. */
#ifndef CATALOG_UNKNOWN_NAME_H
#define CATALOG_UNKNOWN_NAME_H

#include "catalog/catalog.h"

int unknown_profile(const struct gpu_model *model, const char *text, struct error *err);
int unknown_type(const struct gpu_model *model, const char *text, struct error *err);
/* `type` has no series letter, and was named short. */
int unlettered_type(const struct gpu_model *model, const struct cat_vgpu_type *type,
                    const char *text, struct error *err);

#endif

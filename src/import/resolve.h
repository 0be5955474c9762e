/* SPDX-License-Identifier: Apache-2.0 */
/* Names as people write them, looked up on one model. */
#ifndef IMPORT_RESOLVE_H
#define IMPORT_RESOLVE_H

#include "catalog/catalog.h"
#include "import/import.h"

/* What a name means on this model. -UNSUPPORTED: it is another board's; -NOT_FOUND: this board has
 * none of that name, and the catalog would know; -UNAVAILABLE: the catalog cannot say. */
int resolve_profile(const struct catalog *catalog, const struct gpu_model *model, const char *name,
                    const struct cat_profile **ret_profile, struct error *err);
/* The same for a vGPU type. */
int resolve_type(const struct catalog *catalog, const struct gpu_model *model, const char *name,
                 const struct cat_vgpu_type **ret_type, struct error *err);

/* The first item that no model of the catalog has; NULL if there is none. */
const struct import_item *resolve_nowhere(const struct catalog *catalog, enum import_kind kind,
                                          const struct import_entry *entry);
/* Is there a model that one of the entry's device filters names? Subsystems are not asked. */
bool resolve_filters(const struct catalog *catalog, const struct import_entry *entry);
/* Is there a model that has all of the entry's items? */
bool resolve_together(const struct catalog *catalog, enum import_kind kind,
                      const struct import_entry *entry);

#endif

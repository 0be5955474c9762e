/* SPDX-License-Identifier: Apache-2.0 */
/* Names as people write them, looked up on one model. */
#ifndef IMPORT_RESOLVE_H
#define IMPORT_RESOLVE_H

#include "catalog/catalog.h"

/* -UNSUPPORTED: another model has it; -NOT_FOUND: none has, with the nearest of this model. */
int resolve_profile(const struct catalog *catalog, const struct gpu_model *model, const char *name,
                    const struct cat_profile **ret_profile, struct error *err);
/* The same for a vGPU type. */
int resolve_type(const struct catalog *catalog, const struct gpu_model *model, const char *name,
                 const struct cat_vgpu_type **ret_type, struct error *err);

#endif

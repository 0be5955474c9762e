/* SPDX-License-Identifier: Apache-2.0 */
#include "import/resolve.h"

int resolve_profile(const struct catalog *catalog, const struct gpu_model *model, const char *name,
                    const struct cat_profile **ret_profile, struct error *err)
{
    int r = model_find_profile(model, name, ret_profile, err);
    if (r == 0) {
        return 0;
    }
    for (size_t i = 0; i < catalog_count(catalog); i++) {
        const struct gpu_model *other = catalog_at(catalog, i);
        const struct cat_profile *ignored = NULL;
        if (other != model && model_find_profile(other, name, &ignored, NULL) == 0) {
            return error_set(err, REASON_UNSUPPORTED, model->key,
                             "\"%s\" is a profile of %s, not of %s", name, other->name,
                             model->name);
        }
    }
    return r;
}

int resolve_type(const struct catalog *catalog, const struct gpu_model *model, const char *name,
                 const struct cat_vgpu_type **ret_type, struct error *err)
{
    int r = model_find_type(model, name, ret_type, err);
    if (r == 0) {
        return 0;
    }
    for (size_t i = 0; i < catalog_count(catalog); i++) {
        const struct gpu_model *other = catalog_at(catalog, i);
        const struct cat_vgpu_type *ignored = NULL;
        if (other != model && model_find_type(other, name, &ignored, NULL) == 0) {
            return error_set(err, REASON_UNSUPPORTED, model->key,
                             "\"%s\" is a vGPU type of %s, not of %s", name, other->name,
                             model->name);
        }
    }
    return r;
}

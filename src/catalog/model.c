/* SPDX-License-Identifier: Apache-2.0 */
/* Finding profiles and vGPU types within a model, or saying why there is none. */
#include "catalog/board_name.h"
#include "catalog/catalog.h"
#include "catalog/lookup.h"
#include "catalog/spelling.h"
#include "catalog/unknown_name.h"

int model_find_profile(const struct gpu_model *model, const char *text,
                       const struct cat_profile **ret_profile, struct error *err)
{
    const struct cat_profile *profile = lookup_profile(model, text);
    if (profile == NULL) {
        return unknown_profile(model, text, err);
    }
    *ret_profile = profile;
    return 0;
}

int model_find_type(const struct gpu_model *model, const char *text,
                    const struct cat_vgpu_type **ret_type, struct error *err)
{
    bool letter_forgotten = false;
    const struct cat_vgpu_type *type = lookup_type(model, text, &letter_forgotten);
    if (type == NULL) {
        return unknown_type(model, text, err);
    }
    if (letter_forgotten) {
        return unlettered_type(model, type, text, err);
    }
    *ret_type = type;
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What published maxima alone say, where no source gives placements. */
#include "layout/layout.h"

static bool is_one_profile_within_its_maximum(const struct layout_gis *gis)
{
    for (uint32_t i = 0; i < gis->n; i++) {
        const struct cat_profile *profile = gis->items[i].profile;
        if (profile != gis->items[0].profile || gis->items[i].start != LAYOUT_ANYWHERE ||
            profile->max_instances == CAT_UNKNOWN || gis->n > profile->max_instances) {
            return false;
        }
    }
    return gis->n > 0;
}

bool layout_fits_by_count(const struct gpu_model *model, struct layout_request *request)
{
    const struct layout_vgpu_mode mode = {.mig = true,
                                          .mig_timesliced = model->mig_timesliced != CAT_NO};
    const struct layout_gis none = {.n = 0};
    struct layout_request fit = *request;
    if (fit.existing.n > 0 ||
        (fit.vgpus.n > 0 &&
         layout_gis_for_vgpus(model, &none, &mode, &fit.vgpus, &fit.gis, NULL) != 0)) {
        return false;
    }
    if (!is_one_profile_within_its_maximum(&fit.gis) ||
        layout_place_vgpus(model, &fit.gis, &mode, &fit.vgpus, NULL) != 0) {
        return false;
    }
    *request = fit;
    return true;
}

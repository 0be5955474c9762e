/* SPDX-License-Identifier: Apache-2.0 */
#include "layout/vgpu.h"

int layout_place_vgpus(const struct gpu_model *model, const struct layout_gis *gis,
                       const struct layout_vgpu_mode *mode, struct layout_vgpus *vgpus,
                       struct error *err)
{
    int r = vgpu_check(model, mode, vgpus, err);
    if (r != 0) {
        return r;
    }
    if (mode->mig) {
        return vgpu_place_mig(model, gis, mode, vgpus, err);
    }
    return mode->mixed ? vgpu_place_mixed(model, vgpus, err) : vgpu_place_equal(model, vgpus, err);
}

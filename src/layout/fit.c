/* SPDX-License-Identifier: Apache-2.0 */
#include "layout/layout.h"
#include "layout/nearest_vgpus.h"

/* One kind of vGPU at a time: a GPU is in MIG mode or it is not. */
static int check_one_kind(const struct gpu_model *model, const struct layout_request *request,
                          struct error *err)
{
    for (uint32_t i = 1; i < request->vgpus.n; i++) {
        const struct cat_vgpu_type *a = request->vgpus.items[0].type;
        const struct cat_vgpu_type *b = request->vgpus.items[i].type;
        if (a->mig_backed != b->mig_backed) {
            return error_set(
                err, REASON_NO_CAPACITY, model->key,
                "\"%s\" is MIG-backed and \"%s\" is time-sliced: a GPU carries one kind",
                a->mig_backed ? a->name : b->name, a->mig_backed ? b->name : a->name);
        }
    }
    return 0;
}

/* Existing and wanted instances in one list, as `gi` of a vGPU counts them. */
static int join(const struct gpu_model *model, const struct layout_gis *existing,
                const struct layout_gis *more, struct layout_gis *ret_all, struct error *err)
{
    *ret_all = *existing;
    for (uint32_t i = 0; i < more->n; i++) {
        if (ret_all->n == LAYOUT_MAX_GIS) {
            return error_set(err, REASON_NO_CAPACITY, model->key,
                             "%s takes at most %u GPU instances, and %u are wanted", model->name,
                             model->max_gpu_instances, existing->n + more->n);
        }
        ret_all->items[ret_all->n++] = more->items[i];
    }
    return 0;
}

/* The instances that the vGPUs need beyond those there. */
static int derive_gis(const struct gpu_model *model, struct layout_request *request,
                      const struct layout_vgpu_mode *mode, struct error *err)
{
    return layout_gis_for_vgpus(model, &request->existing, mode, &request->vgpus, &request->gis,
                                err);
}

static int fit_all(const struct gpu_model *model, struct layout_request *request, struct error *err)
{
    struct layout_request fit = *request;
    bool has_gis = fit.existing.n > 0 || fit.gis.n > 0;
    bool wants_gis = fit.vgpus.n > 0 && fit.vgpus.items[0].type->mig_backed;
    struct layout_vgpu_mode mode = {
        .mig = has_gis || wants_gis,
        .mixed = fit.mixed,
        .mig_timesliced = fit.mig_timesliced && model->mig_timesliced != CAT_NO,
    };
    int r = check_one_kind(model, &fit, err);
    if (r == 0 && wants_gis && fit.gis.n == 0) {
        r = derive_gis(model, &fit, &mode, err);
    }
    if (r == 0 && mode.mig) {
        r = layout_place(model, &fit.existing, &fit.gis, err);
    }
    struct layout_gis all;
    r = r != 0 ? r : join(model, &fit.existing, &fit.gis, &all, err);
    r = r != 0 ? r : layout_place_vgpus(model, &all, &mode, &fit.vgpus, err);
    if (r == 0) {
        *request = fit;
    }
    return r;
}

int layout_fit(const struct gpu_model *model, struct layout_request *request, struct error *err)
{
    int r = fit_all(model, request, err);
    if (r == -REASON_NO_CAPACITY && err != NULL && err->hint[0] == '\0' && request->vgpus.n > 0) {
        nearest_vgpus_hint(model, request, fit_all, err);
    }
    return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "layout/vgpu.h"

#include "base/str.h"

/* NVIDIA vGPU software user guide: time-sliced vGPUs on one GPU, whatever their size. */
#define VGPU_MAX_TIME_SLICED 32

uint32_t vgpu_count(const struct layout_vgpus *vgpus, const struct cat_vgpu_type *type)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < vgpus->n; i++) {
        count += vgpus->items[i].type == type;
    }
    return count;
}

static bool is_of_model(const struct gpu_model *model, const struct cat_vgpu_type *type)
{
    for (size_t i = 0; i < model->types.n; i++) {
        if (type == &model->types.items[i]) {
            return true;
        }
    }
    return false;
}

static int refuse_time_sliced_on_mig(const struct gpu_model *model,
                                     const struct cat_vgpu_type *type, struct error *err)
{
    error_set(err, REASON_UNSUPPORTED, model->key,
              "\"%s\" takes time slices of the whole GPU, and MIG mode is on", type->name);
    error_hint(err, "turn MIG mode off, or take a MIG-backed type");
    return -REASON_UNSUPPORTED;
}

static int refuse_mig_backed(const struct gpu_model *model, const struct cat_vgpu_type *type,
                             struct error *err)
{
    error_set(err, REASON_UNSUPPORTED, model->key,
              "\"%s\" lives on a GPU instance, and MIG mode is off", type->name);
    const struct cat_profile *profile = model_profile_of_type(model, type);
    error_hint(err, "turn MIG mode on and create a \"%s\", or take a time-sliced type",
               profile != NULL ? profile->name : "GPU instance");
    return -REASON_UNSUPPORTED;
}

static int check_kinds(const struct gpu_model *model, const struct layout_vgpu_mode *mode,
                       const struct layout_vgpus *vgpus, struct error *err)
{
    for (uint32_t i = 0; i < vgpus->n; i++) {
        const struct cat_vgpu_type *type = vgpus->items[i].type;
        if (!is_of_model(model, type)) {
            return error_set(err, REASON_INVALID, model->key, "\"%s\" is not a vGPU type of %s",
                             type->name, model->name);
        }
        if (type->mig_backed && !mode->mig) {
            return refuse_mig_backed(model, type, err);
        }
        if (!type->mig_backed && mode->mig) {
            return refuse_time_sliced_on_mig(model, type, err);
        }
    }
    return 0;
}

/* The published maximum of each type on one GPU, by mode. */
static int check_maxima(const struct gpu_model *model, const struct layout_vgpu_mode *mode,
                        const struct layout_vgpus *vgpus, struct error *err)
{
    for (uint32_t i = 0; i < vgpus->n; i++) {
        const struct cat_vgpu_type *type = vgpus->items[i].type;
        bool mixed = mode->mixed && !mode->mig;
        uint32_t most = mixed ? type->max_per_gpu_mixed : type->max_per_gpu;
        uint32_t count = vgpu_count(vgpus, type);
        if (most != CAT_UNKNOWN && count > most) {
            error_set(err, REASON_NO_CAPACITY, model->key,
                      "%s takes at most %u of \"%s\"%s, and %u are wanted", model->name, most,
                      type->name, mixed ? " in mixed-size mode" : "", count);
            return -REASON_NO_CAPACITY;
        }
    }
    if (!mode->mig && vgpus->n > VGPU_MAX_TIME_SLICED) {
        return error_set(err, REASON_NO_CAPACITY, model->key,
                         "a GPU takes at most %d time-sliced vGPUs, and %u are wanted",
                         VGPU_MAX_TIME_SLICED, vgpus->n);
    }
    return 0;
}

int vgpu_check(const struct gpu_model *model, const struct layout_vgpu_mode *mode,
               const struct layout_vgpus *vgpus, struct error *err)
{
    int r = check_kinds(model, mode, vgpus, err);
    return r != 0 ? r : check_maxima(model, mode, vgpus, err);
}

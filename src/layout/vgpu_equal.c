/* SPDX-License-Identifier: Apache-2.0 */
/* Time-sliced vGPUs of one size: the default mode of a GPU. */
#include "layout/vgpu.h"

static int refuse_sizes(const struct gpu_model *model, const struct cat_vgpu_type *a,
                        const struct cat_vgpu_type *b, struct error *err)
{
    if (a->framebuffer_mib == CAT_UNKNOWN || b->framebuffer_mib == CAT_UNKNOWN) {
        const char *unknown = a->framebuffer_mib == CAT_UNKNOWN ? a->name : b->name;
        return error_set(err, REASON_UNKNOWN, model->key,
                         "no source says what framebuffer \"%s\" has, so not whether \"%s\" and "
                         "\"%s\" are of one size",
                         unknown, a->name, b->name);
    }
    error_set(err, REASON_NO_CAPACITY, model->key,
              "\"%s\" and \"%s\" differ in framebuffer (%u and %u MiB): in equal-size mode a GPU "
              "takes one size",
              a->name, b->name, a->framebuffer_mib, b->framebuffer_mib);
    switch (model->mixed_size) {
    case CAT_YES:
        error_hint(err, "allow mixed sizes (--mixed), or take one size");
        break;
    case CAT_MAYBE:
        error_hint(err, "take one size; whether %s has a mixed-size mode is not published",
                   model->name);
        break;
    case CAT_NO:
        error_hint(err, "take one size: %s has no mixed-size mode", model->name);
        break;
    }
    return -REASON_NO_CAPACITY;
}

/* What the GPU takes of this size: the most that any of the types allows; CAT_UNKNOWN if one of
 * them has no published maximum. */
static uint32_t most_of_size(const struct layout_vgpus *vgpus)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < vgpus->n; i++) {
        uint32_t of_type = vgpus->items[i].type->max_per_gpu;
        most = of_type > most ? of_type : most;
    }
    return most;
}

/* A type's own maximum holds next to others of its size, too. */
static int check_each_type(const struct gpu_model *model, const struct layout_vgpus *vgpus,
                           struct error *err)
{
    for (uint32_t i = 0; i < vgpus->n; i++) {
        const struct cat_vgpu_type *type = vgpus->items[i].type;
        uint32_t n = 0;
        for (uint32_t k = 0; k <= i; k++) {
            n += vgpus->items[k].type == type;
        }
        if (type->max_per_gpu != CAT_UNKNOWN && n > type->max_per_gpu) {
            return error_set(err, REASON_NO_CAPACITY, model->key,
                             "%s takes at most %u vGPUs of type \"%s\", and more are wanted",
                             model->name, type->max_per_gpu, type->name);
        }
    }
    return 0;
}

int vgpu_place_equal(const struct gpu_model *model, struct layout_vgpus *vgpus, struct error *err)
{
    if (model->time_sliced == CAT_NO) {
        return error_set(err, REASON_UNSUPPORTED, model->key, "%s has no time-sliced vGPUs",
                         model->name);
    }
    uint64_t framebuffer_mib = 0;
    for (uint32_t i = 0; i < vgpus->n; i++) {
        const struct cat_vgpu_type *first = vgpus->items[0].type;
        const struct cat_vgpu_type *type = vgpus->items[i].type;
        if (type != first && type->framebuffer_mib != first->framebuffer_mib) {
            return refuse_sizes(model, first, type, err);
        }
        framebuffer_mib += type->framebuffer_mib != CAT_UNKNOWN ? type->framebuffer_mib : 0;
    }
    uint32_t most = most_of_size(vgpus);
    if (most != CAT_UNKNOWN && vgpus->n > most) {
        return error_set(err, REASON_NO_CAPACITY, model->key,
                         "%s takes at most %u vGPUs of %u MiB, and %u are wanted", model->name,
                         most, vgpus->items[0].type->framebuffer_mib, vgpus->n);
    }
    if (most == CAT_UNKNOWN && vgpus->items[0].type->framebuffer_mib == CAT_UNKNOWN &&
        vgpus->n > 1) {
        return error_set(err, REASON_UNKNOWN, model->key,
                         "no source says how many of \"%s\" %s takes", vgpus->items[0].type->name,
                         model->name);
    }
    if (most == CAT_UNKNOWN && framebuffer_mib > model->memory_mib) {
        return error_set(err, REASON_NO_CAPACITY, model->key,
                         "%u vGPUs of %u MiB need more than the %u MiB of %s", vgpus->n,
                         vgpus->items[0].type->framebuffer_mib, model->memory_mib, model->name);
    }
    return check_each_type(model, vgpus, err);
}

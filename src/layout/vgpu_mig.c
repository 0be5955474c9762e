/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vGPUs on GPU instances. A type goes with one GI profile (open-gpu-kernel-modules 595.45.04,
 * vgpuSmcTypeIdMappings). One vGPU per instance; several, of one framebuffer size unless the GPU is
 * in mixed-size mode, where GPU and hypervisor time-slice instances (kernel_vgpu_mgr.c).
 */
#include "layout/vgpu.h"

#include "layout/line.h"

/* What one instance carries. */
struct load {
    uint32_t n;
    uint32_t framebuffer_mib; /* of the first; the others' too unless mixed */
    uint64_t sum_mib;
    uint32_t most; /* the fewest that one of them allows */
};

struct carriers {
    const struct gpu_model *model;
    const struct layout_vgpu_mode *mode;
    struct layout_gis gis;
    struct load loads[LAYOUT_MAX_GIS];
};

static uint32_t most_per_gi(const struct carriers *carriers, const struct cat_vgpu_type *type)
{
    /* Without a published maximum only one is certain. */
    return carriers->mode->mig_timesliced && type->max_per_gi != CAT_UNKNOWN ? type->max_per_gi : 1;
}

/* The whole instance belongs to the largest type made for its profile. */
static uint64_t framebuffer_of(const struct gpu_model *model, const struct cat_profile *profile)
{
    uint64_t most = 0;
    for (size_t i = 0; i < model->types.n; i++) {
        const struct cat_vgpu_type *type = &model->types.items[i];
        if (type->mig_backed && type->framebuffer_mib != CAT_UNKNOWN &&
            model_profile_of_type(model, type) == profile && type->framebuffer_mib > most) {
            most = type->framebuffer_mib;
        }
    }
    return most;
}

static bool has_room(const struct carriers *carriers, uint32_t gi, const struct cat_vgpu_type *type)
{
    const struct load *load = &carriers->loads[gi];
    uint32_t most = most_per_gi(carriers, type);
    if (carriers->gis.items[gi].profile != model_profile_of_type(carriers->model, type)) {
        return false;
    }
    if (load->n == 0) {
        return true;
    }
    if (carriers->mode->mixed && carriers->mode->mig_timesliced) {
        return load->sum_mib + type->framebuffer_mib <=
               framebuffer_of(carriers->model, carriers->gis.items[gi].profile);
    }
    return load->framebuffer_mib == type->framebuffer_mib &&
           load->n < (most < load->most ? most : load->most);
}

static void load_add(struct carriers *carriers, uint32_t gi, const struct cat_vgpu_type *type)
{
    struct load *load = &carriers->loads[gi];
    uint32_t most = most_per_gi(carriers, type);
    load->most = load->n == 0 || most < load->most ? most : load->most;
    load->framebuffer_mib = load->n == 0 ? type->framebuffer_mib : load->framebuffer_mib;
    load->sum_mib += type->framebuffer_mib;
    load->n++;
}

/* ---- why not ---- */

static int refuse_unknown(const struct gpu_model *model, const struct cat_vgpu_type *type,
                          struct error *err)
{
    return error_set(err, REASON_UNKNOWN, model->key,
                     "no source says which GPU instance profile \"%s\" lives on", type->name);
}

static int refuse_profile(const struct carriers *carriers, const struct cat_vgpu_type *type,
                          const struct layout_gis *offered, struct error *err)
{
    const struct cat_profile *profile = model_profile_of_type(carriers->model, type);
    char there[256];
    struct line line;
    line_init(&line, there, sizeof(there));
    line_add(&line, offered->n == 0 ? "there is none" : "there is only ");
    line_add_gis(&line, offered);
    error_set(err, REASON_NO_CAPACITY, carriers->model->key,
              "\"%s\" needs a \"%s\" GPU instance, and %s", type->name, profile->name, there);
    error_hint(err, "create a \"%s\"", profile->name);
    return -REASON_NO_CAPACITY;
}

static int refuse_second(const struct carriers *carriers, const struct layout_gi *gi,
                         const struct cat_vgpu_type *type, struct error *err)
{
    if (carriers->model->mig_timesliced == CAT_NO) {
        error_set(
            err, REASON_NO_CAPACITY, carriers->model->key,
            "a second vGPU on one \"%s\" (\"%s\") would need MIG time-slicing, which %s lacks",
            gi->profile->name, type->name, carriers->model->name);
    } else {
        error_set(err, REASON_NO_CAPACITY, carriers->model->key,
                  "a second vGPU on one \"%s\" (\"%s\") needs MIG time-slicing in both GPU and "
                  "hypervisor",
                  gi->profile->name, type->name);
    }
    error_hint(err, "one vGPU per GPU instance: create another \"%s\"", gi->profile->name);
    return -REASON_NO_CAPACITY;
}

static int refuse_load(const struct carriers *carriers, uint32_t gi,
                       const struct cat_vgpu_type *type, struct error *err)
{
    const struct layout_gi *carrier = &carriers->gis.items[gi];
    const struct load *load = &carriers->loads[gi];
    if (!carriers->mode->mig_timesliced) {
        return refuse_second(carriers, carrier, type, err);
    }
    if (carriers->mode->mixed) {
        error_set(err, REASON_NO_CAPACITY, carriers->model->key,
                  "\"%s\" has no framebuffer left for \"%s\"", carrier->profile->name, type->name);
    } else if (load->framebuffer_mib != type->framebuffer_mib) {
        error_set(err, REASON_NO_CAPACITY, carriers->model->key,
                  "\"%s\" carries vGPUs of %u MiB, so \"%s\" (%u MiB) cannot join: a GPU instance "
                  "takes one framebuffer size",
                  carrier->profile->name, load->framebuffer_mib, type->name, type->framebuffer_mib);
    } else {
        error_set(err, REASON_NO_CAPACITY, carriers->model->key,
                  "\"%s\" takes at most %u of \"%s\"", carrier->profile->name,
                  most_per_gi(carriers, type), type->name);
    }
    error_hint(err, "create another \"%s\"", carrier->profile->name);
    return -REASON_NO_CAPACITY;
}

/* Names the first instance of the right profile, or says that there is none. */
static int refuse_all(const struct carriers *carriers, const struct cat_vgpu_type *type,
                      struct error *err)
{
    const struct cat_profile *profile = model_profile_of_type(carriers->model, type);
    for (uint32_t i = 0; i < carriers->gis.n; i++) {
        if (carriers->gis.items[i].profile == profile) {
            return refuse_load(carriers, i, type, err);
        }
    }
    return refuse_profile(carriers, type, &carriers->gis, err);
}

/* ---- choosing ---- */

static int carriers_init(struct carriers *carriers, const struct gpu_model *model,
                         const struct layout_gis *gis, const struct layout_vgpu_mode *mode,
                         const struct layout_vgpus *vgpus, struct error *err)
{
    *carriers = (struct carriers){.model = model, .mode = mode, .gis = *gis};
    for (uint32_t i = 0; i < vgpus->n; i++) {
        const struct layout_vgpu *vgpu = &vgpus->items[i];
        if (model_profile_of_type(model, vgpu->type) == NULL) {
            return refuse_unknown(model, vgpu->type, err);
        }
        if (vgpu->gi == LAYOUT_ANYWHERE) {
            continue;
        }
        if (vgpu->gi >= gis->n) {
            return error_set(err, REASON_INVALID, model->key, "\"%s\" names GPU instance %u of %u",
                             vgpu->type->name, vgpu->gi, gis->n);
        }
        struct layout_gis named = {.items = {gis->items[vgpu->gi]}, .n = 1};
        if (named.items[0].profile != model_profile_of_type(model, vgpu->type)) {
            return refuse_profile(carriers, vgpu->type, &named, err);
        }
        if (!has_room(carriers, vgpu->gi, vgpu->type)) {
            return refuse_load(carriers, vgpu->gi, vgpu->type, err);
        }
        load_add(carriers, vgpu->gi, vgpu->type);
    }
    return 0;
}

/* The fullest instance with room, so that empty ones stay free for other sizes. */
static uint32_t find_carrier(const struct carriers *carriers, const struct cat_vgpu_type *type)
{
    uint32_t best = LAYOUT_ANYWHERE;
    for (uint32_t i = 0; i < carriers->gis.n; i++) {
        if (has_room(carriers, i, type) &&
            (best == LAYOUT_ANYWHERE ||
             carriers->loads[i].sum_mib > carriers->loads[best].sum_mib)) {
            best = i;
        }
    }
    return best;
}

/* Of one size per instance, filling the fullest first needs the fewest instances. */
static int choose_equal(struct carriers *carriers, struct layout_vgpus *vgpus, struct error *err)
{
    for (uint32_t i = 0; i < vgpus->n; i++) {
        struct layout_vgpu *vgpu = &vgpus->items[i];
        if (vgpu->gi != LAYOUT_ANYWHERE) {
            continue;
        }
        uint32_t gi = find_carrier(carriers, vgpu->type);
        if (gi == LAYOUT_ANYWHERE) {
            return refuse_all(carriers, vgpu->type, err);
        }
        vgpu->gi = gi;
        load_add(carriers, gi, vgpu->type);
    }
    return 0;
}

/* Indexes of those without an instance, largest framebuffer first. */
static uint32_t order_by_size(const struct layout_vgpus *vgpus, uint32_t order[LAYOUT_MAX_VGPUS])
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < vgpus->n; i++) {
        if (vgpus->items[i].gi != LAYOUT_ANYWHERE) {
            continue;
        }
        uint32_t at = n++;
        while (at > 0 && vgpus->items[order[at - 1]].type->framebuffer_mib <
                             vgpus->items[i].type->framebuffer_mib) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
    }
    return n;
}

/* Sizes of one instance mixed: packs exhaustively. Equal neighbours go to ascending instances. */
static bool pack(struct carriers *carriers, struct layout_vgpus *vgpus, const uint32_t *order,
                 uint32_t n, uint32_t depth)
{
    if (depth == n) {
        return true;
    }
    struct layout_vgpu *vgpu = &vgpus->items[order[depth]];
    const struct layout_vgpu *before = depth > 0 ? &vgpus->items[order[depth - 1]] : NULL;
    uint32_t from = before != NULL && before->type == vgpu->type ? before->gi : 0;
    for (uint32_t gi = from; gi < carriers->gis.n; gi++) {
        if (!has_room(carriers, gi, vgpu->type)) {
            continue;
        }
        struct load was = carriers->loads[gi];
        load_add(carriers, gi, vgpu->type);
        vgpu->gi = gi;
        if (pack(carriers, vgpus, order, n, depth + 1)) {
            return true;
        }
        carriers->loads[gi] = was;
    }
    vgpu->gi = LAYOUT_ANYWHERE;
    return false;
}

static int choose_mixed(struct carriers *carriers, struct layout_vgpus *vgpus, struct error *err)
{
    uint32_t order[LAYOUT_MAX_VGPUS];
    uint32_t n = order_by_size(vgpus, order);
    struct layout_vgpus greedy = *vgpus;
    if (pack(carriers, vgpus, order, n, 0)) {
        return 0;
    }
    return choose_equal(carriers, &greedy, err); /* names the first that finds no room */
}

int vgpu_place_mig(const struct gpu_model *model, const struct layout_gis *gis,
                   const struct layout_vgpu_mode *mode, struct layout_vgpus *vgpus,
                   struct error *err)
{
    struct carriers carriers;
    struct layout_vgpus placed = *vgpus;
    int r = carriers_init(&carriers, model, gis, mode, vgpus, err);
    if (r == 0) {
        r = mode->mixed ? choose_mixed(&carriers, &placed, err)
                        : choose_equal(&carriers, &placed, err);
    }
    if (r == 0) {
        *vgpus = placed;
    }
    return r;
}

int layout_gis_for_vgpus(const struct gpu_model *model, const struct layout_gis *existing,
                         const struct layout_vgpu_mode *mode, const struct layout_vgpus *vgpus,
                         struct layout_gis *ret_added, struct error *err)
{
    struct carriers carriers;
    int r = vgpu_check(model, mode, vgpus, err);
    r = r != 0 ? r : carriers_init(&carriers, model, existing, mode, vgpus, err);
    if (r != 0) {
        return r;
    }
    uint32_t order[LAYOUT_MAX_VGPUS];
    uint32_t n = order_by_size(vgpus, order);
    for (uint32_t i = 0; i < n; i++) {
        const struct cat_vgpu_type *type = vgpus->items[order[i]].type;
        uint32_t gi = find_carrier(&carriers, type);
        if (gi == LAYOUT_ANYWHERE && carriers.gis.n == LAYOUT_MAX_GIS) {
            return refuse_all(&carriers, type, err);
        }
        if (gi == LAYOUT_ANYWHERE) {
            gi = carriers.gis.n++;
            carriers.gis.items[gi] =
                (struct layout_gi){model_profile_of_type(model, type), LAYOUT_ANYWHERE};
        }
        load_add(&carriers, gi, type);
    }
    ret_added->n = 0;
    for (uint32_t i = existing->n; i < carriers.gis.n; i++) {
        ret_added->items[ret_added->n++] = carriers.gis.items[i];
    }
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time-sliced vGPUs of mixed sizes: each size may only sit at the placement ids of its row in the
 * model's table (NVIDIA vGPU software user guide, appendix on mixed-size placements), and the runs
 * [id, id + placement size) may not overlap.
 */
#include "layout/line.h"
#include "layout/vgpu.h"

#define MIXED_MAX_ROWS 16
#define REGION_UNITS 128

/* Units of the framebuffer region, a bit each. */
struct region {
    uint64_t low;
    uint64_t high;
};

/* One size: its row and what is still to be placed of it. */
struct size_class {
    const struct cat_mixed_row *row;
    uint32_t need;
    uint32_t chosen[LAYOUT_MAX_VGPUS]; /* placement ids */
};

struct mixed {
    struct size_class classes[MIXED_MAX_ROWS]; /* largest first */
    uint32_t n;
};

static struct region run_at(uint32_t id, uint32_t size)
{
    struct region run = {0, 0};
    for (uint32_t unit = id; unit < id + size && unit < REGION_UNITS; unit++) {
        uint64_t *word = unit < 64 ? &run.low : &run.high;
        *word |= UINT64_C(1) << (unit % 64);
    }
    return run;
}

static bool is_free(struct region taken, struct region run)
{
    return (taken.low & run.low) == 0 && (taken.high & run.high) == 0;
}

static struct region joined(struct region a, struct region b)
{
    return (struct region){a.low | b.low, a.high | b.high};
}

static uint32_t free_ids(const struct cat_mixed_row *row, struct region taken)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < row->n_placement_ids; i++) {
        count += is_free(taken, run_at(row->placement_ids[i], row->placement_size));
    }
    return count;
}

/* Free ids of each size, the largest in the highest bits; sizes beyond the ten largest do not
 * count. */
static uint64_t worth_of(const struct mixed *mixed, struct region taken)
{
    uint64_t worth = 0;
    for (uint32_t i = 0; i < 10; i++) {
        uint32_t left = i < mixed->n ? free_ids(mixed->classes[i].row, taken) : 0;
        worth = (worth << 6) | (left < 63 ? left : 63);
    }
    return worth;
}

/* The ids of a class that are free, those first that leave the most room for large sizes. */
static uint32_t order_ids(const struct mixed *mixed, uint32_t class, struct region taken,
                          uint32_t ids[64])
{
    const struct cat_mixed_row *row = mixed->classes[class].row;
    uint64_t worths[64];
    uint32_t n = 0;
    for (uint32_t i = 0; i < row->n_placement_ids; i++) {
        struct region run = run_at(row->placement_ids[i], row->placement_size);
        if (!is_free(taken, run)) {
            continue;
        }
        uint64_t worth = worth_of(mixed, joined(taken, run));
        uint32_t at = n++;
        while (at > 0 && worths[at - 1] < worth) {
            worths[at] = worths[at - 1];
            ids[at] = ids[at - 1];
            at--;
        }
        worths[at] = worth;
        ids[at] = row->placement_ids[i];
    }
    return n;
}

static bool place_class(struct mixed *mixed, uint32_t class, struct region taken);

/* Chooses `left` more ids out of ids[from..n). */
static bool choose_ids(struct mixed *mixed, uint32_t class, struct region taken,
                       const uint32_t ids[64], uint32_t from, uint32_t n, uint32_t left)
{
    if (left == 0) {
        return place_class(mixed, class + 1, taken);
    }
    struct size_class *size = &mixed->classes[class];
    for (uint32_t i = from; i + left <= n; i++) {
        struct region run = run_at(ids[i], size->row->placement_size);
        if (!is_free(taken, run)) {
            continue;
        }
        size->chosen[size->need - left] = ids[i];
        if (choose_ids(mixed, class, joined(taken, run), ids, i + 1, n, left - 1)) {
            return true;
        }
    }
    return false;
}

static bool place_class(struct mixed *mixed, uint32_t class, struct region taken)
{
    for (uint32_t i = class; i < mixed->n; i++) {
        if (mixed->classes[i].need > free_ids(mixed->classes[i].row, taken)) {
            return false;
        }
    }
    while (class < mixed->n && mixed->classes[class].need == 0) {
        class ++;
    }
    if (class == mixed->n) {
        return true;
    }
    uint32_t ids[64];
    uint32_t n = order_ids(mixed, class, taken, ids);
    return choose_ids(mixed, class, taken, ids, 0, n, mixed->classes[class].need);
}

static int mixed_init(struct mixed *mixed, const struct gpu_model *model, struct error *err)
{
    mixed->n = 0;
    for (size_t i = 0; i < model->mixed.n; i++) {
        if (mixed->n == MIXED_MAX_ROWS) {
            return error_set(err, REASON_INTERNAL, model->key,
                             "the mixed-size table of \"%s\" has more than %d rows", model->key,
                             MIXED_MAX_ROWS);
        }
        uint32_t at = mixed->n++;
        const struct cat_mixed_row *row = &model->mixed.items[i];
        while (at > 0 && mixed->classes[at - 1].row->placement_size < row->placement_size) {
            mixed->classes[at] = mixed->classes[at - 1];
            at--;
        }
        mixed->classes[at] = (struct size_class){.row = row};
    }
    return 0;
}

static struct size_class *find_class(struct mixed *mixed, const struct cat_vgpu_type *type)
{
    for (uint32_t i = 0; i < mixed->n; i++) {
        if (mixed->classes[i].row->framebuffer_mib == type->framebuffer_mib) {
            return &mixed->classes[i];
        }
    }
    return NULL;
}

static bool has_id(const struct cat_mixed_row *row, uint32_t id)
{
    for (uint32_t i = 0; i < row->n_placement_ids; i++) {
        if (row->placement_ids[i] == id) {
            return true;
        }
    }
    return false;
}

static int refuse_id(const struct gpu_model *model, const struct cat_mixed_row *row,
                     const struct layout_vgpu *vgpu, struct error *err)
{
    char ids[256];
    struct line line;
    line_init(&line, ids, sizeof(ids));
    for (uint32_t i = 0; i < row->n_placement_ids; i++) {
        line_add(&line, "%s%u", i > 0 ? ", " : "", row->placement_ids[i]);
    }
    error_set(err, REASON_INVALID, model->key, "placement id %u is not one of \"%s\"'s",
              vgpu->placement_id, vgpu->type->name);
    error_hint(err, "its ids are %s", ids);
    return -REASON_INVALID;
}

/* Takes the place of one that has its id, or counts one that needs it. */
static int take(struct mixed *mixed, const struct gpu_model *model, const struct layout_vgpu *vgpu,
                struct region *taken, struct error *err)
{
    struct size_class *class = find_class(mixed, vgpu->type);
    if (class == NULL) {
        return error_set(err, REASON_UNSUPPORTED, model->key,
                         "no source gives the mixed-size placements of \"%s\" (%u MiB)",
                         vgpu->type->name, vgpu->type->framebuffer_mib);
    }
    if (vgpu->placement_id == LAYOUT_ANYWHERE) {
        class->need++;
        return 0;
    }
    struct region run = run_at(vgpu->placement_id, class->row->placement_size);
    if (!has_id(class->row, vgpu->placement_id)) {
        return refuse_id(model, class->row, vgpu, err);
    }
    if (!is_free(*taken, run)) {
        return error_set(err, REASON_NO_CAPACITY, model->key,
                         "\"%s\" at placement id %u overlaps another vGPU", vgpu->type->name,
                         vgpu->placement_id);
    }
    *taken = joined(*taken, run);
    return 0;
}

static void give_ids(struct mixed *mixed, struct layout_vgpus *vgpus)
{
    for (uint32_t i = 0; i < vgpus->n; i++) {
        struct size_class *class = find_class(mixed, vgpus->items[i].type);
        if (vgpus->items[i].placement_id == LAYOUT_ANYWHERE) {
            vgpus->items[i].placement_id = class->chosen[--class->need];
        }
    }
}

static int refuse(const struct mixed *mixed, const struct gpu_model *model, struct region taken,
                  struct error *err)
{
    for (uint32_t i = 0; i < mixed->n; i++) {
        const struct size_class *class = &mixed->classes[i];
        uint32_t left = free_ids(class->row, taken);
        if (class->need > left) {
            return error_set(err, REASON_NO_CAPACITY, model->key,
                             "%s has %u places for vGPUs of %u MiB in mixed-size mode: %u of them "
                             "%s free, and %u "
                             "%s wanted",
                             model->name, class->row->n_placement_ids, class->row->framebuffer_mib,
                             left, left == 1 ? "is" : "are", class->need,
                             class->need == 1 ? "is" : "are");
        }
    }
    return error_set(err, REASON_NO_CAPACITY, model->key,
                     "these vGPUs overlap wherever they are put on %s", model->name);
}

/* No published table: only the sum can be checked, and the driver chooses the placements. */
static int check_sum(const struct gpu_model *model, const struct layout_vgpus *vgpus,
                     struct error *err)
{
    uint64_t sum_mib = 0;
    for (uint32_t i = 0; i < vgpus->n; i++) {
        uint32_t framebuffer_mib = vgpus->items[i].type->framebuffer_mib;
        sum_mib += framebuffer_mib != CAT_UNKNOWN ? framebuffer_mib : 0;
    }
    if (sum_mib > model->memory_mib) {
        return error_set(err, REASON_NO_CAPACITY, model->key,
                         "these vGPUs need %llu MiB, and %s has %u", (unsigned long long)sum_mib,
                         model->name, model->memory_mib);
    }
    return 0;
}

int vgpu_place_mixed(const struct gpu_model *model, struct layout_vgpus *vgpus, struct error *err)
{
    if (model->mixed_size == CAT_NO) {
        return error_set(err, REASON_UNSUPPORTED, model->key, "%s has no mixed-size mode",
                         model->name);
    }
    if (model->mixed.n == 0) {
        return check_sum(model, vgpus, err);
    }
    struct mixed mixed;
    struct region taken = {0, 0};
    int r = mixed_init(&mixed, model, err);
    for (uint32_t i = 0; i < vgpus->n && r == 0; i++) {
        r = take(&mixed, model, &vgpus->items[i], &taken, err);
    }
    if (r != 0) {
        return r;
    }
    if (!place_class(&mixed, 0, taken)) {
        return refuse(&mixed, model, taken, err);
    }
    give_ids(&mixed, vgpus);
    return 0;
}

int layout_mixed_is_known(const struct gpu_model *model, const struct layout_request *request,
                          struct error *err)
{
    const struct layout_vgpus *vgpus = &request->vgpus;
    if (!request->mixed || vgpus->n == 0 || vgpus->items[0].type->mig_backed ||
        model->mixed.n > 0) {
        return 0;
    }
    for (uint32_t i = 0; i < vgpus->n; i++) {
        const struct layout_vgpu *vgpu = &vgpus->items[i];
        if (vgpu->placement_id != LAYOUT_ANYWHERE) {
            return error_set(err, REASON_UNKNOWN, model->key,
                             "no source says which placement ids \"%s\" has on %s",
                             vgpu->type->name, model->name);
        }
        bool alone = vgpu->type == vgpus->items[0].type;
        if (vgpus->n > 1 && (!alone || vgpu->type->max_per_gpu_mixed == CAT_UNKNOWN)) {
            error_set(err, REASON_UNKNOWN, model->key,
                      "no source says where vGPUs of mixed sizes may sit on %s", model->name);
            error_hint(err, "%s has memory enough for these; a host with one says where they go",
                       model->name);
            return -REASON_UNKNOWN;
        }
    }
    return 0;
}

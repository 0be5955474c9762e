/* SPDX-License-Identifier: Apache-2.0 */
#include "licence/peaks.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "licence/products.h"

/* A record begins or ends. */
struct edge {
    uint64_t at_us;
    bool begins;
    const struct licence_use *use;
};

struct gpu_vgpus {
    const char *gpu;
    uint32_t vgpus;
};

struct sweep {
    uint64_t from_us, to_us, now_us;
    VEC(struct edge) edges;
    VEC(struct gpu_vgpus) gpus;
};

/* ---- one row ---- */

static uint64_t end_of(const struct licence_use *use, uint64_t now_us)
{
    return use->until_us != 0 ? use->until_us : now_us > use->from_us ? now_us : use->from_us + 1;
}

static int by_time(const void *a, const void *b)
{
    const struct edge *x = a;
    const struct edge *y = b;
    return x->at_us != y->at_us ? (x->at_us < y->at_us ? -1 : 1) : (int)x->begins - (int)y->begins;
}

static uint32_t licences_of(uint32_t vgpus)
{
    return (vgpus + LICENCE_VGPUS_PER_GPU - 1) / LICENCE_VGPUS_PER_GPU;
}

static struct gpu_vgpus *gpu_of(struct sweep *sweep, const char *gpu)
{
    for (vec_each(&sweep->gpus, known)) {
        if (str_eq(known->gpu, gpu)) {
            return known;
        }
    }
    struct gpu_vgpus *added = vec_push(&sweep->gpus);
    added->gpu = gpu;
    return added;
}

/* The licences in use once the edge is passed, of those before. */
static uint32_t pass(struct sweep *sweep, const struct edge *edge, uint32_t licences)
{
    if (licence_unit(edge->use->product) == LICENCE_PER_VM) {
        return edge->begins ? licences + 1 : licences - 1;
    }
    struct gpu_vgpus *gpu = gpu_of(sweep, edge->use->gpu);
    licences -= licences_of(gpu->vgpus);
    gpu->vgpus = edge->begins ? gpu->vgpus + edge->use->vgpus : gpu->vgpus - edge->use->vgpus;
    return licences + licences_of(gpu->vgpus);
}

static void find_peak(struct sweep *sweep, struct licence_month_use *row)
{
    uint32_t licences = 0;
    if (sweep->edges.n > 0) {
        qsort(sweep->edges.items, sweep->edges.n, sizeof(sweep->edges.items[0]), by_time);
    }
    sweep->gpus.n = 0;
    for (size_t i = 0; i < sweep->edges.n; i++) {
        const struct edge *edge = &sweep->edges.items[i];
        licences = pass(sweep, edge, licences);
        bool is_last = i + 1 == sweep->edges.n || edge[1].at_us != edge->at_us;
        if (is_last && licences > row->peak) {
            row->peak = licences;
            row->peak_us = edge->at_us;
        }
    }
}

static void add_use(struct sweep *sweep, const struct licence_use *use,
                    struct licence_month_use *row)
{
    uint64_t from_us = use->from_us > sweep->from_us ? use->from_us : sweep->from_us;
    uint64_t until_us = end_of(use, sweep->now_us);
    until_us = until_us < sweep->to_us ? until_us : sweep->to_us;
    row->starts += use->from_us >= sweep->from_us && use->from_us < sweep->to_us;
    if (from_us < until_us) {
        row->use_us += until_us - from_us;
        *vec_push(&sweep->edges) = (struct edge){from_us, true, use};
        *vec_push(&sweep->edges) = (struct edge){until_us, false, use};
    }
}

static bool is_empty(const struct licence_month_use *row)
{
    return row->starts == 0 && row->use_us == 0;
}

/* Of records that are one after the other. */
static void add_row(struct sweep *sweep, const struct licence_use *const *uses, size_t n,
                    bool of_all, struct licence_month_uses *ret_uses)
{
    struct licence_month_use row = {.product = uses[0]->product, .of_all = of_all};
    STR_SET(row.tenant, of_all ? "" : uses[0]->tenant);
    sweep->edges.n = 0;
    for (size_t i = 0; i < n; i++) {
        add_use(sweep, uses[i], &row);
    }
    find_peak(sweep, &row);
    if (!is_empty(&row)) {
        *vec_push(ret_uses) = row;
    }
}

/* ---- all rows ---- */

static int by_owner(const void *a, const void *b)
{
    const struct licence_use *const *x = a;
    const struct licence_use *const *y = b;
    int order = (int)(*x)->product - (int)(*y)->product;
    return order != 0 ? order : strcmp((*x)->tenant, (*y)->tenant);
}

void licence_peaks(const struct licence_uses *uses, uint64_t from_us, uint64_t to_us,
                   uint64_t now_us, struct licence_month_uses *ret_uses)
{
    struct sweep sweep = {.from_us = from_us, .to_us = to_us, .now_us = now_us};
    CLEANUP_FREE const struct licence_use **order =
        xcalloc(uses->n + 1, sizeof(const struct licence_use *));
    for (size_t i = 0; i < uses->n; i++) {
        order[i] = &uses->items[i];
    }
    if (uses->n > 0) {
        qsort((void *)order, uses->n, sizeof(order[0]), by_owner);
    }
    for (size_t i = 0; i < uses->n;) {
        size_t of_product = i + 1;
        while (of_product < uses->n && order[of_product]->product == order[i]->product) {
            of_product++;
        }
        add_row(&sweep, order + i, of_product - i, true, ret_uses);
        while (i < of_product) {
            size_t n = 1;
            while (i + n < of_product && str_eq(order[i + n]->tenant, order[i]->tenant)) {
                n++;
            }
            add_row(&sweep, order + i, n, false, ret_uses);
            i += n;
        }
    }
    vec_done(&sweep.edges);
    vec_done(&sweep.gpus);
}

/* ---- summaries ---- */

static bool is_same(const struct licence_month_use *a, const struct licence_month_use *b)
{
    return a->product == b->product && a->of_all == b->of_all && str_eq(a->tenant, b->tenant);
}

static int by_row(const void *a, const void *b)
{
    const struct licence_month_use *x = a;
    const struct licence_month_use *y = b;
    return x->product != y->product ? (int)x->product - (int)y->product
           : x->of_all != y->of_all ? (int)y->of_all - (int)x->of_all
                                    : strcmp(x->tenant, y->tenant);
}

static void take_peak(struct licence_month_use *row, const struct licence_month_use *other)
{
    if (other->peak > row->peak || (other->peak == row->peak && other->peak_us < row->peak_us)) {
        row->peak = other->peak;
        row->peak_us = other->peak_us;
    }
}

void licence_peaks_merge(struct licence_month_uses *uses, const struct licence_month *summary)
{
    for (size_t i = 0; summary != NULL && i < summary->uses.n; i++) {
        const struct licence_month_use *other = &summary->uses.items[i];
        struct licence_month_use *row = NULL;
        for (vec_each(uses, known)) {
            row = is_same(known, other) ? known : row;
        }
        if (row == NULL) {
            *vec_push(uses) = *other;
            continue;
        }
        take_peak(row, other);
        row->use_us += other->use_us;
        row->starts += other->starts;
    }
    if (uses->n > 0) {
        qsort(uses->items, uses->n, sizeof(uses->items[0]), by_row);
    }
}

const struct licence_month *licence_months_find(const struct licence_months *months,
                                                const char *month)
{
    for (vec_each(months, known)) {
        if (str_eq(known->month, month)) {
            return known;
        }
    }
    return NULL;
}

static int by_month(const void *a, const void *b)
{
    const struct licence_month *x = a;
    const struct licence_month *y = b;
    return strcmp(x->month, y->month);
}

static struct licence_month *month_of(struct licence_months *months, const char *month)
{
    const struct licence_month *known = licence_months_find(months, month);
    if (known != NULL) {
        return &months->items[known - months->items];
    }
    STR_SET(vec_push(months)->month, month);
    qsort(months->items, months->n, sizeof(months->items[0]), by_month);
    known = licence_months_find(months, month);
    return &months->items[known - months->items];
}

static void put_row(struct licence_month *month, const struct licence_month_use *row)
{
    for (vec_each(&month->uses, known)) {
        if (is_same(known, row)) {
            take_peak(known, row);
            known->use_us += row->use_us;
            known->starts += row->starts;
            return;
        }
    }
    if (month->uses.n < LICENCE_MONTH_MAX_USES) {
        *vec_push(&month->uses) = *row;
    }
}

struct folding {
    const struct licence_uses *uses, *folded;
    uint64_t until_us, now_us;
};

/* Peaks are those of all records up to the time; what is summed is of the folded ones alone. */
static void fold_month(const struct folding *f, uint64_t from_us, uint64_t to_us,
                       struct licence_month *month)
{
    struct licence_month_uses peaks = {0};
    struct licence_month_uses sums = {0};
    licence_peaks(f->uses, from_us, to_us < f->until_us ? to_us : f->until_us, f->now_us, &peaks);
    licence_peaks(f->folded, from_us, to_us, f->now_us, &sums);
    for (vec_each(&peaks, row)) {
        row->use_us = 0;
        row->starts = 0;
        put_row(month, row);
    }
    for (vec_each(&sums, row)) {
        row->peak = 0;
        row->peak_us = 0;
        put_row(month, row);
    }
    vec_done(&peaks);
    vec_done(&sums);
}

void licence_peaks_fold(struct licence_uses *uses, uint64_t until_us, uint64_t now_us,
                        struct licence_months *months, struct licence_uses *ret_folded)
{
    struct licence_uses folded = {0};
    uint64_t first_us = UINT64_MAX;
    for (vec_each(uses, use)) {
        if (use->until_us != 0 && use->until_us <= until_us) {
            *vec_push(&folded) = *use;
            first_us = use->from_us < first_us ? use->from_us : first_us;
        }
    }
    const struct folding f = {uses, &folded, until_us, now_us};
    uint64_t to_us = 0;
    for (uint64_t at_us = first_us; folded.n > 0 && at_us < until_us; at_us = to_us) {
        char name[LICENCE_MONTH_SIZE];
        uint64_t from_us = 0;
        if (!licence_month_bounds(licence_month_of(at_us, name), &from_us, &to_us)) {
            break; /* a year of five digits: the clock was wrong */
        }
        fold_month(&f, from_us, to_us, month_of(months, name));
    }
    for (size_t i = uses->n; i > 0; i--) {
        const struct licence_use *use = &uses->items[i - 1];
        if (use->until_us != 0 && use->until_us <= until_us) {
            vec_remove(uses, i - 1);
        }
    }
    for (vec_each(&folded, use)) {
        *vec_push(ret_folded) = *use;
    }
    vec_done(&folded);
}

static int by_value(const void *a, const void *b)
{
    const uint64_t *x = a;
    const uint64_t *y = b;
    return *x < *y ? -1 : *x > *y;
}

uint64_t licence_peaks_fold_time(const struct licence_uses *uses)
{
    if (uses->n <= LICENCE_USES_KEPT) {
        return 0;
    }
    VEC(uint64_t) ends = {0};
    for (vec_each(uses, use)) {
        if (use->until_us != 0) {
            *vec_push(&ends) = use->until_us;
        }
    }
    uint64_t time_us = 0;
    if (ends.n > 0) {
        qsort(ends.items, ends.n, sizeof(ends.items[0]), by_value);
        time_us = ends.items[ends.n / 2];
    }
    vec_done(&ends);
    return time_us;
}

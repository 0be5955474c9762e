/* SPDX-License-Identifier: Apache-2.0 */
#include "layout/explain.h"
#include "layout/nearest.h"
#include "layout/place_gis.h"
#include "layout/search.h"

#define NO_INDEX UINT32_MAX

/* One way to change: a set of existing instances that stay. */
struct change {
    const struct geometry *geometry;
    const struct layout_gis *existing;
    const struct layout_gis *wanted;
    uint32_t pinned;
    uint32_t unwanted;
};

/* How good a way is, among those that destroy as few. */
struct rank {
    uint32_t served;
    uint64_t worth;
};

static bool has_bit(uint32_t set, uint32_t i)
{
    return (set >> i & 1) != 0;
}

static bool is_match(const struct layout_gi *existing, const struct layout_gi *wanted, bool pinned)
{
    if (existing->profile != wanted->profile) {
        return false;
    }
    /* A pinned instance's holder is its only user: it serves who asks for that very place. */
    return wanted->start == existing->start || (wanted->start == LAYOUT_ANYWHERE && !pinned);
}

/* Gives existing[i] to the first wanted that it serves; those that name its start come first. */
static void serve(const struct change *change, uint32_t i, uint32_t serves[LAYOUT_MAX_GIS],
                  bool served[LAYOUT_MAX_GIS])
{
    const struct layout_gi *gi = &change->existing->items[i];
    uint32_t best = NO_INDEX;
    for (uint32_t w = 0; w < change->wanted->n; w++) {
        const struct layout_gi *wanted = &change->wanted->items[w];
        if (served[w] || !is_match(gi, wanted, has_bit(change->pinned, i))) {
            continue;
        }
        if (best == NO_INDEX || (change->wanted->items[best].start == LAYOUT_ANYWHERE &&
                                 wanted->start != LAYOUT_ANYWHERE)) {
            best = w;
        }
    }
    serves[i] = best;
    if (best != NO_INDEX) {
        served[best] = true;
    }
}

/* Every one that stays serves if it can, for a served one needs no new place. Of the same profile,
 * those that must serve or go are asked first. False if one of them has no user to serve. */
static bool serve_all(const struct change *change, uint32_t kept, uint32_t serves[LAYOUT_MAX_GIS],
                      bool served[LAYOUT_MAX_GIS])
{
    uint32_t must = kept & change->unwanted & ~change->pinned;
    for (uint32_t i = 0; i < change->existing->n; i++) {
        serves[i] = NO_INDEX;
    }
    for (uint32_t i = 0; i < change->existing->n; i++) {
        if (has_bit(must, i)) {
            serve(change, i, serves, served);
            if (serves[i] == NO_INDEX) {
                return false;
            }
        }
    }
    for (uint32_t i = 0; i < change->existing->n; i++) {
        if (has_bit(kept & ~must, i)) {
            serve(change, i, serves, served);
        }
    }
    return true;
}

/* Tries to keep exactly `kept`. */
static bool try_keeping(const struct change *change, uint32_t kept,
                        struct layout_change *ret_change, struct rank *ret_rank, struct error *err)
{
    bool served[LAYOUT_MAX_GIS] = {false};
    if (!serve_all(change, kept, ret_change->serves, served)) {
        return false;
    }
    struct layout_gis staying = {.n = 0};
    for (uint32_t i = 0; i < change->existing->n; i++) {
        ret_change->keep[i] = has_bit(kept, i);
        if (ret_change->keep[i]) {
            staying.items[staying.n++] = change->existing->items[i];
        }
        if (ret_change->serves[i] != NO_INDEX) {
            ret_change->start[ret_change->serves[i]] = change->existing->items[i].start;
        }
    }
    struct layout_gis created = {.n = 0};
    uint32_t created_for[LAYOUT_MAX_GIS];
    for (uint32_t w = 0; w < change->wanted->n; w++) {
        if (!served[w]) {
            created_for[created.n] = w;
            created.items[created.n++] = change->wanted->items[w];
        }
    }
    if (place_next_to(change->geometry, &staying, &created, &ret_rank->worth, err) != 0) {
        return false;
    }
    for (uint32_t i = 0; i < created.n; i++) {
        ret_change->start[created_for[i]] = created.items[i].start;
    }
    ret_change->destroyed = change->existing->n - staying.n;
    ret_rank->served = change->wanted->n - created.n;
    return true;
}

static bool is_better(const struct rank *a, const struct rank *b)
{
    return a->served != b->served ? a->served > b->served : a->worth > b->worth;
}

/* All ways that destroy exactly n; the best of them. */
static bool try_destroying(const struct change *change, uint32_t n,
                           struct layout_change *ret_change)
{
    uint32_t all = (uint32_t)((UINT64_C(1) << change->existing->n) - 1);
    bool found = false;
    struct rank best = {.served = 0};
    for (uint32_t gone = 0; gone <= all; gone++) {
        if ((uint32_t)__builtin_popcount(gone) != n || (gone & change->pinned) != 0) {
            continue;
        }
        struct layout_change candidate = {.destroyed = 0};
        struct rank rank = {.served = 0};
        if (try_keeping(change, all & ~gone, &candidate, &rank, NULL) &&
            (!found || is_better(&rank, &best))) {
            found = true;
            best = rank;
            *ret_change = candidate;
        }
    }
    return found;
}

/* Not even with everything gone that may go: says why, seen from there. */
static int refuse(const struct change *change, struct error *err)
{
    uint32_t all = (uint32_t)((UINT64_C(1) << change->existing->n) - 1);
    struct layout_change ignored;
    struct rank rank;
    struct error scratch;
    struct error *reason = err != NULL ? err : &scratch;
    error_set(reason, REASON_NO_CAPACITY, change->geometry->model->key,
              "no layout has room for it");
    try_keeping(change, all & change->pinned, &ignored, &rank, reason);
    return -(int)reason->reason;
}

int layout_change(const struct gpu_model *model, const struct layout_gis *existing, uint32_t pinned,
                  uint32_t destroy_unwanted, const struct layout_gis *wanted,
                  struct layout_change *ret_change, struct error *err)
{
    struct geometry geometry;
    int r = geometry_init(&geometry, model, err);
    if (r != 0) {
        return r;
    }
    struct change change = {.geometry = &geometry,
                            .existing = existing,
                            .wanted = wanted,
                            .pinned = pinned,
                            .unwanted = destroy_unwanted};
    for (uint32_t destroyed = 0; destroyed <= existing->n; destroyed++) {
        if (try_destroying(&change, destroyed, ret_change)) {
            return 0;
        }
    }
    return refuse(&change, err);
}

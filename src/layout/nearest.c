/* SPDX-License-Identifier: Apache-2.0 */
#include "layout/nearest.h"

#include "layout/line.h"
#include "layout/search.h"
#include "layout/standing.h"

/* How many partial layouts are looked at before settling for the best so far. */
#define NEAREST_MAX_STEPS 50000

/* The fate of one wanted instance. */
enum change { CHANGE_NONE, CHANGE_MOVED, CHANGE_SHRUNK, CHANGE_DROPPED };

struct choice {
    enum change change;
    uint32_t shape; /* of what is left of it */
    uint32_t start; /* LAYOUT_ANYWHERE: to be found */
};

struct cost {
    uint32_t changed;
    uint32_t dropped;
    uint32_t lost; /* memory and compute slices given up */
};

struct nearest {
    const struct geometry *geometry;
    const struct layout_gis *existing;
    uint32_t n;
    struct choice wanted[LAYOUT_MAX_GIS]; /* as asked, equal ones together */
    struct choice chosen[LAYOUT_MAX_GIS];
    uint32_t steps;
    bool found;
    struct cost best_cost;
    struct choice best[LAYOUT_MAX_GIS];
    struct layout_gis best_layout;
};

static int compare(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

static bool is_cheaper(const struct cost *a, const struct cost *b)
{
    int order = compare(a->changed, b->changed);
    order = order != 0 ? order : compare(a->dropped, b->dropped);
    order = order != 0 ? order : compare(a->lost, b->lost);
    return order < 0;
}

static void add_by_start(struct layout_gis *gis, const struct layout_gi *gi)
{
    uint32_t at = gis->n++;
    while (at > 0 && gis->items[at - 1].start > gi->start) {
        gis->items[at] = gis->items[at - 1];
        at--;
    }
    gis->items[at] = *gi;
}

/* Places what the choices leave; false if it does not fit. */
static bool fits(const struct nearest *nearest, uint32_t n, enum search_aim aim,
                 struct layout_gis *ret_layout)
{
    struct standing standing;
    struct search_items items = {.n = 0};
    if (standing_init(&standing, nearest->geometry, nearest->existing, NULL) != 0) {
        return false;
    }
    uint32_t first = standing.gis.n;
    for (uint32_t i = 0; i < n; i++) {
        const struct choice *choice = &nearest->chosen[i];
        struct layout_gi gi = {.profile = nearest->geometry->shapes[choice->shape].profile,
                               .start = choice->start};
        if (choice->change == CHANGE_DROPPED) {
            continue;
        }
        if (choice->start == LAYOUT_ANYWHERE) {
            items.shape[items.n++] = choice->shape;
        } else if (standing_add(&standing, nearest->geometry, &gi, NULL) != 0) {
            return false;
        }
    }
    if (standing.gis.n + items.n > LAYOUT_MAX_GIS ||
        !search_places(nearest->geometry, &standing.taken, &items, aim, NULL)) {
        return false;
    }
    ret_layout->n = 0;
    for (uint32_t i = first; i < standing.gis.n; i++) {
        add_by_start(ret_layout, &standing.gis.items[i]);
    }
    for (uint32_t i = 0; i < items.n; i++) {
        add_by_start(
            ret_layout,
            &(struct layout_gi){nearest->geometry->shapes[items.shape[i]].profile, items.start[i]});
    }
    return true;
}

static struct cost cost_with(const struct nearest *nearest, const struct cost *cost, uint32_t item,
                             const struct choice *choice)
{
    const struct shape *was = &nearest->geometry->shapes[nearest->wanted[item].shape];
    const struct shape *is = &nearest->geometry->shapes[choice->shape];
    struct cost sum = *cost;
    sum.changed += choice->change != CHANGE_NONE;
    if (choice->change == CHANGE_DROPPED) {
        sum.dropped++;
        sum.lost += was->size + was->compute;
    } else {
        sum.lost += was->size + was->compute - is->size - is->compute;
    }
    return sum;
}

static void choose(struct nearest *nearest, uint32_t item, const struct cost *cost);

static void try_choice(struct nearest *nearest, uint32_t item, const struct cost *cost,
                       struct choice choice)
{
    struct cost sum = cost_with(nearest, cost, item, &choice);
    if (nearest->steps >= NEAREST_MAX_STEPS ||
        (nearest->found && !is_cheaper(&sum, &nearest->best_cost))) {
        return;
    }
    nearest->steps++;
    nearest->chosen[item] = choice;
    /* A part that does not fit alone never fits with more next to it. */
    struct layout_gis ignored;
    if (choice.change == CHANGE_DROPPED || fits(nearest, item + 1, SEARCH_ANY, &ignored)) {
        choose(nearest, item + 1, &sum);
    }
}

static bool is_equal(const struct choice *a, const struct choice *b)
{
    return a->shape == b->shape && a->start == b->start;
}

/* Tries what can become of one item, the mildest first: so the first layouts found are good ones
 * and bound the rest. Of equal items the later never fares better than the earlier. */
static void choose(struct nearest *nearest, uint32_t item, const struct cost *cost)
{
    if (item == nearest->n) {
        nearest->found = true;
        nearest->best_cost = *cost;
        for (uint32_t i = 0; i < nearest->n; i++) {
            nearest->best[i] = nearest->chosen[i];
        }
        return;
    }
    struct choice wanted = nearest->wanted[item];
    bool again = item > 0 && is_equal(&wanted, &nearest->wanted[item - 1]);
    enum change least = again ? nearest->chosen[item - 1].change : CHANGE_NONE;
    if (least == CHANGE_NONE) {
        try_choice(nearest, item, cost, wanted);
    }
    if (least <= CHANGE_MOVED && wanted.start != LAYOUT_ANYWHERE) {
        try_choice(nearest, item, cost,
                   (struct choice){CHANGE_MOVED, wanted.shape, LAYOUT_ANYWHERE});
    }
    for (uint32_t i = 0; i < nearest->geometry->n && least <= CHANGE_SHRUNK; i++) {
        uint32_t which = nearest->geometry->largest_first[i];
        if (shape_is_smaller(&nearest->geometry->shapes[which],
                             &nearest->geometry->shapes[wanted.shape])) {
            try_choice(nearest, item, cost, (struct choice){CHANGE_SHRUNK, which, LAYOUT_ANYWHERE});
        }
    }
    try_choice(nearest, item, cost, (struct choice){CHANGE_DROPPED, wanted.shape, wanted.start});
}

static int take_wanted(struct nearest *nearest, const struct layout_gis *wanted)
{
    for (uint32_t i = 0; i < wanted->n; i++) {
        if (wanted->items[i].profile->n_placements == 0) {
            return -REASON_UNKNOWN; /* no source says what would fit */
        }
        struct choice choice = {.start = wanted->items[i].start};
        if (geometry_find(nearest->geometry, wanted->items[i].profile, &choice.shape, NULL) != 0) {
            return -REASON_INVALID;
        }
        uint32_t at = nearest->n++;
        while (at > 0 && nearest->wanted[at - 1].shape > choice.shape) {
            nearest->wanted[at] = nearest->wanted[at - 1];
            at--;
        }
        nearest->wanted[at] = choice;
    }
    return 0;
}

static void add_change(struct line *line, const struct nearest *nearest, uint32_t item, uint32_t n)
{
    const struct choice *best = &nearest->best[item];
    const struct choice *wanted = &nearest->wanted[item];
    if (n > 1) {
        line_add(line, "%u × ", n);
    }
    line_add(line, "%s ", nearest->geometry->shapes[wanted->shape].profile->name);
    switch (best->change) {
    case CHANGE_NONE:
        line_add(line, "as wanted");
        break;
    case CHANGE_MOVED:
        line_add(line, "moved from %u", wanted->start);
        break;
    case CHANGE_SHRUNK:
        line_add(line, "shrunk to %s", nearest->geometry->shapes[best->shape].profile->name);
        break;
    case CHANGE_DROPPED:
        line_add(line, "dropped");
        break;
    }
}

static bool is_same_change(const struct nearest *nearest, uint32_t a, uint32_t b)
{
    return is_equal(&nearest->wanted[a], &nearest->wanted[b]) &&
           nearest->best[a].change == nearest->best[b].change &&
           nearest->best[a].shape == nearest->best[b].shape;
}

static void add_changes(struct line *line, const struct nearest *nearest)
{
    const char *comma = "";
    for (uint32_t i = 0, n = 1; i < nearest->n; i += n, n = 1) {
        while (i + n < nearest->n && is_same_change(nearest, i, i + n)) {
            n++;
        }
        if (nearest->best[i].change != CHANGE_NONE) {
            line_add(line, "%s", comma);
            add_change(line, nearest, i, n);
            comma = ", ";
        }
    }
}

void nearest_hint(const struct geometry *geometry, const struct layout_gis *existing,
                  const struct layout_gis *wanted, struct error *err)
{
    if (err == NULL) {
        return;
    }
    struct nearest nearest = {.geometry = geometry, .existing = existing};
    if (take_wanted(&nearest, wanted) != 0) {
        return;
    }
    choose(&nearest, 0, &(struct cost){.changed = 0});
    for (uint32_t i = 0; i < nearest.n; i++) {
        nearest.chosen[i] = nearest.best[i];
    }
    if (!nearest.found || nearest.best_cost.dropped == nearest.n ||
        !fits(&nearest, nearest.n, SEARCH_BEST, &nearest.best_layout)) {
        error_hint(err, "nothing of it fits next to what is there");
        return;
    }
    char text[sizeof(err->hint)];
    struct line line;
    line_init(&line, text, sizeof(text));
    line_add(&line, "nearest that fits: ");
    line_add_gis(&line, &nearest.best_layout);
    line_add(&line, " (");
    add_changes(&line, &nearest);
    line_add(&line, ")");
    error_hint(err, "%s", text);
}

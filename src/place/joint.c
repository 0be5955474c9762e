/* SPDX-License-Identifier: Apache-2.0 */
#include "place/joint.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/vec.h"

/* A set that a bin can hold and to which nothing can be added: by kind, and one way to make it. */
struct fill {
    uint16_t kinds[JOINT_MAX];
    uint16_t pieces[JOINT_MAX];
    uint64_t size;
};

/* Bins that hold the same. */
struct bin_class {
    uint32_t id;
    uint32_t first; /* bin of them; the others are as it is */
    struct {
        struct fill *items;
        size_t n;
        size_t cap;
    } fills;
    uint16_t most[JOINT_MAX]; /* of each kind, alone */
    uint32_t most_items;
    uint64_t most_size;
};

/* Items left of each kind when the bins from one on could not serve them. */
struct dead_end {
    uint32_t bin, first_fill;
    uint16_t left[JOINT_MAX];
};

/* What bins could have at most. */
struct sums {
    uint64_t items, size;
    uint32_t kinds[JOINT_MAX];
};

struct search {
    const struct joint_question *question;
    struct joint_answer *answer;
    struct {
        struct bin_class *items;
        size_t n;
        size_t cap;
    } classes;
    uint32_t class_of[JOINT_MAX_BINS];    /* per bin in the order of the search */
    uint32_t order[JOINT_MAX_BINS];       /* ... its number */
    struct sums rest[JOINT_MAX_BINS + 1]; /* of the bins from each on */
    uint16_t left[JOINT_MAX];             /* of each kind */
    bool out_of_work;
    bool refused; /* a distribution was not accepted: what failed is remembered no more */
    struct dead_end *dead_ends; /* open addressing; .bin of an empty slot is UINT32_MAX */
    size_t n_dead_ends, n_slots;
};

/* ---- sets that a bin can hold ---- */

static bool holds(struct search *search, uint32_t bin, const uint16_t *pieces)
{
    if (search->answer->n_judged == search->question->max_judged) {
        search->out_of_work = true;
        return false;
    }
    search->answer->n_judged++;
    return search->question->holds(search->question->data, bin, pieces);
}

static void count_kinds(const struct joint_question *question, const uint16_t *pieces,
                        uint16_t kinds[JOINT_MAX])
{
    memset(kinds, 0, JOINT_MAX * sizeof(*kinds));
    for (uint32_t p = 0; p < question->n_pieces; p++) {
        kinds[question->pieces[p]] = (uint16_t)(kinds[question->pieces[p]] + pieces[p]);
    }
}

static bool is_within(const struct joint_question *question, const uint16_t *a, const uint16_t *b)
{
    for (uint32_t k = 0; k < question->n_kinds; k++) {
        if (a[k] > b[k]) {
            return false;
        }
    }
    return true;
}

/* Keeps the fill unless one of the class has all of it, and drops those that it has all of. */
static void add_fill(const struct joint_question *question, const uint16_t *pieces,
                     struct bin_class *class)
{
    struct fill fill = {0};
    memcpy(fill.pieces, pieces, question->n_pieces * sizeof(*pieces));
    count_kinds(question, pieces, fill.kinds);
    for (uint32_t k = 0; k < question->n_kinds; k++) {
        fill.size += (uint64_t)question->kinds[k].size * fill.kinds[k];
    }
    size_t kept = 0;
    for (size_t i = 0; i < class->fills.n; i++) {
        if (is_within(question, fill.kinds, class->fills.items[i].kinds)) {
            return;
        }
        if (!is_within(question, class->fills.items[i].kinds, fill.kinds)) {
            class->fills.items[kept++] = class->fills.items[i];
        }
    }
    class->fills.n = kept;
    *vec_push(&class->fills) = fill;
}

/* All sets of pieces from `piece` on next to those before it. */
static void find_fills(struct search *search, struct bin_class *class, uint16_t *pieces,
                       uint32_t piece)
{
    const struct joint_question *question = search->question;
    if (piece == question->n_pieces) {
        add_fill(question, pieces, class);
        return;
    }
    uint16_t kinds[JOINT_MAX];
    count_kinds(question, pieces, kinds);
    uint32_t kind = question->pieces[piece];
    uint32_t room = question->kinds[kind].n - kinds[kind];
    uint32_t most = 0;
    while (most < room) {
        pieces[piece] = (uint16_t)(most + 1);
        if (!holds(search, class->first, pieces)) {
            break;
        }
        most++;
    }
    /* The most first: what has less of this piece is often part of it. */
    for (uint32_t n = most + 1; n-- > 0 && !search->out_of_work;) {
        pieces[piece] = (uint16_t)n;
        find_fills(search, class, pieces, piece + 1);
    }
    pieces[piece] = 0;
}

static int compare_fills(const void *one, const void *other)
{
    const struct fill *a = one;
    const struct fill *b = other;
    return a->size != b->size ? (a->size > b->size ? -1 : 1)
                              : memcmp(b->kinds, a->kinds, sizeof(a->kinds));
}

/* ---- classes of bins ---- */

static uint32_t class_of(struct search *search, uint32_t bin)
{
    const struct joint_question *question = search->question;
    uint32_t c = 0;
    while (c < search->classes.n && search->classes.items[c].id != question->classes[bin]) {
        c++;
    }
    if (c == search->classes.n) {
        *vec_push(&search->classes) =
            (struct bin_class){.id = question->classes[bin], .first = bin};
    }
    return c;
}

/* Bins of one class follow each other, in the order of their numbers. */
static void sort_bins(struct search *search)
{
    uint32_t n_bins = search->question->n_bins;
    for (uint32_t b = 0; b < n_bins; b++) {
        (void)class_of(search, b);
    }
    uint32_t n = 0;
    for (uint32_t c = 0; c < search->classes.n; c++) {
        for (uint32_t b = 0; b < n_bins; b++) {
            if (search->classes.items[c].id == search->question->classes[b]) {
                search->class_of[n] = c;
                search->order[n++] = b;
            }
        }
    }
}

/* Of each kind, what a bin of the class has at most when it has nothing else. */
static void find_most(struct search *search, struct bin_class *class)
{
    const struct joint_question *question = search->question;
    for (uint32_t p = 0; p < question->n_pieces; p++) {
        uint16_t pieces[JOINT_MAX] = {0};
        uint32_t kind = question->pieces[p];
        while (class->most[kind] < question->kinds[kind].n) {
            pieces[p]++;
            if (!holds(search, class->first, pieces)) {
                break;
            }
            class->most[kind]++;
        }
    }
    for (uint32_t k = 0; k < question->n_kinds; k++) {
        class->most_items += class->most[k];
        class->most_size += (uint64_t)class->most[k] * question->kinds[k].size;
    }
}

/* By the sets that it can hold, a bin of the class has less than by its kinds one by one. */
static void tighten(struct search *search, struct bin_class *class)
{
    uint32_t most_items = 0;
    uint64_t most_size = 0;
    uint16_t pieces[JOINT_MAX] = {0};
    find_fills(search, class, pieces, 0);
    for (vec_each(&class->fills, fill)) {
        uint32_t n = 0;
        for (uint32_t k = 0; k < search->question->n_kinds; k++) {
            n += fill->kinds[k];
        }
        most_items = n > most_items ? n : most_items;
        most_size = fill->size > most_size ? fill->size : most_size;
    }
    if (!search->out_of_work) {
        class->most_items = most_items;
        class->most_size = most_size;
        qsort(class->fills.items, class->fills.n, sizeof(struct fill), compare_fills);
    }
}

/* ---- bounds ---- */

/* The most that each bin and those after it could have of each kind, of all, and by size. */
static void sum_up(struct search *search)
{
    uint32_t n_bins = search->question->n_bins;
    search->rest[n_bins] = (struct sums){0};
    for (uint32_t i = n_bins; i-- > 0;) {
        const struct bin_class *class = &search->classes.items[search->class_of[i]];
        struct sums *sums = &search->rest[i];
        *sums = search->rest[i + 1];
        sums->items += class->most_items;
        sums->size += class->most_size;
        for (uint32_t k = 0; k < search->question->n_kinds; k++) {
            sums->kinds[k] += class->most[k];
        }
    }
}

/* Can the bins from `bin` on serve what is left, by number and size? */
static bool may_fit(const struct search *search, uint32_t bin)
{
    const struct sums *sums = &search->rest[bin];
    uint64_t items = 0;
    uint64_t size = 0;
    for (uint32_t k = 0; k < search->question->n_kinds; k++) {
        if (search->left[k] > sums->kinds[k]) {
            return false;
        }
        items += search->left[k];
        size += (uint64_t)search->left[k] * search->question->kinds[k].size;
    }
    return items <= sums->items && size <= sums->size;
}

/* So many of the items, the smallest first, have together no more than `size`. */
static uint64_t count_by_size(const struct joint_question *question, const uint32_t *n,
                              uint64_t size)
{
    bool done[JOINT_MAX] = {false};
    uint64_t count = 0;
    for (uint32_t round = 0; round < question->n_kinds; round++) {
        uint32_t smallest = question->n_kinds;
        for (uint32_t k = 0; k < question->n_kinds; k++) {
            bool smaller = smallest == question->n_kinds ||
                           question->kinds[k].size < question->kinds[smallest].size;
            smallest = !done[k] && smaller ? k : smallest;
        }
        uint64_t one = question->kinds[smallest].size;
        uint64_t fit = one == 0 || size / one > n[smallest] ? n[smallest] : size / one;
        done[smallest] = true;
        count += fit;
        size -= fit * one;
    }
    return count;
}

/* How many items all bins could serve. */
static uint32_t bound(const struct search *search)
{
    const struct joint_question *question = search->question;
    const struct sums *sums = &search->rest[0];
    uint32_t most[JOINT_MAX];
    uint64_t n = 0;
    for (uint32_t k = 0; k < question->n_kinds; k++) {
        most[k] = sums->kinds[k] < question->kinds[k].n ? sums->kinds[k] : question->kinds[k].n;
        n += most[k];
    }
    n = n < sums->items ? n : sums->items;
    uint64_t by_size = count_by_size(question, most, sums->size);
    return (uint32_t)(n < by_size ? n : by_size);
}

/* ---- what failed before ---- */

static size_t slot_of(const struct search *search, const struct dead_end *it)
{
    uint64_t hash = 1469598103934665603U; /* FNV-1a */
    const uint8_t *bytes = (const uint8_t *)it;
    for (size_t i = 0; i < sizeof(*it); i++) {
        hash = (hash ^ bytes[i]) * 1099511628211U;
    }
    size_t at = (size_t)hash & (search->n_slots - 1);
    while (search->dead_ends[at].bin != UINT32_MAX &&
           memcmp(&search->dead_ends[at], it, sizeof(*it)) != 0) {
        at = (at + 1) & (search->n_slots - 1);
    }
    return at;
}

static void grow(struct search *search)
{
    struct dead_end *old = search->dead_ends;
    size_t n_old = search->n_slots;
    search->n_slots = n_old == 0 ? 1024 : n_old * 2;
    search->dead_ends = xcalloc(search->n_slots, sizeof(*search->dead_ends));
    for (size_t i = 0; i < search->n_slots; i++) {
        search->dead_ends[i].bin = UINT32_MAX;
    }
    for (size_t i = 0; i < n_old; i++) {
        if (old[i].bin != UINT32_MAX) {
            search->dead_ends[slot_of(search, &old[i])] = old[i];
        }
    }
    free(old);
}

static struct dead_end here(const struct search *search, uint32_t bin, uint32_t first_fill)
{
    struct dead_end it;
    memset(&it, 0, sizeof(it)); /* compared byte by byte */
    it.bin = bin;
    it.first_fill = first_fill;
    memcpy(it.left, search->left, sizeof(it.left));
    return it;
}

static bool has_failed(const struct search *search, const struct dead_end *it)
{
    return search->n_slots > 0 && search->dead_ends[slot_of(search, it)].bin != UINT32_MAX;
}

static void remember(struct search *search, const struct dead_end *it)
{
    if (search->refused || search->out_of_work) {
        return;
    }
    if ((search->n_dead_ends + 1) * 2 > search->n_slots) {
        grow(search);
    }
    search->dead_ends[slot_of(search, it)] = *it;
    search->n_dead_ends++;
}

/* ---- the search ---- */

static bool is_served(const struct search *search)
{
    for (uint32_t k = 0; k < search->question->n_kinds; k++) {
        if (search->left[k] > 0) {
            return false;
        }
    }
    return true;
}

/* Puts what is left of the fill's kinds into the bin. */
static void put(struct search *search, uint32_t bin, const struct fill *fill)
{
    const struct joint_question *question = search->question;
    uint16_t *counts = search->answer->counts + (size_t)search->order[bin] * question->n_pieces;
    for (uint32_t p = 0; p < question->n_pieces; p++) {
        uint16_t *left = &search->left[question->pieces[p]];
        counts[p] = fill->pieces[p] < *left ? fill->pieces[p] : *left;
        *left = (uint16_t)(*left - counts[p]);
    }
}

static void take_back(struct search *search, uint32_t bin)
{
    const struct joint_question *question = search->question;
    uint16_t *counts = search->answer->counts + (size_t)search->order[bin] * question->n_pieces;
    for (uint32_t p = 0; p < question->n_pieces; p++) {
        search->left[question->pieces[p]] =
            (uint16_t)(search->left[question->pieces[p]] + counts[p]);
        counts[p] = 0;
    }
}

static bool finish(struct search *search)
{
    const struct joint_question *question = search->question;
    bool accepted =
        question->accepts == NULL || question->accepts(question->data, search->answer->counts);
    search->refused = search->refused || !accepted;
    return accepted;
}

/* Equal bins take fills in the order of the list, so that no two distributions differ by their
 * numbers alone. */
static bool serve(struct search *search, uint32_t bin, uint32_t first_fill)
{
    if (is_served(search)) {
        return finish(search);
    }
    if (bin == search->question->n_bins || !may_fit(search, bin)) {
        return false;
    }
    if (search->answer->n_steps == search->question->max_steps) {
        search->out_of_work = true;
        return false;
    }
    search->answer->n_steps++;
    const struct dead_end it = here(search, bin, first_fill);
    if (!search->refused && has_failed(search, &it)) {
        return false;
    }
    const struct bin_class *class = &search->classes.items[search->class_of[bin]];
    for (uint32_t f = first_fill; f < class->fills.n && !search->out_of_work; f++) {
        bool same = bin + 1 < search->question->n_bins &&
                    search->class_of[bin + 1] == search->class_of[bin];
        put(search, bin, &class->fills.items[f]);
        if (serve(search, bin + 1, same ? f : 0)) {
            return true;
        }
        take_back(search, bin);
    }
    remember(search, &it);
    return false;
}

static void find_bounds(struct search *search)
{
    sort_bins(search);
    for (vec_each(&search->classes, class)) {
        find_most(search, class);
    }
    sum_up(search);
    search->answer->at_most = search->out_of_work ? UINT32_MAX : bound(search);
    for (vec_each(&search->classes, class)) {
        tighten(search, class);
    }
    sum_up(search);
    uint32_t tighter = bound(search);
    if (!search->out_of_work && tighter < search->answer->at_most) {
        search->answer->at_most = tighter;
    }
}

void joint_choose(const struct joint_question *question, struct joint_answer *ret_answer)
{
    CLEANUP_FREE struct search *search = xcalloc(1, sizeof(*search));
    *ret_answer = (struct joint_answer){.verdict = JOINT_UNDECIDED};
    search->question = question;
    search->answer = ret_answer;
    uint32_t n = 0;
    for (uint32_t k = 0; k < question->n_kinds; k++) {
        search->left[k] = (uint16_t)question->kinds[k].n;
        n += question->kinds[k].n;
    }
    ret_answer->counts =
        xcalloc((size_t)question->n_bins * question->n_pieces + 1, sizeof(uint16_t));
    find_bounds(search);
    ret_answer->at_most = ret_answer->at_most < n ? ret_answer->at_most : n;
    bool found = !search->out_of_work && serve(search, 0, 0);
    ret_answer->verdict = found                                    ? JOINT_FOUND
                          : ret_answer->at_most < n                ? JOINT_NONE
                          : search->out_of_work || search->refused ? JOINT_UNDECIDED
                                                                   : JOINT_NONE;
    if (!found) {
        free(TAKE_PTR(ret_answer->counts));
    }
    for (vec_each(&search->classes, class)) {
        vec_done(&class->fills);
    }
    vec_done(&search->classes);
    free(search->dead_ends);
}

void joint_answer_done(struct joint_answer *answer)
{
    free(TAKE_PTR(answer->counts));
}

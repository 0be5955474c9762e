/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/away.h"

#include "base/mem.h"
#include "plan/idle.h"
#include "plan/room.h"

#define MAX_TRIES 256 /* sets of claims that are tried for one claim */

struct search {
    struct works *works;
    const struct claim *claim;
    struct gpu_work *from;
    const struct claim *idle[WORK_MAX_CLAIMS];
    size_t n_idle;
    const struct claim *chosen[WORK_MAX_CLAIMS];
    size_t n_chosen;
    unsigned tries;
};

/* ---- one set ---- */

/* The other GPU that it would be given if it came now. */
static bool send(const struct search *search, const struct claim *stored)
{
    const struct claim claim = room_come_again(stored);
    struct works *works = search->works;
    for (size_t g = 0; g < works->n; g++) {
        works->items[g].tried = &works->items[g] == search->from;
    }
    for (;;) {
        struct gpu_work *best = NULL;
        for (size_t g = 0; g < works->n; g++) {
            struct gpu_work *work = &works->items[g];
            if (!work->tried &&
                (best == NULL || work_preference(work, &claim) > work_preference(best, &claim))) {
                best = work;
            }
        }
        if (best == NULL) {
            return false;
        }
        best->tried = true;
        if (work_try(best, &claim, stored, NULL) == 0) {
            return true;
        }
    }
}

static void take_back(const struct search *search, const size_t *n_added)
{
    struct gpu_work *from = search->from;
    for (size_t i = 0; i < search->n_chosen; i++) {
        work_take_out(from->gone, &from->n_gone, search->chosen[i]);
        from->kept[from->n_kept++] = search->chosen[i];
    }
    for (size_t g = 0; g < search->works->n; g++) {
        struct gpu_work *work = &search->works->items[g];
        if (work == from || work->n_added != n_added[g]) {
            work->n_added = n_added[g];
            work_solve_again(work);
        }
    }
}

static bool try_set(struct search *search)
{
    struct gpu_work *from = search->from;
    CLEANUP_FREE size_t *n_added = xcalloc(search->works->n, sizeof(*n_added));
    for (size_t g = 0; g < search->works->n; g++) {
        n_added[g] = search->works->items[g].n_added;
    }
    for (size_t i = 0; i < search->n_chosen; i++) {
        work_take_out(from->kept, &from->n_kept, search->chosen[i]);
        from->gone[from->n_gone++] = search->chosen[i];
    }
    work_sort_gone(from);
    search->tries++;
    bool goes = work_try(from, search->claim, NULL, NULL) == 0;
    for (size_t i = 0; goes && i < search->n_chosen; i++) {
        goes = send(search, search->chosen[i]);
    }
    /* What was solved while some of them had nowhere to go yet would take them out of definitions.
     */
    goes = goes && work_solve(from, NULL) == 0;
    if (!goes) {
        take_back(search, n_added);
    }
    return goes;
}

/* ---- all sets, the smallest first ---- */

/* All sets with `n` more of the idle claims from `i` on. */
static bool choose(struct search *search, size_t i, size_t n)
{
    if (n == 0) {
        return try_set(search);
    }
    for (; i + n <= search->n_idle && search->tries < MAX_TRIES; i++) {
        search->chosen[search->n_chosen++] = search->idle[i];
        if (choose(search, i + 1, n - 1)) {
            return true;
        }
        search->n_chosen--;
    }
    return false;
}

static void list_idle(struct search *search, struct gpu_work *from)
{
    search->from = from;
    search->n_idle = 0;
    for (size_t i = 0; i < from->n_kept; i++) {
        bool fits = from->n_gone + search->n_idle < WORK_MAX_CLAIMS;
        if (fits && idle_is(from, from->kept[i], IDLE_FOR_ANOTHER_GPU)) {
            search->idle[search->n_idle++] = from->kept[i];
        }
    }
}

bool away_make(struct works *works, const struct claim *claim)
{
    struct search search = {.works = works, .claim = claim};
    bool more = works->n > 1;
    for (size_t n = 1; more; n++) {
        more = false;
        for (size_t g = 0; g < works->n; g++) {
            struct admitted ignored;
            struct gpu_work *from = &works->items[g];
            if (admit_on_gpu(from->planner, claim, from->gpu, &ignored, NULL) != 0) {
                continue;
            }
            list_idle(&search, from);
            search.n_chosen = 0;
            if (choose(&search, 0, n)) {
                return true;
            }
            more = more || (n < search.n_idle && search.tries < MAX_TRIES);
        }
    }
    return false;
}

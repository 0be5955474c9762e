/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/room.h"

#include <stdio.h>

#include "base/str.h"
#include "plan/group.h"
#include "plan/idle.h"
#include "plan/work_solve.h"

#define MAX_TRIES 1024 /* sets of claims that are tried for one claim on one GPU */
#define MAX_NAMED 3    /* moves that a hint names */

/* ---- one set ---- */

struct claim room_come_again(const struct claim *stored)
{
    struct claim claim = *stored;
    struct claim_device own = {0};
    claim.state = CLAIM_PENDING;
    claim.problem[0] = '\0';
    claim.assigned = (struct assignment){.set = false};
    if (claim_has_vgpu(stored) && claim_device(stored, &own)) {
        claim.reserved = own;
    }
    return claim;
}

/* Is it one that leaves another place on this very GPU? What comes from another GPU is as new here.
 */
static bool moves_here(const struct gpu_work *work, size_t i)
{
    return work->moved[i] != NULL &&
           pci_addr_cmp(&work->moved[i]->assigned.gpu, &work->gpu->addr) == 0;
}

/* Every moved claim stays where it is again; the new ones remain, in their order. */
static void move_none(struct gpu_work *work)
{
    size_t n = 0;
    for (size_t i = 0; i < work->n_added; i++) {
        if (moves_here(work, i)) {
            work_take_out(work->gone, &work->n_gone, work->moved[i]);
            work->kept[work->n_kept++] = work->moved[i];
            work->moved[i] = NULL;
        } else if (n++ != i) {
            work->added[n - 1] = work->added[i];
            work->moved[n - 1] = work->moved[i];
        }
    }
    work->n_added = n;
}

static bool add(struct gpu_work *work, const struct admitted *admitted, const struct claim *moved)
{
    if (work->n_added == WORK_MAX_CLAIMS) {
        return false;
    }
    work->moved[work->n_added] = moved;
    work->added[work->n_added++] = *admitted;
    return true;
}

static bool move_one(struct gpu_work *work, const struct claim *stored)
{
    struct admitted admitted;
    const struct claim claim = room_come_again(stored);
    if (work->n_gone == WORK_MAX_CLAIMS ||
        admit_on_gpu(work->planner, &claim, work->gpu, &admitted, NULL) != 0 ||
        !add(work, &admitted, stored)) {
        return false;
    }
    work_take_out(work->kept, &work->n_kept, stored);
    work->gone[work->n_gone++] = stored;
    return true;
}

/* The first `n_new` of the new claims, then `claim` (NULL: none), with these and no other moves. */
static bool arrange(struct gpu_work *work, size_t n_new, const struct admitted *claim,
                    const struct room *moves)
{
    move_none(work);
    work->n_added = n_new;
    if (claim != NULL && !add(work, claim, NULL)) {
        return false;
    }
    for (size_t i = 0; i < moves->n; i++) {
        if (!move_one(work, moves->items[i])) {
            return false;
        }
    }
    work_sort_gone(work);
    return work_solve(work, NULL) == 0 && group_check(work, NULL) == 0;
}

/* ---- all sets, the smallest first ---- */

/* Claims that move together or not at all: vGPUs that share an instance, as only an empty one makes
 * room; else one claim. */
struct unit {
    size_t first, n; /* of search.claims */
    bool chosen;
};

struct search {
    struct gpu_work *work;
    const struct admitted *claim;
    size_t n_new;
    const struct claim *claims[WORK_MAX_CLAIMS];
    size_t n_claims;
    struct unit units[WORK_MAX_CLAIMS];
    size_t n_units;
    unsigned tries;
    struct room found;
};

static bool same_instance(const struct claim *a, const struct claim *b)
{
    return a->spec.mode == CLAIM_TIME_SLICED_MIG_BACKED && b->spec.mode == a->spec.mode &&
           a->assigned.start == b->assigned.start && a->assigned.size == b->assigned.size;
}

/* Does a claim that comes ask for that very instance, so that one place on it may do? */
static bool is_asked_for(const struct search *search, const struct claim *claim)
{
    const struct gpu_work *work = search->work;
    bool asked = search->claim->claim.spec.start == claim->assigned.start;
    for (size_t i = 0; i < work->n_added; i++) {
        asked = asked || (work->moved[i] == NULL &&
                          work->added[i].claim.spec.start == claim->assigned.start);
    }
    return asked;
}

static void add_unit(struct search *search, const struct claim *first,
                     const struct claim *const *idle, size_t n_idle)
{
    struct unit *unit = &search->units[search->n_units++];
    *unit = (struct unit){.first = search->n_claims, .n = 0};
    bool alone = is_asked_for(search, first);
    for (size_t i = 0; i < n_idle; i++) {
        if (idle[i] == first || (!alone && same_instance(first, idle[i]))) {
            search->claims[search->n_claims++] = idle[i];
            unit->n++;
        }
    }
}

static bool is_listed(const struct search *search, const struct claim *claim)
{
    for (size_t i = 0; i < search->n_claims; i++) {
        if (search->claims[i] == claim) {
            return true;
        }
    }
    return false;
}

/* Claims that stay, and those that moved for an earlier claim, which may go back. */
static void list_units(struct search *search)
{
    const struct gpu_work *work = search->work;
    const struct claim *idle[2 * WORK_MAX_CLAIMS];
    size_t n = 0;
    for (size_t i = 0; i < work->n_added; i++) {
        if (moves_here(work, i)) {
            idle[n++] = work->moved[i];
        }
    }
    for (size_t i = 0; i < work->n_kept && n < WORK_MAX_CLAIMS; i++) {
        if (idle_is(work, work->kept[i], IDLE_FOR_ANOTHER_PLACE)) {
            idle[n++] = work->kept[i];
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (!is_listed(search, idle[i])) {
            add_unit(search, idle[i], idle, n);
        }
    }
}

static bool try_set(struct search *search)
{
    struct room *found = &search->found;
    found->n = 0;
    for (size_t u = 0; u < search->n_units; u++) {
        const struct unit *unit = &search->units[u];
        for (size_t i = 0; unit->chosen && i < unit->n; i++) {
            found->items[found->n++] = search->claims[unit->first + i];
        }
    }
    search->tries++;
    return arrange(search->work, search->n_new, search->claim, found);
}

/* All sets of units from `u` on, next to those that are chosen, with exactly `n` claims. */
static bool choose(struct search *search, size_t u, size_t n)
{
    if (n == 0) {
        return try_set(search);
    }
    for (; u < search->n_units && search->tries < MAX_TRIES; u++) {
        struct unit *unit = &search->units[u];
        if (unit->n > n) {
            continue;
        }
        unit->chosen = true;
        if (choose(search, u + 1, n - unit->n)) {
            return true;
        }
        unit->chosen = false;
    }
    return false;
}

/* With more of them moving there is more room, so that no set helps if all don't: soon said of a
 * GPU that is full. Not so by mdev, which keeps some vGPUs apart. */
static bool may_help(struct search *search)
{
    if (search->n_claims == 0 || search->work->gpu->iface == VGPU_IFACE_MDEV) {
        return search->n_claims > 0;
    }
    for (size_t u = 0; u < search->n_units; u++) {
        search->units[u].chosen = true;
    }
    bool helps = try_set(search);
    for (size_t u = 0; u < search->n_units; u++) {
        search->units[u].chosen = false;
    }
    return helps;
}

bool room_find(struct gpu_work *work, const struct admitted *claim, struct room *ret_moves)
{
    struct search search = {.work = work, .claim = claim};
    struct room before = {.n = 0};
    for (size_t i = 0; i < work->n_added; i++) {
        if (moves_here(work, i)) {
            before.items[before.n++] = work->moved[i];
        } else {
            search.n_new++;
        }
    }
    list_units(&search);
    bool found = false;
    bool may = may_help(&search);
    /* With fewer than moved for an earlier claim that one had no room. */
    for (size_t n = before.n > 0 ? before.n : 1; may && !found && n <= search.n_claims; n++) {
        found = choose(&search, 0, n);
    }
    if (search.tries > 0) {
        (void)arrange(work, search.n_new, NULL, &before);
    }
    *ret_moves = search.found;
    ret_moves->n_more = found ? search.found.n - before.n : 0;
    return found;
}

bool room_make(struct gpu_work *work, const struct admitted *claim, const struct room *moves)
{
    size_t n_new = 0;
    for (size_t i = 0; i < work->n_added; i++) {
        n_new += !moves_here(work, i);
    }
    return arrange(work, n_new, claim, moves);
}

/* ---- for the reader ---- */

void room_note(struct plan *plan, const struct gpu_work *work)
{
    for (size_t i = 0; i < work->n_added; i++) {
        if (work->moved[i] != NULL) {
            struct plan_move *move = vec_push(&plan->moves);
            *move = (struct plan_move){.from = work->moved[i]->assigned, .to = work->assigned[i]};
            STR_SET(move->claim, work->moved[i]->name);
        }
    }
}

void room_tell(const struct plan *plan, struct error *err)
{
    CLEANUP_STRBUF struct strbuf text = {0};
    for (size_t i = 0; i < plan->moves.n && i < MAX_NAMED; i++) {
        char one[MOVE_TEXT_SIZE];
        strbuf_addf(&text, "%s%s", i > 0 ? ", " : "",
                    plan_move_text(&plan->moves.items[i], one, sizeof(one)));
    }
    if (plan->moves.n > MAX_NAMED) {
        strbuf_addf(&text, ", and %zu more", plan->moves.n - MAX_NAMED);
    }
    if (plan->moves.n > 0) {
        error_hint(err, "`--move-idle` (moveIdle) makes room: %s; %s not in use", strbuf_str(&text),
                   plan->moves.n == 1 ? "it is" : "these are");
    }
}

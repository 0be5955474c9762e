/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines to other hosts: a worker for each, for a host may be silent for a minute per question.
 * There are a few. Any member can ask for any number of dry runs and moves, so root has some that
 * no other gets, VMs that move some that no dry run gets; and no question waits behind one that
 * matters less, be it put to the same host.
 */
#include "migration/peer_lines.h"

#include <assert.h>

#include "base/attr.h"
#include "base/log.h"
#include "base/str.h"
#include "migration/migrations.h"

/* How many workers may be busy with questions that matter no more. */
static const size_t limits[] = {
    [PEER_MEMBERS_TRIAL] = PEER_TRIALS_MAX - PEER_ROOTS_TRIALS,
    [PEER_ROOTS_TRIAL] = PEER_TRIALS_MAX,
    [PEER_MEMBERS_MOVE] = PEER_LINES_MAX - PEER_ROOTS_MOVES,
    [PEER_ROOTS_MOVE] = PEER_LINES_MAX,
};
static_assert(ARRAY_SIZE(limits) == PEER_RANKS, "one of each");

enum peer_rank peer_rank_of(const struct outgoing *outgoing)
{
    return outgoing->dry_run ? (outgoing->member ? PEER_MEMBERS_TRIAL : PEER_ROOTS_TRIAL)
                             : (outgoing->member ? PEER_MEMBERS_MOVE : PEER_ROOTS_MOVE);
}

static unsigned count_below(const struct peer_line *line, enum peer_rank rank)
{
    unsigned n = 0;
    for (enum peer_rank each = 0; each < rank; each++) {
        n += line->of_rank[each];
    }
    return n;
}

static struct peer_line *find(struct migrations *all, const char *address, enum peer_rank rank)
{
    for (size_t i = 0; i < all->n_lines; i++) {
        struct peer_line *line = &all->lines[i];
        if (line->jobs > 0 && count_below(line, rank) == 0 && str_eq(line->address, address)) {
            return line;
        }
    }
    return NULL;
}

static struct peer_line *find_idle(struct migrations *all)
{
    for (size_t i = 0; i < all->n_lines; i++) {
        if (all->lines[i].jobs == 0) {
            return &all->lines[i];
        }
    }
    return NULL;
}

static bool has_room(const struct migrations *all, enum peer_rank rank)
{
    size_t n = 0;
    for (size_t i = 0; i < all->n_lines; i++) {
        const struct peer_line *line = &all->lines[i];
        n += line->jobs > 0 && count_below(line, rank + 1) == line->jobs;
    }
    return n < limits[rank];
}

static struct peer_line *add(struct manager *m)
{
    struct migrations *all = m->migrations;
    struct peer_line *line = all->n_lines < PEER_LINES_MAX ? &all->lines[all->n_lines] : NULL;
    if (line == NULL) {
        return NULL;
    }
    int r = worker_new(m->config.loop, "peer", &line->worker);
    if (r != 0) {
        struct error err = {0};
        error_set_errno(&err, -r, "cleaved", "starting a thread that talks to another host");
        log_warning("%s", err.message);
        return NULL;
    }
    all->n_lines++;
    return line;
}

/* All are in use: behind the one with the fewest jobs. NULL: there is none at all. */
static struct peer_line *least_busy(struct migrations *all)
{
    struct peer_line *least = NULL;
    for (size_t i = 0; i < all->n_lines; i++) {
        if (least == NULL || all->lines[i].jobs < least->jobs) {
            least = &all->lines[i];
        }
    }
    return least;
}

struct peer_line *peer_lines_take(struct manager *m, const char *address, enum peer_rank rank)
{
    struct migrations *all = m->migrations;
    struct peer_line *line = find(all, address, rank);
    bool trial = rank <= PEER_ROOTS_TRIAL;
    if (line == NULL && has_room(all, rank)) {
        line = find_idle(all);
        line = line != NULL ? line : add(m);
        if (line != NULL) {
            STR_SET(line->address, address);
        }
    }
    line = line != NULL || trial ? line : least_busy(all);
    if (line != NULL) {
        line->jobs++;
        line->of_rank[rank]++;
    }
    return line;
}

void peer_line_give_back(struct peer_line *line, enum peer_rank rank)
{
    if (line != NULL) {
        line->jobs--;
        line->of_rank[rank]--;
    }
}

bool peer_lines_finish(struct migrations *all, uint64_t until_us)
{
    bool ended = true;
    for (size_t i = 0; i < all->n_lines; i++) {
        ended = worker_finish(all->lines[i].worker, until_us) && ended;
    }
    return ended;
}

void peer_lines_close(struct migrations *all)
{
    for (size_t i = 0; i < all->n_lines; i++) {
        worker_free(TAKE_PTR(all->lines[i].worker));
    }
}

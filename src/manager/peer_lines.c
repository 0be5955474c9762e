/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who talks to other hosts: a worker for each, for a host may be silent for a minute per question.
 * There are a few; dry runs, of which anybody can ask for any number, get half of them.
 */
#include "base/log.h"
#include "base/str.h"
#include "manager/migrations.h"

static struct peer_line *find(struct migrations *all, const char *address)
{
    for (size_t i = 0; i < all->n_lines; i++) {
        if (all->lines[i].jobs > 0 && str_eq(all->lines[i].address, address)) {
            return &all->lines[i];
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

static size_t count_trying(const struct migrations *all)
{
    size_t n = 0;
    for (size_t i = 0; i < all->n_lines; i++) {
        n += all->lines[i].jobs > 0 && all->lines[i].jobs == all->lines[i].trials;
    }
    return n;
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

struct peer_line *peer_lines_take(struct manager *m, const char *address, bool trial)
{
    struct migrations *all = m->migrations;
    struct peer_line *line = find(all, address);
    if (line == NULL && trial && count_trying(all) >= PEER_TRIALS_MAX) {
        return NULL;
    }
    if (line == NULL) {
        line = find_idle(all);
        line = line != NULL ? line : add(m);
        if (line != NULL) {
            STR_SET(line->address, address);
        }
    }
    line = line != NULL || trial ? line : least_busy(all);
    if (line != NULL) {
        line->jobs++;
        line->trials += trial;
    }
    return line;
}

void peer_line_give_back(struct peer_line *line, bool trial)
{
    if (line != NULL) {
        line->jobs--;
        line->trials -= trial;
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

/* SPDX-License-Identifier: Apache-2.0 */
#include "advise/serving_boards.h"

#include <stdlib.h>
#include <string.h>

#include "advise/choice.h"
#include "base/str.h"

#define MAX_NAMED 3

/* A board, and its best choice. */
struct server {
    const struct gpu_model *model;
    struct choice best;
};
struct servers {
    struct server *items;
    size_t n;
    size_t cap;
};

/* The board that is used best comes first, as in `cleave advise --catalog`. */
static int by_use(const void *a, const void *b)
{
    const struct server *x = a;
    const struct server *y = b;
    if (x->best.whole != y->best.whole) {
        return x->best.whole ? 1 : -1;
    }
    if (x->best.order != y->best.order) {
        return x->best.order < y->best.order ? -1 : 1;
    }
    return x->best.unused_mib != y->best.unused_mib
               ? (x->best.unused_mib < y->best.unused_mib ? -1 : 1)
               : strcmp(x->model->key, y->model->key);
}

static void find_servers(const struct rules *rules, const struct catalog *catalog,
                         const struct need *need, struct servers *ret_boards)
{
    struct choices choices = {0};
    for (size_t i = 0; i < catalog_count(catalog); i++) {
        choices.n = 0;
        choices_list(rules, catalog_at(catalog, i), need, &choices);
        if (choices.n > 0) {
            *vec_push(ret_boards) =
                (struct server){.model = catalog_at(catalog, i), .best = choices.items[0]};
        }
    }
    vec_done(&choices);
    if (ret_boards->n > 0) {
        qsort(ret_boards->items, ret_boards->n, sizeof(ret_boards->items[0]), by_use);
    }
}

static void add_servers(struct strbuf *out, const struct servers *boards)
{
    for (size_t i = 0; i < boards->n && i < MAX_NAMED; i++) {
        const struct server *board = &boards->items[i];
        const struct choice *best = &board->best;
        bool last = i + 1 == boards->n;
        strbuf_addf(out, "%s%s (%s)",
                    i == 0 ? ""
                    : last ? " and "
                           : ", ",
                    board->model->key,
                    best->type != NULL      ? best->type->name
                    : best->profile != NULL ? best->profile->name
                                            : claim_mode_name(best->mode));
    }
    if (boards->n > MAX_NAMED) {
        strbuf_addf(out, " and %zu more", boards->n - MAX_NAMED);
    }
}

/* ---- the word that is in the way ---- */

#define GIVE_UP(name, ...)                                                                         \
    static void name(struct need *need)                                                            \
    {                                                                                              \
        __VA_ARGS__;                                                                               \
    }
GIVE_UP(no_licences, need->any_licence = true)
GIVE_UP(no_unified_memory, need->unified_memory = false)
GIVE_UP(no_peer_traffic, need->peer_traffic = false)
GIVE_UP(no_scheduler, need->scheduler = SCHEDULER_UNKNOWN)
GIVE_UP(no_mixed, need->mixed = false)
GIVE_UP(no_migration, need->live_migration = false)
GIVE_UP(no_graphics, need->graphics = false)
GIVE_UP(no_guest, need->guest = GUEST_LINUX)
GIVE_UP(no_predictable, need->predictable = false)
GIVE_UP(no_isolation, need->isolation = ISOLATION_NONE; need->boundary = BOUNDARY_VM)
GIVE_UP(no_count, need->count = 0)
GIVE_UP(no_compute, need->compute = 0)
/* The one that costs its owner least to give up first; memory comes after all. */
static const struct {
    const char *word;
    void (*give_up)(struct need *need);
} words[] = {
    {"licences", no_licences},
    {"scheduler", no_scheduler},
    {"mixed", no_mixed},
    {"count", no_count},
    {"unifiedMemory", no_unified_memory},
    {"peerTraffic", no_peer_traffic},
    {"liveMigration", no_migration},
    {"predictable", no_predictable},
    {"isolation", no_isolation},
    {"compute", no_compute},
    {"graphics", no_graphics},
    {"guest", no_guest},
};

static bool is_served(const struct rules *rules, const struct catalog *catalog,
                      const struct need *need)
{
    struct choices choices = {0};
    for (size_t i = 0; i < catalog_count(catalog) && choices.n == 0; i++) {
        choices_list(rules, catalog_at(catalog, i), need, &choices);
    }
    bool served = choices.n > 0;
    vec_done(&choices);
    return served;
}

/* Less memory, the most that any board serves with the rest of the need. */
static void ask_for_most(const struct rules *rules, const struct catalog *catalog,
                         struct need *need)
{
    uint32_t served = 0;
    uint32_t refused = need->memory_mib;
    while (refused - served > 1) {
        need->memory_mib = served + (refused - served) / 2;
        if (is_served(rules, catalog, need)) {
            served = need->memory_mib;
        } else {
            refused = need->memory_mib;
        }
    }
    need->memory_mib = served;
}

/* False: nothing serves that either. */
static bool add_nearest(const struct rules *rules, const struct catalog *catalog,
                        const struct need *less, const char *word, struct strbuf *out)
{
    char text[NEED_TEXT_SIZE];
    struct servers boards = {0};
    find_servers(rules, catalog, less, &boards);
    bool found = boards.n > 0;
    if (found && word == NULL) {
        strbuf_addf(out, "with at most %s of memory ", need_memory_text(less->memory_mib, text));
    } else if (found) {
        strbuf_addf(out, "without \"%s\" ", word);
    }
    if (found) {
        add_servers(out, &boards);
    }
    vec_done(&boards);
    return found;
}

static bool give_up_one(const struct rules *rules, const struct catalog *catalog,
                        const struct need *need, struct strbuf *out)
{
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        struct need less = *need;
        words[i].give_up(&less);
        if (!need_is_same(&less, need) && add_nearest(rules, catalog, &less, words[i].word, out)) {
            return true;
        }
    }
    struct need less = *need;
    ask_for_most(rules, catalog, &less);
    return less.memory_mib > 0 && add_nearest(rules, catalog, &less, NULL, out);
}

const char *serving_boards_describe(const struct rules *rules, const struct catalog *catalog,
                                    const struct need *need, char out[SERVING_BOARDS_TEXT_SIZE])
{
    struct servers boards = {0};
    CLEANUP_STRBUF struct strbuf text = {0};
    find_servers(rules, catalog, need, &boards);
    if (boards.n > 0) {
        strbuf_add(&text, "of the catalog ");
        add_servers(&text, &boards);
        strbuf_add(&text, " would serve it");
    } else {
        CLEANUP_STRBUF struct strbuf nearest = {0};
        bool found = give_up_one(rules, catalog, need, &nearest);
        strbuf_addf(&text, "no board of the catalog serves it%s%s%s", found ? "; nearest: " : "",
                    strbuf_str(&nearest), found ? " would" : ", whichever one word is left out");
    }
    vec_done(&boards);
    (void)str_copy(out, SERVING_BOARDS_TEXT_SIZE, strbuf_str(&text));
    return out;
}

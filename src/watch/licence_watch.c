/* SPDX-License-Identifier: Apache-2.0 */
#include "watch/licence_watch.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "state/licence_book.h"
#include "state/state.h"
#include "state/txn.h"

/* A wall clock that moved so far against the monotonic one was set. */
#define CLOCK_JUMP_US (60ull * 1000000)
#define DAY_US (24ull * 3600 * 1000000)

/* What a look changes of the ledger: all of it as it will be, and what of it is to be written. */
struct update {
    struct manager *manager;
    struct licence_room room; /* of now */
    struct licence_uses uses;
    struct licence_months months;
    VEC(uint64_t) put;                    /* numbers of records that are new, or other ones */
    struct licence_uses folded;           /* records that go */
    char first_month[LICENCE_MONTH_SIZE]; /* the months from this one on are other ones; "" none */
    uint64_t last_number;
    bool pools[LICENCE_COUNT]; /* their records are other ones */
};

static void update_done(struct update *u)
{
    licence_room_done(&u->room);
    vec_done(&u->uses);
    licence_months_done(&u->months);
    vec_done(&u->put);
    vec_done(&u->folded);
}

/* ---- what is in use ---- */

static bool is_same_use(const struct licence_use *a, const struct licence_use *b)
{
    return a->product == b->product && a->vgpus == b->vgpus && str_eq(a->vm, b->vm) &&
           str_eq(a->gpu, b->gpu) && str_eq(a->tenant, b->tenant);
}

static struct licence_use use_of(const struct manager *m, const struct licence_holder *holder)
{
    struct licence_use use = {.product = holder->product, .vgpus = 1};
    STR_SET(use.vm, holder->vm);
    STR_SET(use.tenant, m->claims.items[holder->index].tenant);
    if (licence_unit(holder->product) == LICENCE_PER_GPU) {
        STR_SET(use.gpu, holder->gpu);
    }
    return use;
}

static void add_in_use(const struct licence_use *one, struct licence_uses *in_use)
{
    for (vec_each(in_use, use)) {
        if (use->product == one->product && str_eq(use->vm, one->vm) &&
            str_eq(use->gpu, one->gpu)) {
            use->vgpus++;
            return;
        }
    }
    *vec_push(in_use) = *one;
}

/* One for each VM, product and, where that counts, GPU. */
static void find_in_use(const struct update *u, struct licence_uses *in_use)
{
    const struct manager *m = u->manager;
    for (vec_each(&u->room.holders, holder)) {
        if (holder->on && m->claims.items[holder->index].state == CLAIM_BOUND) {
            const struct licence_use one = use_of(m, holder);
            add_in_use(&one, in_use);
        }
    }
}

/* ---- records ---- */

static void mark(struct update *u, const struct licence_use *use)
{
    for (vec_each(&u->put, number)) {
        if (*number == use->number) {
            return;
        }
    }
    *vec_push(&u->put) = use->number;
}

/* What VMs had when cleaved stopped can have ended at any time since; before a reboot it has. */
static void end(struct update *u, struct licence_use *use)
{
    const struct licence_book *book = u->manager->licences;
    uint64_t until_us = u->room.now_us;
    if (!book->looked && u->manager->boot_is_new) {
        uint64_t boot_us = clock_realtime_of(0);
        until_us = boot_us < until_us ? boot_us : until_us;
    }
    use->until_us = until_us > use->from_us ? until_us : use->from_us;
    use->end_unknown = !book->looked;
    mark(u, use);
}

/* A clock that is set moves what goes on along, so that its length stays right; what begins later
 * than now was written under a clock that was wrong. */
static void follow_clock(struct update *u)
{
    const struct licence_book *book = u->manager->licences;
    int64_t jump = book->clock_known ? (int64_t)(clock_realtime_of(0) - book->clock_us) : 0;
    bool jumped = jump > (int64_t)CLOCK_JUMP_US || jump < -(int64_t)CLOCK_JUMP_US;
    for (vec_each(&u->uses, use)) {
        if (use->until_us != 0) {
            continue;
        }
        uint64_t from_us = use->from_us;
        if (jumped) {
            bool fits = jump > 0 || from_us > (uint64_t)-jump;
            from_us = fits ? from_us + (uint64_t)jump : 1;
        }
        from_us = from_us > u->room.now_us ? u->room.now_us : from_us;
        if (from_us != use->from_us) {
            use->from_us = from_us;
            mark(u, use);
        }
    }
}

static void follow_vms(struct update *u)
{
    const struct licence_book *book = u->manager->licences;
    bool rebooted = !book->looked && u->manager->boot_is_new;
    struct licence_uses in_use = {0};
    find_in_use(u, &in_use);
    for (vec_each(&u->uses, use)) {
        bool goes_on = false;
        for (size_t i = 0; use->until_us == 0 && !rebooted && !goes_on && i < in_use.n; i++) {
            if (is_same_use(use, &in_use.items[i])) {
                vec_remove(&in_use, i);
                goes_on = true;
            }
        }
        if (use->until_us == 0 && !goes_on) {
            end(u, use);
        }
    }
    for (vec_each(&in_use, one)) {
        struct licence_use *use = vec_push(&u->uses);
        *use = *one;
        use->number = ++u->last_number;
        use->from_us = u->room.now_us;
        mark(u, use);
    }
    vec_done(&in_use);
}

static void fold(struct update *u)
{
    uint64_t until_us = licence_peaks_fold_time(&u->uses);
    if (until_us == 0) {
        return;
    }
    licence_peaks_fold(&u->uses, until_us, u->room.now_us, &u->months, &u->folded);
    uint64_t first_us = until_us;
    for (vec_each(&u->folded, use)) {
        first_us = use->from_us < first_us ? use->from_us : first_us;
    }
    (void)licence_month_of(first_us, u->first_month);
}

/* ---- pools ---- */

/* Days before its end that are worth an event, and 1 more; 1: it has expired; 0: none yet. */
static uint32_t days_of(const struct licence_pool *pool, uint64_t now_us)
{
    static const uint32_t days[] = {1, 7, 30};
    uint64_t end_us = licence_pool_end_us(pool);
    if (now_us >= end_us) {
        return 1;
    }
    for (size_t i = 0; i < ARRAY_SIZE(days); i++) {
        if (end_us - now_us <= days[i] * DAY_US) {
            return days[i] + 1;
        }
    }
    return 0;
}

static bool says_end(const struct licence_pool *pool, uint32_t days)
{
    return days != 0 && (pool->said_days == 0 || days < pool->said_days);
}

static void follow_pools(struct update *u)
{
    for (uint32_t i = 0; i < LICENCE_COUNT; i++) {
        const struct licence_pool *pool = &u->room.pools.items[i];
        bool lacks =
            licence_excess(&u->room.tally, &u->room.pools, (enum licence)i, u->room.now_us) > 0;
        u->pools[i] = pool->set && (lacks != pool->said_exceeded ||
                                    says_end(pool, days_of(pool, u->room.now_us)));
    }
}

static void put_pool(const struct update *u, struct txn *txn, enum licence product)
{
    char why[256];
    const struct licence_count *count = &u->room.tally.counts[product];
    const char *subject = SUBJECT("licence", licence_name(product));
    struct licence_pool pool = u->room.pools.items[product];
    uint64_t now_us = u->room.now_us;
    bool lacks = licence_excess(&u->room.tally, &u->room.pools, product, now_us) > 0;
    uint32_t days = days_of(&pool, now_us);
    if (says_end(&pool, days)) {
        txn_event(txn, EVENT_LICENCE_POOL_ENDS, subject, "", "%s %s",
                  days == 1 ? "it has expired:" : "it expires:", pool.expires);
        pool.said_days = days;
    }
    if (lacks && !pool.said_exceeded) {
        txn_event(
            txn, EVENT_LICENCE_EXCEEDED, subject, "", "%s",
            licence_lack_text(&pool, count->in_use + count->reserved, now_us, why, sizeof(why)));
    }
    pool.said_exceeded = lacks;
    CLEANUP_JSON json_t *document = licence_pool_to_stored_json(&pool);
    txn_put_record(txn, RECORD_LICENCE_POOL, licence_name(product), document);
}

/* ---- a look ---- */

static void update_make(struct manager *m, struct update *u)
{
    struct licence_book *book = m->licences;
    *u = (struct update){.manager = m, .last_number = book->last_number};
    licence_book_count(m, true, &u->room);
    for (vec_each(&book->uses, use)) {
        *vec_push(&u->uses) = *use;
    }
    for (vec_each(&book->months, month)) {
        struct licence_month *copy = vec_push(&u->months);
        *copy = *month;
        vec_own(&copy->uses, &month->uses);
    }
    follow_clock(u);
    follow_vms(u);
    fold(u);
    follow_pools(u);
}

static bool update_is_empty(const struct update *u)
{
    for (uint32_t i = 0; i < LICENCE_COUNT; i++) {
        if (u->pools[i]) {
            return false;
        }
    }
    return u->put.n == 0 && u->folded.n == 0;
}

/* The clock as it is now is what further records are written by. */
static void note_look(struct licence_book *book)
{
    book->looked = true;
    book->clock_us = clock_realtime_of(0);
    book->clock_known = true;
}

static void stored(const struct error *err, void *data)
{
    CLEANUP_FREE struct update *u = data;
    struct licence_book *book = u->manager->licences;
    book->storing = false;
    if (err != NULL) {
        log_warning("can't store which licences are in use: %s", err->message);
    } else {
        vec_done(&book->uses);
        licence_months_done(&book->months);
        book->uses = u->uses;
        book->months = u->months;
        book->last_number = u->last_number;
        u->uses = (struct licence_uses){0};
        u->months = (struct licence_months){0};
        note_look(book);
    }
    update_done(u);
}

static void put_months(struct update *u, struct txn *txn)
{
    for (vec_each(&u->months, month)) {
        if (strcmp(month->month, u->first_month) >= 0) {
            CLEANUP_JSON json_t *document = licence_month_to_stored_json(month);
            txn_put_record(txn, RECORD_LICENCE_MONTH, month->month, document);
        }
    }
    while (u->months.n > LICENCE_MONTHS_KEPT) {
        draft_delete_record(&txn->draft, RECORD_LICENCE_MONTH, u->months.items[0].month);
        licence_month_done(&u->months.items[0]);
        vec_remove(&u->months, 0);
    }
}

static bool is_put(const struct update *u, uint64_t number)
{
    for (vec_each(&u->put, put)) {
        if (*put == number) {
            return true;
        }
    }
    return false;
}

/* In the ledger's turn: made once more of what is stored and seen now. */
static void store_update(void *data)
{
    struct manager *m = data;
    struct update *u = xcalloc(1, sizeof(*u));
    char id[LICENCE_USE_ID_SIZE];
    struct txn txn;
    update_make(m, u);
    txn_begin(&txn, m);
    for (vec_each(&u->uses, use)) {
        if (is_put(u, use->number)) {
            licence_book_put_use(&txn.draft, use);
        }
    }
    for (vec_each(&u->folded, use)) {
        draft_delete_record(&txn.draft, RECORD_LICENCE_USE, licence_book_use_id(use->number, id));
    }
    if (u->folded.n > 0) {
        put_months(u, &txn);
    }
    for (uint32_t i = 0; i < LICENCE_COUNT; i++) {
        if (u->pools[i]) {
            put_pool(u, &txn, (enum licence)i);
        }
    }
    txn_commit_then(&txn, stored, u);
}

void licence_watch_look(struct manager *m, const struct host *now)
{
    struct licence_book *book = m->licences;
    struct update u;
    (void)now;
    if (!m->boot_checked || m->stopping || book->storing) {
        return;
    }
    update_make(m, &u);
    if (update_is_empty(&u)) {
        note_look(book);
    } else {
        book->storing = true;
        ledger_take_turn(m->ledger, store_update, m);
    }
    update_done(&u);
}

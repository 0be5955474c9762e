/* SPDX-License-Identifier: Apache-2.0 */
#include "state/licence_book.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "ledger/record_json.h"
#include "state/state.h"

struct licence_book *licence_book_new(void)
{
    return xcalloc(1, sizeof(struct licence_book));
}

void licence_book_free(struct licence_book *book)
{
    if (book != NULL) {
        vec_done(&book->uses);
        licence_months_done(&book->months);
        licence_room_done(&book->room);
        free(book);
    }
}

/* ---- what is stored ---- */

int licence_book_check_pool(const json_t *document, struct error *err)
{
    struct licence_pool pool = {0};
    return licence_pool_from_stored_json(document, &pool, err);
}

int licence_book_check_use(const json_t *document, struct error *err)
{
    struct licence_use use = {0};
    return licence_use_from_stored_json(document, &use, err);
}

int licence_book_check_month(const json_t *document, struct error *err)
{
    struct licence_month month = {0};
    int r = licence_month_from_stored_json(document, &month, err);
    licence_month_done(&month);
    return r;
}

static int load_use(struct licence_book *book, const struct record *record, struct error *err)
{
    CLEANUP_JSON json_t *document = NULL;
    int r = record_parse(record->text, &document, err);
    struct licence_use use = {0};
    r = r != 0 ? r : licence_use_from_stored_json(document, &use, err);
    if (r == 0) {
        *vec_push(&book->uses) = use;
        book->last_number = use.number > book->last_number ? use.number : book->last_number;
    }
    return r;
}

static int load_month(struct licence_book *book, const struct record *record, struct error *err)
{
    CLEANUP_JSON json_t *document = NULL;
    int r = record_parse(record->text, &document, err);
    struct licence_month *month = r == 0 ? vec_push(&book->months) : NULL;
    return month == NULL ? r : licence_month_from_stored_json(document, month, err);
}

int licence_book_load(struct manager *m, struct error *err)
{
    int r = 0;
    for (vec_each(&m->ledger->records[RECORD_LICENCE_USE], use)) {
        r = r != 0 ? r : load_use(m->licences, use, err);
    }
    for (vec_each(&m->ledger->records[RECORD_LICENCE_MONTH], month)) {
        r = r != 0 ? r : load_month(m->licences, month, err);
    }
    return r;
}

const char *licence_book_use_id(uint64_t number, char out[LICENCE_USE_ID_SIZE])
{
    (void)str_print(out, LICENCE_USE_ID_SIZE, "%020" PRIu64, number);
    return out;
}

void licence_book_put_use(struct draft *draft, const struct licence_use *use)
{
    char id[LICENCE_USE_ID_SIZE];
    CLEANUP_JSON json_t *document = licence_use_to_stored_json(use);
    draft_put_record(draft, RECORD_LICENCE_USE, licence_book_use_id(use->number, id), document);
}

/* ---- what is counted ---- */

static void read_pool(const struct record *record, struct licence_pools *pools)
{
    CLEANUP_JSON json_t *document = NULL;
    enum licence product = LICENCE_COUNT;
    struct error err = {0};
    if (!licence_parse(record->id, &product) || record_parse(record->text, &document, &err) != 0 ||
        licence_pool_from_stored_json(document, &pools->items[product], &err) != 0) {
        log_warning("the record of licence pool \"%s\" can't be read: %s", record->id, err.message);
    }
}

void licence_book_read_pools(const struct manager *m, struct licence_pools *ret_pools)
{
    *ret_pools = (struct licence_pools){0};
    for (vec_each(&m->ledger->records[RECORD_LICENCE_POOL], record)) {
        read_pool(record, ret_pools);
    }
}

void licence_book_count(const struct manager *m, bool with_vms, struct licence_room *ret_room)
{
    *ret_room = (struct licence_room){.now_us = clock_realtime_us()};
    licence_book_read_pools(m, &ret_room->pools);
    for (size_t i = 0; i < m->claims.n; i++) {
        const struct claim *claim = &m->claims.items[i];
        bool asks = with_vms && claim->vm[0] != '\0' && m->host != NULL;
        bool on = asks && vm_is_on(host_find_vm_of(m->host, claim->vm, claim->vm_uuid));
        if (claim_holds(claim) && licence_holders_add(&ret_room->holders, claim, on)) {
            ret_room->holders.items[ret_room->holders.n - 1].index = (uint32_t)i;
        }
    }
    licence_tally(&ret_room->holders, &ret_room->pools, ret_room->now_us, &ret_room->tally);
}

static bool any_refuses(const struct licence_pools *pools)
{
    for (uint32_t i = 0; i < LICENCE_COUNT; i++) {
        if (pools->items[i].set && pools->items[i].policy == LICENCE_REFUSE) {
            return true;
        }
    }
    return false;
}

const struct licence_room *licence_book_room(const struct manager *m)
{
    struct licence_book *book = m->licences;
    struct licence_pools pools;
    licence_book_read_pools(m, &pools);
    if (!any_refuses(&pools)) {
        return NULL;
    }
    licence_room_done(&book->room);
    licence_book_count(m, false, &book->room);
    return &book->room;
}

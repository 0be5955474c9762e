/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs/licences.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "model/body.h"
#include "model/encode.h"
#include "state/licence_book.h"
#include "state/state.h"
#include "state/txn.h"
#include "turn/queue.h"
#include "verbs/questions.h"

/* ---- rows ---- */

/* The month's peak of all, so far. */
static uint32_t peak_of(const struct licence_month_uses *month, enum licence product)
{
    for (vec_each(month, row)) {
        if (row->product == product && row->of_all) {
            return row->peak;
        }
    }
    return 0;
}

/* null: there is no pool, so that it is not known how many there are. */
static json_t *pool_to_json(const struct licence_room *room, enum licence product)
{
    const struct licence_pool *pool = &room->pools.items[product];
    if (!pool->set) {
        return json_null();
    }
    json_t *json = licence_pool_to_json(pool);
    json_object_set_new(
        json, "free",
        json_integer(licence_free(&room->tally, &room->pools, product, room->now_us)));
    json_object_set_new(
        json, "lacking",
        json_integer(licence_excess(&room->tally, &room->pools, product, room->now_us)));
    json_object_set_new(json, "expired",
                        json_boolean(licence_pool_has_expired(pool, room->now_us)));
    return json;
}

static json_t *row_to_json(const struct licence_room *room, const struct licence_month_uses *month,
                           enum licence product)
{
    const struct licence_count *count = &room->tally.counts[product];
    uint32_t peak = peak_of(month, product);
    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:o}", "product", licence_name(product),
                     "countedBy", licence_unit(product) == LICENCE_PER_GPU ? "gpu" : "vm", "inUse",
                     (json_int_t)count->in_use, "reserved", (json_int_t)count->reserved, "peak",
                     (json_int_t)(count->in_use > peak ? count->in_use : peak), "pool",
                     pool_to_json(room, product));
}

/* Of one month: from what is folded and what is not. */
static void read_month(const struct manager *m, const char *name, uint64_t now_us,
                       struct licence_month_uses *ret_month)
{
    uint64_t from_us = 0;
    uint64_t to_us = 0;
    (void)licence_month_bounds(name, &from_us, &to_us);
    licence_peaks(&m->licences->uses, from_us, to_us, now_us, ret_month);
    licence_peaks_merge(ret_month, licence_months_find(&m->licences->months, name));
}

static int answer_list(struct manager *m, const char *name, json_t **ret_body, struct error *err)
{
    struct licence_room room;
    struct licence_month_uses month = {0};
    char now[LICENCE_MONTH_SIZE];
    json_t *list = json_array();
    (void)name;
    (void)err;
    licence_book_count(m, true, &room);
    licence_month_of(room.now_us, now);
    read_month(m, now, room.now_us, &month);
    for (uint32_t i = 0; i < LICENCE_COUNT; i++) {
        json_array_append_new(list, row_to_json(&room, &month, (enum licence)i));
    }
    licence_room_done(&room);
    vec_done(&month);
    *ret_body = json_pack("{s:s, s:o}", "month", now, "licences", list);
    return 0;
}

void verb_list_licences(struct manager *m, const struct request *request)
{
    questions_ask(m, answer_list, "", request);
}

/* ---- the ledger of use ---- */

static json_t *use_to_json(const struct licence_month_use *row)
{
    json_t *json = schema_to_json(&licence_month_use_schema, row, FACE_API);
    json_object_set_new(json, "useSeconds", json_integer((json_int_t)(row->use_us / 1000000)));
    return json;
}

static json_t *records_to_json(const struct licence_uses *uses, uint64_t from_us, uint64_t to_us)
{
    json_t *list = json_array();
    for (vec_each(uses, use)) {
        if (use->from_us < to_us && (use->until_us == 0 || use->until_us > from_us)) {
            json_array_append_new(list, licence_use_to_json(use));
        }
    }
    return list;
}

static int answer_usage(struct manager *m, const char *name, json_t **ret_body, struct error *err)
{
    struct licence_month_uses month = {0};
    uint64_t from_us = 0;
    uint64_t to_us = 0;
    (void)err;
    (void)licence_month_bounds(name, &from_us, &to_us);
    read_month(m, name, clock_realtime_us(), &month);
    json_t *totals = json_array();
    json_t *tenants = json_array();
    for (vec_each(&month, row)) {
        json_array_append_new(row->of_all ? totals : tenants, use_to_json(row));
    }
    vec_done(&month);
    *ret_body = json_pack("{s:s, s:o, s:o, s:o, s:o, s:b}", "month", name, "from",
                          encode_time(from_us), "totals", totals, "usage", tenants, "records",
                          records_to_json(&m->licences->uses, from_us, to_us), "recordsWhole",
                          licence_months_find(&m->licences->months, name) == NULL);
    return 0;
}

void verb_list_licence_usage(struct manager *m, const struct request *request)
{
    char month[LICENCE_MONTH_SIZE];
    uint64_t from_us = 0;
    uint64_t to_us = 0;
    if (request->month == NULL) {
        licence_month_of(clock_realtime_us(), month);
    } else if (STR_SET(month, request->month) && licence_month_bounds(month, &from_us, &to_us)) {
        /* as it is */
    } else {
        struct error err = {0};
        error_set(&err, REASON_INVALID, "query month",
                  "month is a month such as 2026-11, not \"%s\"", request->month);
        request_refuse(request, &err);
        return;
    }
    questions_ask(m, answer_usage, month, request);
}

/* ---- pools ---- */

static int find_product(const char *text, enum licence *ret_product, struct error *err)
{
    if (licence_find(text, ret_product)) {
        return 0;
    }
    error_set(err, REASON_NOT_FOUND, SUBJECT("licence", text), "there is no product \"%s\"", text);
    error_hint(err, "products are vApps, vPC, vWS and \"NVIDIA AI Enterprise\" (nvaie)");
    return -REASON_NOT_FOUND;
}

/* Answers with the product as it is now; of a dry run, as it would be with the pool. */
static json_t *show_product(struct manager *m, enum licence product,
                            const struct licence_pool *pool)
{
    struct licence_room room;
    struct licence_month_uses month = {0};
    char now[LICENCE_MONTH_SIZE];
    licence_book_count(m, true, &room);
    if (pool != NULL) {
        room.pools.items[product] = *pool;
        licence_tally(&room.holders, &room.pools, room.now_us, &room.tally);
    }
    read_month(m, licence_month_of(room.now_us, now), room.now_us, &month);
    json_t *json = json_pack("{s:o}", "licence", row_to_json(&room, &month, product));
    licence_room_done(&room);
    vec_done(&month);
    return json;
}

static void stored(const struct error *err, void *data)
{
    struct change *change = data;
    enum licence product = LICENCE_COUNT;
    if (err != NULL) {
        change_refuse(change, err);
        return;
    }
    (void)licence_parse(change->name, &product);
    change_answer(change, show_product(change->manager, product, NULL));
}

/* A change of the pool of the product that the request names. NULL: it names none, and is refused.
 */
static struct change *new_pool_change(struct manager *m, const struct request *request)
{
    enum licence product = LICENCE_COUNT;
    struct error err = {0};
    if (find_product(request->target, &product, &err) != 0) {
        request_refuse(request, &err);
        return NULL;
    }
    return change_new(m, NULL, request, licence_name(product));
}

/* What events said of it stays said, unless what it was about has changed. */
static void set_in_turn(void *data)
{
    struct change *change = data;
    struct manager *m = change->manager;
    struct licence_pools pools;
    struct licence_pool pool = {0};
    enum licence product = LICENCE_COUNT;
    struct error err = {0};
    (void)licence_parse(change->name, &product);
    if (licence_pool_from_stored_json(change->json, &pool, &err) != 0) {
        change_refuse(change, &err);
        return;
    }
    if (change->dry_run) {
        change_answer(change, show_product(m, product, &pool));
        return;
    }
    licence_book_read_pools(m, &pools);
    const struct licence_pool *was = &pools.items[product];
    pool.said_exceeded = was->said_exceeded;
    pool.said_days = str_eq(was->expires, pool.expires) ? was->said_days : 0;
    CLEANUP_JSON json_t *document = licence_pool_to_stored_json(&pool);
    struct txn txn;
    txn_begin(&txn, m);
    txn_put_record(&txn, RECORD_LICENCE_POOL, change->name, document);
    txn_event(&txn, EVENT_LICENCE_POOL_SET, SUBJECT("licence", change->name), change->caller.author,
              "%u licence%s, %s%s; beyond them claims are %s%s%s", pool.count,
              pool.count == 1 ? "" : "s", pool.expires[0] != '\0' ? "until " : "for good",
              pool.expires, pool.policy == LICENCE_REFUSE ? "refused" : "warned of",
              pool.note[0] != '\0' ? "; " : "", pool.note);
    txn_commit_then(&txn, stored, change);
}

void verb_set_licence_pool(struct manager *m, const struct request *request)
{
    struct change *change = new_pool_change(m, request);
    if (change != NULL) {
        change->json = licence_pool_to_stored_json(request->body);
        change_take_ledger(change, NULL, set_in_turn);
    }
}

static void delete_in_turn(void *data)
{
    struct change *change = data;
    struct manager *m = change->manager;
    const struct licence_pool none = {0};
    enum licence product = LICENCE_COUNT;
    struct error err = {0};
    (void)licence_parse(change->name, &product);
    if (records_find(&m->ledger->records[RECORD_LICENCE_POOL], change->name) == NULL) {
        error_set(&err, REASON_NOT_FOUND, SUBJECT("licence", change->name),
                  "there is no pool of licences of %s", change->name);
        error_hint(&err, "`cleave licence list` shows the pools");
        change_refuse(change, &err);
        return;
    }
    if (change->dry_run) {
        change_answer(change, show_product(m, product, &none));
        return;
    }
    struct txn txn;
    txn_begin(&txn, m);
    draft_delete_record(&txn.draft, RECORD_LICENCE_POOL, change->name);
    txn_event(&txn, EVENT_LICENCE_POOL_DELETED, SUBJECT("licence", change->name),
              change->caller.author, "how many there are is not known now");
    txn_commit_then(&txn, stored, change);
}

void verb_delete_licence_pool(struct manager *m, const struct request *request)
{
    struct change *change = new_pool_change(m, request);
    if (change != NULL) {
        change_take_ledger(change, NULL, delete_in_turn);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Advice on a need: from a fresh look, or, when that is late, from the last one with its age. */
#include "verbs/advice.h"

#include "base/mem.h"
#include "base/str.h"
#include "plan/host_advice.h"
#include "state/licence_book.h"
#include "state/planner_view.h"
#include "state/state.h"
#include "verbs/waiting.h"
#include "watch/looks.h"
#include "watch/observe.h"

struct advice_question {
    struct need need;
    reply_fn *reply;
    void *data;
};

/* What the row's products have left in their pools: a product without a pool is not among them. */
static json_t *pools_of_row(const json_t *row, const struct licence_room *room,
                            bool said[LICENCE_COUNT])
{
    const json_t *products = json_object_get(row, "licences");
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(products); i++) {
        enum licence product = LICENCE_COUNT;
        if (!licence_parse(json_string_value(json_array_get(products, i)), &product) ||
            !room->pools.items[product].set) {
            continue;
        }
        const struct licence_pool *pool = &room->pools.items[product];
        said[product] = true;
        json_array_append_new(
            list,
            json_pack("{s:s, s:I, s:I, s:b, s:s}", "product", licence_name(product), "count",
                      (json_int_t)pool->count, "free",
                      (json_int_t)licence_free(&room->tally, &room->pools, product, room->now_us),
                      "expired", licence_pool_has_expired(pool, room->now_us), "policy",
                      licence_policy_name(pool->policy)));
    }
    return list;
}

static void add_note(json_t *body, const struct licence_room *room, enum licence product)
{
    const struct licence_pool *pool = &room->pools.items[product];
    char text[256];
    if (licence_pool_has_expired(pool, room->now_us)) {
        (void)str_print(text, sizeof(text), "The pool of licences of %s has expired (%s).",
                        licence_name(product), pool->expires);
    } else {
        (void)str_print(text, sizeof(text), "Of %u licence%s of %s, %u %s free.", pool->count,
                        pool->count == 1 ? "" : "s", licence_name(product),
                        licence_free(&room->tally, &room->pools, product, room->now_us),
                        pool->count == 1 ? "is" : "are");
    }
    json_array_append_new(json_object_get(body, "notes"), json_string(text));
}

static void add_pools(const struct manager *m, json_t *body)
{
    struct licence_room room;
    bool said[LICENCE_COUNT] = {false};
    const json_t *rows = json_object_get(body, "advice");
    licence_book_count(m, false, &room);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i);
        json_object_set_new(row, "licencePools", pools_of_row(row, &room, said));
    }
    for (uint32_t i = 0; i < LICENCE_COUNT; i++) {
        if (said[i]) {
            add_note(body, &room, (enum licence)i);
        }
    }
    licence_room_done(&room);
}

static void observed(struct manager *m, const struct error *err, void *data)
{
    CLEANUP_FREE struct advice_question *question = data;
    json_t *body = NULL;
    if (err == NULL) {
        struct host_advices advices = {0};
        struct planner planner = planner_view(m);
        planner.licences = licence_book_room(m);
        planner_advise(&planner, &question->need, &advices);
        body = host_advices_to_json(planner.rules, &advices);
        host_advices_done(&advices);
        add_pools(m, body);
        waiting_add_lateness(m, READ_PATIENCE_US, body);
    }
    question->reply(body, err, question->data);
}

void verb_advise_need(struct manager *m, const struct request *request)
{
    const struct need *need = request->body;
    struct advice_question *question = xcalloc(1, sizeof(*question));
    *question =
        (struct advice_question){.need = *need, .reply = request->reply, .data = request->data};
    observe_soon(m, READ_PATIENCE_US, observed, question);
}

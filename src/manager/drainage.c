/* SPDX-License-Identifier: Apache-2.0 */
/* A drain that is under way, with its calls of the manager; and what is stored of it. */
#include "base/json.h"
#include "base/stopping.h"
#include "base/str.h"
#include "manager/drains.h"

struct drainage *drainage_new(struct manager *m, struct drain *drain)
{
    struct drainage *d = xcalloc(1, sizeof(*d));
    d->manager = m;
    d->drain = drain;
    return d;
}

void drainage_free(struct drainage *d)
{
    if (d == NULL) {
        return;
    }
    if (d->calls.n > 0) {
        d->gone = true;
        return;
    }
    vec_done(&d->calls);
    evloop_timer_free(d->timer);
    drain_free(d->drain);
    free(d);
}

void drainage_answer(struct drainage *d, const struct error *err)
{
    json_t *body = err == NULL ? json_pack("{s:o}", "drain", drain_to_json(d->drain)) : NULL;
    struct drainage **place = &d->manager->drain_trials;
    while (*place != d) {
        place = &(*place)->next;
    }
    *place = d->next;
    d->reply(body, err, d->data);
    drainage_free(d);
}

struct caller drain_caller(const struct drainage *d, unsigned roles)
{
    struct caller caller = {.roles = roles};
    STR_SET(caller.author, d->drain->author);
    return caller;
}

struct drain_call *drain_call_new(struct drainage *d, size_t vm)
{
    struct drain_call *call = xcalloc(1, sizeof(*call));
    *call = (struct drain_call){.drainage = d, .vm = vm};
    *vec_push(&d->calls) = call;
    return call;
}

bool drain_call_end(struct drain_call *call, struct drainage **ret_d, size_t *ret_vm)
{
    CLEANUP_FREE struct drain_call *own = call;
    struct drainage *d = own->drainage;
    for (size_t i = d->calls.n; i > 0; i--) {
        if (d->calls.items[i - 1] == own) {
            vec_remove(&d->calls, i - 1);
        }
    }
    if (d->gone) {
        drainage_free(d);
        return false;
    }
    if (d->manager->stopping) {
        return false;
    }
    *ret_d = d;
    *ret_vm = own->vm;
    return true;
}

static void drainage_end(struct drainage *d)
{
    for (vec_each(&d->calls, call)) {
        free(*call);
    }
    d->calls.n = 0;
    if (d->dry_run) {
        struct error err = stopping_error();
        drainage_answer(d, &err);
    } else {
        drainage_free(d);
    }
}

void drains_free(struct manager *m)
{
    while (m->drain_trials != NULL) {
        drainage_end(m->drain_trials);
    }
    if (m->drainage != NULL) {
        drainage_end(m->drainage);
    }
}

void txn_put_drain(struct txn *txn, const struct drain *drain)
{
    if (txn->result != 0) {
        return;
    }
    struct store *store = txn->manager->config.store;
    CLEANUP_JSON json_t *json = drain_to_stored_json(drain);
    txn->result = store->ops->put_record(store, RECORD_DRAIN, DRAIN_KEY, json, &txn->err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A drain that is under way, with its calls of the manager; and what is stored of it. */
#include "drain/drain_run.h"

#include "base/json.h"
#include "base/str.h"
#include "model/operation_views.h"
#include "state/state.h"
#include "state/stored_operations.h"
#include "state/txn.h"

struct drain_run *drain_run_new(struct manager *m, struct drain *drain,
                                const struct operation_start *start)
{
    struct drain_run *d = xcalloc(1, sizeof(*d));
    struct operation_start own = *start;
    d->manager = m;
    d->drain = drain;
    own.id = drain->id[0] != '\0' ? drain->id : NULL;
    own.subject = "host";
    own.author = drain->author;
    own.created_us = drain->created_us;
    own.finished_us = drain->finished_us;
    own.state = drain_operation_state(drain->state);
    own.data = d;
    d->operation = operation_new(&m->operations, &own);
    d->operation->cancel = drain->state == DRAIN_CANCELLING || drain->state == DRAIN_CANCELLED;
    STR_SET(drain->id, d->operation->id);
    return d;
}

void drain_run_enter(struct drain_run *d, enum drain_state state)
{
    drain_move(d->drain, state);
    operation_follow(d->operation, drain_operation_state(state), d->drain->finished_us);
}

void drain_run_free(struct drain_run *d)
{
    if (d == NULL) {
        return;
    }
    operation_free(TAKE_PTR(d->operation));
    if (d->calls.n > 0) {
        d->gone = true;
        return;
    }
    vec_done(&d->calls);
    drain_free(d->drain);
    free(d);
}

void drain_run_keep(struct drain_run *d)
{
    if (d == NULL) {
        return;
    }
    operation_keep(d->operation);
    d->operation->shown->hint[0] = '\0'; /* it points to the host's drain */
    d->operation = NULL;
    drain_run_free(d);
}

void drain_run_answer(struct drain_run *d, const struct error *err)
{
    json_t *body = err == NULL ? json_pack("{s:o}", "drain", drain_to_json(d->drain)) : NULL;
    d->reply(body, err, d->data);
    drain_run_free(d);
}

struct caller drain_caller(const struct drain_run *d, unsigned roles)
{
    struct caller caller = {.roles = roles};
    STR_SET(caller.author, d->drain->author);
    return caller;
}

struct drain_call *drain_call_new(struct drain_run *d, size_t vm)
{
    struct drain_call *call = xcalloc(1, sizeof(*call));
    *call = (struct drain_call){.drain_run = d, .vm = vm};
    *vec_push(&d->calls) = call;
    return call;
}

bool drain_call_end(struct drain_call *call, struct drain_run **ret_d, size_t *ret_vm)
{
    CLEANUP_FREE struct drain_call *own = call;
    struct drain_run *d = own->drain_run;
    for (size_t i = d->calls.n; i > 0; i--) {
        if (d->calls.items[i - 1] == own) {
            vec_remove(&d->calls, i - 1);
        }
    }
    if (d->gone) {
        drain_run_free(d);
        return false;
    }
    if (d->manager->stopping) {
        return false;
    }
    *ret_d = d;
    *ret_vm = own->vm;
    return true;
}

void txn_put_drain(struct txn *txn, const struct drain *drain)
{
    struct operation_view view;
    CLEANUP_JSON json_t *body = drain_to_stored_json(drain);
    drain_to_operation(drain, &view);
    txn_put_operation(txn, &view, body);
}

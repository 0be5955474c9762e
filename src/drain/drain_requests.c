/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about the emptying of this host: begin, show, cancel, end. */
#include "drain/drain_requests.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/stopping.h"
#include "base/str.h"
#include "drain/drain_advance.h"
#include "drain/drain_plan.h"
#include "drain/drain_run.h"
#include "migration/migration_requests.h"
#include "model/drain.h"
#include "model/operation_views.h"
#include "state/gpu_records.h"
#include "state/state.h"
#include "state/txn.h"
#include "turn/operation_cancel.h"
#include "turn/queue.h"
#include "verbs/cordon.h"
#include "watch/observe.h"

#define DRAIN_CORDON "the host is being drained"

/* ---- its operation ---- */

static int drain_refuse_cancel(const struct operation *operation, struct error *err)
{
    const struct drain_run *d = operation->data;
    if (!drain_is_over(d->drain->state)) {
        return 0;
    }
    int r = error_set(err, REASON_CONFLICT, "drain", "the drain is over: %s",
                      drain_state_name(d->drain->state));
    error_hint(err, "`cleave host undrain` allows new claims on the host again");
    return r;
}

static int drain_put_cancel(const struct operation *operation, const char *author, struct txn *txn,
                            struct error *err)
{
    const struct drain_run *d = operation->data;
    struct drain next = *d->drain;
    (void)author;
    (void)err;
    drain_move(&next, DRAIN_CANCELLING);
    txn_put_drain(txn, &next);
    return 0;
}

static void drain_cancelled(struct operation *operation, const char *author)
{
    const struct drain_run *d = operation->data;
    (void)author;
    drain_move(d->drain, DRAIN_CANCELLING);
}

static void describe_drain(const struct operation *operation, struct operation_view *view)
{
    const struct drain_run *d = operation->data;
    drain_describe(d->drain, view);
}

/* The latest is the host's, unless that was ended. */
static int drain_found(struct manager *m, const struct operation_view *view, const json_t *body,
                       struct error *err)
{
    struct drain *drain = NULL;
    int r = drain_from_stored_json(body, &drain, err);
    if (r != 0) {
        return r;
    }
    if (drain->id[0] == '\0') { /* as it was stored before drains had one */
        STR_SET(drain->id, view->id);
    }
    const struct operation_start start = {.kind = &drain_kind, .resumed = true};
    struct drain_run *d = drain_run_new(m, drain, &start);
    d->unseen = true;
    drain_run_keep(m->drain_run);
    m->drain_run = drain->undrained ? NULL : d;
    drain_run_keep(drain->undrained ? d : NULL);
    return 0;
}

const struct operation_kind drain_kind = {.id = OPERATION_KIND_DRAIN,
                                          .url = "/v1/drain",
                                          .found = drain_found,
                                          .advance = drain_advance,
                                          .refuse_cancel = drain_refuse_cancel,
                                          .put_cancel = drain_put_cancel,
                                          .cancelled = drain_cancelled,
                                          .describe = describe_drain};

/* When nothing comes back any more. */
static void drain_run_end(struct drain_run *d)
{
    for (vec_each(&d->calls, call)) {
        free(*call);
    }
    d->calls.n = 0;
    if (d->operation->dry_run) {
        struct error err = stopping_error();
        drain_run_answer(d, &err);
    } else {
        drain_run_free(d);
    }
}

void drains_free(struct manager *m)
{
    for (size_t i = m->operations.items.n; i > 0; i--) {
        const struct operation *operation = m->operations.items.items[i - 1];
        if (operation->kind == &drain_kind && operation->data != NULL) {
            drain_run_end(operation->data);
        }
    }
}

/* ---- begin ---- */

static json_t *reply_drain(const struct drain *drain)
{
    return json_pack("{s:o}", "drain", drain_to_json(drain));
}

static int refuse_second(const struct manager *m, struct error *err)
{
    if (m->drain_run == NULL || drain_is_over(m->drain_run->drain->state)) {
        return 0;
    }
    int r = error_set(err, REASON_CONFLICT, "drain", "the host is being drained already");
    error_hint(err, "`cleave host drain --status` shows the progress, `cleave host drain --cancel` "
                    "ends the drain");
    return r;
}

struct beginning {
    struct change *change;
    struct drain_run *drain_run;
};

static void begun(const struct error *err, void *data)
{
    CLEANUP_FREE struct beginning *b = data;
    struct drain_run *d = b->drain_run;
    struct manager *m = d->manager;
    if (err != NULL) {
        drain_run_free(d);
        change_refuse(b->change, err);
        return;
    }
    drain_run_keep(m->drain_run); /* the one before, which is over */
    m->drain_run = d;
    operations_trim(&m->operations, OPERATION_KIND_DRAIN);
    change_answer(b->change, reply_drain(d->drain));
    drain_plan(d, drain_planned);
}

static void begin(struct change *change, struct drain_run *d)
{
    struct manager *m = change->manager;
    struct beginning *b = xcalloc(1, sizeof(*b));
    *b = (struct beginning){.change = change, .drain_run = d};
    struct txn txn;
    txn_begin(&txn, m);
    for (vec_each(&m->host->gpus, gpu)) {
        if (!txn_gpu_record(&txn, &gpu->addr).cordon.set) {
            txn_cordon(&txn, gpu, d->drain->author, DRAIN_CORDON);
        }
    }
    txn_put_drain(&txn, d->drain);
    txn_commit_then(&txn, begun, b);
}

/* In the ledger's turn. */
static void drain_in_turn(void *data)
{
    struct change *change = data;
    struct manager *m = change->manager;
    struct error own = {0};
    int r = refuse_second(m, &own);
    if (r == 0 && m->host->libvirt_problem[0] != '\0') {
        r = error_set(&own, REASON_UNAVAILABLE, "libvirt", "cleaved can't reach libvirt's VMs: %s",
                      m->host->libvirt_problem);
    }
    if (r != 0) {
        change_refuse(change, &own);
        return;
    }
    const struct operation_start start = {.kind = &drain_kind, .dry_run = change->dry_run};
    struct drain_run *d = drain_run_new(m, TAKE_PTR(change->drain), &start);
    if (!drain_collect(d)) {
        drain_run_free(d);
        error_set(&own, REASON_UNSUPPORTED, "drain",
                  "more than %d VMs run on this host, and one drain moves or stops no more of them",
                  DRAIN_MAX_VMS);
        error_hint(&own, "move or stop some of them first; `cleave vm list` shows them");
        change_refuse(change, &own);
        return;
    }
    if (change->dry_run) {
        d->reply = change->reply;
        d->data = change->data;
        change_detach(change);
        drain_plan(d, drain_planned);
        return;
    }
    begin(change, d);
}

static void drain_observed(struct manager *m, const struct error *err, void *data)
{
    (void)m;
    change_take_ledger(data, err, drain_in_turn);
}

static int check_targets(const struct drain *drain, const struct caller *caller, struct error *err)
{
    enum remote_rights rights = caller_is_root(caller) ? REMOTE_FOR_ROOT : REMOTE_FOR_ANYONE;
    int r = 0;
    for (size_t i = 0; r == 0 && i < drain->n_targets; i++) {
        const struct drain_target *target = &drain->targets[i];
        r = migrations_check_target(target->destination, target->peer, target->migrate_uri, rights,
                                    err);
    }
    return r;
}

void verb_drain_host(struct manager *m, const struct request *request)
{
    struct error err = {0};
    if (check_targets(request->body, request->caller, &err) != 0) {
        request_refuse(request, &err);
        return;
    }
    struct drain *drain = xcalloc(1, sizeof(*drain));
    *drain = *(const struct drain *)request->body; /* its VMs are to be found yet */
    STR_SET(drain->author, request->caller->author);
    drain->created_us = clock_realtime_us();
    struct change *change = change_new(m, NULL, request, "");
    change->drain = drain;
    observe_all(m, drain_observed, change);
}

/* ---- show, cancel, end ---- */

static int find_drain(const struct manager *m, struct error *err)
{
    return m->drain_run != NULL
               ? 0
               : error_set(err, REASON_NOT_FOUND, "drain", "this host is not being drained");
}

void verb_get_drain(struct manager *m, const struct request *request)
{
    struct error err = {0};
    if (find_drain(m, &err) != 0) {
        request_refuse(request, &err);
        return;
    }
    request_answer(request, reply_drain(m->drain_run->drain));
}

static json_t *show_cancelled(struct manager *m, const struct operation *operation)
{
    const struct drain_run *d = operation->data;
    (void)m;
    return reply_drain(d->drain);
}

void verb_cancel_drain(struct manager *m, const struct request *request)
{
    struct error err = {0};
    if (txn_call_in_turn(m, verb_cancel_drain, request)) {
        return;
    }
    if (find_drain(m, &err) != 0) {
        request_refuse(request, &err);
    } else {
        operation_cancel_for(m, m->drain_run->operation, request, show_cancelled);
    }
}

static void ended(const struct error *err, void *data)
{
    struct change *change = data;
    struct manager *m = change->manager;
    if (err != NULL) {
        change_refuse(change, err);
        return;
    }
    json_t *body = reply_drain(m->drain_run->drain);
    if (!change->dry_run) {
        m->drain_run->drain->undrained = true;
        drain_run_keep(TAKE_PTR(m->drain_run));
    }
    change_answer(change, body);
}

/* Ends the maintenance: the cordons of the drain go, and it is history. */
static void end_drain(struct change *change)
{
    struct manager *m = change->manager;
    const char *author = change->caller.author;
    struct txn txn;
    txn_begin(&txn, m);
    for (vec_each(&m->host->gpus, gpu)) {
        struct gpu_record record = txn_gpu_record(&txn, &gpu->addr);
        if (record.cordon.set && str_eq(record.cordon.why, DRAIN_CORDON)) {
            txn_uncordon(&txn, gpu, author);
        }
    }
    struct drain drain = *m->drain_run->drain; /* its VMs are borrowed */
    drain.undrained = true;
    txn_put_drain(&txn, &drain);
    txn_commit_then(&txn, ended, change);
}

/* In the ledger's turn. */
static void undrain_in_turn(void *data)
{
    struct change *change = data;
    struct manager *m = change->manager;
    struct error own = {0};
    int r = find_drain(m, &own);
    if (r == 0 && !drain_is_over(m->drain_run->drain->state)) {
        r = error_set(&own, REASON_CONFLICT, "drain", "the drain is not over: its state is %s",
                      drain_state_name(m->drain_run->drain->state));
        error_hint(&own, "cancel it first: `cleave host drain --cancel`");
    }
    if (r != 0) {
        change_refuse(change, &own);
    } else if (change->dry_run) {
        ended(NULL, change);
    } else {
        end_drain(change);
    }
}

static void undrain_observed(struct manager *m, const struct error *err, void *data)
{
    (void)m;
    change_take_ledger(data, err, undrain_in_turn);
}

void verb_undrain_host(struct manager *m, const struct request *request)
{
    observe_hardware(m, undrain_observed, change_new(m, NULL, request, ""));
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "state/plan_run.h"

#include "base/str.h"
#include "exec/runner.h"
#include "model/operation_views.h"
#include "state/listeners.h"
#include "state/state.h"

/* ---- following ---- */

static void follow(struct manager *m, const struct operation_view *view)
{
    struct operation *operation = operations_find(&m->operations, view->id);
    if (operation == NULL) {
        operation = operation_of_view(&m->operations, &plan_kind, view);
        operation->data = m;
    } else {
        operation_show(operation, view);
        operation_follow(operation, view->state, view->finished_us);
    }
    operation->cancel = view->cancel;
}

void plan_run_follow(struct manager *m, const struct plan *plan)
{
    struct operation_view view;
    plan_to_operation(plan, &view);
    follow(m, &view);
}

void plan_notes_add(struct plan_notes *notes, const struct plan *plan)
{
    plan_to_operation(plan, vec_push(notes));
}

void plan_notes_end(struct plan_notes *notes, struct manager *m, bool stored)
{
    for (vec_each(notes, view)) {
        if (stored) {
            follow(m, view);
        }
    }
    if (notes->n > 0) {
        operations_trim(&m->operations, OPERATION_KIND_PLAN);
    }
    vec_done(notes);
}

/* ---- its row ---- */

/* Of those that wait, for a call or for their turn. */
static struct plan *find_waiting(const struct manager *m, const char *id)
{
    for (vec_each(&m->parked, parked)) {
        if (str_eq(parked->plan->id, id)) {
            return parked->plan;
        }
    }
    for (size_t i = 0; i < m->n_unfinished; i++) {
        if (str_eq(m->unfinished[i]->id, id)) {
            return m->unfinished[i];
        }
    }
    return NULL;
}

const struct plan *plan_run_find(const struct manager *m, const char *id)
{
    const struct plan *const ones[] = {m->running, m->ended};
    for (size_t i = 0; i < ARRAY_SIZE(ones); i++) {
        if (ones[i] != NULL && str_eq(ones[i]->id, id)) {
            return ones[i];
        }
    }
    return find_waiting(m, id);
}

/* The rest is shown as it was stored last. */
static void run_describe(const struct operation *operation, struct operation_view *view)
{
    const struct plan *live = plan_run_find(operation->data, operation->id);
    if (live != NULL) {
        view->progress = plan_progress(live);
    }
}

/* A step of one that has no way back may begin before its cancel is stored. */
static int check_begun(const struct manager *m, const struct plan *plan, struct error *err)
{
    if (plan != m->running || !plan->no_undo) {
        return plan_check_cancel(plan, err);
    }
    error_set(err, REASON_CONFLICT, SUBJECT("plan", plan->id),
              "the plan can't be cancelled while it runs: there is no way back from its steps (%s)",
              plan->reason);
    error_hint(err, "`cleave plan show %s` has its steps", plan->id);
    return -REASON_CONFLICT;
}

static int run_refuse_cancel(const struct operation *operation, struct error *err)
{
    const struct manager *m = operation->data;
    const struct plan *plan = plan_run_find(m, operation->id);
    if (operation_is_over(operation)) {
        return 0; /* which is why */
    }
    if (plan == NULL) {
        return error_set(err, REASON_CONFLICT, SUBJECT("plan", operation->id),
                         "the plan can't be cancelled any more: it is at its end");
    }
    const char *owner = m->listeners->plans->operation_of(m, plan);
    if (owner == NULL) {
        return check_begun(m, plan, err);
    }
    error_set(err, REASON_UNSUPPORTED, SUBJECT("plan", plan->id),
              "the plan can't be cancelled alone: it is part of operation %s", owner);
    error_hint(err, "`cleave operation show %s` shows it", owner);
    return -REASON_UNSUPPORTED;
}

static int run_put_cancel(const struct operation *operation, const char *author, struct txn *txn,
                          struct error *err)
{
    (void)err;
    const struct manager *m = operation->data;
    const struct plan *plan = plan_run_find(m, operation->id);
    if (plan != NULL) {
        m->listeners->put_plan_cancel(txn, plan, author);
    }
    return 0;
}

static void run_cancelled(struct operation *operation, const char *author)
{
    const struct manager *m = operation->data;
    struct plan *waiting = find_waiting(m, operation->id);
    if (m->running != NULL && str_eq(m->running->id, operation->id)) {
        runner_cancel(m->runner, author);
    } else if (waiting != NULL) {
        STR_SET(waiting->cancelled_by, author);
    }
}

/* Nothing of it is ever scheduled: it has the turn, or waits for it. */
static void run_advance(struct operation *operation)
{
    (void)operation;
}

static int run_found(struct manager *m, const struct operation_view *view, const json_t *body,
                     struct error *err)
{
    (void)body; /* it is read when the plan goes on, or is shown */
    (void)err;
    follow(m, view);
    return 0;
}

const struct operation_kind plan_kind = {.id = OPERATION_KIND_PLAN,
                                         .url = "/v1/plans/",
                                         .url_has_id = true,
                                         .found = run_found,
                                         .advance = run_advance,
                                         .refuse_cancel = run_refuse_cancel,
                                         .put_cancel = run_put_cancel,
                                         .cancelled = run_cancelled,
                                         .describe = run_describe};

/* SPDX-License-Identifier: Apache-2.0 */
#include "state/plan_run.h"

#include "base/str.h"
#include "model/operation_views.h"
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

static const struct plan *find_live(const struct manager *m, const char *id)
{
    const struct plan *const ones[] = {m->running, m->ended};
    for (size_t i = 0; i < ARRAY_SIZE(ones); i++) {
        if (ones[i] != NULL && str_eq(ones[i]->id, id)) {
            return ones[i];
        }
    }
    return NULL;
}

/* The rest is shown as it was stored last. */
static void run_describe(const struct operation *operation, struct operation_view *view)
{
    const struct plan *live = find_live(operation->data, operation->id);
    if (live != NULL) {
        view->progress = plan_progress(live);
    }
}

static int run_refuse_cancel(const struct operation *operation, struct error *err)
{
    if (operation_is_over(operation)) {
        return 0; /* which is why */
    }
    error_set(err, REASON_UNSUPPORTED, SUBJECT("operation", operation->id),
              "%s can't be cancelled here", operation->shown->text);
    error_hint(err, "a plan runs to its end, or is undone when a step fails; `cleave plan show` "
                    "shows its steps");
    return -REASON_UNSUPPORTED;
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
                                         .describe = run_describe};

/* SPDX-License-Identifier: Apache-2.0 */
#include "state/plan_run.h"

#include "base/mem.h"
#include "base/str.h"
#include "state/state.h"

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

static void run_describe(const struct operation *operation, struct operation_view *view)
{
    const struct plan_run *run = operation->data;
    const struct plan *live = run->manager != NULL ? find_live(run->manager, operation->id) : NULL;
    STR_SET(view->text, run->text);
    STR_SET(view->problem, run->problem);
    STR_SET(view->hint, run->hint);
    view->progress = live != NULL ? plan_note_progress(live) : run->progress;
}

static int run_refuse_cancel(const struct operation *operation, struct error *err)
{
    const struct plan_run *run = operation->data;
    if (operation_is_over(operation)) {
        return 0; /* which is why */
    }
    error_set(err, REASON_UNSUPPORTED, SUBJECT("operation", operation->id),
              "%s can't be cancelled here", run->text);
    error_hint(err, "a plan ends on its own, or is undone when a step fails; `cleave plan show` "
                    "has its steps");
    return -REASON_UNSUPPORTED;
}

/* Nothing of it is ever scheduled: it has the turn, or waits for it. */
static void run_advance(struct operation *operation)
{
    (void)operation;
}

static const struct operation_kind plan_kind = {.id = OPERATION_KIND_PLAN,
                                                .url = "/v1/plans/",
                                                .url_has_id = true,
                                                .advance = run_advance,
                                                .refuse_cancel = run_refuse_cancel,
                                                .free = plan_run_free,
                                                .describe = run_describe};

/* ---- following ---- */

/* Forgets the oldest that are over. */
static void trim(struct manager *m)
{
    size_t over = 0;
    for (size_t i = m->operations.items.n; i > 0; i--) {
        struct operation *operation = m->operations.items.items[i - 1];
        bool is_one = operation->kind == &plan_kind && operation_is_over(operation);
        over += is_one;
        if (is_one && over > MAX_PLANS_LISTED) {
            operation_free(operation);
        }
    }
}

/* Takes the note. */
static void follow(struct manager *m, const struct plan_note *note)
{
    struct operation *operation = operations_find(&m->operations, note->id);
    note->run->manager = m;
    if (operation == NULL) {
        const struct operation_start start = {.kind = &plan_kind,
                                              .id = note->id,
                                              .subject = note->subject,
                                              .author = note->author,
                                              .created_us = note->created_us,
                                              .finished_us = note->finished_us,
                                              .state = note->state,
                                              .data = note->run};
        (void)operation_new(&m->operations, &start);
    } else {
        plan_run_free(operation->data);
        operation->data = note->run;
        operation_follow(operation, note->state, note->finished_us);
    }
    trim(m);
}

void plan_run_follow(struct manager *m, const struct plan *plan)
{
    const struct plan_note note = plan_note_of(plan);
    follow(m, &note);
}

void plan_notes_end(struct plan_notes *notes, struct manager *m, bool stored)
{
    for (vec_each(notes, note)) {
        if (stored) {
            follow(m, note);
        } else {
            plan_run_free(note->run);
        }
    }
    vec_done(notes);
}

/* ---- from the store ---- */

int plan_runs_load(struct manager *m, struct error *err)
{
    CLEANUP_FREE struct plan **plans = NULL;
    size_t n = 0;
    int r = ledger_load_plans(m->ledger, MAX_PLANS_LISTED, false, &plans, &n, err);
    while (r == 0 && n > 0) { /* the newest is the first */
        plan_run_follow(m, plans[--n]);
        plan_free(plans[n]);
    }
    for (size_t i = 0; r == 0 && i < m->n_unfinished; i++) {
        plan_run_follow(m, m->unfinished[i]);
    }
    return r;
}

int plan_run_load(const struct manager *m, const char *id, bool *ret_found,
                  struct operation_view *ret_view, struct error *err)
{
    CLEANUP(plan_freep) struct plan *plan = NULL;
    int r = ledger_load_plan(m->ledger, id, &plan, err);
    *ret_found = r == 0 && plan != NULL;
    if (*ret_found) {
        const struct plan_note note = plan_note_of(plan);
        struct operation operation = {.kind = &plan_kind,
                                      .state = note.state,
                                      .created_us = note.created_us,
                                      .finished_us = note.finished_us,
                                      .data = note.run};
        STR_SET(operation.id, note.id);
        STR_SET(operation.subject, note.subject);
        STR_SET(operation.author, note.author);
        operation_describe(&operation, ret_view);
        plan_run_free(note.run);
    }
    return r;
}

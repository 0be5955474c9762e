/* SPDX-License-Identifier: Apache-2.0 */
/* From a plan to its run: reserve, run. It goes on after a restart in resume.c; its end:
 * plan_end.c. */
#include "turn/plans.h"

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/str.h"
#include "plan/places.h"
#include "plan/unread.h"
#include "state/listeners.h"
#include "state/plan_run.h"
#include "state/reading.h"
#include "state/reply_json.h"
#include "state/state.h"
#include "state/txn.h"
#include "turn/plan_end.h"
#include "turn/plan_holds.h"
#include "turn/plan_licences.h"
#include "turn/queue.h"

/* ---- reserve ---- */

static void note_overrides(struct txn *txn, const struct plan *plan, const struct claim *claim)
{
    for (size_t i = 0; i < claim->overrides.n; i++) {
        txn_event(txn, EVENT_CLAIM_RULE_OVERRIDDEN, SUBJECT("claim", claim->name), plan->author,
                  "rule \"%s\": %s", claim->overrides.items[i].rule,
                  claim->overrides.items[i].reason);
    }
}

static void reserve_claim(struct txn *txn, const struct plan *plan, const struct plan_claim *entry)
{
    struct claim claim = entry->claim;
    switch (entry->verb) {
    case PLAN_BIND:
    case PLAN_DEALLOCATE:
        if (entry->verb == PLAN_DEALLOCATE && plan_claim_is_old(entry)) {
            claim_move(&claim, CLAIM_RELEASING);
            txn_put_claim(txn, &claim);
            break;
        }
        claim.state = CLAIM_PENDING;
        claim_move(&claim, CLAIM_BINDING);
        claim.problem[0] = '\0';
        txn_put_claim(txn, &claim);
        if (!plan_claim_is_old(entry)) {
            txn_event(txn, EVENT_CLAIM_CREATED, SUBJECT("claim", claim.name), plan->author,
                      "%s; plan %s", plan->reason, plan->id);
            note_overrides(txn, plan, &claim);
        }
        break;
    case PLAN_RELEASE:
        if (!plan_claim_is_replaced(plan, entry)) {
            claim_move(&claim, CLAIM_RELEASING);
            txn_put_claim(txn, &claim);
        }
        break;
    case PLAN_KEEP:
    case PLAN_RESTORE:
        break;
    }
}

/* Boards move to other addresses, and a reboot may come before the plan's end. */
static void note_boards(const struct manager *m, struct plan *plan)
{
    for (vec_each(&plan->steps, step)) {
        const struct gpu *gpu = m->host == NULL ? NULL : host_find_gpu_addr(m->host, &step->gpu);
        if (gpu != NULL && step->board[0] == '\0') {
            STR_SET(step->board, gpu_known_uuid(gpu));
        }
    }
}

static void reserve(struct txn *txn, const struct plan *plan)
{
    txn_put_plan(txn, plan);
    for (vec_each(&plan->claims, entry)) {
        reserve_claim(txn, plan, entry);
    }
}

void plans_note_progress(const struct plan *plan, size_t step, void *data)
{
    struct manager *m = data;
    m->step_since_us = clock_monotonic_us();
    char text[STEP_TEXT_SIZE];
    const struct step *current = &plan->steps.items[step];
    log_debug("plan %s: step %zu of %zu %s: %s", plan->id, step + 1, plan->steps.n,
              step_state_name(current->state), step_describe(current, text, sizeof(text)));
}

/* ---- running ---- */

/* A plan on its way to the store. It has the turn of the change that it is of. */
struct reserving {
    struct manager *manager;
    struct change *change; /* NULL: one of cleaved's own, for `then` */
    struct plan *plan;
    plan_end_fn *then;
    void *data;
    uint64_t facts; /* the ledger's, from which it was planned */
};

static void run_plan(struct manager *m, struct plan *plan)
{
    m->step_since_us = clock_monotonic_us();
    m->running = plan;
    m->n_plans++;
    runner_start(m->runner, plan);
}

/* Not begun: the turn is still there. */
static void reserve_failed(struct reserving *r, const struct error *err)
{
    struct manager *m = r->manager;
    holds_end(&m->holds, r->plan->id, 0);
    plan_free(r->plan);
    if (r->change != NULL) {
        change_refuse(r->change, err);
    } else {
        r->then(m, NULL, err, r->data);
    }
}

static void begin_of_change(struct manager *m, struct change *change, struct plan *plan)
{
    bool runs = plan->state == PLAN_RUNNING;
    change->in_turn = !runs; /* else the plan has the turn now */
    m->listeners->plans->reserved(m, change, plan);
    if (!runs) {
        holds_end(&m->holds, plan->id, 0);
    }
    change_answer(change,
                  change->show != NULL ? change->show(change) : reply_change(plan, &m->claims));
    if (!runs) {
        plan_free(plan);
        return;
    }
    run_plan(m, plan);
}

static void begin_of_own(const struct reserving *r)
{
    struct manager *m = r->manager;
    if (r->plan->state != PLAN_RUNNING) {
        CLEANUP(plan_freep) struct plan *done = r->plan;
        holds_end(&m->holds, done->id, 0);
        r->then(m, done, NULL, r->data);
        return;
    }
    m->then = r->then;
    m->then_data = r->data;
    run_plan(m, r->plan);
}

static void reserved(const struct error *err, void *data)
{
    CLEANUP_FREE struct reserving *r = data;
    struct plan *plan = r->plan;
    if (err != NULL) {
        reserve_failed(r, err);
        return;
    }
    log_info("plan %s (%s) by %s: %zu step%s", plan->id, plan->reason, plan->author, plan->steps.n,
             plan->steps.n == 1 ? "" : "s");
    if (r->change != NULL) {
        begin_of_change(r->manager, r->change, plan);
    } else {
        begin_of_own(r);
    }
}

/* In the ledger's turn. What the plan has in hand does not change from here on: its holds, and the
 * states of its claims, say so. */
static void reserve_in_turn(void *data)
{
    struct reserving *r = data;
    struct manager *m = r->manager;
    struct plan *plan = r->plan;
    struct txn txn;
    struct error err = {0};
    if (m->ledger->facts != r->facts) {
        error_set(&err, REASON_CONFLICT, "plan", "the host has changed since it was planned");
        error_hint(&err, "try again");
    } else {
        (void)plan_licences_check(m, r->change, plan, &err); /* a pool may have changed since */
    }
    if (err.reason != REASON_NONE) {
        reserve_failed(r, &err);
        free(r);
        return;
    }
    txn_begin(&txn, m);
    plan_move(plan, plan->steps.n > 0 ? PLAN_RUNNING : PLAN_DONE);
    note_boards(m, plan);
    reserve(&txn, plan);
    plan_licences_reserve(&txn, plan);
    m->listeners->plans->reserve(&txn, r->change, plan);
    if (plan->state == PLAN_DONE) { /* nothing to do: reserved and ended at once */
        plan->finished_us = clock_realtime_us();
        txn_end_plan(&txn, plan);
    }
    plan_holds_take(m, plan);
    txn_commit_then(&txn, reserved, r);
}

/* Gives the plan its name and stores it, as running or, with nothing to do, as done. */
static void reserve_plan(const struct reserving *what)
{
    struct manager *m = what->manager;
    struct plan *plan = what->plan;
    struct reserving *r = xcalloc(1, sizeof(*r));
    *r = *what;
    r->facts = m->ledger->facts;
    if (plan->id[0] == '\0') {
        id_uuid(plan->id);
    }
    plan->created_us = clock_realtime_us();
    if (plan->steps.n > 0 && m->host->pci_problem[0] != '\0') {
        struct error err = {0};
        error_set(&err, REASON_PERMISSION, "host", "%s", m->host->pci_problem);
        error_hint(&err, "run cleaved as root");
        reserve_failed(r, &err);
        free(r);
        return;
    }
    ledger_take_turn(m->ledger, reserve_in_turn, r);
}

/* What refuses a plan before its first step, and so in a dry run, too. */
static int check_plan(struct manager *m, const struct change *change, struct plan *plan,
                      struct error *err)
{
    int r = plan_holds_check(m, change != NULL ? change->operation : "", plan, err);
    r = r != 0 || m->host == NULL ? r : places_check_plan(m->host, &m->claims, plan, err);
    return r != 0 ? r : plan_licences_check(m, change, plan, err);
}

void change_carry_out(struct change *change, struct plan *plan)
{
    struct manager *m = change->manager;
    struct error err = {0};
    if (check_plan(m, change, plan, &err) != 0) {
        plan_free(plan);
        change_refuse(change, &err);
        return;
    }
    plan_end_note_lacking(m, plan);
    if (change->dry_run) {
        json_t *body = reply_change(plan, &m->claims);
        plan_free(plan);
        change_answer(change, body);
        return;
    }
    reserve_plan(&(struct reserving){.manager = m, .change = change, .plan = plan});
}

void plans_run(struct manager *m, struct plan *plan, plan_end_fn *fn, void *data)
{
    struct error err = {0};
    int r = check_plan(m, NULL, plan, &err);
    r = r != 0 || m->host == NULL ? r : plan_check_unread(m->host, plan, &err);
    if (r != 0) {
        plan_free(plan);
        fn(m, NULL, &err, data);
        return;
    }
    plan_end_note_lacking(m, plan);
    reserve_plan(&(struct reserving){.manager = m, .plan = plan, .then = fn, .data = data});
}

/* ---- its cancel ---- */

void txn_cancel_plan(struct txn *txn, const struct plan *plan, const char *author)
{
    CLEANUP(plan_freep) struct plan *next = plan_copy(plan);
    STR_SET(next->cancelled_by, author);
    txn_put_plan(txn, next);
    txn_event(txn, EVENT_PLAN_CANCELLING, SUBJECT("plan", plan->id), author, "%s", plan->reason);
}

/* ---- requests ---- */

static int read_plans(const struct manager *m, const struct request *request, json_t **ret_body,
                      struct error *err)
{
    CLEANUP_FREE struct plan **plans = NULL;
    size_t n = 0;
    (void)request;
    int r = ledger_load_plans(m->ledger, operation_limits[OPERATION_KIND_PLAN].listed, false,
                              &plans, &n, err);
    if (r == 0) {
        *ret_body = reply_plans(plans, n);
    }
    for (size_t i = 0; i < n; i++) {
        plan_free(plans[i]);
    }
    return r;
}

static void keep_plans(struct manager *m, json_t *body, uint64_t changes)
{
    json_decref(m->kept_plans.body);
    m->kept_plans = (struct kept_body){.body = json_incref(body), .stamp = changes};
}

void verb_list_plans(struct manager *m, const struct request *request)
{
    static const struct reading_question question = {.read = read_plans, .keep = keep_plans};
    const struct kept_body *kept = &m->kept_plans;
    if (kept->body != NULL && kept->stamp == m->ledger->changes) {
        request_answer(request, json_incref(kept->body));
        return;
    }
    reading_answer(m, request, &question);
}

static int read_plan(const struct manager *m, const struct request *request, json_t **ret_body,
                     struct error *err)
{
    CLEANUP(plan_freep) struct plan *plan = NULL;
    int r = ledger_load_plan(m->ledger, request->target, &plan, err);
    if (r == 0 && plan == NULL) {
        r = error_set(err, REASON_NOT_FOUND, SUBJECT("plan", request->target),
                      "there is no plan \"%s\"", request->target);
        error_hint(err, "`cleave plan list` shows the latest");
    }
    *ret_body = r == 0 ? plan_to_json(plan) : NULL;
    return r;
}

void verb_get_plan(struct manager *m, const struct request *request)
{
    static const struct reading_question question = {.read = read_plan};
    reading_answer(m, request, &question);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Plans of which a step does not come back: they give the turn away, keep what they have in hand,
 * and go on once the call has returned. The journal has them as running: a restart resumes them. */
#include "turn/parked.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "state/lateness.h"
#include "state/state.h"
#include "state/txn.h"
#include "turn/plan_holds.h"
#include "turn/resume.h"
#include "watch/looks.h"
#include "watch/observe.h"

struct delay_note {
    struct manager *manager;
    char plan[40];
    char author[NAME_SIZE];
    char text[ERROR_TEXT_SIZE];
};

static void delay_stored(const struct error *err, void *data)
{
    CLEANUP_FREE struct delay_note *note = data;
    if (err != NULL) {
        log_warning("can't store that plan %s waits: %s", note->plan, err->message);
    }
}

/* In the ledger's turn: the plan may have gone on by then. */
static void put_delay(void *data)
{
    struct delay_note *note = data;
    struct txn txn;
    txn_begin(&txn, note->manager);
    for (vec_each(&note->manager->parked, parked)) {
        if (str_eq(parked->plan->id, note->plan)) {
            txn_put_plan(&txn, parked->plan);
        }
    }
    txn_event(&txn, EVENT_PLAN_DELAYED, SUBJECT("plan", note->plan), note->author, "%s",
              note->text);
    txn_commit_then(&txn, delay_stored, note);
}

/* Reported with the plan while it waits; one that is being undone keeps why. */
static void note(struct manager *m, struct parked *parked, size_t at)
{
    char when[WHEN_SIZE];
    char what[STEP_TEXT_SIZE];
    struct plan *plan = parked->plan;
    struct delay_note *delay = xcalloc(1, sizeof(*delay));
    (void)step_describe(&plan->steps.items[at], what, sizeof(what));
    log_warning("plan %s (%s) waits: %s has not answered step %zu of %zu (%s) since %s", plan->id,
                plan->reason, lateness_port_name(parked->port), at + 1, plan->steps.n, what,
                lateness_when(parked->since_us, when));
    if (plan->state == PLAN_RUNNING) {
        str_print(plan->problem, sizeof(plan->problem),
                  "waits: %s has not answered since %s (step %zu of %zu: %s)",
                  lateness_port_name(parked->port), when, at + 1, plan->steps.n, what);
    }
    delay->manager = m;
    STR_SET(delay->plan, plan->id);
    STR_SET(delay->author, plan->author);
    str_print(delay->text, sizeof(delay->text),
              "%s: %s has not answered step %zu of %zu (%s) since %s", plan->reason,
              lateness_port_name(parked->port), at + 1, plan->steps.n, what, when);
    ledger_take_turn(m->ledger, put_delay, delay);
}

void parked_take_plan(struct plan *plan, size_t at, void *data)
{
    struct manager *m = data;
    enum port_kind port = step_kind_port(plan->steps.items[at].kind);
    enum observation_source source = port == PORT_GUEST ? SOURCE_GUESTS : SOURCE_HARDWARE;
    struct parked *parked = vec_push(&m->parked);
    *parked = (struct parked){.plan = plan,
                              .port = port,
                              .since_us = clock_monotonic_us() - looks_patience_us(m, source)};
    plan_end_fn *then = TAKE_PTR(m->then);
    m->running = NULL;
    plan_holds_take_parked(m, parked);
    note(m, parked, at);
    if (then != NULL) {
        then(m, plan, NULL, m->then_data); /* who waits for it hears so now */
    } else {
        resume_all(m);
    }
}

/* One that is cancelled before its first step has nothing to ask of the port. */
static bool may_go_on(const struct manager *m, const struct parked *parked)
{
    if (plan_is_cancelled(parked->plan) && !plan_was_begun(parked->plan)) {
        return true;
    }
    return !runner_waits_for(m->runner, parked->port) &&
           (parked->port != PORT_GUEST || m->host->libvirt_problem[0] == '\0');
}

bool parked_resume(struct manager *m)
{
    for (size_t i = 0; i < m->parked.n && !m->busy && !m->stopping; i++) {
        struct parked parked = m->parked.items[i];
        if (!may_go_on(m, &parked)) {
            continue;
        }
        vec_remove(&m->parked, i);
        resume_plan(m, parked.plan);
        return true;
    }
    return false;
}

static void seen(struct manager *m, const struct error *err, void *data)
{
    (void)err;
    (void)data;
    if (!m->stopping && !m->busy) {
        (void)parked_resume(m);
    }
}

void parked_port_returned(enum port_kind port, void *data)
{
    log_info("%s answers again", lateness_port_name(port));
    observe_all(data, seen, NULL);
}

void parked_free_all(struct manager *m)
{
    for (vec_each(&m->parked, parked)) {
        plan_free(parked->plan);
    }
    vec_done(&m->parked);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/runner.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "exec/read_back.h"
#include "exec/seat.h"
#include "exec/step_journal.h"

#define UNDO_ATTEMPTS 3
#define UNDO_RETRY_US 200000
#define NO_STEP SIZE_MAX

/* What the worker works on; the loop leaves it alone until `done`. */
struct runner_job {
    struct runner *runner;
    enum port_kind port;
    evloop_fn *work, *done;
    uint64_t late_us;   /* monotonic */
    atomic_bool parked; /* its plan no longer waits for it */
    struct step step;
    VEC(struct plan_spare) spares; /* the plan's, which may end before the job */
    bool again;                    /* it may have been begun before */
    int result;
    struct error err;
};

/* Goes on once the step in hand is in the journal; `err`: why it could not be written, or NULL. */
typedef void journalled_fn(struct runner *runner, const struct error *err);

struct runner {
    struct runner_config config;
    struct plan *plan; /* NULL when idle */
    size_t at;         /* step in hand */
    unsigned attempts; /* of its undo */
    bool again;        /* the undo in hand may have been begun before */
    bool halted;
    struct step_journal journal;
    journalled_fn *then;               /* waits for the journal; NULL: nothing does */
    struct runner_job *job;            /* its own until it is parked */
    unsigned n_parked[PORT_GUEST + 1]; /* jobs that have not come back */
    struct evloop_timer *timer;
};

static void job_free(struct runner_job *job)
{
    if (job != NULL) {
        vec_done(&job->spares);
        free(job);
    }
}
DEFINE_FREEP(struct runner_job *, job_free)

static void runner_advance(struct runner *runner);
static void job_is_late(void *data);
static void journalled(const struct error *err, void *data);

struct runner *runner_new(const struct runner_config *config)
{
    struct runner *runner = xcalloc(1, sizeof(*runner));
    runner->config = *config;
    runner->journal =
        (struct step_journal){.ledger = config->ledger, .then = journalled, .data = runner};
    if (config->parked != NULL) {
        (void)evloop_timer_new(config->loop, job_is_late, runner, &runner->timer);
    }
    return runner;
}

void runner_free(struct runner *runner)
{
    if (runner != NULL) {
        assert(runner->then == NULL);
        evloop_timer_free(runner->timer);
        plan_free(runner->plan);
        free(runner);
    }
}

void runner_halt(struct runner *runner)
{
    runner->halted = true;
}

bool runner_busy(const struct runner *runner)
{
    return runner->plan != NULL;
}

static struct step *current(struct runner *runner)
{
    return &runner->plan->steps.items[runner->at];
}

static void journalled(const struct error *err, void *data)
{
    struct runner *runner = data;
    journalled_fn *then = TAKE_PTR(runner->then);
    if (runner->config.progress != NULL) {
        runner->config.progress(runner->plan, runner->at, runner->config.data);
    }
    then(runner, err);
}

/* Writes the step in hand to the journal, together with what it made, or took away: `done` (may be
 * NULL) is what was done on the hardware. Then goes on with `then`. */
static void journal(struct runner *runner, const struct step *done, journalled_fn *then)
{
    runner->then = then;
    step_journal_put(&runner->journal, runner->plan, runner->at, done);
}

/* Writes the plan with all its steps. */
static void journal_plan(struct runner *runner, journalled_fn *then)
{
    runner->then = then;
    step_journal_put_plan(&runner->journal, runner->plan);
}

/* While undoing, a journal that can't be written stops nothing: the undo is idempotent, and a
 * restart repeats from an older entry. */
static void warn_of_journal(const struct runner *runner, const struct error *err)
{
    if (err != NULL) {
        log_warning("plan %s: %s", runner->plan->id, err->message);
    }
}

static void finish(struct runner *runner, enum plan_state state)
{
    struct plan *plan = TAKE_PTR(runner->plan);
    plan_move(plan, state);
    plan->finished_us = clock_realtime_us();
    runner->config.done(plan, runner->config.data);
}

static void blame(struct runner *runner, const struct error *err)
{
    plan_blame_step(runner->plan, runner->at, err);
    log_error("plan %s: %s", runner->plan->id, runner->plan->problem);
}

/* ---- undo ---- */

/* The last step of which something may be left that is to go. */
static size_t find_undoable(const struct plan *plan)
{
    for (size_t i = plan->steps.n; i > 0; i--) {
        enum step_state state = plan->steps.items[i - 1].state;
        bool stands = !plan->no_undo && (state == STEP_DONE || state == STEP_RUNNING);
        if (stands || state == STEP_UNDOING) {
            return i - 1;
        }
    }
    return NO_STEP;
}

static void undo_journalled(struct runner *runner, const struct error *err)
{
    warn_of_journal(runner, err);
    runner_advance(runner);
}

static void start_undo(struct runner *runner)
{
    plan_move(runner->plan, PLAN_UNDOING);
    journal_plan(runner, undo_journalled);
}

/* Between two steps. */
static void start_cancel(struct runner *runner)
{
    plan_blame_cancel(runner->plan);
    log_info("plan %s: %s", runner->plan->id, runner->plan->problem);
    start_undo(runner);
}

void runner_cancel(struct runner *runner, const char *author)
{
    STR_SET(runner->plan->cancelled_by, author);
}

static struct seat seat_of(const struct runner_job *job, struct step *step)
{
    return (struct seat){
        .step = step, .spares = job->spares.items, .n_spares = job->spares.n, .again = job->again};
}

static int check_step(struct runner_job *job, struct step *step)
{
    const struct seat seat = seat_of(job, step);
    return seat_check(&job->runner->config.ports, &seat, &job->err);
}

static int apply_step(struct runner_job *job, struct step *step)
{
    const struct seat seat = seat_of(job, step);
    return seat_apply(&job->runner->config.ports, &seat, &job->err);
}

static void undo_work(void *data)
{
    struct runner_job *job = data;
    if (!step_has_undo(job->step.kind)) {
        return; /* what it wiped is gone; the rest of the plan is taken back */
    }
    struct step undo = step_undo(&job->step);
    job->result = check_step(job, &undo);
    if (job->result == 0) {
        job->result = apply_step(job, &undo);
    }
    if (job->result == 0 && job->again && seat_needed(&job->step)) {
        const struct seat seat = seat_of(job, &job->step);
        job->result = seat_clear(&job->runner->config.ports, &seat, &job->err);
    }
    job->step.assigned_gi_id = undo.assigned_gi_id;
}

static void undo_again(void *data)
{
    runner_advance(data);
}

static void undone_journalled(struct runner *runner, const struct error *err)
{
    warn_of_journal(runner, err);
    runner->attempts = 0;
    runner_advance(runner);
}

static void stuck_journalled(struct runner *runner, const struct error *err)
{
    warn_of_journal(runner, err);
    finish(runner, runner->plan->no_undo ? PLAN_FAILED : PLAN_STUCK);
}

static void undo_done(void *data)
{
    struct runner *runner = data;
    struct step *step = current(runner);
    if (runner->job->result == 0) {
        if (step->kind == STEP_GI_DESTROY) {
            step->assigned_gi_id = runner->job->step.assigned_gi_id; /* the instance's new number */
        }
        bool has_undo = step_has_undo(step->kind);
        struct step undo = has_undo ? step_undo(step) : *step;
        step_move(step, step->problem[0] != '\0' ? STEP_FAILED : STEP_UNDONE);
        journal(runner, has_undo ? &undo : NULL, undone_journalled);
        return;
    }
    runner->attempts++;
    if (runner->attempts < UNDO_ATTEMPTS &&
        evloop_after(runner->config.loop, UNDO_RETRY_US, undo_again, runner) == 0) {
        return;
    }
    step_move(step, STEP_STUCK);
    plan_blame_undo(runner->plan, runner->at, &runner->job->err);
    log_error("plan %s: step %zu %s", runner->plan->id, runner->at + 1, step->problem);
    bool makes = step->kind == STEP_VGPU_CREATE || step->kind == STEP_GI_CREATE;
    journal(runner, makes ? step : NULL, stuck_journalled); /* it may stand there */
}

/* On the worker. One that was parked while it waited behind another leaves all to its plan. */
static void job_work(void *data)
{
    struct runner_job *job = data;
    if (!atomic_load(&job->parked)) {
        job->work(job);
    }
}

static void job_done(void *data)
{
    CLEANUP(job_freep) struct runner_job *job = data;
    struct runner *runner = job->runner;
    if (!atomic_load(&job->parked)) {
        job->done(runner); /* which may have the next one begun */
        runner->job = runner->job == job ? NULL : runner->job;
        return;
    }
    runner->n_parked[job->port]--;
    if (runner->n_parked[job->port] == 0 && !runner->halted) {
        runner->config.returned(job->port, runner->config.data);
    }
}

/* The plan goes on later from its journal: the step is running, and idempotent. */
static void job_is_late(void *data)
{
    struct runner *runner = data;
    struct runner_job *job = runner->job;
    uint64_t now_us = clock_monotonic_us();
    if (job == NULL || runner->halted) {
        return;
    }
    if (now_us < job->late_us) { /* the timer counts from when the loop woke up */
        (void)evloop_timer_set(runner->timer, job->late_us - now_us);
        return;
    }
    runner->job = NULL;
    runner->n_parked[job->port]++;
    atomic_store(&job->parked, true);
    runner->config.parked(TAKE_PTR(runner->plan), runner->at, runner->config.data);
}

void runner_lose_patience(struct runner *runner, enum port_kind port)
{
    if (runner->job != NULL && runner->job->port == port) {
        runner->job->late_us = 0;
        job_is_late(runner);
    }
}

static void submit(struct runner *runner, bool again, evloop_fn *work, evloop_fn *done)
{
    enum port_kind port = step_kind_port(current(runner)->kind);
    uint64_t patience_us = runner->config.patience_us[port];
    runner->job = xcalloc(1, sizeof(*runner->job));
    *runner->job = (struct runner_job){.runner = runner,
                                       .port = port,
                                       .work = work,
                                       .done = done,
                                       .late_us = clock_monotonic_us() + patience_us,
                                       .step = *current(runner),
                                       .again = again};
    runner->job->step.gi_id = seat_instance(runner->plan, current(runner));
    for (vec_each(&runner->plan->spares, spare)) {
        *vec_push(&runner->job->spares) = *spare;
    }
    if (runner->timer != NULL) {
        (void)evloop_timer_set(runner->timer, patience_us);
    }
    worker_submit(runner->config.workers[port], job_work, job_done, runner->job);
}

bool runner_waits_for(const struct runner *runner, enum port_kind port)
{
    return runner->n_parked[port] > 0;
}

static void undoing_journalled(struct runner *runner, const struct error *err)
{
    warn_of_journal(runner, err);
    if (!runner->halted) {
        submit(runner, runner->again, undo_work, undo_done);
    }
}

static enum plan_state undone_state(const struct plan *plan)
{
    return plan_is_cancelled(plan) ? PLAN_CANCELLED : plan->no_undo ? PLAN_FAILED : PLAN_UNDONE;
}

static void undo_next(struct runner *runner)
{
    size_t at = find_undoable(runner->plan);
    if (at == NO_STEP) {
        if (runner->plan->no_undo) {
            read_back_fill_claims(runner->plan);
        }
        finish(runner, undone_state(runner->plan));
        return;
    }
    runner->at = at;
    runner->again = current(runner)->state != STEP_DONE || runner->attempts > 0;
    if (current(runner)->state != STEP_UNDOING) {
        step_move(current(runner), STEP_UNDOING);
        journal(runner, NULL, undoing_journalled);
        return;
    }
    submit(runner, runner->again, undo_work, undo_done);
}

/* ---- forward ---- */

static void apply_work(void *data)
{
    struct runner_job *job = data;
    job->result = apply_step(job, &job->step);
}

/* A step that failed may have been half applied: it is undone like a finished step. */
static void apply_failed(struct runner *runner, const struct error *err)
{
    blame(runner, err);
    step_move(current(runner), STEP_UNDOING);
    start_undo(runner);
}

static void applied_journalled(struct runner *runner, const struct error *err)
{
    if (err != NULL) {
        apply_failed(runner, err);
        return;
    }
    runner_advance(runner);
}

static void apply_done(void *data)
{
    struct runner *runner = data;
    struct step *step = current(runner);
    if (runner->job->result != 0) {
        apply_failed(runner, &runner->job->err);
        return;
    }
    step->assigned_gi_id = runner->job->step.assigned_gi_id;
    step->gi_id = runner->job->step.gi_id;
    STR_SET(step->assigned_uuid, runner->job->step.assigned_uuid);
    step_move(step, STEP_DONE);
    journal(runner, step, applied_journalled);
}

static void check_work(void *data)
{
    struct runner_job *job = data;
    job->result = check_step(job, &job->step);
}

/* A step that was only planned has left nothing. One that was running when cleaved died may have:
 * the undo takes away what the step describes, and refuses what is someone else's. */
static void check_failed(struct runner *runner, const struct error *err)
{
    if (current(runner)->state == STEP_RUNNING) {
        apply_failed(runner, err);
        return;
    }
    blame(runner, err);
    step_move(current(runner), STEP_FAILED);
    start_undo(runner);
}

static void running_journalled(struct runner *runner, const struct error *err)
{
    if (err != NULL) {
        apply_failed(runner, err);
    } else if (!runner->halted) {
        submit(runner, false, apply_work, apply_done);
    }
}

static void check_done(void *data)
{
    struct runner *runner = data;
    struct step *step = current(runner);
    if (plan_is_cancelled(runner->plan)) {
        runner_advance(runner); /* a check has changed nothing */
        return;
    }
    if (runner->job->result != 0) {
        check_failed(runner, &runner->job->err);
        return;
    }
    if (runner->halted) {
        return;
    }
    if (step->state == STEP_PLANNED) {
        step_move(step, STEP_RUNNING);
        journal(runner, NULL, running_journalled);
        return;
    }
    submit(runner, true, apply_work, apply_done);
}

static size_t find_pending(const struct plan *plan)
{
    for (size_t i = 0; i < plan->steps.n; i++) {
        if (plan->steps.items[i].state != STEP_DONE) {
            return i;
        }
    }
    return NO_STEP;
}

static void forward_next(struct runner *runner)
{
    if (plan_is_cancelled(runner->plan)) {
        start_cancel(runner);
        return;
    }
    size_t at = find_pending(runner->plan);
    if (at == NO_STEP) {
        const struct runner_config *config = &runner->config;
        if (config->settle == NULL || !config->settle(runner->plan, config->data)) {
            read_back_fill_claims(runner->plan);
            finish(runner, PLAN_DONE);
        }
        return;
    }
    runner->at = at;
    submit(runner, current(runner)->state == STEP_RUNNING, check_work, check_done);
}

/* `err`: why not all is there, or NULL. */
static void end_settled(struct runner *runner, const struct error *err)
{
    struct plan *plan = runner->plan;
    if (err != NULL) {
        str_print(plan->problem, sizeof(plan->problem), "%s", err->message);
        log_error("plan %s: %s", plan->id, plan->problem);
    }
    read_back_fill_claims(plan);
    finish(runner, err == NULL ? PLAN_DONE : PLAN_FAILED);
}

static void more_journalled(struct runner *runner, const struct error *err)
{
    if (err != NULL) {
        end_settled(runner, err);
    } else {
        runner_advance(runner);
    }
}

void runner_settled(struct runner *runner, const struct error *err)
{
    if (runner->halted || runner->plan == NULL) {
        return; /* the journal has it as it was: the next start looks again */
    }
    if (err == NULL && find_pending(runner->plan) != NO_STEP) {
        journal_plan(runner, more_journalled);
    } else {
        end_settled(runner, err);
    }
}

static void runner_advance(struct runner *runner)
{
    if (runner->halted) {
        return;
    }
    if (runner->plan->state == PLAN_UNDOING) {
        undo_next(runner);
    } else {
        forward_next(runner);
    }
}

void runner_start(struct runner *runner, struct plan *plan)
{
    assert(runner->plan == NULL && plan->state == PLAN_RUNNING);
    runner->plan = plan;
    runner->attempts = 0;
    runner_advance(runner);
}

/* Did the journal see the undo begin, even if the plan's own entry could not be written? */
static bool undo_began(const struct plan *plan)
{
    for (vec_each(&plan->steps, step)) {
        if (step->state == STEP_FAILED || step->state == STEP_UNDOING ||
            step->state == STEP_UNDONE || step->state == STEP_STUCK) {
            return true;
        }
    }
    return false;
}

void runner_resume(struct runner *runner, struct plan *plan)
{
    assert(runner->plan == NULL);
    runner->plan = plan;
    runner->attempts = 0;
    if (plan->state == PLAN_RUNNING && undo_began(plan)) {
        plan_move(plan, PLAN_UNDOING);
    }
    runner_advance(runner);
}

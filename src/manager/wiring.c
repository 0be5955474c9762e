/* SPDX-License-Identifier: Apache-2.0 */
/* The manager put together: what it loads, its workers, its runner, who follows what; and how it
 * ends. */
#include "manager/manager.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/stopping.h"
#include "base/str.h"
#include "drain/drain_requests.h"
#include "lifecycle/lifecycle.h"
#include "manager/targets.h"
#include "manager/verb_table.h"
#include "migration/incoming_operation.h"
#include "migration/migration_life.h"
#include "migration/migration_plans.h"
#include "migration/outgoing_operation.h"
#include "restore/boot.h"
#include "restore/restorations.h"
#include "restore/restore_definitions.h"
#include "restore/restore_run.h"
#include "state/config.h"
#include "state/licence_book.h"
#include "state/listeners.h"
#include "state/made_record.h"
#include "state/plan_run.h"
#include "state/site_rules.h"
#include "state/small_records.h"
#include "state/state.h"
#include "state/store_probe.h"
#include "state/stored_operations.h"
#include "state/txn.h"
#include "turn/parked.h"
#include "turn/plan_end.h"
#include "turn/plans.h"
#include "turn/queue.h"
#include "turn/resume.h"
#include "turn/retry.h"
#include "turn/vm_lines.h"
#include "verbs/gpu_recover.h"
#include "verbs/questions.h"
#include "verbs/watched.h"
#include "vm/hook.h"
#include "watch/drift.h"
#include "watch/gone.h"
#include "watch/health.h"
#include "watch/hook_watch.h"
#include "watch/intruders.h"
#include "watch/licence_watch.h"
#include "watch/looks.h"
#include "watch/made.h"
#include "watch/observe.h"
#include "watch/seen.h"
#include "watch/unasked.h"
#include "watch/unlicensed.h"
#include "watch/vm_events.h"
#include "watch/vm_history.h"
#include "watch/vm_overlay.h"

/* Every state between two is left within the transaction that ends a plan. A claim found in one
 * without a plan lost it (a restored backup, an edited database): it is unknown what is on the
 * hardware, so it fails, keeps what it holds, and waits for its owner. */
static void reconcile_claim(struct txn *txn, const struct claim *found)
{
    struct claim claim = *found;
    snprintf(claim.problem, sizeof(claim.problem),
             "the claim was %s when cleaved stopped, and its plan is not in the store",
             claim_state_name(claim.state));
    claim_move(&claim, CLAIM_FAILED);
    txn_put_claim(txn, &claim);
    txn_event(txn, EVENT_CLAIM_FAILED, SUBJECT("claim", claim.name), "", "%s", claim.problem);
}

static bool has_plan(const struct manager *m, const struct claim *claim)
{
    for (size_t i = 0; i < m->n_unfinished; i++) {
        for (vec_each(&m->unfinished[i]->claims, entry)) {
            if (str_eq(entry->claim.name, claim->name)) {
                return true;
            }
        }
    }
    return false;
}

static int reconcile(struct manager *m, struct error *err)
{
    CLEANUP_FREE bool *lost = xcalloc(m->claims.n + 1, sizeof(*lost));
    size_t n_lost = 0;
    for (size_t i = 0; i < m->claims.n; i++) {
        const struct claim *claim = &m->claims.items[i];
        lost[i] = (claim->state == CLAIM_BINDING || claim->state == CLAIM_RELEASING) &&
                  !has_plan(m, claim);
        n_lost += lost[i];
    }
    if (n_lost == 0) {
        return 0;
    }
    struct txn txn;
    txn_begin(&txn, m);
    for (size_t i = 0; i < m->claims.n; i++) {
        if (lost[i]) {
            reconcile_claim(&txn, &m->claims.items[i]);
        }
    }
    return txn_commit(&txn, err);
}

static int load(struct manager *m, struct error *err)
{
    int r = ledger_open(m->config.store, &m->ledger, err);
    if (r == 0) {
        ledger_follow(m->ledger, txn_follow_ledger, m);
        txn_follow_ledger(m);
        /* All of them: a claim whose plan is left out would be taken for one that lost it. */
        r = ledger_load_plans(m->ledger, SIZE_MAX, true, &m->unfinished, &m->n_unfinished, err);
    }
    r = r != 0 ? r : small_records_check(m, err);
    r = r != 0 ? r : seen_load_boards(m, err);
    r = r != 0 ? r : vm_history_load(m, err);
    r = r != 0 ? r : licence_book_load(m, err);
    if (r == 0) {
        store_probe_open(m);
        made_record_fill(m);
    }
    return r != 0 ? r : reconcile(m, err);
}

static void observe_again(void *data)
{
    store_probe_run(data);
    observe_all(data, NULL, NULL);
}

/* All threads but those of migrations: in what hangs one of them can't hold up another. */
static int start_workers(struct manager *m, struct error *err)
{
    const struct {
        const char *name;
        struct worker **worker;
    } workers[] = {
        {"step-gpu", &m->step_workers[PORT_GPU]},
        {"step-pci", &m->step_workers[PORT_PCI]},
        {"vm-change", &m->step_workers[PORT_GUEST]},
    };
    int r = looks_open(m, observe_on_timeout);
    r = r != 0 ? r : vm_events_open(m);
    r = r != 0 ? r : watched_open(m);
    r = r != 0 ? r : operations_open(&m->operations, m->config.loop);
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(workers); i++) {
        r = worker_new(m->config.loop, workers[i].name, workers[i].worker);
    }
    r = r != 0 ? r : vm_lines_open(m);
    r = r != 0 ? r : ledger_work_aside(m->ledger, m->config.loop);
    m->guest_worker = m->step_workers[PORT_GUEST];
    return r == 0 ? 0 : error_set_errno(err, -r, "cleaved", "starting a worker thread");
}

static void all_seen(struct manager *m, const struct error *err, void *data)
{
    (void)err;
    (void)data;
    if (!m->stopping) {
        resume_all(m);
        operations_resume(&m->operations);
    }
}

static void boot_seen(struct manager *m, const struct error *err, void *data);

static void look_at_boot(void *data)
{
    struct manager *m = data;
    if (!m->stopping) {
        observe_hardware(m, boot_seen, NULL);
    }
}

/* False: the store can't keep what the boot means. That is tried again, as a plan's end is, and
 * nothing is changed meanwhile. */
static bool check_boot(struct manager *m)
{
    struct error err = {0};
    if (boot_check(m, &err) == 0) {
        backoff_reset(&m->commit_backoff);
        queue_open(m);
        return true;
    }
    log_error("after a reboot: %s", err.message);
    uint64_t pause_us = backoff_take(&m->commit_backoff, COMMIT_RETRY_US, COMMIT_RETRY_MAX_US);
    if (pause_us >= COMMIT_PATIENCE_US) {
        queue_shut(m, &err);
    }
    (void)evloop_after(m->config.loop, pause_us, look_at_boot, m);
    return false;
}

/* Nothing is done before it is known whether the host was rebooted. */
static void boot_seen(struct manager *m, const struct error *err, void *data)
{
    (void)data;
    if (m->stopping || (err == NULL && !check_boot(m))) {
        return;
    }
    if (m->n_unfinished > 0 && !restore_is_active(m->restore)) {
        observe_all(m, all_seen, NULL); /* a step of theirs may be about a VM */
        return;
    }
    resume_all(m);
    operations_resume(&m->operations);
}

/* ---- who follows what is seen ---- */

static hardware_listener_fn *const hardware_compared[] = {drift_note_gpus, NULL};
static hardware_listener_fn *const hardware_seen[] = {made_note_look, NULL};
static hardware_listener_fn *const hardware_taken[] = {
    seen_follow_boards, health_note,          intruders_note,        unlicensed_note,
    restorations_look,  retry_follow_repairs, watched_note_hardware, NULL,
};
static guests_listener_fn *const guests_compared[] = {unasked_note, NULL};
static guests_listener_fn *const guests_seen[] = {vm_history_look, gone_note, NULL};
static guests_listener_fn *const guests_taken[] = {lifecycle_reconcile_claims, boot_on_libvirt_up,
                                                   watched_note_guests, licence_watch_look, NULL};

static void note_again(struct manager *m)
{
    seen_judge_boards(m);
    health_note(m, NULL);
}

/* Kinds that are stored; others begin again where there is reason to. */
static const struct operation_kind *const operation_kinds[OPERATION_KIND_COUNT] = {
    [OPERATION_KIND_PLAN] = &plan_kind,
    [OPERATION_KIND_MIGRATION] = &migration_kind,
    [OPERATION_KIND_INCOMING] = &incoming_kind,
    [OPERATION_KIND_DRAIN] = &drain_kind,
    [OPERATION_KIND_RESTORATION] = &restoration_kind,
};

static const struct listeners listeners = {
    .hardware_compared = hardware_compared,
    .hardware_seen = hardware_seen,
    .hardware_taken = hardware_taken,
    .guests_compared = guests_compared,
    .guests_seen = guests_seen,
    .guests_taken = guests_taken,
    .plans = &migrations_follow_plans,
    .kinds = operation_kinds,
    .put_plan_cancel = txn_cancel_plan,
    .take_turn = parked_resume,
    .note_again = note_again,
    .vm_refused = restore_definitions_note_refused,
};

/* ---- life ---- */

/* What nouns keep to themselves. */
static void make_parts(struct manager *m)
{
    m->looks = looks_new();
    m->licences = licence_book_new();
    m->queue = queue_new();
    m->gone = gone_new();
    m->vm_history = vm_history_new();
    m->intruded = intruded_new();
    m->unlicensed = unlicensed_new();
    m->answers = answers_new();
    m->restore = xcalloc(1, sizeof(*m->restore));
    m->hook_watch = xcalloc(1, sizeof(*m->hook_watch));
}

int manager_new(const struct manager_config *config, struct manager **ret_manager,
                struct error *err)
{
    CLEANUP(manager_freep) struct manager *m = xcalloc(1, sizeof(*m));
    m->config = *config;
    m->rules = config->rules;
    m->listeners = &listeners;
    m->service =
        (struct service){.manager = m, .functions = manager_verbs, .find_target = targets_find};
    m->boards = boards_new(config->catalog);
    make_parts(m);
    m->busy = true; /* until what was left unfinished is done */
    int r = load(m, err);
    if (r == 0) {
        r = start_workers(m, err);
    }
    if (r != 0) {
        return r;
    }
    struct runner_config runner = {.loop = config->loop,
                                   .workers = {m->step_workers[PORT_GPU], m->step_workers[PORT_PCI],
                                               m->step_workers[PORT_GUEST]},
                                   .ledger = m->ledger,
                                   .ports = config->ports,
                                   .progress = plans_note_progress,
                                   .done = plan_end_done,
                                   .parked = parked_take_plan,
                                   .returned = parked_port_returned,
                                   .patience_us = {looks_patience_us(m, SOURCE_HARDWARE),
                                                   looks_patience_us(m, SOURCE_HARDWARE),
                                                   looks_patience_us(m, SOURCE_GUESTS)},
                                   .settle = gpu_recover_settle,
                                   .data = m};
    m->runner = runner_new(&runner);
    r = migrations_open(m, err);
    r = r != 0 ? r : stored_operations_load(m, err);
    if (r != 0) {
        return r;
    }
    if (config->observe_period_us > 0) {
        observe_all(m, NULL, NULL);
        r = evloop_every(config->loop, config->observe_period_us, observe_again, m);
        if (r != 0) {
            return error_set_errno(err, -r, "cleaved", "starting a timer");
        }
    }
    site_rules_begin(m, config->rules, config->rules_problem);
    health_watch(m);
    observe_hardware(m, boot_seen, NULL);
    *ret_manager = TAKE_PTR(m);
    return 0;
}

void manager_use_rules(struct manager *m, const struct rules *rules)
{
    site_rules_take(m, rules);
}

void manager_refuse_rules(struct manager *m, const struct error *problem)
{
    site_rules_refuse(m, problem);
}

const struct service *manager_service(struct manager *m)
{
    return &m->service;
}

/* Everyone who still waits gets an answer. */
static void refuse_all(struct manager *m)
{
    struct error err = stopping_error();
    looks_refuse_all(m, &err);
    hook_refuse_all(m, &err);
    plan_end_fn *then = TAKE_PTR(m->then);
    if (then != NULL) {
        then(m, NULL, &err, m->then_data);
    }
    queue_refuse_all(m, &err);
}

void manager_stop(struct manager *m)
{
    if (m == NULL || m->stopping) {
        return;
    }
    m->stopping = true;
    operations_stop(&m->operations);
    if (m->runner != NULL) {
        runner_halt(m->runner);
    }
    refuse_all(m);
}

bool manager_finish(struct manager *m, uint64_t until_us)
{
    if (m == NULL || m->finished) {
        return true;
    }
    m->finished = true;
    manager_stop(m);
    health_unwatch(m);
    struct worker *workers[] = {
        m->step_workers[PORT_GPU],
        m->step_workers[PORT_PCI],
        m->step_workers[PORT_GUEST],
    };
    bool all = migrations_finish(m, until_us);
    vm_lines_finish(m, until_us, &all);
    all = looks_finish(m, until_us) && all;
    for (size_t i = 0; i < ARRAY_SIZE(workers); i++) {
        all = worker_finish(workers[i], until_us) && all;
    }
    evloop_run_posts(m->config.loop); /* what they did is journalled */
    txn_finish_events(m);
    drafts_finish(m->ledger);
    return all;
}

void manager_free(struct manager *m)
{
    if (m == NULL) {
        return;
    }
    (void)manager_finish(m, UINT64_MAX);
    migrations_close(m);
    vm_lines_close(m);
    for (size_t i = 0; i < ARRAY_SIZE(m->step_workers); i++) {
        worker_free(m->step_workers[i]);
    }
    looks_close(m);
    vm_events_close(m);
    watched_close(m);
    ledger_end_aside(m->ledger); /* the runner, among others, waits for what it stores */
    json_decref(m->kept_plans.body);
    json_decref(m->kept_made.body);
    answers_free(m->answers);
    refuse_all(m); /* what the workers' last jobs asked for */
    restore_run_done(m->restore);
    free(m->restore);
    hook_watch_done(m->hook_watch);
    free(m->hook_watch);
    runner_free(m->runner);
    parked_free_all(m);
    while (m->n_unfinished > 0) {
        plan_free(m->unfinished[--m->n_unfinished]);
    }
    free(m->unfinished);
    plan_free(m->ended);
    host_free(m->host);
    boards_free(m->boards);
    holds_done(&m->holds);
    vec_done(&m->hooks);
    intruded_free(m->intruded);
    unlicensed_free(m->unlicensed);
    vec_done(&m->claim_notes);
    txn_free_events(m);
    vm_overlays_done(m);
    vec_done(&m->refused);
    vec_done(&m->failed_plans);
    gone_free(m->gone);
    vm_history_free(m->vm_history);
    licence_book_free(m->licences);
    seen_boards_done(&m->seen_boards);
    vec_done(&m->reported);
    vec_done(&m->pending_quarantines);
    migrations_free(m);
    drains_free(m);
    operations_close(&m->operations);
    ledger_free(m->ledger);
    looks_free(m->looks);
    queue_free(m->queue);
    free(m->vm_lines);
    free(m);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "restore/restorations.h"

#include "base/clock.h"
#include "base/id.h"
#include "base/json.h"
#include "base/str.h"
#include "plan/outlook.h"
#include "restore/restore_absent.h"
#include "restore/restore_definitions.h"
#include "restore/restore_gpu.h"
#include "restore/restore_record.h"
#include "restore/restore_run.h"
#include "restore/stale.h"
#include "state/boot_record.h"
#include "state/listeners.h"
#include "state/planner_view.h"
#include "state/state.h"
#include "state/txn.h"
#include "turn/plans.h"
#include "turn/queue.h"
#include "turn/repeats.h"
#include "turn/resume.h"
#include "watch/looks.h"
#include "watch/observe.h"

static void forget(struct restore_run *run)
{
    for (vec_each(&run->gpus, gpu)) {
        restore_gpu_done(gpu);
    }
    vec_done(&run->gpus);
    vec_done(&run->absent);
    run->said[0] = '\0';
}

void restore_run_done(struct restore_run *run)
{
    forget(run);
    vec_done(&run->before);
    operation_free(TAKE_PTR(run->operation));
    operation_free(TAKE_PTR(run->found));
}

/* ---- the run ---- */

static void enqueue(struct manager *m);

static void restoration_advance(struct operation *operation)
{
    const struct restore_run *run = operation->data;
    enqueue(run->manager);
}

/* Any time: it ends with the plan that runs, or with its next turn. */
static int restoration_refuse_cancel(const struct operation *operation, struct error *err)
{
    (void)operation;
    (void)err;
    return 0;
}

static int restoration_put_cancel(const struct operation *operation, const char *author,
                                  struct txn *txn, struct error *err)
{
    (void)author;
    (void)err;
    restore_record_put_cancel(txn, operation);
    return 0;
}

/* The one that was found in the store is the latest from now on. */
static void adopt(struct manager *m)
{
    struct restore_run *run = m->restore;
    if (run->found != NULL) {
        run->operation = TAKE_PTR(run->found);
        stale_remember(&run->before, &m->claims);
    }
}

static void resume_seen(struct manager *m, const struct error *err, void *data)
{
    (void)err; /* in its turn it looks again */
    (void)data;
    enqueue(m);
}

/* What a restart cut off, unless a boot that is not restored has begun it already. */
static void restoration_resume(struct operation *operation)
{
    struct restore_run *run = operation->data;
    struct manager *m = run->manager;
    adopt(m);
    if (operation->deadline_us == 0) {
        operation_set_deadline(operation, clock_monotonic_us() + run->timeout_us);
    }
    if (m->boot_is_new) {
        enqueue(m);
    } else { /* VMs may run: what they have must be known */
        observe_all(m, resume_seen, NULL);
    }
}

/* An earlier one whose end could not be stored. */
static void end_former(struct restore_run *run)
{
    struct operation *former = TAKE_PTR(run->found);
    if (former != NULL) {
        operation_enter(former, former->cancel ? OPERATION_CANCELLED : OPERATION_FAILED);
        operation_keep(former);
        restore_record_store(run->manager, former, BOOT_UNCHANGED);
    }
}

static int restoration_found(struct manager *m, const struct operation_view *view,
                             const json_t *body, struct error *err)
{
    struct restore_record record = {0};
    int r = restore_record_read(body, &record, err);
    if (r != 0) {
        return r;
    }
    struct operation *operation = operation_of_view(&m->operations, &restoration_kind, view);
    if (!operation_is_over(operation)) {
        m->restore->manager = m;
        end_former(m->restore);
        m->restore->found = operation;
        m->restore->timeout_us = record.timeout_us;
        operation->data = m->restore;
        operation->resumed = true;
    }
    return 0;
}

const struct operation_kind restoration_kind = {.id = OPERATION_KIND_RESTORATION,
                                                .url = "/v1/host/restore",
                                                .found = restoration_found,
                                                .advance = restoration_advance,
                                                .resume = restoration_resume,
                                                .refuse_cancel = restoration_refuse_cancel,
                                                .put_cancel = restoration_put_cancel,
                                                .describe = restore_describe};

void restorations_redefine(struct manager *m)
{
    if (!m->definitions_due || restore_is_active(m->restore) || m->stopping || m->host == NULL ||
        m->host->libvirt_problem[0] != '\0') {
        return;
    }
    m->definitions_due = false;
    if (restore_definitions_lack_a_device(m)) {
        restorations_begin(m, "cleaved", m->config.restore_timeout_us);
    } else {
        restore_definitions_are_right(m);
    }
}

static void end_run(struct manager *m)
{
    struct restore_run *run = m->restore;
    CLEANUP_STRBUF struct strbuf missing = {0};
    restore_add_missing(run, &missing);
    bool whole = missing.len == 0;
    bool cancelled = run->operation->cancel && !whole;
    const char *later = cancelled ? "" : restore_definitions_follow(m);
    m->definitions_due = m->definitions_due && !cancelled;
    operation_enter(run->operation, whole       ? OPERATION_DONE
                                    : cancelled ? OPERATION_CANCELLED
                                                : OPERATION_FAILED);
    if (run->gpus.n > 0 || !whole) {
        txn_event_alone(
            m,
            whole       ? EVENT_HOST_RESTORED
            : cancelled ? EVENT_HOST_RESTORE_CANCELLED
                        : EVENT_HOST_NOT_RESTORED,
            "host", run->operation->author, "%zu of %zu GPUs are restored completely%s%s",
            restore_count(run, RESTORE_RESTORED), run->gpus.n, strbuf_str(&missing), later);
    }
    restore_record_store(m, run->operation, whole ? BOOT_RESTORED : BOOT_UNCHANGED);
    if (run->again) { /* the driver came meanwhile: that is another loss */
        restorations_begin(m, "cleaved", m->config.restore_timeout_us);
    }
}

/* A run that was cancelled, and of which no plan runs. `fresh`: the host is as it is now, so that a
 * GPU whose plan was the last one is known to have all. */
static void end_cancelled(struct manager *m, bool fresh)
{
    for (vec_each(&m->restore->gpus, entry)) {
        const struct error before = entry->why; /* of its last attempt */
        if (entry->state == RESTORE_WAITING && fresh) {
            plan_free(restore_gpu_plan(m, entry));
        }
        if (entry->state == RESTORE_WAITING) {
            entry->why = entry->why.reason == REASON_NONE ? before : entry->why;
            restore_gpu_leave(entry);
        }
    }
    end_run(m);
}

/* Only the driver knows UUIDs: once it is there, a GPU may be found in another slot. */
static bool may_come(const struct restore_run *run)
{
    for (vec_each(&run->absent, absent)) {
        if (absent->has_uuid) {
            return true;
        }
    }
    return false;
}

/* Each reason to wait is one event, however often it is tried. */
static void say_waiting(struct manager *m, struct restore_gpu *entry)
{
    char bdf[BDF_SIZE];
    if (entry->why.reason != REASON_NONE && !str_eq(entry->said, entry->why.message)) {
        STR_SET(entry->said, entry->why.message);
        txn_event_alone(m, EVENT_HOST_RESTORE_WAITS,
                        SUBJECT("gpu", pci_addr_format(&entry->addr, bdf)),
                        m->restore->operation->author, "%s", entry->why.message);
    }
}

static void say_waiting_for_driver(struct manager *m)
{
    struct restore_run *run = m->restore;
    if (!str_eq(run->said, m->host->nvml_problem)) {
        STR_SET(run->said, m->host->nvml_problem);
        txn_event_alone(m, EVENT_HOST_RESTORE_WAITS, "host", run->operation->author,
                        "claim \"%s\" may have its GPU in another slot, which only NVIDIA's "
                        "driver can tell: %s",
                        run->absent.items[0].claim, m->host->nvml_problem);
    }
}

/* When the next attempt is due; ends the run when there is none, or no time for it. */
static void schedule(struct manager *m)
{
    struct restore_run *run = m->restore;
    uint64_t now = clock_monotonic_us();
    uint64_t next = UINT64_MAX;
    bool late = operation_is_late(run->operation);
    for (vec_each(&run->gpus, entry)) {
        if (restore_gpu_is_over(entry)) {
            continue;
        }
        if (late && entry->state == RESTORE_WAITING) {
            entry->state = RESTORE_INCOMPLETE;
            continue;
        }
        say_waiting(m, entry);
        next = entry->attempts.due_us < next ? entry->attempts.due_us : next;
    }
    if (may_come(run) && m->host->nvml_problem[0] != '\0' && !late) {
        say_waiting_for_driver(m);
        uint64_t at = now + attempts_fail(&run->operation->attempts, RESTORE_FIRST_PAUSE_US,
                                          RESTORE_LONGEST_PAUSE_US);
        next = at < next ? at : next;
    }
    if (next == UINT64_MAX) {
        end_run(m);
        return;
    }
    operation_enter(run->operation, OPERATION_WAITING);
    operation_schedule(run->operation, next > now ? next - now : 0);
}

static bool restore_advance(struct manager *m);

/* Was the host looked at after the last change of it, and does no one wait for the turn? */
static bool may_keep_turn(const struct manager *m)
{
    return queue_length(m) == 0 && m->n_unfinished == 0 && !m->stopping &&
           !looks_have_failed(m, SOURCE_HARDWARE);
}

/* Its plan was not begun. */
static void plan_refused(struct manager *m, const struct error *why)
{
    for (vec_each(&m->restore->gpus, entry)) {
        if (entry->state == RESTORE_RUNNING) {
            entry->why = *why;
            entry->plan_id[0] = '\0';
            restore_gpu_pause(entry);
        }
    }
    schedule(m);
    resume_all(m);
}

/* With the turn, and the host as it is after the plan. */
static void plan_ended(struct manager *m, const struct plan *plan, const struct error *why,
                       void *data)
{
    (void)data;
    restore_absent_plan_ended(m->restore, plan, why);
    if (plan == NULL && !m->stopping) {
        plan_refused(m, why);
        return;
    }
    for (vec_each(&m->restore->gpus, entry)) {
        if (plan == NULL || entry->state != RESTORE_RUNNING) {
            continue;
        }
        STR_SET(entry->plan_id, plan->id);
        if (plan->state == PLAN_DONE) {
            restore_gpu_plan_was_done(entry, plan);
        } else {
            restore_gpu_plan_has_failed(entry, plan);
        }
    }
    bool ends = restore_is_active(m->restore) && m->restore->operation->cancel && !m->stopping;
    if (plan != NULL && (ends || may_keep_turn(m))) {
        if (!restore_advance(m)) {
            resume_all(m);
        }
        return;
    }
    enqueue(m);
    resume_all(m);
}

/* Is nothing tried any more on the GPUs that are there? */
static bool is_there_all(const struct restore_run *run)
{
    for (vec_each(&run->gpus, entry)) {
        if (!restore_gpu_is_over(entry) && !operation_is_late(run->operation)) {
            return false;
        }
    }
    return true;
}

/* With the turn and a fresh look at the hardware. False: there is no plan that takes the turn. */
static bool restore_advance(struct manager *m)
{
    restore_gpus_find(m, m->restore);
    if (m->restore->operation->cancel) {
        end_cancelled(m, !looks_have_failed(m, SOURCE_HARDWARE));
        return false;
    }
    struct restore_gpu *entry = NULL;
    struct plan *plan = restore_gpus_next_plan(m, &entry);
    if (plan == NULL && is_there_all(m->restore)) {
        const struct planner planner = planner_view(m);
        plan = restore_absent_next_plan(&planner, m->restore);
    }
    if (plan == NULL) {
        schedule(m);
        return false;
    }
    if (entry != NULL) {
        entry->state = RESTORE_RUNNING;
    }
    operation_enter(m->restore->operation, OPERATION_RUNNING);
    id_uuid(plan->id);
    for (vec_each(&m->restore->gpus, running)) {
        if (running->state == RESTORE_RUNNING) {
            STR_SET(running->plan_id, plan->id);
        }
    }
    plans_run(m, plan, plan_ended, NULL);
    return true;
}

static void run_next(struct change *change)
{
    struct manager *m = change->manager;
    m->restore->queued = false;
    change->in_turn = false; /* a plan has it from here on, if there is one */
    change_answer(change, NULL);
    if (!restore_is_active(m->restore) || !restore_advance(m)) {
        queue_release_turn(m);
    }
}

static void could_not_look(struct manager *m, const struct error *err)
{
    for (vec_each(&m->restore->gpus, entry)) {
        if (entry->state == RESTORE_WAITING) {
            entry->why = *err;
        }
    }
}

static void run_refused(json_t *body, const struct error *err, void *data)
{
    struct manager *m = data;
    json_decref(body);
    if (err == NULL || m->stopping) {
        return;
    }
    m->restore->queued = false;
    if (restore_is_active(m->restore)) { /* too many changes, or a blind look */
        could_not_look(m, err);
        if (m->restore->operation->cancel) {
            end_cancelled(m, false);
        } else {
            operation_back_off(m->restore->operation, RESTORE_FIRST_PAUSE_US,
                               RESTORE_LONGEST_PAUSE_US);
        }
    }
}

static void enqueue(struct manager *m)
{
    struct restore_run *run = m->restore;
    if (!restore_is_active(run) || run->queued || m->stopping) {
        return;
    }
    run->queued = true;
    struct caller caller = {0};
    STR_SET(caller.author, run->operation->author);
    struct request request = {.caller = &caller, .reply = run_refused, .data = m};
    struct change *change = change_new(m, run_next, &request, "");
    change->hardware_only = true;
    change_enqueue(change);
}

/* Another one: of the one before only its operation is left. */
static void begin_run(struct manager *m, const char *author)
{
    struct restore_run *run = m->restore;
    const struct operation_start start = {
        .kind = &restoration_kind, .subject = "host", .author = author, .data = run};
    if (run->operation != NULL) {
        operation_keep(run->operation);
    }
    forget(run);
    repeats_forget_restorations(m);
    run->manager = m;
    run->again = false;
    run->operation = operation_new(&m->operations, &start);
    operations_trim(&m->operations, OPERATION_KIND_RESTORATION);
    stale_remember(&run->before, &m->claims);
}

void restorations_begin(struct manager *m, const char *author, uint64_t timeout_us)
{
    struct restore_run *run = m->restore;
    uint64_t deadline_us = clock_monotonic_us() + timeout_us;
    adopt(m);
    if (restore_is_active(run) && run->operation->cancel) {
        run->again = true;
        return;
    }
    bool begins = !restore_is_active(run);
    if (begins) {
        begin_run(m, author);
    }
    if (deadline_us > run->operation->deadline_us) {
        run->timeout_us = timeout_us;
        operation_set_deadline(run->operation, deadline_us);
    }
    if (begins) {
        restore_record_store(m, run->operation, BOOT_WANTED);
    }
    for (vec_each(&run->gpus, entry)) {
        if (entry->state == RESTORE_INCOMPLETE) {
            entry->state = RESTORE_WAITING;
        }
        attempts_hurry(&entry->attempts);
    }
    enqueue(m);
}

void restorations_look(struct manager *m, struct hardware_look *look)
{
    if (!look->driver_came && !(look->was_late && restore_is_active(m->restore))) {
        return;
    }
    bool ends = restore_is_active(m->restore) && m->restore->operation->cancel;
    if ((!restore_is_active(m->restore) || (ends && look->driver_came)) &&
        m->config.restore_timeout_us > 0) {
        restorations_begin(m, "cleaved", m->config.restore_timeout_us);
    }
    for (vec_each(&m->restore->gpus, entry)) {
        entry->attempts.due_us = 0;
    }
    enqueue(m);
}

/* ---- requests ---- */

/* While it runs definitions may still follow: they are named at its end. */
static json_t *run_to_json(const struct manager *m)
{
    json_t *body = restore_run_to_json(m->restore);
    const struct host *host = restore_is_active(m->restore) ? NULL : m->host;
    json_object_set_new(body, "definitions", stale_list(host, &m->claims, &m->restore->before));
    return body;
}

void verb_get_restore(struct manager *m, const struct request *request)
{
    request_answer(request, run_to_json(m));
}

/* Claims whose GPU is gone and that are chosen again, as the host will be by then. */
static void show_absent(const struct manager *m, struct restore_run *run, struct outlook *outlook,
                        json_t *plans)
{
    struct planner planner = planner_view(m);
    struct plan *plan = NULL;
    do {
        plan_free(plan);
        planner.host = outlook->host;
        planner.claims = &outlook->claims;
        plan = restore_absent_next_plan(&planner, run);
        if (plan != NULL) {
            json_array_append_new(plans, plan_to_json(plan));
            outlook_follow(outlook, plan);
        }
    } while (plan != NULL);
}

/* What would be done, GPU by GPU; nothing is stored. */
static void show(struct change *change)
{
    struct manager *m = change->manager;
    struct operation shown = {.created_us = clock_realtime_us(), .dry_run = true};
    STR_SET(shown.author, change->caller.author);
    struct restore_run run = {.operation = &shown};
    json_t *plans = json_array();
    struct outlook outlook;
    outlook_init(&outlook, m->host, &m->claims, &m->gpu_records);
    stale_remember(&m->restore->before, &m->claims); /* as the run would */
    restore_gpus_find(m, &run);
    for (vec_each(&run.gpus, entry)) {
        struct restoration restoration = {0};
        restore_gpu_plan_alone(m, host_find_gpu_addr(m->host, &entry->addr), NULL,
                               change->caller.author, &restoration);
        restore_gpu_take_outcome(entry, &restoration);
        if (restoration.plan->steps.n > 0) {
            json_array_append_new(plans, plan_to_json(restoration.plan));
        }
        outlook_follow(&outlook, restoration.plan);
        restoration_done(&restoration);
    }
    show_absent(m, &run, &outlook, plans);
    json_t *body = restore_run_to_json(&run);
    json_object_set_new(body, "state", json_string("planned"));
    json_object_set_new(body, "plans", plans);
    json_object_set_new(body, "definitions",
                        stale_list(outlook.host, &outlook.claims, &m->restore->before));
    stale_forget(&m->restore->before, m->host, &m->claims);
    outlook_done(&outlook);
    forget(&run);
    change_answer(change, body);
}

/* A VM that runs with a GPU must be known. But none runs yet in a boot whose libvirt has not
 * answered: it may be waiting for this very restoration, as packaging/systemd has it. */
static bool must_see_guests(const struct manager *m)
{
    return !restore_is_active(m->restore) && (looks_are_known(m, SOURCE_GUESTS) || !m->boot_is_new);
}

static void begin(struct change *change)
{
    struct manager *m = change->manager;
    if (restore_is_active(m->restore) && m->restore->operation->cancel) {
        restore_gpus_find(m, m->restore);
        end_cancelled(m, true); /* that turn is here */
    }
    if (change->hardware_only && must_see_guests(m)) {
        change->hardware_only = false;
        change_release_turn(change);
        change_enqueue(change);
        return;
    }
    restorations_begin(m, change->caller.author, change->timeout_ms * UINT64_C(1000));
    change_answer(change, run_to_json(m));
}

void verb_restore_host(struct manager *m, const struct request *request)
{
    const struct restore_body *body = request->body;
    struct change *change = change_new(m, request->dry_run ? show : begin, request, "");
    change->timeout_ms = body->timeout_s * 1000;
    change->hardware_only =
        !request->dry_run; /* whether the guests are needed, too, is known in its turn */
    change_enqueue(change);
}

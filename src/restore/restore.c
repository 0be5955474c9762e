/* SPDX-License-Identifier: Apache-2.0 */
#include "restore/restore.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "plan/outlook.h"
#include "restore/boot_end.h"
#include "restore/restore_run.h"
#include "restore/stale.h"
#include "state/boot_record.h"
#include "state/listeners.h"
#include "state/planner_view.h"
#include "state/state.h"
#include "state/txn.h"
#include "turn/plans.h"
#include "turn/queue.h"
#include "turn/resume.h"
#include "watch/looks.h"
#include "watch/seen.h"

/* Between attempts: doubled each time up to the longest. */
#define FIRST_PAUSE_US 20000
#define LONGEST_PAUSE_US 5000000
/* A plan that is done is followed by another look; one that then has the same to do again is paced
 * like a failure. */
#define MAX_PROMPT_PLANS 3
/* For how long after it answers libvirt may still be starting VMs. */
#define AUTOSTART_US 60000000
#define MAX_REFUSED 256

/* ---- names ---- */

static void add_name(struct strlist_names *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++) {
        if (str_eq(names->items[i], name)) {
            return;
        }
    }
    if (name[0] != '\0') {
        char(*place)[NAME_SIZE] = vec_push(names);
        str_copy(*place, NAME_SIZE, name);
    }
}

static void gpu_done(struct restore_gpu *gpu)
{
    vec_done(&gpu->claims);
    vec_done(&gpu->came);
    vec_done(&gpu->late);
}

static void forget(struct restore_run *run)
{
    for (vec_each(&run->gpus, gpu)) {
        gpu_done(gpu);
    }
    vec_done(&run->gpus);
    vec_done(&run->absent);
}

void restore_run_done(struct restore_run *run)
{
    forget(run);
    vec_done(&run->before);
    operation_free(TAKE_PTR(run->operation));
}

/* ---- which GPUs ---- */

static struct restore_gpu *find_entry(struct restore_run *run, const struct gpu *gpu)
{
    const char *uuid = gpu_known_uuid(gpu);
    for (vec_each(&run->gpus, entry)) {
        bool same = uuid[0] != '\0' && entry->uuid[0] != '\0'
                        ? str_eq_case(uuid, entry->uuid)
                        : pci_addr_cmp(&gpu->addr, &entry->addr) == 0;
        if (same) {
            return entry;
        }
    }
    return NULL;
}

static void say_displaced(const struct manager *m, const struct claim *claim, struct error *why)
{
    char text[ERROR_TEXT_SIZE];
    claim_say_unknown_board(m, claim, text, sizeof(text));
    error_set(why, REASON_CONFLICT, SUBJECT("claim", claim->name), "%s", text);
    error_hint(why,
               "nothing is done for it: `cleave claim delete %s`, then create it again on the GPU "
               "that it should have",
               claim->name);
}

static void find_absent(const struct manager *m, struct restore_run *run)
{
    run->absent.n = 0;
    for (vec_each(&m->claims, claim)) {
        if (!restore_wants(claim) || restore_gpu_of(m->host, claim) != NULL) {
            continue;
        }
        char bdf[BDF_SIZE];
        struct restore_absent *absent = vec_push(&run->absent);
        STR_SET(absent->claim, claim->name);
        absent->has_uuid = claim->assigned.gpu_uuid[0] != '\0';
        pci_addr_format(&claim->assigned.gpu, bdf);
        if (!absent->has_uuid && claim_is_displaced(claim, m->host)) {
            say_displaced(m, claim, &absent->why);
            continue;
        }
        error_set(&absent->why, REASON_NOT_FOUND, SUBJECT("claim", claim->name),
                  "GPU %s%s%s is not on this host", bdf, absent->has_uuid ? ", " : "",
                  claim->assigned.gpu_uuid);
        error_hint(&absent->why,
                   "the claim stays bound: put the board back, into any slot, or "
                   "`cleave claim delete %s`",
                   claim->name);
    }
}

/* GPUs may appear while the driver comes up. */
static void find_gpus(const struct manager *m, struct restore_run *run)
{
    const struct planner planner = manager_planner(m);
    for (vec_each(&m->host->gpus, gpu)) {
        struct restore_gpu *entry = find_entry(run, gpu);
        if (entry == NULL && restore_concerns(&planner, gpu)) {
            entry = vec_push(&run->gpus);
        }
        if (entry != NULL) {
            entry->addr = gpu->addr;
            if (gpu->uuid[0] != '\0') {
                STR_SET(entry->uuid, gpu->uuid);
            }
        }
    }
    find_absent(m, run);
}

/* ---- one attempt ---- */

static void pause_entry(struct restore_gpu *entry)
{
    entry->state = RESTORE_WAITING;
    (void)attempts_fail(&entry->attempts, FIRST_PAUSE_US, LONGEST_PAUSE_US);
}

/* The first thing that is wrong, with a claim or with the GPU itself; NULL: nothing. */
static const struct error *first_problem(const struct restoration *restoration, bool may_pass)
{
    for (vec_each(&restoration->claims, claim)) {
        if (claim->outcome == RESTORE_BLOCKED && restore_error_passes(&claim->why) == may_pass) {
            return &claim->why;
        }
    }
    bool own = restoration->why.reason != REASON_NONE;
    return own && restore_error_passes(&restoration->why) == may_pass ? &restoration->why : NULL;
}

static void take_outcome(struct restore_gpu *entry, const struct restoration *restoration)
{
    entry->claims.n = 0;
    for (vec_each(&restoration->claims, claim)) {
        *vec_push(&entry->claims) = *claim;
    }
    entry->why = (struct error){0};
    if (restoration->plan->steps.n > 0 || restoration->plan->claims.n > 0) {
        return;
    }
    const struct error *passing = first_problem(restoration, true);
    const struct error *lasting = first_problem(restoration, false);
    if (passing != NULL) {
        entry->why = *passing;
        pause_entry(entry);
    } else if (lasting != NULL) {
        entry->why = *lasting;
        entry->state = RESTORE_INCOMPLETE;
    } else {
        entry->state = RESTORE_RESTORED;
    }
}

static void make_reason(const struct gpu *gpu, char *out, size_t size)
{
    char bdf[BDF_SIZE];
    snprintf(out, size, "host restore, GPU %s", pci_addr_format(&gpu->addr, bdf));
}

static void plan_gpu(struct manager *m, const struct gpu *gpu, const struct restore_gpu *entry,
                     const char *author, struct restoration *ret_restoration)
{
    const struct planner planner = manager_planner(m);
    size_t n = entry == NULL ? 0 : entry->late.n;
    CLEANUP_FREE const char **late = xcalloc(n + 1, sizeof(*late));
    for (size_t i = 0; i < n; i++) {
        late[i] = entry->late.items[i];
    }
    char reason[PLAN_REASON_SIZE];
    make_reason(gpu, reason, sizeof(reason));
    struct restore_request request = {.gpu = gpu,
                                      .late = late,
                                      .n_late = n,
                                      .author = author,
                                      .reason = reason,
                                      .new_uuid = id_uuid};
    planner_restore(&planner, &request, ret_restoration);
}

/* The plan that brings something back on that GPU; NULL: there is none, and its state says why. */
static struct plan *plan_entry(struct manager *m, struct restore_gpu *entry)
{
    const struct gpu *gpu = host_find_gpu_addr(m->host, &entry->addr);
    if (gpu == NULL) {
        error_set(&entry->why, REASON_UNAVAILABLE, "gpu", "the GPU left the PCI bus");
        pause_entry(entry);
        return NULL;
    }
    struct restoration restoration = {0};
    plan_gpu(m, gpu, entry, m->restore->operation->author, &restoration);
    take_outcome(entry, &restoration);
    CLEANUP(plan_freep) struct plan *plan = TAKE_PTR(restoration.plan);
    restoration_done(&restoration);
    return plan->steps.n > 0 || plan->claims.n > 0 ? TAKE_PTR(plan) : NULL;
}

/* The entry of the first GPU that is due; NULL: there is none. */
static struct plan *next_plan(struct manager *m, struct restore_gpu **ret_entry)
{
    struct restore_run *run = m->restore;
    for (size_t i = 0; i < run->gpus.n; i++) {
        struct restore_gpu *entry = &run->gpus.items[i];
        bool due = entry->state == RESTORE_WAITING && attempts_are_due(&entry->attempts);
        struct plan *plan = due ? plan_entry(m, entry) : NULL;
        if (plan != NULL) {
            *ret_entry = entry;
            return plan;
        }
    }
    return NULL;
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

static int restoration_cancel(struct operation *operation, struct error *err)
{
    const struct restore_run *run = operation->data;
    return manager_boot_give_up(run->manager, err);
}

static const struct operation_kind restoration_kind = {.id = OPERATION_KIND_RESTORATION,
                                                       .url = "/v1/host/restore",
                                                       .advance = restoration_advance,
                                                       .refuse_cancel = restoration_refuse_cancel,
                                                       .cancel = restoration_cancel,
                                                       .describe = restore_describe};

static bool is_over(const struct restore_gpu *entry)
{
    return entry->state == RESTORE_RESTORED || entry->state == RESTORE_INCOMPLETE;
}

/* ---- definitions, once libvirt answers ---- */

static bool lacks_device(const struct manager *m, const struct claim *claim)
{
    const struct vm *vm =
        claim->vm[0] != '\0' ? host_find_vm_of(m->host, claim->vm, claim->vm_uuid) : NULL;
    return vm != NULL && !vm->transient && vm->state == VM_SHUT_OFF &&
           claim->spec.mode != CLAIM_GPU_INSTANCE &&
           !vm_defines(vm, &claim->assigned.device, claim->assigned.mdev_uuid);
}

/* VMs that start with the host, and were refused because their definitions were old. */
static void start_refused(struct manager *m)
{
    static const struct caller self = {.author = "cleaved", .roles = ROLES_CONNECTED};
    for (vec_each(&m->refused, refused)) {
        const struct vm *vm = host_find_vm(m->host, refused->name);
        if (vm != NULL && vm->autostart && vm->state == VM_SHUT_OFF && !refused->started) {
            refused->started = true;
            const struct request start = {
                .caller = &self, .target = vm->name, .reply = change_unasked};
            service_call(&m->service, VERB_START_VM, &start);
        }
    }
}

static void definitions_are_right(struct manager *m)
{
    m->definitions_us = clock_monotonic_us();
    if (m->boot_is_new) {
        start_refused(m);
    }
}

/* libvirt starts VMs as soon as it answers, which may be before or after definitions are looked at.
 * Of later ones a person learns why they are refused. */
void manager_note_refused(struct manager *m, const char *vm)
{
    for (vec_each(&m->refused, refused)) {
        if (str_eq(refused->name, vm)) {
            return;
        }
    }
    bool late = m->definitions_us != 0 && !restore_is_active(m->restore) &&
                clock_monotonic_us() - m->definitions_us > AUTOSTART_US;
    if (!m->boot_is_new || late || m->refused.n >= MAX_REFUSED) {
        return;
    }
    struct refused_vm *refused = vec_push(&m->refused);
    *refused = (struct refused_vm){0};
    STR_SET(refused->name, vm);
    if (m->definitions_us != 0 && !restore_is_active(m->restore)) {
        start_refused(m);
    }
}

void manager_restore_definitions(struct manager *m)
{
    if (!m->definitions_due || restore_is_active(m->restore) || m->stopping || m->host == NULL ||
        m->host->libvirt_problem[0] != '\0') {
        return;
    }
    m->definitions_due = false;
    for (vec_each(&m->claims, claim)) {
        if (claim->state == CLAIM_BOUND && lacks_device(m, claim)) {
            manager_restore_begin(m, "cleaved", m->config.restore_timeout_us);
            return;
        }
    }
    definitions_are_right(m);
}

/* Definitions of VMs, and VMs that start with the host, are looked at; returns what to say of it.
 */
static const char *follow_definitions(struct manager *m)
{
    if (m->host->libvirt_problem[0] == '\0') {
        definitions_are_right(m);
        return "";
    }
    m->definitions_due = m->claims.n > 0;
    return m->definitions_due ? "; definitions of VMs are looked at once libvirt answers" : "";
}

static void end_run(struct manager *m)
{
    struct restore_run *run = m->restore;
    CLEANUP_STRBUF struct strbuf missing = {0};
    restore_add_missing(run, &missing);
    bool whole = missing.len == 0;
    bool cancelled = run->operation->cancel && !whole;
    const char *later = cancelled ? "" : follow_definitions(m);
    m->definitions_due = m->definitions_due && !cancelled;
    operation_enter(run->operation, whole       ? OPERATION_DONE
                                    : cancelled ? OPERATION_CANCELLED
                                                : OPERATION_FAILED);
    if (run->gpus.n > 0 || !whole) {
        manager_event(
            m,
            whole       ? "host-restored"
            : cancelled ? "host-restore-cancelled"
                        : "host-not-restored",
            "host", run->operation->author, "%zu of %zu GPUs have all that they should have%s%s",
            restore_count(run, RESTORE_RESTORED), run->gpus.n, strbuf_str(&missing), later);
    }
    manager_boot_restored(m, whole);
    if (run->again) { /* the driver came meanwhile: that is another loss */
        manager_restore_begin(m, "cleaved", m->config.restore_timeout_us);
    }
}

/* A GPU that nothing is done for any more. */
static void leave_entry(struct restore_gpu *entry)
{
    entry->state = RESTORE_INCOMPLETE;
    if (entry->why.reason == REASON_NONE) {
        char bdf[BDF_SIZE];
        error_set(&entry->why, REASON_CONFLICT, SUBJECT("gpu", pci_addr_format(&entry->addr, bdf)),
                  "the restoration was cancelled before its turn came");
        error_hint(&entry->why, "`cleave host restore` brings back what is missing");
    }
    for (vec_each(&entry->claims, claim)) {
        if (claim->outcome == RESTORE_COMES) {
            claim->outcome = RESTORE_BLOCKED;
            claim->why = entry->why;
        }
    }
}

/* A run that was cancelled, and of which no plan runs. `fresh`: the host is as it is now, so that a
 * GPU whose plan was the last one is known to have all. */
static void end_cancelled(struct manager *m, bool fresh)
{
    for (vec_each(&m->restore->gpus, entry)) {
        const struct error before = entry->why; /* of its last attempt */
        if (entry->state == RESTORE_WAITING && fresh) {
            plan_free(plan_entry(m, entry));
        }
        if (entry->state == RESTORE_WAITING) {
            entry->why = entry->why.reason == REASON_NONE ? before : entry->why;
            leave_entry(entry);
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

/* When the next attempt is due; ends the run when there is none, or no time for it. */
static void schedule(struct manager *m)
{
    struct restore_run *run = m->restore;
    uint64_t now = clock_monotonic_us();
    uint64_t next = UINT64_MAX;
    bool late = operation_is_late(run->operation);
    for (vec_each(&run->gpus, entry)) {
        if (is_over(entry)) {
            continue;
        }
        if (late && entry->state == RESTORE_WAITING) {
            entry->state = RESTORE_INCOMPLETE;
            continue;
        }
        next = entry->attempts.due_us < next ? entry->attempts.due_us : next;
    }
    if (may_come(run) && m->host->nvml_problem[0] != '\0' && !late) {
        uint64_t at =
            now + attempts_fail(&run->operation->attempts, FIRST_PAUSE_US, LONGEST_PAUSE_US);
        next = at < next ? at : next;
    }
    if (next == UINT64_MAX) {
        end_run(m);
        return;
    }
    operation_enter(run->operation, OPERATION_WAITING);
    operation_schedule(run->operation, next > now ? next - now : 0);
}

static void plan_was_done(struct restore_gpu *entry, const struct plan *plan)
{
    for (vec_each(&plan->claims, claim)) {
        add_name(&entry->came, claim->claim.name);
    }
    entry->late.n = 0;
    entry->plans++;
    entry->why = (struct error){0};
    if (entry->plans < MAX_PROMPT_PLANS) {
        entry->state = RESTORE_WAITING;
        attempts_hurry(&entry->attempts);
    } else {
        pause_entry(entry);
    }
}

/* Do claims wait that have not failed? Theirs are the first steps of the next plan. */
static bool others_wait(const struct restore_gpu *entry, const struct plan *plan)
{
    for (vec_each(&plan->steps, step)) {
        bool late = step->claim[0] == '\0';
        for (size_t i = 0; i < entry->late.n; i++) {
            late = late || str_eq(entry->late.items[i], step->claim);
        }
        if (!late && step->state == STEP_PLANNED) {
            return true;
        }
    }
    return false;
}

/* What waiting can't cure is not tried again. */
static void plan_has_failed(struct restore_gpu *entry, const struct plan *plan)
{
    char bdf[BDF_SIZE];
    bool may_pass = true;
    bool alone = false; /* it is of no claim: all of the GPU waits for it */
    for (vec_each(&plan->steps, step)) {
        bool bad = step->state == STEP_FAILED || step->state == STEP_STUCK;
        may_pass = may_pass && (!bad || restore_step_may_pass(step));
        alone = alone || (bad && step->claim[0] == '\0');
        add_name(bad ? &entry->late : &entry->came,
                 bad || step->state == STEP_DONE ? step->claim : "");
    }
    error_set(&entry->why, REASON_DRIVER, SUBJECT("gpu", pci_addr_format(&entry->addr, bdf)), "%s",
              plan->problem);
    error_hint(&entry->why, "%s%s`cleave plan show %s` has all its steps", plan_hint(plan),
               plan_hint(plan)[0] != '\0' ? "; " : "", plan->id);
    if (may_pass) {
        pause_entry(entry);
    } else {
        entry->state = alone || !others_wait(entry, plan) ? RESTORE_INCOMPLETE : RESTORE_WAITING;
        entry->attempts.due_us = 0;
    }
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
            pause_entry(entry);
        }
    }
    schedule(m);
    manager_resume(m);
}

/* With the turn, and the host as it is after the plan. */
static void plan_ended(struct manager *m, const struct plan *plan, const struct error *why,
                       void *data)
{
    (void)data;
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
            plan_was_done(entry, plan);
        } else {
            plan_has_failed(entry, plan);
        }
    }
    bool ends = restore_is_active(m->restore) && m->restore->operation->cancel && !m->stopping;
    if (plan != NULL && (ends || may_keep_turn(m))) {
        if (!restore_advance(m)) {
            manager_resume(m);
        }
        return;
    }
    enqueue(m);
    manager_resume(m);
}

/* With the turn and a fresh look at the hardware. False: there is no plan that takes the turn. */
static bool restore_advance(struct manager *m)
{
    find_gpus(m, m->restore);
    if (m->restore->operation->cancel) {
        end_cancelled(m, !looks_have_failed(m, SOURCE_HARDWARE));
        return false;
    }
    struct restore_gpu *entry = NULL;
    struct plan *plan = next_plan(m, &entry);
    if (plan == NULL) {
        schedule(m);
        return false;
    }
    entry->state = RESTORE_RUNNING;
    operation_enter(m->restore->operation, OPERATION_RUNNING);
    id_uuid(plan->id);
    for (vec_each(&m->restore->gpus, running)) {
        if (running->state == RESTORE_RUNNING) {
            STR_SET(running->plan_id, plan->id);
        }
    }
    manager_run_plan(m, plan, plan_ended, NULL);
    return true;
}

static void run_next(struct change *change)
{
    struct manager *m = change->manager;
    m->restore->queued = false;
    change->in_turn = false; /* a plan has it from here on, if there is one */
    change_answer(change, NULL);
    if (!restore_is_active(m->restore) || !restore_advance(m)) {
        manager_release(m);
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
            operation_back_off(m->restore->operation, FIRST_PAUSE_US, LONGEST_PAUSE_US);
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

void manager_restore_begin(struct manager *m, const char *author, uint64_t timeout_us)
{
    struct restore_run *run = m->restore;
    uint64_t deadline_us = clock_monotonic_us() + timeout_us;
    if (restore_is_active(run) && run->operation->cancel) {
        run->again = true;
        return;
    }
    if (!restore_is_active(run)) {
        const struct operation_start start = {
            .kind = &restoration_kind, .subject = "host", .author = author, .data = run};
        manager_boot_wanted(m);
        forget(run);
        operation_free(run->operation);
        run->manager = m;
        run->again = false;
        run->operation = operation_new(&m->operations, &start);
        stale_remember(&run->before, &m->claims);
    }
    if (deadline_us > run->operation->deadline_us) {
        operation_set_deadline(run->operation, deadline_us);
    }
    for (vec_each(&run->gpus, entry)) {
        if (entry->state == RESTORE_INCOMPLETE) {
            entry->state = RESTORE_WAITING;
        }
        attempts_hurry(&entry->attempts);
    }
    enqueue(m);
}

void manager_restore_look(struct manager *m, struct hardware_look *look)
{
    if (!look->driver_came && !(look->was_late && restore_is_active(m->restore))) {
        return;
    }
    bool ends = restore_is_active(m->restore) && m->restore->operation->cancel;
    if ((!restore_is_active(m->restore) || (ends && look->driver_came)) &&
        m->config.restore_timeout_us > 0) {
        manager_restore_begin(m, "cleaved", m->config.restore_timeout_us);
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

void manager_get_restore(struct manager *m, const struct request *request)
{
    request_answer(request, run_to_json(m));
}

/* What would be done, GPU by GPU; nothing is stored. */
static void show(struct change *change)
{
    struct manager *m = change->manager;
    struct operation shown = {.created_us = clock_realtime_us(), .dry_run = true};
    struct restore_run run = {.operation = &shown};
    json_t *plans = json_array();
    struct outlook outlook;
    outlook_init(&outlook, m->host, &m->claims, &m->gpu_records);
    stale_remember(&m->restore->before, &m->claims); /* as the run would */
    find_gpus(m, &run);
    for (vec_each(&run.gpus, entry)) {
        struct restoration restoration = {0};
        plan_gpu(m, host_find_gpu_addr(m->host, &entry->addr), NULL, change->caller.author,
                 &restoration);
        take_outcome(entry, &restoration);
        if (restoration.plan->steps.n > 0) {
            json_array_append_new(plans, plan_to_json(restoration.plan));
        }
        outlook_follow(&outlook, restoration.plan);
        restoration_done(&restoration);
    }
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
        find_gpus(m, m->restore);
        end_cancelled(m, true); /* that turn is here */
    }
    if (change->hardware_only && must_see_guests(m)) {
        change->hardware_only = false;
        change_yield(change);
        change_enqueue(change);
        return;
    }
    manager_restore_begin(m, change->caller.author, change->timeout_ms * UINT64_C(1000));
    change_answer(change, run_to_json(m));
}

void manager_restore_host(struct manager *m, const struct request *request)
{
    const struct restore_body *body = request->body;
    struct change *change = change_new(m, request->dry_run ? show : begin, request, "");
    change->timeout_ms = body->timeout_s * 1000;
    change->hardware_only =
        !request->dry_run; /* whether the guests are needed, too, is known in its turn */
    change_enqueue(change);
}

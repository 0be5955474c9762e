/* SPDX-License-Identifier: Apache-2.0 */
/* What the manager's files share. Private to src/manager; loop thread only unless said. */
#ifndef MANAGER_STATE_H
#define MANAGER_STATE_H

#include "base/backoff.h"
#include "base/str.h"
#include "hold/hold.h"
#include "ledger/draft.h"
#include "manager/hook_watch.h"
#include "manager/manager.h"
#include "manager/restore_run.h"
#include "model/body.h"
#include "model/gpu_record.h"
#include "model/seen_boards.h"
#include "operation/operation.h"
#include "plan/planner.h"

#define MAX_CHANGES 64       /* waiting for their turn */
#define MAX_SITE_CLAIMS 1024 /* as in api/openapi.yaml */
#define MAX_PLANS_LISTED 100
/* When the end of a plan can't be stored: first pause before the next attempt, and longest. */
#define COMMIT_RETRY_US 10000
#define COMMIT_RETRY_MAX_US 2000000
/* With a pause as long as this it has failed for a second, and those who wait are refused. */
#define COMMIT_PATIENCE_US 500000

/* ---- observing: docs/internals/lifecycle.md says who may wait for whom ---- */

/* After so long without an answer from libvirt those who ask go on without: VMs as last seen, and
 * host->libvirt_problem says so. */
#define GUESTS_PATIENCE_US 10000000
/* The same for NVML and sysfs. A driver that was not in use needs a second or two per GPU. */
#define HARDWARE_PATIENCE_US 30000000
/* Who only reads is answered by then, from what was seen last, with its age. */
#define READ_PATIENCE_US 2000000

/* Each half is looked at by a worker of its own, one look at a time; of the hardware NVML's part
 * by another one, after sysfs's. */
enum observation_source { SOURCE_HARDWARE, SOURCE_GUESTS, SOURCE_COUNT };

/* `err` is NULL if manager->host is fresh: looked at after the question. */
typedef void observed_fn(struct manager *m, const struct error *err, void *data);

struct observer {
    observed_fn *fn;
    void *data;
    uint64_t needs[SOURCE_COUNT]; /* number of the look that answers; 0: not asked for */
    uint64_t due_us; /* monotonic: what was seen last will do then; 0: it has to be fresh */
};
struct observers {
    struct observer *items;
    size_t n;
    size_t cap;
};

struct observation {
    struct worker *worker;
    uint64_t begun; /* looks so far; the last one is under way if it is not `ended` */
    uint64_t ended;
    bool known;           /* manager->host has what a look found */
    struct error problem; /* of the last look that ended; reason NONE: there was none */
    uint64_t begun_us;    /* monotonic */
    uint64_t seen_us;     /* real time: when the last whole look began; 0: never */
    uint64_t late_us;     /* monotonic: when patience with the look under way ends */
    bool late;            /* it is over: that look is waited for no more */
    bool again;           /* sysfs is looked at once more, for NVML is late */
    /* The look under way; the worker's until it is done: */
    struct ports ports;
    struct host *host;
    int result;
    struct error err;
};

/* NVML is asked what it knows of `host`; the driver worker's until it is done. */
struct driver_look {
    struct manager *manager;
    struct gpu_port *port;
    struct host *host;
    uint64_t number;   /* of the look */
    uint64_t n_plans;  /* manager->n_plans when it began */
    uint64_t since_us; /* monotonic */
    int result;
    struct error err;
};

struct hook;
struct gone;
struct vm_overlay;
struct migration;
struct migrations;
struct migration_offer;
struct hardware_look;
struct listeners;
struct incoming;
struct move;
struct arrival;
struct drain;
struct drainage;

/* Calls `fn` after a look, at all or at the hardware alone, that starts after this call. Requests
 * made while one is under way share the next. The hardware's never waits for libvirt. `fn` NULL:
 * only the look matters. */
void manager_observe(struct manager *m, observed_fn *fn, void *data);
void manager_observe_hardware(struct manager *m, observed_fn *fn, void *data);
/* Answers a question from what is seen then, with its lateness. Those who asked the same meanwhile
 * get the same answer. `name`: what it is about, "" for all. */
typedef int answer_fn(struct manager *m, const char *name, json_t **ret_body, struct error *err);
void manager_ask(struct manager *m, answer_fn *answer, const char *name,
                 const struct request *request);
/* For who only reads: all, or after a moment what was seen last (see manager_add_lateness()). */
void manager_observe_soon(struct manager *m, observed_fn *fn, void *data);
bool manager_is_looking(const struct manager *m);
uint64_t manager_patience_us(const struct manager *m, enum observation_source source);
void manager_on_guest_timeout(void *data); /* a timer's function */
/* Records as events how `now` differs from manager->host: GPUs, but for those that the running plan
 * touches; VMs, but for those whose change is expected. */
void manager_note_gpu_drift(struct manager *m, struct hardware_look *look);
void manager_note_vm_drift(struct manager *m, const struct host *now);
/* Reports VMs that started without the hook having asked. */
void manager_note_unasked(struct manager *m, const struct host *now);

/* ---- what has what in hand (hold/hold.h) ---- */

/* The operation is over: until a look at the guests that begins later, they are not believed. */
void manager_end_holds(struct manager *m, const char *operation);

/* ---- what cleaved waits for (waiting.c) ---- */

#define WHEN_SIZE 24
/* "2026-11-21T05:30:12Z", from real time; returns `out`. */
/* What NVML's answer is late for, as a sentence without its end: NVML hangs, or a step does that
 * keeps it closed. *ret_who is whose call it is that hangs. Returns out. */
#define LATE_TEXT_SIZE 224
const char *manager_driver_lateness(const struct manager *m, const char **ret_who,
                                    char out[LATE_TEXT_SIZE]);
const char *manager_when(uint64_t monotonic_us, char out[WHEN_SIZE]);
/* Adds to the answer of who reads when that was seen, and what is late. */
void manager_add_lateness(const struct manager *m, json_t *body);

/* ---- changes: one at a time, in the order they came ---- */

/* The turn is taken once the host was looked at: a change that waits for that holds up no one. */
struct change;
/* Runs against a fresh manager->host; must end in change_answer() or change_refuse(). */
typedef void change_fn(struct change *change);

struct change {
    struct change *next;
    struct manager *manager;
    change_fn *run;
    char operation[HOLD_ID_SIZE]; /* that has what it needs in hand: its own, or a migration's */
    struct caller caller;
    bool dry_run;
    bool hardware_only; /* its turn needs no look at the VMs, so that libvirt can't hold it up */
    bool in_turn;       /* the next one waits for this one's end */
    bool urgent;
    reply_fn *reply;
    void *data;
    /* What to change; each kind uses some of it: */
    struct claims claims;
    enum plan_moves moves;
    VEC(struct step) steps;  /* that a VM's start begins with */
    char name[VM_NAME_SIZE]; /* claim, GPU, VM or site */
    enum gpu_mode mode;
    struct gpu_scheduler scheduler;
    char *template;
    json_t *json;
    char why[256];
    char *behind;   /* a dry run: names of what is done before it, with slashes between; NULL */
    bool starts_vm; /* it, and those: a VM runs then */
    unsigned timeout_ms;
    uint64_t until_us, ask_us;     /* stopping a VM: when to give up, and to ask it (again) */
    bool off;                      /* it is */
    struct drain *drain;           /* to begin; its own */
    struct migration *migration;   /* to begin; its own */
    struct migration_offer *offer; /* of another host; its own */
    struct incoming *incoming;     /* to begin; its own */
    struct move *move;             /* whose plan it makes */
    struct arrival *arrival;       /* likewise */
    /* What it answers once its plan is reserved; NULL: plan and claims. */
    json_t *(*show)(const struct change *change);
    struct vm_line
        *line;       /* of a start or stop that a worker does now; NULL: of its own it has none */
    bool found;      /* to be stopped: libvirt has it, and it is on */
    bool ends_start; /* to be stopped: it was being started, and that was refused */
    /* Outcome of a worker's job. */
    evloop_fn *called; /* of change_call_guest() */
    struct evloop_timer *timer;
    bool late;
    int result;
    struct error err;
};

/* For `reply` of what cleaved does on its own. */
void change_unasked(json_t *body, const struct error *err, void *data);

struct change *change_new(struct manager *m, change_fn *run, const struct request *request,
                          const char *name);
void change_free(struct change *change);
/* Takes the change. Refuses it when too many wait. */
void change_enqueue(struct change *change);
/* The same for what a VM waits for, with its hook running: it goes before all others, and runs
 * against a fresh look at the hardware alone. */
void change_enqueue_urgent(struct change *change);
bool change_is_waiting(const struct manager *m, change_fn *fn, const char *name);
/* The store fails, with a plan at its end, which keeps the turn: who waits is refused, and so is
 * who comes before it works again. */
void change_refuse_all(struct manager *m, const struct error *why);
/* Takes a hold of the VM that it is about, in the change's own name; manager_end_holds() ends it.
 */
void change_hold_vm(const struct change *change, enum hold_kind kind);
/* For a change with all that a VM needs: `work` on the worker, then `done`; on the line's, if it
 * has one. When libvirt does not answer in time the change is refused and gives the turn away; what
 * comes of it is noted then. */
void change_call_guest(struct change *change, evloop_fn *work, evloop_fn *done);
/* Lets the next one run though this one's answer has yet to come. */
void change_yield(struct change *change);
/* Reply (body is stolen), free, and let the next one run. */
void change_answer(struct change *change, json_t *body);
void change_refuse(struct change *change, const struct error *err);
/* Someone else answers later: frees, and lets the next one run. */
void change_hand_over(struct change *change);
/* For who keeps the turn longer than its change: lets the next one run. */
void manager_release(struct manager *m);

/* ---- transactions ---- */

/* Claims, plans, records and events that are stored together: a draft of the ledger, and what the
 * manager notes once it is stored. */
struct txn {
    struct manager *manager;
    struct draft draft;
    bool noted_boot, noted_made;
};

void txn_begin(struct txn *txn, struct manager *m);
/* The claim takes the place of one of its name, if there is one. */
void txn_put_claim(struct txn *txn, const struct claim *claim);
void txn_delete_claim(struct txn *txn, const char *name);
void txn_put_plan(struct txn *txn, const struct plan *plan);
/* A copy, as the transaction has it so far. */
struct gpu_record txn_gpu_record(const struct txn *txn, const struct pci_addr *addr);
/* Of the board that the step is about: another may sit at its address by now. */
struct gpu_record txn_step_record(const struct txn *txn, const struct step *step);
void txn_put_record(struct txn *txn, enum record_kind kind, const char *key,
                    const json_t *document);
/* The record takes the place of that GPU's, if there is one. */
void txn_put_gpu_record(struct txn *txn, const struct gpu_record *record);
/* Follows the steps of a plan that has ended in the records of its GPUs. */
void txn_follow_plan(struct txn *txn, const struct plan *plan);
void txn_put_drain(struct txn *txn, const struct drain *drain);
/* A plan that has ended: what becomes of it, its claims and its GPUs. */
void txn_end_plan(struct txn *txn, const struct plan *plan);
void txn_event(struct txn *txn, const char *kind, const char *subject, const char *author,
               const char *fmt, ...) PRINTF_ATTR(5, 6);
/* Stores all of it, or nothing and returns the first error. Ends the transaction either way. */
int txn_commit(struct txn *txn, struct error *err);
/* The ledger has changed: manager->claims and manager->gpu_records are what it has. */
void manager_follow_ledger(struct manager *m);

/* One event on its own; a store that fails is logged. */
void manager_event(struct manager *m, const char *kind, const char *subject, const char *author,
                   const char *fmt, ...) PRINTF_ATTR(5, 6);

/* ---- claims ---- */

/* Is what a bound claim was given still there? A reboot takes vGPUs and GPU instances away. True of
 * a GPU that doesn't answer now: it may come back. */
bool manager_has_device(const struct manager *m, const struct claim *claim);
/* While NVML is late: does the kernel show the claim's device on that GPU? It is all that a VM
 * needs to start. */
bool manager_kernel_has_device(const struct manager *m, const struct claim *claim,
                               const struct gpu *gpu);

/* ---- GPUs ---- */

/* A copy; a fresh one when nothing is remembered. */
struct gpu_record manager_gpu_record(const struct manager *m, const struct gpu *gpu);
/* The same by address, also of a GPU that is not there now. */
struct gpu_record manager_gpu_record_at(const struct manager *m, const struct pci_addr *addr);

/* ---- which board is where ---- */

int manager_load_seen_boards(struct manager *m, struct error *err);
/* Takes a look at the hardware, and tells it what was seen earlier in this boot. */
void manager_see_boards(struct manager *m, struct host *now);
/* Claims whose GPU's UUID is not known: they learn it, or are held as another board's. While a plan
 * is in hand that waits for the next look. */
void manager_judge_boards(struct manager *m);
void manager_follow_boards(struct manager *m, struct hardware_look *look);
/* Why such a claim is held. */
void claim_say_unknown_board(const struct manager *m, const struct claim *claim, char *text,
                             size_t size);

/* ---- health of GPUs ---- */

/* A report of the driver that was reported as an event. */
struct gpu_reported {
    struct gpu_report report;
    uint64_t at_us;      /* monotonic */
    unsigned n_left_out; /* like it, since */
};

/* The driver's reports come from now on, or no longer once the worker has ended. */
void manager_watch_gpus(struct manager *m);
void manager_unwatch_gpus(struct manager *m);
void manager_take_report(struct manager *m, const struct gpu_report *report);
/* Quarantines what the host as observed now shows to be broken. */
void manager_note_health(struct manager *m, struct hardware_look *look);
/* Marks functions as stuck whose vGPU could not be deleted. */
void txn_note_plan_health(struct txn *txn, const struct plan *plan);
/* Ends a quarantine whose GPU was reset and answers. */
void txn_note_recovery(struct txn *txn, const struct plan *plan);
/* Nothing, if the GPU is quarantined already. */
void txn_quarantine(struct txn *txn, const struct pci_addr *addr, const char *kind,
                    const char *why);
/* "VMs: web1, web2; claims: a, b" */
void manager_name_users(const struct manager *m, const struct pci_addr *addr, struct strbuf *text);
/* Of a GPU, whether it is cordoned already or not. */
void txn_cordon(struct txn *txn, const struct gpu *gpu, const char *author, const char *why);
void txn_uncordon(struct txn *txn, const struct gpu *gpu, const char *author);
/* May a VM start with the claim's device? -UNAVAILABLE while its GPU is quarantined. */
int manager_check_gpu_health(const struct manager *m, const struct claim *claim, const char *vm,
                             struct error *err);

/* ---- lines to libvirt, to start and stop VMs (vm_lines.c) ---- */

/* What a line is for: what hangs must not keep from being tried what is to end it. */
enum vm_line_use { VM_LINE_START, VM_LINE_ASK, VM_LINE_KILL, VM_LINE_USE_COUNT };

struct vm_line {
    struct guest_port *port;
    struct worker *worker;
    enum vm_line_use use;
    bool roots;                   /* no other's change may take it */
    VEC(struct change *) changes; /* one after another; libvirt is asked for the first */
    uint64_t since_us;            /* monotonic: since when it is */
    unsigned late;                /* of them: they have been given up */
};
/* 0 or -errno. */
int vm_lines_open(struct manager *m);
/* For one call of the change, about its VM; -UNAVAILABLE when libvirt answers on none that it may
 * use, or has not answered the same call about the same VM. */
int vm_line_take(struct change *change, enum vm_line_use use, struct error *err);
void vm_line_give_back(struct change *change);
/* Such calls under way are late now, those about `vm` if it is not NULL: for tests, which know that
 * they hang. */
void change_lose_patience(struct manager *m, enum vm_line_use use, const char *vm);
/* It only asks libvirt whether there is a VM to stop: given up, it has done nothing. */
bool vm_line_only_asks(const struct change *change);
/* Why the change had no answer in `waited_us`. */
void vm_line_explain(const struct change *change, uint64_t waited_us, struct error *err);
/* The change that is to pull the VM's plug, and has not found it yet; NULL: none. */
struct change *vm_line_find_end(const struct manager *m, const struct vm *vm);
/* Appends to health's problems what has been asked of libvirt for so long that others wait. */
void vm_lines_add_problems(const struct manager *m, json_t *list);
/* As worker_finish() and worker_free(). */
void vm_lines_finish(struct manager *m, uint64_t until_us, bool *all);
void vm_lines_close(struct manager *m);

/* ---- VMs ---- */

/* By name or UUID; -NOT_FOUND with the nearest name in the hint, -UNAVAILABLE without libvirt. */
int manager_find_vm(const struct manager *m, const char *name, struct vm **ret_vm,
                    struct error *err);

/* ---- plans ---- */

struct planner manager_planner(const struct manager *m);
/* Takes the plan: shows it (dry run), or reserves it in one transaction, replies and runs it. */
void change_carry_out(struct change *change, struct plan *plan);
/* Called with the turn, which it has to give back, once the plan's end is stored; plan NULL: the
 * manager stops, and a plan that runs goes on at its next start. A plan that waits for what hangs
 * is still running (or undoing), with why as its problem: it goes on by and by without the
 * receiver. */
typedef void plan_end_fn(struct manager *m, const struct plan *plan, void *data);
/* For who has the turn: takes the plan, stores and runs it. On failure the turn is still there. */
int manager_run_plan(struct manager *m, struct plan *plan, plan_end_fn *fn, void *data,
                     struct error *err);
/* Takes the holds of a plan that runs (plan_holds.c). */
void manager_hold_plan(struct manager *m, const struct plan *plan);
/* What refuses a plan of that operation before its first step: a hold, or -UNAVAILABLE for a port
 * that does not answer. */
int manager_check_holds(const struct manager *m, const char *operation, const struct plan *plan,
                        struct error *err);
/* Before it runs: which claims are without their devices already, so that a lack of theirs is no
 * failure of the plan? */
void manager_note_lacking_before(const struct manager *m, struct plan *plan);
/* Runner callbacks. */
void manager_plan_progress(const struct plan *plan, size_t step, void *data);
void manager_plan_done(struct plan *plan, void *data);
bool manager_plan_settle(struct plan *plan, void *data); /* recover.c */
/* Goes on with the plans found unfinished, oldest first, then with the queue. */
void manager_resume(struct manager *m);
/* With the turn: takes a plan that was begun, and goes on with it. */
void manager_go_on_with(struct manager *m, struct plan *plan);

/* ---- plans that wait for a call which does not come back (parked.c) ---- */

struct parked {
    struct plan *plan;
    enum port_kind port;
    uint64_t since_us; /* monotonic */
};
const char *manager_port_name(enum port_kind port); /* "NVML", "sysfs", "libvirt" */
/* Runner callbacks. */
void manager_plan_parked(struct plan *plan, size_t at, void *data);
void manager_port_returned(enum port_kind port, void *data);
int manager_check_port(const struct manager *m, enum port_kind port, struct error *err);
/* Takes the plan's holds as one that waits. */
void manager_hold_parked(struct manager *m, const struct parked *parked);
/* When the turn is free: the first of them that can go on takes it. */
bool manager_resume_parked(struct manager *m);
void manager_free_parked(struct manager *m);

/* ---- what cleave made (made.c) ---- */

/* Once, from the journal of a cleaved that kept no record of it. */
void manager_fill_made(struct manager *m);
void txn_mark_made(struct txn *txn);
/* A reboot took it all. */
void txn_forget_made(struct txn *txn);
/* The hardware was looked at: what went is let go of, and each vGPU is marked as cleave's or not.
 */
void manager_note_made(struct manager *m, struct hardware_look *look);

/* GPUs that left the bus, and are still named (lost.c). Owned by the caller. */
struct host *manager_lost_gpus(const struct manager *m);

/* ---- other tools' vGPUs that harm claims (intruders.c) ---- */

/* Is another tool's vGPU in the place of the claim's, or on the GPU instance that it has to
 * itself? Says which. */
bool claim_is_intruded(const struct manager *m, const struct claim *claim, char *text, size_t size);
/* The hardware was looked at: events for what came and went. */
void manager_note_intruders(struct manager *m, struct hardware_look *look);
json_t *manager_list_intruders(const struct manager *m);

/* ---- definitions (definitions.c) ---- */

/* The host as it was seen last gets what the plan's steps did to definitions. */
void manager_note_definitions(struct manager *m, const struct plan *plan);

/* ---- boots ---- */

/* Compares this boot with the one that cleaved saw last, before anything else is done: settles what
 * was under way when the host went down, and begins to bring back what it lost. */
void manager_check_boot(struct manager *m);
/* The oldest plan found unfinished that can go on now; one that has only VMs' definitions left to
 * change waits for libvirt. Takes it out; NULL: none. */
struct plan *manager_next_unfinished(struct manager *m);
/* libvirt answers: do such plans wait for it? */
void manager_on_libvirt_up(struct manager *m, const struct host *now);

/* ---- the manager ---- */

struct steps {
    struct step *items;
    size_t n;
    size_t cap;
};

/* What takes devices that the stored definitions of the claims' VMs that are off name for claims
 * that are not their own out of them. The caller frees with vec_done(). */
void manager_foreign_of(const struct manager *m, const struct claim *const *add, size_t n,
                        struct steps *ret_steps);
/* Refuses to start a VM with `device`, which is in its definition for a claim that is gone or
 * another VM's: sets err to why and what to do; -REASON_NOT_FOUND or -REASON_IN_USE. */
int manager_refuse_alias(const struct manager *m, const struct vm *vm,
                         const struct vm_device *device, struct error *err);
/* The same for the first such device that the stored definition names; 0 if there is none. */
int manager_refuse_foreign(const struct manager *m, const struct vm *vm, struct error *err);

/* The first of the devices that a saved state of the VM has for a claim of its own that has one of
 * another kind now, so that the VM can't come back from it; NULL: none. */
const struct vm_device *manager_find_stuck(const struct manager *m, const struct vm *vm,
                                           const struct vm_device *devices, size_t n);
/* The hint for such a VM: only to forget the state helps. */
void manager_hint_forget(const struct vm *vm, struct error *err);
/* Refuses to start a saved VM with such a device, or with one for a claim that is not its own:
 * -UNSUPPORTED or -CONFLICT. `plan`, if not NULL, prepares the
 * start: what its claims get there counts. */
int manager_refuse_saved(const struct manager *m, const struct vm *vm, const struct plan *plan,
                         struct error *err);

/* The claim that holds the device, or something on the GPU that the device is; NULL: none. */
const struct claim *manager_find_holder(const struct manager *m, const struct vm_device *device);
/* Refuses to start a VM whose stored definition (of one that is saved: its saved state) names a
 * device that no claim of its own has and libvirt could not give to it (by_hand.c): -CONFLICT or
 * -IN_USE. What isn't known refuses nothing.
 */
int manager_refuse_by_hand(const struct manager *m, const struct vm *vm, struct error *err);
/* Does libvirt take a whole GPU from its driver when the VM starts, which it can't while a program
 * has it open? */
bool manager_takes_by_hand(const struct manager *m, const struct vm *vm);
/* Refuses to start a VM with a whole GPU while the host uses more of its IOMMU group, and libvirt
 * is not to take that, too. `claim`: that has the GPU; "": it is named by hand. */
int manager_refuse_group(const struct vm *vm, const struct gpu *gpu, const char *claim,
                         struct error *err);

/* How a VM comes to run: it boots, comes from another host, or from a saved state. */
enum entrance { ENTRANCE_START, ENTRANCE_MIGRATION, ENTRANCE_RESTORE };
struct entering {
    char vm[VM_NAME_SIZE]; /* "": none */
    enum entrance how;
    uint64_t at_us; /* monotonic */
};

/* A body that is given out again while it is what would be made now; never changed. */
struct kept_body {
    json_t *body; /* NULL: none */
    answer_fn *answer;
    char name[VM_NAME_SIZE];
    uint64_t made_us; /* monotonic */
    uint64_t stamp[SOURCE_COUNT];
};
#define KEPT_ANSWERS 4

struct manager {
    struct manager_config config;
    struct service service; /* its own door */
    struct kept_body kept_plans, kept_rules, kept_answers[KEPT_ANSWERS];
    struct kept_body kept_made;                  /* the record of what cleave made, by key */
    size_t next_kept;                            /* of the answers, to be replaced */
    struct worker *step_workers[PORT_GUEST + 1]; /* by enum port_kind: steps of plans */
    struct worker *guest_worker;                 /* of them: also for defining and undefining VMs */
    struct vm_line vm_lines[VM_LINES];
    size_t n_vm_lines;
    struct runner *runner;
    struct ledger *ledger;          /* what is stored */
    struct claims claims;           /* the ledger's, borrowed */
    struct gpu_records gpu_records; /* likewise */
    struct seen_boards seen_boards; /* which is where */
    bool seen_unstored;             /* and the store lacks some of it */
    struct boards *boards;          /* the models of the GPUs, as driver and catalog know them */
    VEC(struct gpu_reported) reported;
    VEC(struct gpu_report) pending_quarantines; /* condemn a GPU, and the store failed */
    struct migrations *migrations;
    struct holds holds;
    uint64_t n_changes;        /* so far: they give each a name among operations */
    struct drainage *drainage; /* the latest; NULL: none */
    bool stopping;
    bool finished; /* the workers have ended, or were left to themselves */

    struct host *host; /* observed last, NULL at first */
    const struct listeners *listeners;
    struct observation observations[SOURCE_COUNT];
    struct observers observers;
    struct worker *driver_worker;    /* asks NVML; steps have workers of their own */
    struct driver_look *driver_look; /* under way; NULL: none */
    bool driver_known;               /* NVML has answered once */
    char driver_problem[128];        /* of GPUs while NVML is late; "": it is not */
    bool driver_unasked;             /* that is: a step in hand keeps NVML closed */
    struct host *kernel_view;        /* while NVML is late: its GPUs as the kernel shows them */
    struct evloop_timer *patience;   /* with looks under way, and of who only reads */

    struct change *first;
    struct change **last;
    size_t n_waiting;
    bool looking_for_next; /* the host is being looked at for the first of them */
    struct change *urgent; /* go before them */
    bool looking_for_urgent;
    VEC(struct vm_overlay) vm_overlays;
    VEC(struct gone) gone;
    uint64_t libvirt_session;     /* of the last look at the guests; 0: it failed, or was none */
    char libvirt_odd[96];         /* why VMs that are not there are not taken for gone; "" */
    struct operations operations; /* what takes time */
    const struct plan *running;   /* in the runner's hands */
    uint64_t n_plans;             /* that ran */
    plan_end_fn *then;            /* waits for its end */
    void *then_data;
    bool busy;                       /* a change or a plan is in hand */
    char turn_of[VM_NAME_SIZE + 32]; /* what the change in hand is about; "": none is */
    uint64_t turn_since_us;          /* monotonic */
    uint64_t step_since_us;          /* monotonic: of the running plan */
    VEC(struct parked) parked;       /* wait for a call that has not come back */
    unsigned n_late_calls;           /* changes of VMs that libvirt has not answered in time */
    struct plan *ended;              /* waits to be stored */
    struct plan *settling;           /* its steps are done: is all there? The runner's */
    const struct plan *settled;      /* the last of these; compared, never read */
    unsigned settle_rounds;          /* of steps that were appended to it */
    unsigned settle_looks;           /* at what may still come */
    struct backoff commit_backoff;
    struct error commit_problem; /* why the last transaction could not be stored */
    uint64_t commit_failed_us;   /* monotonic: since when none could */
    struct error store_problem;  /* why it can't be; reason NONE: it was not tried yet */
    struct plan **unfinished;    /* found at start, oldest last; resumed one by one */
    size_t n_unfinished;
    struct restore_run restore;
    struct hook_watch hook_watch;
    VEC(struct hook *) hooks;        /* of VMs that start, until they are done with */
    VEC(struct hook *) parked_hooks; /* of those: they wait for what other VMs give back */
    VEC(struct intruded { char claim[NAME_SIZE]; })
    intruded;           /* claims whose intruder an event reported */
    bool made_known;    /* the record of what was made is whole */
    bool made_unmarked; /* the store does not say yet that the record of what was made is whole */
    bool boot_unnoted;  /* the store knows of no boot yet */
    bool boot_checked;  /* what was of an earlier boot is marked so */
    bool boot_is_new;   /* nothing has restored all that it took, when this cleaved started */
    struct entering entering; /* the latest that libvirt reported, until it asks */
    bool definitions_due;     /* libvirt did not answer while the host was restored */
    uint64_t definitions_us;  /* monotonic: when definitions were last found right; 0 never */
    /* Since cleaved started; a few are enough. */
    struct refused_vms {
        struct refused_vm {
            char name[VM_NAME_SIZE];
            bool started; /* by cleaved, once: whatever came of it */
        } *items;
        size_t n;
        size_t cap;
    } refused;
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What the manager owns. Loop thread only unless said. */
#ifndef STATE_STATE_H
#define STATE_STATE_H

#include "base/backoff.h"
#include "base/str.h"
#include "feed/feed.h"
#include "hold/hold.h"
#include "ledger/draft.h"
#include "model/body.h"
#include "model/gpu_record.h"
#include "model/seen_boards.h"
#include "operation/operation.h"
#include "plan/planner.h"
#include "service/service.h"
#include "state/config.h"

struct answers;
struct boards;
struct drain_run;
struct gone_vms;
struct gpu_reported;
struct hook;
struct hook_watch;
struct intruded;
struct licence_book;
struct unlicensed;
struct listeners;
struct looks;
struct manager;
struct migrations;
struct queue;
struct restore_run;
struct runner;
struct vm_line;
struct vm_overlay;

/* Called with the turn, which it has to give back, once the plan's end is stored. Plan NULL: `err`
 * says why it was not begun; or the manager stops, and a plan that runs goes on at its next start.
 * A plan that waits for what hangs is still running (or undoing), with why as its problem: it goes
 * on by and by without the receiver. */
typedef void plan_end_fn(struct manager *m, const struct plan *plan, const struct error *err,
                         void *data);

struct lone_events {
    struct event *items; /* oldest first */
    size_t n;
    size_t cap;
    uint64_t n_lost; /* newer ones, for which there was no room while the store failed */
};

/* A plan that waits for a call which does not come back. */
struct parked {
    struct plan *plan;
    enum port_kind port;
    uint64_t since_us; /* monotonic */
};

/* A plan of cleaved's own that failed last for that reason: turn/repeats.h. */
struct failed_plan {
    char id[40], reason[PLAN_REASON_SIZE], problem[ERROR_TEXT_SIZE];
    bool restores; /* it is part of a restoration */
};

/* How a VM comes to run: it boots, comes from another host, or from a saved state. */
enum entrance { ENTRANCE_START, ENTRANCE_MIGRATION, ENTRANCE_RESTORE };
struct entering {
    char vm[VM_NAME_SIZE]; /* "": none */
    enum entrance how;
    uint64_t at_us; /* monotonic */
};

/* An answer's body that is kept, and given again for as long as what it was made of is the same. No
 * one changes it. */
struct kept_body {
    json_t *body;   /* NULL: none */
    uint64_t stamp; /* ledger->changes, or another count, when it was made */
};

/*
 * The manager. Its members stand under the folder whose business they are: that folder writes
 * them, and others read them. manager/wiring.c begins and ends all but what is borrowed. While a
 * dry run is foreseen (turn/foresight.h) `host`, `claims` and `gpu_records` are those that will be.
 */
struct manager {
    /* ---- of all: set at the start, and the same until the end ---- */
    struct manager_config config;
    struct service service;                      /* its own door */
    const struct listeners *listeners;           /* static */
    struct worker *step_workers[PORT_GUEST + 1]; /* by enum port_kind: steps of plans */
    struct worker *guest_worker; /* one of these, borrowed: also defines and undefines VMs */
    struct runner *runner;
    struct ledger *ledger;        /* what is stored */
    struct holds holds;           /* hold/hold.h: each operation takes and ends its own */
    struct operations operations; /* what takes time */
    const struct rules *rules;    /* that are asked now: site_rules.h */
    char rules_problem[ERROR_SUBJECT_SIZE + ERROR_TEXT_SIZE]; /* why they lack a site's; "" */
    uint64_t rules_refused_us;                                /* monotonic: since when */
    bool stopping;
    bool finished; /* the workers have ended, or were left to themselves */

    /* ---- src/state: what is stored, and what waits to be ---- */
    struct claims claims;              /* the ledger's, borrowed: txn_follow_ledger() */
    struct gpu_records gpu_records;    /* likewise */
    struct lone_events lone_events;    /* are to be stored, with the next transaction or alone */
    bool events_due;                   /* alone, soon */
    struct evloop_timer *events_timer; /* they are tried again; NULL: they never failed */
    struct backoff events_backoff;
    bool notes_due;                /* what a look shows waits for the ledger: notes.h */
    bool made_known;               /* the record of what was made is whole */
    bool made_unmarked;            /* it is, and the store does not say so yet */
    struct licence_book *licences; /* pools, and the ledger of use */
    struct error commit_problem;   /* why the last transaction could not be stored */
    uint64_t commit_failed_us;     /* monotonic: since when none could */
    bool store_probed;             /* whether it can be stored to again is being asked */

    /* ---- src/watch: what was seen ---- */
    struct host *host; /* observed last, NULL at first */
    struct looks *looks;
    struct boards *boards;          /* the models of the GPUs, as driver and catalog know them */
    struct seen_boards seen_boards; /* which is where */
    bool seen_unstored;             /* and the store lacks some of it */
    bool seen_storing;              /* it is on its way there */
    struct kept_body kept_made;     /* the record of what cleave made, by key */
    unsigned made_storing;          /* changes of that record on their way to the store */
    VEC(struct claim_note *) claim_notes; /* on their way to the store */
    VEC(struct gpu_reported) reported;
    VEC(struct gpu_report) pending_quarantines; /* condemn a GPU, and the store failed */
    VEC(struct vm_overlay) vm_overlays;
    struct gone_vms *gone;
    struct vm_history *vm_history;
    struct intruded *intruded;
    struct unlicensed *unlicensed;
    struct vm_events *vm_events; /* libvirt's, on their way to a look */

    /* ---- src/turn: whose change, and which plan, is in hand ---- */
    struct queue *queue;
    bool busy;              /* a change or a plan is in hand; a boot's plans, too */
    uint64_t turn_since_us; /* monotonic */
    struct vm_line *vm_lines;
    size_t n_vm_lines;
    unsigned n_late_calls;      /* changes of VMs that libvirt has not answered in time */
    const struct plan *running; /* in the runner's hands, borrowed */
    uint64_t step_since_us;     /* monotonic: of the running plan */
    VEC(struct failed_plan) failed_plans;
    plan_end_fn *then; /* waits for its end */
    void *then_data;
    VEC(struct parked) parked; /* wait for a call that has not come back */
    struct plan *ended;        /* waits to be stored */
    struct backoff commit_backoff;
    uint64_t n_plans;         /* that ran */
    struct plan **unfinished; /* found by restore/boot.c, oldest last; resumed one by one */
    size_t n_unfinished;
    struct kept_body kept_plans;

    /* ---- src/vm: libvirt's hook ---- */
    struct hook_watch *hook_watch;
    VEC(struct hook *) hooks;        /* of VMs that start, until they are done with */
    VEC(struct hook *) parked_hooks; /* of those: they wait for what other VMs give back */
    struct entering entering;        /* the latest that libvirt reported, until it asks */

    /* ---- src/verbs ---- */
    struct feed_source feed_source; /* of service.feed */
    struct answers *answers;        /* kept, to questions */
    struct plan *settling;      /* a recovery whose steps are done: is all there? The runner's */
    const struct plan *settled; /* the last of these; compared, never read */
    unsigned settle_rounds;     /* of steps that were appended to it */
    unsigned settle_looks;      /* at what may still come */

    /* ---- src/restore: a boot, and what it took ---- */
    struct restore_run *restore;
    bool boot_unnoted;       /* the store knows of no boot yet */
    bool boot_checked;       /* what was of an earlier boot is marked so */
    bool boot_is_new;        /* nothing has restored all that it took, when this cleaved started */
    bool definitions_due;    /* libvirt did not answer while the host was restored */
    uint64_t definitions_us; /* monotonic: when definitions were last found right; 0 never */
    /* Since cleaved started; a few are enough. */
    struct refused_vms {
        struct refused_vm {
            char name[VM_NAME_SIZE];
            bool started; /* by cleaved, once: whatever came of it */
        } *items;
        size_t n;
        size_t cap;
    } refused;

    /* ---- src/migration, src/drain ---- */
    struct migrations *migrations;
    struct drain_run *drain_run; /* the latest; NULL: none */
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VMs on their way: out of this host (struct move, led from here) and into it (struct arrival, led
 * from the other host). Private to src/manager; loop thread only. What is stored is a struct
 * migration or incoming; what hangs on it here is in the two structs below.
 */
#ifndef MANAGER_MIGRATIONS_H
#define MANAGER_MIGRATIONS_H

#include "base/remote.h"
#include "base/sm.h"
#include "manager/state.h"
#include "model/incoming.h"
#include "operation/operation.h"
#include "plan/preflight.h"
#include "plan/whereabouts.h"

/* So many ticks between two looks at what comes in. */
#define INCOMING_LOOK_TICKS 4
/* How many that are over are remembered. */
#define MIGRATIONS_KEPT 50
/* A source that leads asks at least this often, so that the reservation stays. */
#define MIGRATION_TOUCH_US 5000000

/* A person's word on where the VM is, until it was answered. */
struct resolving {
    enum migration_resolution where; /* RESOLUTION_NONE: no one said anything */
    bool dry_run;
    char author[NAME_SIZE];
    reply_fn *reply;
    void *data;
};

/* A migration that this host leads. */
struct move {
    struct manager *manager;
    struct migration *migration;
    struct migration_offer *offer; /* NULL until it was made */
    struct operation *operation;   /* looks at it again, and tries again */
    unsigned jobs;                 /* with workers; it must live until they are back */
    bool dry_run;                  /* stored nowhere: answers `reply` and goes */
    bool member;                   /* asked for by one who is not root, since cleaved runs */
    reply_fn *reply;
    void *data;
    bool checked;   /* the target was asked */
    bool offered;   /* the target prepares */
    bool moving;    /* libvirt moves it for us */
    bool prepared;  /* it does, and another VM has the link */
    bool deciding;  /* where is it? */
    bool releasing; /* a change for that waits or runs */
    bool finished;  /* goes as soon as no job has it */
    struct resolving resolving;
    uint64_t touched_us;
    unsigned both;                      /* how often it was seen running twice */
    unsigned refusals;                  /* of the target to take over what it has */
    struct error err;                   /* why it goes back */
    struct migration_progress progress; /* written by the watching worker's done */
};

/* A reservation for a VM that comes in. */
struct arrival {
    struct manager *manager;
    struct incoming *incoming;
    struct operation *operation; /* its deadline: the source has to speak before */
};

struct moves {
    struct move **items;
    size_t n;
    size_t cap;
};
struct arrivals {
    struct arrival **items;
    size_t n;
    size_t cap;
};

/* What a question to another host is for; what matters more comes later. */
enum peer_rank {
    PEER_MEMBERS_TRIAL,
    PEER_ROOTS_TRIAL,
    PEER_MEMBERS_MOVE,
    PEER_ROOTS_MOVE,
    PEER_RANKS,
};

/* A worker that talks to one host at a time, so that one which is silent holds up no other. */
struct peer_line {
    struct worker *worker;
    char address[MIGRATION_URI_SIZE]; /* of its cleaved; of the last one while it has no job */
    unsigned jobs;
    unsigned of_rank[PEER_RANKS]; /* of them */
};
#define PEER_LINES_MAX 16
/* With nothing but dry runs; the others are for VMs that are to move. */
#define PEER_TRIALS_MAX 8
/* Of either: for root alone. */
#define PEER_ROOTS_TRIALS 2
#define PEER_ROOTS_MOVES 4
/* Dry runs whose VM is looked at for how fast it writes its memory, which takes a second each. */
#define RATED_TRIALS_MAX 2

struct migrations {
    struct moves moves;
    struct arrivals arrivals;
    struct peer_line lines[PEER_LINES_MAX];
    size_t n_lines;
    unsigned n_rated; /* VMs of dry runs that are being looked at */
    struct worker *move_worker;
    struct worker *watch_worker;
};

/* Reads the store; workers start. */
int migrations_open(struct manager *m, struct error *err);
/* Waits for the workers as manager_finish() does, but not for a VM that moves. */
bool migrations_finish(struct manager *m, uint64_t until_us);
/* Ends the workers. A VM that libvirt is moving goes on moving without us; the next start sees
 * where it came to. */
void migrations_close(struct manager *m);
void migrations_free(struct manager *m);

/* ---- what they have in hand ---- */

/* Takes, or ends, the holds of VM and claims as the migration is now: at its start, after a
 * restart, and whenever its state changes. */
void move_hold(const struct move *move);
void arrival_hold(const struct arrival *arrival);

/* ---- plans of migrations ---- */

extern const struct plan_follower migrations_follow_plans;

/* ---- moves ---- */

extern const struct operation_kind migration_kind;
/* Takes the migration, whose operation begins: `start` has its kind, and whether it is a dry run or
 * was stored. Nothing is scheduled. */
struct move *move_new(struct manager *m, struct migration *migration,
                      const struct operation_start *start);
void move_free(struct move *move);
/* The state with everything else of the migration, stored; -reason and unchanged if it can't be. */
int move_store(struct move *move, enum migration_state state, struct error *err);
/* How long to wait before looking again. */
uint64_t move_tick_us(const struct manager *m);
/* Does what comes next. */
void move_advance(struct operation *operation);
/* The operation's state follows the migration's. */
void move_follow(struct move *move);
/* After a pause that grows with each attempt. */
void move_back_off(struct move *move);
void move_schedule(struct move *move);
/* It is over: answers a dry run, and lets the next one move. */
void move_finish(struct move *move);
/* Stores the next state and goes on from there; tries again later if it can't be stored. */
void move_enter(struct move *move, enum migration_state state);
void move_blame(struct move *move, const struct error *err);
/* The VM is here: the target gives back what it has. `err` NULL: no one is to blame. */
void move_go_back(struct move *move, const struct error *err);
/* Asks both libvirts where the VM is, and goes on from there. */
void move_decide(struct move *move);
/* What libvirt here said of the VM when it was looked at last. */
enum place move_place_here(const struct move *move);
/* Asks whether what a person said can be true, and goes on from there. */
void move_resolve(struct move *move);
/* -CONFLICT: the migration is not in a state that a person could resolve. */
int move_refuse_to_resolve(const struct move *move, struct error *err);
/* Answers who waits for that; nothing if no one does. */
void move_refuse_resolving(struct move *move, const struct error *err);
/* It is over: nothing is left to resolve. */
void move_end_settling(struct move *move);
/* What gives back what the VM had here. */
int move_plan_release(const struct move *move, struct plan **ret_plan, struct error *err);
struct move *moves_find(const struct manager *m, const char *id, struct error *err);
/* May these be named by who asks? `peer` and `migrate_uri` may be "". */
int migrations_check_target(const char *destination, const char *peer, const char *migrate_uri,
                            enum remote_rights rights, struct error *err);
/* One per state. */
void move_keep_checking(struct move *move);
void move_keep_preparing(struct move *move);
void move_keep_switching(struct move *move);
void move_keep_releasing(struct move *move);
void move_keep_aborting(struct move *move);
/* Ends it without anything having been done. */
void move_fail(struct move *move, const struct error *err);
void move_after_plan(struct migration *migration, const struct plan *plan);
/* Its event, where the state is worth one. */
void move_note(struct txn *txn, const struct migration *migration);
struct move *moves_find_plan(const struct manager *m, const char *plan);

/* What workers do for it: each calls `done` on the loop. */
typedef void move_done_fn(struct move *move, struct incoming *incoming, const struct error *err);
enum peer_question {
    PEER_ASK_CHECK,
    PEER_ASK_PREPARE,
    PEER_ASK_STATUS,
    PEER_ASK_COMMIT,
    PEER_ASK_ABORT
};
/* `done` gets what the target says (its own until it returns), or why it doesn't. */
void move_ask_peer(struct move *move, enum peer_question question, move_done_fn *done);
/* Metadata, framebuffers and link speed into offer and estimate. */
void move_measure(struct move *move, evloop_fn *done);
/* Lets libvirt move it; `done` without `incoming`. */
void move_run(struct move *move, move_done_fn *done);
/* Looks how far libvirt is, and cancels if that was asked for. `err`: NULL while it moves it. */
void move_watch(struct move *move, move_done_fn *done);
void move_undefine(struct move *move, move_done_fn *done);

/* ---- lines to other hosts (peer_lines.c) ---- */

/* The line for a call to that address. NULL: a dry run, and there are too many. The caller
 * submits to its worker, and gives the line back in the job's `done`. */
struct peer_line *peer_lines_take(struct manager *m, const char *address, enum peer_rank rank);
void peer_line_give_back(struct peer_line *line, enum peer_rank rank);
enum peer_rank peer_rank_of(const struct move *move);
/* As worker_finish() and worker_free(). */
bool peer_lines_finish(struct migrations *all, uint64_t until_us);
void peer_lines_close(struct migrations *all);

/* ---- arrivals ---- */

extern const struct operation_kind incoming_kind;
/* Takes the reservation, whose operation begins: `start` has its kind, and whether it was stored.
 */
struct arrival *arrival_new(struct manager *m, struct incoming *incoming,
                            const struct operation_start *start);
/* The operation's state follows the reservation's. */
void arrival_follow(struct arrival *arrival);
/* The source spoke: the time until it is silent begins again. */
void arrival_heard(struct arrival *arrival);
void arrival_free(struct arrival *arrival);
struct arrival *arrivals_find(const struct manager *m, const char *id);
struct arrival *arrivals_find_plan(const struct manager *m, const char *plan);
int arrival_store(struct arrival *arrival, enum incoming_state state, struct error *err);
void arrival_after_plan(struct incoming *incoming, const struct plan *plan);
/* What libvirt says of the VM, here. False: libvirt does not answer, or has not said more yet than
 * that the VM's hook was called, which it is before anything of the VM arrives. NULL: it is not
 * here. */
bool arrival_see_vm(const struct arrival *arrival, const struct vm **ret_vm);
/* It is ready, and no change that gives it back waits for its turn: one that has begun has moved it
 * to another state. */
bool arrival_is_idle(const struct arrival *arrival);
/* The VM lives here: its claims own what was reserved. */
int arrival_commit(struct arrival *arrival, struct error *err);
/* Begins to give back what was reserved. */
void arrival_give_back(struct arrival *arrival);

/* ---- records ---- */

void txn_put_move(struct txn *txn, const struct migration *migration);
void txn_put_arrival(struct txn *txn, const struct incoming *incoming);
struct incoming *incoming_copy(const struct incoming *incoming);
/* Forgets the oldest that are over. */
void migrations_trim(struct manager *m);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VMs on their way: out of this host (struct outgoing, led from here) and into it (struct
 * incoming_vm, led from the other host). Loop thread only. What is stored is a struct migration or
 * incoming; what hangs on it here is in the two structs below.
 */
#ifndef MIGRATION_MIGRATIONS_H
#define MIGRATION_MIGRATIONS_H

#include "base/remote.h"
#include "base/sm.h"
#include "model/incoming.h"
#include "operation/operation.h"
#include "plan/preflight.h"
#include "plan/whereabouts.h"
#include "state/state.h"

/* So many ticks between two looks at what comes in. */
#define INCOMING_LOOK_TICKS 4
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
struct outgoing {
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
    bool queued;    /* the target is prepared, and another VM is moving: this one waits for that */
    bool moving;    /* libvirt moves it for us */
    bool deciding;  /* both libvirts are asked where the VM is */
    bool releasing; /* a change that gives back what the VM had here waits or runs */
    bool finished;  /* it is freed as soon as no job has it */
    struct resolving resolving;
    /* Monotonic; 0: not in this state. While it moves: when the target was asked last. While it
     * aborts: since when the target has not answered. */
    uint64_t touched_us;
    unsigned both;                      /* how often the VM was seen running on both hosts */
    unsigned refusals;                  /* of the target to take over what it has */
    enum migration_state entering;      /* on its way to the store */
    struct error err;                   /* why it goes back */
    struct migration_progress progress; /* written by the watching worker's done */
};

/* A reservation for a VM that comes in. */
struct incoming_vm {
    struct manager *manager;
    struct incoming *incoming;
    struct operation *operation; /* its deadline: the source has to speak before */
    bool committing;             /* that the VM lives here is on its way to the store */
    draft_done_fn *committed;
    void *data;
};

struct outgoing_list {
    struct outgoing **items;
    size_t n;
    size_t cap;
};
struct incoming_list {
    struct incoming_vm **items;
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

struct migrations {
    struct outgoing_list outgoing;
    struct incoming_list incoming;
    struct peer_line lines[PEER_LINES_MAX];
    size_t n_lines;
    unsigned n_rated; /* VMs of dry runs that are being looked at */
    struct worker *move_worker;
    struct worker *watch_worker;
};

#endif

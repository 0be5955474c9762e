/* SPDX-License-Identifier: Apache-2.0 */
/* A change: what was asked for, who asked, and how far it is. Loop thread only. */
#ifndef TURN_CHANGE_H
#define TURN_CHANGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/evloop.h"
#include "base/str.h"
#include "hold/hold.h"
#include "model/claim.h"
#include "model/host.h"
#include "model/plan.h"
#include "plan/planner.h"
#include "service/service.h"

struct change;
struct drain;
struct incoming;
struct incoming_vm;
struct migration;
struct migration_offer;
struct outgoing;
struct vm_line;

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
    bool needs_licences;     /* its new claims are refused where a pool has no licence for them */
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
    uint64_t until_us, ask_us;       /* stopping a VM: when to give up, and to ask it (again) */
    bool off;                        /* it is */
    struct drain *drain;             /* to begin; its own */
    struct migration *migration;     /* to begin; its own */
    struct migration_offer *offer;   /* of another host; its own */
    struct incoming *incoming;       /* to begin; its own */
    struct outgoing *outgoing;       /* whose plan it makes */
    struct incoming_vm *incoming_vm; /* likewise */
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

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holds: which operation has a claim, a VM or a GPU in hand since when, and what it bars others
 * from meanwhile. An operation takes its holds when it begins and ends them when it is over; before
 * anything is done with an object, its holds are asked, in one place, and a refusal is one sentence
 * for a person. Kept in memory only: after a restart the operations that are stored (migrations,
 * unfinished plans) take theirs again, and a plan's hold of a claim is the claim's own state.
 * What bars what is one table in hold.c; who asks what: ARCHITECTURE.md, "Who has what in hand".
 * Pure; no lock, one thread.
 */
#ifndef HOLD_HOLD_H
#define HOLD_HOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/pci.h"
#include "model/claim.h"
#include "model/host.h"
#include "model/plan.h"

/* The operation that has an object in hand. */
enum hold_kind {
    HOLD_OUTGOING,  /* a migration: the VM leaves, with its claims */
    HOLD_INCOMING,  /* a migration: the VM comes in, to claims that are kept for it */
    HOLD_START,     /* `vm start` has handed the VM to libvirt */
    HOLD_CHANGE,    /* the VM is stopped, defined or deleted for a person */
    HOLD_PLAN,      /* a plan runs */
    HOLD_LATE_PLAN, /* a plan waits for a call that does not come back */
    HOLD_KIND_COUNT
};

/* What an asker is about to do with an object. */
enum hold_want {
    WANT_VM_START,        /* start it for a person */
    WANT_VM_BOOT,         /* let libvirt start it: its hook asks */
    WANT_VM_STOP,         /* stop it for a person */
    WANT_VM_MIGRATE,      /* migrate it away */
    WANT_VM_FORESEE_MOVE, /* say whether it could migrate, once nothing else is under way */
    WANT_VM_ARRIVE,       /* let it come in from another host */
    WANT_VM_DELETE,       /* delete its definition for a person */
    WANT_VM_REDEFINE,     /* change devices in its definition, by a plan */
    WANT_VM_REPORT,       /* report what a look shows of it as a change by others */
    WANT_VM_TAKE_FOR_OFF, /* believe a look that shows it off, and take its devices back */
    WANT_CLAIM_CHANGE,    /* change or release it, by a plan */
    WANT_CLAIM_FOLLOW,    /* let it follow what becomes of its VM's name */
    WANT_CLAIM_COLLECT,   /* release it because its VM is off or gone */
    WANT_GPU_CHANGE,      /* change the GPU, by a plan */
    WANT_GPU_REPORT,      /* judge it, and report changes by others, by what a look shows */
    HOLD_WANT_COUNT
};
#define HOLD_BAR(want) (1U << (want))

enum hold_object_kind { HELD_VM, HELD_CLAIM, HELD_GPU };

#define HOLD_ID_SIZE 40
struct hold_object {
    enum hold_object_kind kind;
    char name[VM_NAME_SIZE]; /* of a claim or VM; "" a VM of which only the UUID counts */
    char uuid[HOLD_ID_SIZE]; /* of a VM; "" not known */
    struct pci_addr gpu;
    bool in_plan; /* a claim whose state says that a plan has it in hand */
};

/* Two of them are about one VM if the name or the UUID of one is the other's. `name` may be a UUID.
 */
struct hold_object hold_vm(const char *name, const char *uuid);
struct hold_object hold_claim(const struct claim *claim);
struct hold_object hold_claim_named(const char *name); /* whatever its state */
struct hold_object hold_gpu(const struct pci_addr *gpu);

struct hold {
    enum hold_kind kind;
    char operation[HOLD_ID_SIZE]; /* id of the migration, plan or change */
    struct hold_object object;
    uint32_t bars;     /* set of HOLD_BAR(want) */
    uint64_t since_us; /* real time */
    uint64_t until;    /* 0: goes on; else it is over, and the look of that number shows the end */
    struct hold_object vm; /* of a migration's claim: the VM that it goes or comes with */
    bool lends;            /* that VM may start with the claim, though it is not its own yet */
    /* For the sentence: */
    char what[PLAN_REASON_SIZE]; /* a migration's other host; a plan's reason */
    char state[32];              /* a migration's; of a late plan: what does not answer */
};

struct holds {
    struct hold *items;
    size_t n;
    size_t cap;
};

/* What operations of that kind bar by default. */
uint32_t hold_bars(enum hold_kind kind);
/* What of that keeps a look from being believed. */
uint32_t hold_bars_reports(uint32_t bars);

/* Takes a copy, in place of the operation's own hold of that object. What bars nothing and lends
 * nothing is none. */
void holds_take(struct holds *holds, const struct hold *hold);
/* The operation is over. `until`: the look of that number shows what came of it, and until then no
 * other one is believed (UINT64_MAX: to be ended again); 0: nothing is left. */
void holds_end(struct holds *holds, const char *operation, uint64_t until);
/* Looks up to that number have been compared. */
void holds_forget_seen(struct holds *holds, uint64_t look);
void holds_done(struct holds *holds);

/* The first hold that bars the want, and is not of `operation` (NULL or "": the asker is none).
 * NULL: nothing does. Borrowed until the next change of the holds. */
const struct hold *holds_find(const struct holds *holds, const struct hold_object *object,
                              enum hold_want want, const char *operation);
bool holds_bar(const struct holds *holds, struct hold_object object, enum hold_want want);
/* The same as a refusal: 0, or -reason with what can't be done to which object, what has it since
 * when, and what to do. */
int hold_check(const struct holds *holds, struct hold_object object, enum hold_want want,
               const char *operation, struct error *err);
/* Has an operation of that kind, which is not over, the object in hand? */
bool holds_have(const struct holds *holds, enum hold_kind kind, struct hold_object object);
/* Is the claim kept for that VM, which may start with it now? */
bool holds_lend(const struct holds *holds, const char *claim, const char *vm, const char *uuid);

#endif

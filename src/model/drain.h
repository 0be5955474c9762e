/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The emptying of this host: which VM goes where, which must stop, which stays, and why; and how
 * far that is. One at a time; the latest is the host's until it is ended (undrain).
 */
#ifndef MODEL_DRAIN_H
#define MODEL_DRAIN_H

#include <jansson.h>

#include "base/error.h"
#include "model/claim.h"
#include "model/migration.h"
#include "schema/schema.h"

#define DRAIN_MAX_TARGETS 8
#define DRAIN_MAX_VMS 256
#define DRAIN_MAX_PARALLEL 8

/* Names are stored and never change. */
enum drain_state {
    DRAIN_PLANNING, /* each VM is asked about at each target */
    DRAIN_RUNNING,
    DRAIN_CANCELLING, /* what is under way comes back or ends */
    DRAIN_DONE,       /* no VM is left running */
    DRAIN_INCOMPLETE, /* some stay, or could not be moved */
    DRAIN_CANCELLED,
    DRAIN_STATE_COUNT
};
WORDS_DECLARE(drain_state, drain_state_words)
bool drain_is_over(enum drain_state state);

/* A VM's fate. */
enum drain_verdict {
    DRAIN_UNDECIDED,
    DRAIN_MIGRATE, /* to `target` */
    DRAIN_STOP,    /* it can't migrate, and may be stopped */
    DRAIN_STAY,    /* it can't migrate, and stopping was not asked for */
    DRAIN_VERDICT_COUNT
};
WORDS_DECLARE(drain_verdict, drain_verdict_words)

/* How far it is. */
enum drain_step {
    DRAIN_WAITING,
    DRAIN_MOVING,
    DRAIN_STOPPING,
    DRAIN_GONE,   /* it runs here no more */
    DRAIN_LEFT,   /* it stays: not to be touched, or cancelled */
    DRAIN_FAILED, /* `problem` says why */
    DRAIN_STEP_COUNT
};
WORDS_DECLARE(drain_step, drain_step_words)

struct drain_target {
    char destination[MIGRATION_URI_SIZE];
    char peer[MIGRATION_URI_SIZE];        /* "": from the destination */
    char migrate_uri[MIGRATION_URI_SIZE]; /* "": libvirt chooses */
};

struct drain_vm {
    char name[VM_NAME_SIZE];
    char devices[128]; /* "2 x L40S-8Q", "passthrough"; "" none */
    enum drain_verdict verdict;
    enum drain_step step;
    size_t target;     /* MIGRATE: index of the one that takes it; else of the next to be asked */
    unsigned attempts; /* at that target, that failed */
    char why[ERROR_TEXT_SIZE]; /* why it can't migrate; "" when it can */
    char migration[40];
    char problem[ERROR_TEXT_SIZE];
    struct amount estimate_ms; /* of its migration */
    /* Not stored: of the migration under way, or what it was. */
    struct amount total_bytes, processed_bytes, downtime_ms;
};

struct drain {
    char id[40]; /* of its operation; "" in what was stored before there was such a thing */
    char author[NAME_SIZE];
    char reason[128];
    enum drain_state state;
    bool stop;      /* VMs that can't migrate */
    bool undrained; /* it is over, and claims come to the host again */
    size_t parallel;
    struct drain_target targets[DRAIN_MAX_TARGETS];
    size_t n_targets;
    VEC(struct drain_vm) vms;
    uint64_t created_us;  /* realtime, as both */
    uint64_t finished_us; /* 0 until finished */
};
/* To the same state, or one that its machine has: all else is a bug, and ends the process. */
void drain_move(struct drain *drain, enum drain_state state);
void drain_vm_move(struct drain_vm *vm, enum drain_step step);
void drain_free(struct drain *drain);
DEFINE_FREEP(struct drain *, drain_free)

extern const struct schema drain_schema;
/* The user's form: {to: [{destination, peer?, migrateUri?}…], stop?, parallel?, reason?}. */
int drain_from_json(const json_t *json, struct drain **ret_drain, struct error *err);
/* The API's form, schema Drain. */
json_t *drain_to_json(const struct drain *drain);
/* What the store keeps, and back. */
json_t *drain_to_stored_json(const struct drain *drain);
int drain_from_stored_json(const json_t *json, struct drain **ret_drain, struct error *err);

#endif

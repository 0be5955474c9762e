/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One restoration of this host: every GPU of which a reboot or a reload of the driver took
 * something gets it back, one plan per GPU, so that a bad GPU holds up no other. What is busy or
 * not there yet is tried again, with growing pauses, until the time is over. Loop thread only.
 */
#ifndef RESTORE_RESTORE_RUN_H
#define RESTORE_RESTORE_RUN_H

#include "base/str.h"
#include "model/plan.h"
#include "operation/operation.h"
#include "plan/restore.h"
#include "restore/stale.h"

/* Names are shown in the API. */
enum restore_state {
    RESTORE_WAITING,    /* "waiting": for the next attempt */
    RESTORE_RUNNING,    /* "running": its plan is */
    RESTORE_RESTORED,   /* "restored": has all that it should have */
    RESTORE_INCOMPLETE, /* "incomplete": what is missing needs help */
    RESTORE_STATE_COUNT
};
WORDS_DECLARE(restore_state, restore_state_words)

struct restore_gpu {
    struct pci_addr addr;
    char uuid[GPU_UUID_SIZE];
    enum restore_state state;
    struct attempts attempts;   /* that failed, or had to wait */
    unsigned plans;             /* that were done */
    char plan_id[40];           /* the latest, "" if there was none */
    struct error why;           /* what it waits for, or lacks; NONE: nothing */
    char said[ERROR_TEXT_SIZE]; /* the last reason to wait that is an event; "": none */
    VEC(struct restore_claim) claims;
    /* Names, of its own: claims that came back in this run, and that failed in it. */
    struct strlist_names {
        char (*items)[NAME_SIZE];
        size_t n, cap;
    } came, late;
};

struct manager;

/* A claim whose GPU is not on this host now. */
struct restore_absent {
    char claim[NAME_SIZE];
    bool has_uuid; /* the driver may find it in another slot */
    bool tried;    /* to choose again for it, in this run */
    bool running;  /* the plan of that */
    struct error why;
};

struct restore_run {
    /* The latest; NULL: none. Its attempts are those to see what was not to be seen. */
    struct operation *operation;
    struct operation *found; /* in the store, not over; NULL: none, or it is the latest by now */
    struct manager *manager;
    uint64_t timeout_us;        /* how long it may try */
    bool queued;                /* waits for its turn */
    char said[ERROR_TEXT_SIZE]; /* likewise, of the driver that is not there */
    bool again; /* there is another reason to restore, and this one is being cancelled */
    VEC(struct restore_gpu) gpus;
    VEC(struct restore_absent) absent;
    struct stale_devices before; /* kept from run to run: which saved states name */
};

bool restore_is_active(const struct restore_run *run);
/* Adds what lacks something, with its reason, as "; GPU …: why; claim …: why; and 4 more". */
void restore_add_missing(const struct restore_run *run, struct strbuf *out);
size_t restore_count(const struct restore_run *run, enum restore_state state);
/* Of its kind's row. */
void restore_describe(const struct operation *operation, struct operation_view *view);

/* Schema Restore in api/openapi.yaml, but for `definitions`. */
json_t *restore_run_to_json(const struct restore_run *run);

#endif

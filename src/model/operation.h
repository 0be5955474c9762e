/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations: what takes time. A plan's run, a migration out or in, a drain, a restoration, a
 * release that is tried again. Each has states of its own; here are those that all have in common,
 * and what the API shows of any of them.
 */
#ifndef MODEL_OPERATION_H
#define MODEL_OPERATION_H

#include <jansson.h>

#include "base/words.h"
#include "model/plan.h"
#include "schema/schema.h"

#define OPERATION_SUBJECT_SIZE (VM_NAME_SIZE + 16)
#define OPERATION_HOST_SIZE 512
#define OPERATION_URL_SIZE 128
#define OPERATION_ABOUT_SIZE 2048

/* What takes time, by kind. Names are shown in the API and never change. */
enum operation_kind_id {
    OPERATION_KIND_PLAN,
    OPERATION_KIND_MIGRATION, /* out */
    OPERATION_KIND_INCOMING,  /* a migration, in */
    OPERATION_KIND_DRAIN,
    OPERATION_KIND_RESTORATION,
    OPERATION_KIND_RELEASE,   /* of a claim whose VM is gone; once it has failed */
    OPERATION_KIND_GIVE_BACK, /* of the devices of a VM that is off; once it has failed */
    OPERATION_KIND_COUNT
};
WORDS_DECLARE(operation_kind_id, operation_kind_id_words)

/* How many of a kind that are over are kept. */
struct operation_limits {
    size_t stored; /* 0: such operations are not stored at all */
    size_t listed; /* of them in memory; older ones are read on request */
};
extern const struct operation_limits operation_limits[OPERATION_KIND_COUNT];

/* Names are shown in the API and never change. */
enum operation_state {
    OPERATION_WAITING, /* for its turn, or for a pause before the next attempt to end */
    OPERATION_RUNNING,
    OPERATION_CANCELLING, /* was asked to end; what has begun comes back, or ends */
    OPERATION_DONE,       /* all that was asked for is there */
    OPERATION_FAILED,     /* some of it is not: its problem says what, and why */
    OPERATION_CANCELLED,
    OPERATION_STATE_COUNT
};
WORDS_DECLARE(operation_state, operation_state_words)
/* Does it stay in that state? */
bool operation_state_is_over(enum operation_state state);

/* How far an operation is, in what it counts. */
struct operation_progress {
    char unit[16]; /* "bytes", "steps", "VMs", "GPUs"; "": it counts nothing */
    uint64_t done, total;
    char text[STEP_TEXT_SIZE]; /* what it does now; "" */
};

/* An operation as it is shown: schema Operation in api/openapi.yaml. What does not change once it
 * is over is stored, too: with the kind's own document ("body") it is the operation's record. */
struct operation_view {
    char id[40];
    enum operation_kind_id kind;
    char subject[OPERATION_SUBJECT_SIZE]; /* "vm/web1", "claim/a", "host" */
    char about[OPERATION_ABOUT_SIZE];     /* more subjects: operation_view_add_about() */
    char host[OPERATION_HOST_SIZE];       /* the other one; "" */
    char text[PLAN_REASON_SIZE];          /* what it does, in words */
    char author[NAME_SIZE];
    enum operation_state state;
    bool dry_run;
    bool cancel;              /* was asked for */
    bool cancellable;         /* can be asked for now */
    uint32_t attempts;        /* that failed */
    uint64_t created_us;      /* realtime, as all of these; 0: not known, or none */
    uint64_t finished_us;     /* 0: it is not over */
    uint64_t next_attempt_us; /* 0: it does not wait for one */
    uint64_t deadline_us;     /* 0: it has none */
    struct operation_progress progress;
    char problem[ERROR_TEXT_SIZE], hint[ERROR_TEXT_SIZE];
    char url[OPERATION_URL_SIZE]; /* where its kind shows all of it; "" */
};

/* What else the operation has to do with, such as each of a plan's claims: as many as have room. */
void operation_view_add_about(struct operation_view *view, const char *subject);
/* Is it the view's subject, or one of those? */
bool operation_view_is_about(const struct operation_view *view, const char *subject);

extern const struct schema operation_view_schema;
json_t *operation_view_to_json(const struct operation_view *view);
/* The record of an operation, and back. */
json_t *operation_to_stored_json(const struct operation_view *view, const json_t *body);
/* *ret_body: borrowed from `json`. */
int operation_from_stored_json(const json_t *json, struct operation_view *ret_view,
                               const json_t **ret_body, struct error *err);

#endif

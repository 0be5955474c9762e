/* SPDX-License-Identifier: Apache-2.0 */
/* What a transaction is about to store of a plan, as its operation shows it (plan_run.h). Pure. */
#ifndef STATE_PLAN_NOTE_H
#define STATE_PLAN_NOTE_H

#include "model/operation.h"
#include "model/plan.h"

struct manager;

/* The data of a plan's operation. Texts are its own. */
struct plan_run {
    const struct manager *manager; /* NULL: it is not on the spine */
    char *text, *problem, *hint;
    struct operation_progress progress; /* when it was stored last */
};
void plan_run_free(void *run);

struct plan_note {
    char id[40];
    char subject[OPERATION_SUBJECT_SIZE];
    char author[NAME_SIZE];
    enum operation_state state;
    uint64_t created_us, finished_us;
    struct plan_run *run; /* of its own, until an operation takes it */
};
struct plan_notes {
    struct plan_note *items; /* a later one of a plan counts */
    size_t n;
    size_t cap;
};

struct plan_note plan_note_of(const struct plan *plan);
struct operation_progress plan_note_progress(const struct plan *plan);
void plan_notes_add(struct plan_notes *notes, const struct plan *plan);

#endif

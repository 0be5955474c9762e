/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations that cleaved began on its own and that have failed, such as giving back the device of
 * a VM that is off while its GPU does not answer. They are tried again with growing pauses: at once
 * and for ever, nothing else would ever have its turn. One that never fails is a plan alone, and
 * has no such operation. The latest that are over are remembered, to be shown. Loop thread only.
 */
#ifndef TURN_RETRY_H
#define TURN_RETRY_H

#include "model/plan.h"
#include "operation/operation.h"

struct manager;
struct hardware_look;

/* A task that is tried: its kind and subject say which it is. */
struct retry_task {
    const struct operation_kind *kind;
    char name[VM_NAME_SIZE]; /* of the subject */
    char subject[OPERATION_SUBJECT_SIZE];
    char text[PLAN_REASON_SIZE]; /* for people */
};

/* One that has failed: the data of its operation. */
struct retry {
    struct manager *manager;
    struct retry_task task;
    char why[ERROR_TEXT_SIZE], hint[ERROR_TEXT_SIZE]; /* of the last attempt */
};

/* About "claim" or "vm" `name`; the rest is its text, for people. */
struct retry_task retry_task_of(const struct operation_kind *kind, const char *object,
                                const char *name, const char *fmt, ...) PRINTF_ATTR(4, 5);

/* A kind's row: only what it does again is its own. */
#define RETRY_KIND(id_, advance_)                                                                  \
    {.id = (id_),                                                                                  \
     .advance = (advance_),                                                                        \
     .hurries = true,                                                                              \
     .free = retry_free,                                                                           \
     .describe = retry_describe}
void retry_describe(const struct operation *operation, struct operation_view *view);
void retry_free(void *data);

/* Not before its pause is over. */
bool retry_may_begin(const struct manager *m, const struct retry_task *task);
/* Its plan begins. */
void retry_begins(struct manager *m, const struct retry_task *task);
/* There is no plan for it now. */
void retry_refused(struct manager *m, const struct retry_task *task, const struct error *why);
/* Its plan has ended; NULL: it had none, or cleaved stops. */
void retry_ended(struct manager *m, const struct retry_task *task, const struct plan *plan);

/* The task is not to be tried again: what it was about is gone, or well. */
void retry_drop(struct operation *operation);

/* The hardware was looked at: when a GPU works again, everything is due. */
void retry_follow_repairs(struct manager *m, struct hardware_look *look);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which operations are stored, by kind in the order in which they came. Their texts stay in the
 * store. A record's id says whether the operation is over, its kind, its number, which grows, and
 * its own id: "open:plan:000000000007:ID", "over:drain:000000000001:ID". So those that are not over
 * are one range, and those of one kind that are over another, in the order of their numbers. Steps
 * of a plan are records of their own, with the plan's number.
 */
#ifndef LEDGER_OPERATION_LOG_H
#define LEDGER_OPERATION_LOG_H

#include "model/operation.h"
#include "store/store.h"

struct operation_entry {
    enum operation_kind_id kind;
    uint64_t number; /* within its kind */
    char id[40];     /* the operation's */
    bool over;
};

struct operation_entries {
    struct operation_entry *items; /* by number */
    size_t n;
    size_t cap;
};

struct operation_log {
    struct operation_entries kinds[OPERATION_KIND_COUNT];
    /* The latest new one that was put into a draft: a store that failed may have it all the same,
     * so its number is no other one's. */
    struct operation_entry tried[OPERATION_KIND_COUNT];
};

/* The records' ids are all that is read. */
int operation_log_load(struct store *store, struct operation_log *ret_log, struct error *err);
void operation_log_done(struct operation_log *log);
/* NULL: there is none. Valid until the next change. */
struct operation_entry *operation_log_find(const struct operation_log *log,
                                           enum operation_kind_id kind, const char *id);
/* A new one's, behind all others. */
struct operation_entry operation_log_next(struct operation_log *log, enum operation_kind_id kind,
                                          const char *id);
/* In the place of the one of that number: true, if there is one. */
bool operation_log_put(struct operation_log *log, const struct operation_entry *entry);
void operation_log_drop(struct operation_log *log, const struct operation_entry *entry);

#define OPERATION_RECORD_ID_SIZE 80
const char *operation_record_id(const struct operation_entry *entry,
                                char out[OPERATION_RECORD_ID_SIZE]);
#define STEP_RECORD_ID_SIZE 40
/* Of a plan. */
const char *step_record_id(const struct operation_entry *entry, size_t step,
                           char out[STEP_RECORD_ID_SIZE]);
/* The range of all steps' ids. */
void step_record_range(const struct operation_entry *entry, char ret_from[STEP_RECORD_ID_SIZE],
                       char ret_to[STEP_RECORD_ID_SIZE]);

#endif

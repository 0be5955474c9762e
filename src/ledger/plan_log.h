/* SPDX-License-Identifier: Apache-2.0 */
/* Which plans are stored, in the order in which they came: their numbers, which are part of the ids
 * of their records and of their steps'. Not their texts. */
#ifndef LEDGER_PLAN_LOG_H
#define LEDGER_PLAN_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

struct plan_entry {
    uint64_t number;
    char id[40];  /* the plan's */
    bool running; /* it has not ended: a record of RECORD_RUNNING, else of RECORD_PLAN */
};

struct plan_log {
    struct plan_entry *items; /* by number */
    size_t n;
    size_t cap;
};

int plan_log_load(struct store *store, struct plan_log *ret_log, struct error *err);
/* NULL: there is none. Valid until the next change. */
struct plan_entry *plan_log_find(const struct plan_log *log, const char *id);
/* The number of the latest; 0: there is none. */
uint64_t plan_log_last(const struct plan_log *log);

enum record_kind plan_entry_kind(const struct plan_entry *entry);
#define PLAN_RECORD_ID_SIZE 72
const char *plan_record_id(const struct plan_entry *entry, char out[PLAN_RECORD_ID_SIZE]);
#define STEP_RECORD_ID_SIZE 40
const char *step_record_id(const struct plan_entry *entry, size_t step,
                           char out[STEP_RECORD_ID_SIZE]);
/* The range of all steps' ids. */
void step_record_range(const struct plan_entry *entry, char ret_from[STEP_RECORD_ID_SIZE],
                       char ret_to[STEP_RECORD_ID_SIZE]);

#endif

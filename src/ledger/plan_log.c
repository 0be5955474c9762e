/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/plan_log.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/parse.h"
#include "base/str.h"
#include "base/vec.h"

enum record_kind plan_entry_kind(const struct plan_entry *entry)
{
    return entry->running ? RECORD_RUNNING : RECORD_PLAN;
}

const char *plan_record_id(const struct plan_entry *entry, char out[PLAN_RECORD_ID_SIZE])
{
    (void)snprintf(out, PLAN_RECORD_ID_SIZE, "%012" PRIu64 ":%s", entry->number, entry->id);
    return out;
}

const char *step_record_id(const struct plan_entry *entry, size_t step,
                           char out[STEP_RECORD_ID_SIZE])
{
    (void)snprintf(out, STEP_RECORD_ID_SIZE, "%012" PRIu64 "/%06zu", entry->number, step);
    return out;
}

void step_record_range(const struct plan_entry *entry, char ret_from[STEP_RECORD_ID_SIZE],
                       char ret_to[STEP_RECORD_ID_SIZE])
{
    (void)snprintf(ret_from, STEP_RECORD_ID_SIZE, "%012" PRIu64 "/", entry->number);
    (void)snprintf(ret_to, STEP_RECORD_ID_SIZE, "%012" PRIu64 "0", entry->number); /* behind '/' */
}

struct plan_entry *plan_log_find(const struct plan_log *log, const char *id)
{
    for (size_t i = log->n; i > 0; i--) {
        if (str_eq(log->items[i - 1].id, id)) {
            return &log->items[i - 1];
        }
    }
    return NULL;
}

uint64_t plan_log_last(const struct plan_log *log)
{
    return log->n == 0 ? 0 : log->items[log->n - 1].number;
}

static int by_number(const void *a, const void *b)
{
    const struct plan_entry *one = a;
    const struct plan_entry *other = b;
    return one->number < other->number ? -1 : one->number > other->number;
}

static int load_kind(struct store *store, enum record_kind kind, struct plan_log *log,
                     struct error *err)
{
    CLEANUP(records_done) struct records records = {0};
    struct store_range range = {.kind = kind, .ids_only = true};
    int r = store->ops->load(store, &range, &records, err);
    for (vec_each(&records, record)) {
        struct plan_entry entry = {.running = kind == RECORD_RUNNING};
        const char *colon = strchr(record->id, ':');
        char number[24] = "";
        if (colon != NULL) {
            (void)snprintf(number, sizeof(number), "%.*s", (int)(colon - record->id), record->id);
            STR_SET(entry.id, colon + 1);
        }
        if (parse_u64(number, &entry.number)) {
            *vec_push(log) = entry;
        }
    }
    return r;
}

int plan_log_load(struct store *store, struct plan_log *ret_log, struct error *err)
{
    int r = load_kind(store, RECORD_PLAN, ret_log, err);
    r = r != 0 ? r : load_kind(store, RECORD_RUNNING, ret_log, err);
    if (ret_log->n > 0) {
        qsort(ret_log->items, ret_log->n, sizeof(ret_log->items[0]), by_number);
    }
    return r;
}

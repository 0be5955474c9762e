/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/operation_log.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/parse.h"
#include "base/str.h"
#include "base/vec.h"

#define OPEN "open:"
#define OVER "over:"

/* ---- ids ---- */

const char *operation_record_id(const struct operation_entry *entry,
                                char out[OPERATION_RECORD_ID_SIZE])
{
    (void)snprintf(out, OPERATION_RECORD_ID_SIZE, "%s%s:%012" PRIu64 ":%s",
                   entry->over ? OVER : OPEN, operation_kind_id_name(entry->kind), entry->number,
                   entry->id);
    return out;
}

const char *step_record_id(const struct operation_entry *entry, size_t step,
                           char out[STEP_RECORD_ID_SIZE])
{
    (void)snprintf(out, STEP_RECORD_ID_SIZE, "%012" PRIu64 "/%06zu", entry->number, step);
    return out;
}

void step_record_range(const struct operation_entry *entry, char ret_from[STEP_RECORD_ID_SIZE],
                       char ret_to[STEP_RECORD_ID_SIZE])
{
    (void)snprintf(ret_from, STEP_RECORD_ID_SIZE, "%012" PRIu64 "/", entry->number);
    (void)snprintf(ret_to, STEP_RECORD_ID_SIZE, "%012" PRIu64 "0", entry->number); /* behind '/' */
}

/* Up to the next colon, which *text is put behind. */
static bool take_word(const char **text, char *out, size_t size)
{
    const char *colon = strchr(*text, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - *text);
    if (len == 0 || len >= size) {
        return false;
    }
    (void)snprintf(out, size, "%.*s", (int)len, *text);
    *text = colon + 1;
    return true;
}

static bool read_id(const char *id, struct operation_entry *ret_entry)
{
    char over[8];
    char kind[24];
    char number[24];
    uint32_t value = 0;
    if (!take_word(&id, over, sizeof(over)) || !take_word(&id, kind, sizeof(kind)) ||
        !take_word(&id, number, sizeof(number)) ||
        !words_find(&operation_kind_id_words, kind, &value) ||
        !parse_u64(number, &ret_entry->number) || strlen(id) >= sizeof(ret_entry->id)) {
        return false;
    }
    ret_entry->kind = (enum operation_kind_id)value;
    ret_entry->over = str_eq(over, "over");
    STR_SET(ret_entry->id, id);
    return ret_entry->over || str_eq(over, "open");
}

/* ---- the log ---- */

struct operation_entry *operation_log_find(const struct operation_log *log,
                                           enum operation_kind_id kind, const char *id)
{
    const struct operation_entries *entries = &log->kinds[kind];
    for (size_t i = entries->n; i > 0; i--) {
        if (str_eq(entries->items[i - 1].id, id)) {
            return &entries->items[i - 1];
        }
    }
    return NULL;
}

struct operation_entry operation_log_next(struct operation_log *log, enum operation_kind_id kind,
                                          const char *id)
{
    const struct operation_entries *entries = &log->kinds[kind];
    uint64_t last = entries->n == 0 ? 0 : entries->items[entries->n - 1].number;
    uint64_t tried = log->tried[kind].number;
    struct operation_entry entry = {.kind = kind, .number = (tried > last ? tried : last) + 1};
    STR_SET(entry.id, id);
    log->tried[kind] = entry;
    return entry;
}

bool operation_log_put(struct operation_log *log, const struct operation_entry *entry)
{
    struct operation_entries *entries = &log->kinds[entry->kind];
    size_t at = entries->n; /* most often a new one, which has the highest number */
    while (at > 0 && entries->items[at - 1].number > entry->number) {
        at--;
    }
    if (at > 0 && entries->items[at - 1].number == entry->number) {
        entries->items[at - 1] = *entry;
        return true;
    }
    (void)vec_push(entries);
    struct operation_entry *place = &entries->items[at];
    memmove(place + 1, place, (entries->n - 1 - at) * sizeof(*place));
    *place = *entry;
    return false;
}

void operation_log_drop(struct operation_log *log, const struct operation_entry *entry)
{
    struct operation_entries *entries = &log->kinds[entry->kind];
    for (size_t i = 0; i < entries->n; i++) {
        if (entries->items[i].number == entry->number) {
            vec_remove(entries, i);
            return;
        }
    }
}

void operation_log_done(struct operation_log *log)
{
    for (size_t kind = 0; kind < OPERATION_KIND_COUNT; kind++) {
        vec_done(&log->kinds[kind]);
    }
}

static int read_entry(struct operation_log *log, const char *id, struct error *err)
{
    struct operation_entry entry = {0};
    if (!read_id(id, &entry)) {
        return error_set(err, REASON_INTERNAL, "store", "its id is none of an operation's");
    }
    return operation_log_put(log, &entry)
               ? error_set(err, REASON_INTERNAL, "store",
                           "another record of that number says that it has not ended")
               : 0;
}

int operation_log_load(struct store *store, struct operation_log *ret_log, struct error *err)
{
    CLEANUP(records_done) struct records records = {0};
    struct store_range all = {.kind = RECORD_OPERATION, .ids_only = true};
    int r = store->ops->load(store, &all, &records, err);
    for (vec_each(&records, record)) {
        if (r == 0 && read_entry(ret_log, record->id, err) != 0) {
            r = store->ops->damaged(store, RECORD_OPERATION, record->id, err);
        }
    }
    return r;
}

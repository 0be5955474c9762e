/* SPDX-License-Identifier: Apache-2.0 */
#include "store/record.h"

#include <string.h>

#include "base/mem.h"
#include "base/vec.h"

WORDS_DEFINE(record_kind_words, "kind of record", RECORD_KIND_COUNT, WORD(RECORD_CLAIM, "claim"),
             WORD(RECORD_OPERATION, "operation"), WORD(RECORD_STEP, "step"),
             WORD(RECORD_EVENT, "event"), WORD(RECORD_GPU, "gpu"), WORD(RECORD_HOST, "host"),
             WORD(RECORD_MADE, "made"), WORD(RECORD_RELEASED, "released"),
             WORD(RECORD_LICENCE_POOL, "licence-pool"), WORD(RECORD_LICENCE_USE, "licence-use"),
             WORD(RECORD_LICENCE_MONTH, "licence-month"))

void records_done(struct records *records)
{
    for (vec_each(records, record)) {
        free(record->id);
        free(record->text);
    }
    vec_done(records);
}

size_t records_place(const struct records *records, const char *id)
{
    size_t low = 0;
    size_t high = records->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(records->items[middle].id, id) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct record *records_find(const struct records *records, const char *id)
{
    size_t at = records_place(records, id);
    bool found = at < records->n && strcmp(records->items[at].id, id) == 0;
    return found ? &records->items[at] : NULL;
}

void records_put(struct records *records, const char *id, const char *text)
{
    struct record *record = records_find(records, id);
    if (record == NULL) {
        size_t at = records_place(records, id);
        (void)vec_push(records);
        record = &records->items[at];
        memmove(record + 1, record, (records->n - 1 - at) * sizeof(*record));
        *record = (struct record){.id = xstrdup(id)};
    }
    free(record->text);
    record->text = xstrdup(text);
    record->version++;
}

void records_remove(struct records *records, const char *id)
{
    struct record *record = records_find(records, id);
    if (record != NULL) {
        free(record->id);
        free(record->text);
        vec_remove(records, (size_t)(record - records->items));
    }
}

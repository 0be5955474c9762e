/* SPDX-License-Identifier: Apache-2.0 */
/* A stored record, and lists of those of one kind, sorted by id. */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/words.h"

/* Names are stored: renamed only with a migration. */
enum record_kind {
    RECORD_CLAIM,     /* "claim"; id its name */
    RECORD_OPERATION, /* "operation": what takes time, running or over; ledger/operation_log.h has
                         the form of its id */
    RECORD_STEP,      /* "step": of a plan, running or ended; id: the plan's number, and its own */
    RECORD_EVENT,     /* "event"; id its number, which has no gaps */
    RECORD_GPU,       /* "gpu": what was decided about a GPU beyond claims; id UUID or address */
    RECORD_HOST,      /* "host": facts about this host, such as the boot that was seen last */
    RECORD_MADE,      /* "made": a vGPU or GPU instance that cleave made; key of model/made.h */
    RECORD_RELEASED,  /* "released": a claim that was released because its VM was gone; id its
                         name */
    RECORD_LICENCE_POOL,  /* "licence-pool"; id the product's name */
    RECORD_LICENCE_USE,   /* "licence-use": a VM that had a product's licence; id its number */
    RECORD_LICENCE_MONTH, /* "licence-month": a summary of those that are kept no more; id "2026-11"
                           */
    RECORD_KIND_COUNT
};
WORDS_DECLARE(record_kind, record_kind_words)

struct record {
    char *id;
    uint64_t version; /* from 1; grows with each change */
    char *text;       /* JSON */
};

/* All of one kind; the strings are its own. */
struct records {
    struct record *items;
    size_t n;
    size_t cap;
};

void records_done(struct records *records);
/* Index of the first whose id is not before `id`; records->n: none. Of a sorted list. */
size_t records_place(const struct records *records, const char *id);
/* NULL: none of that id. Of a sorted list; valid until the next change. */
struct record *records_find(const struct records *records, const char *id);
/* Inserts in the order of ids, or replaces with the next version. Copies both. */
void records_put(struct records *records, const char *id, const char *text);
/* None of that id: nothing. */
void records_remove(struct records *records, const char *id);

#endif

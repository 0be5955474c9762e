/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Licences as stored and counted: pools, who holds licences now, and the ledger of use, which
 * watch/licence_watch.h writes. Loop thread only.
 */
#ifndef STATE_LICENCE_BOOK_H
#define STATE_LICENCE_BOOK_H

#include "licence/peaks.h"
#include "licence/tally.h"

struct draft;
struct manager;

struct licence_book {
    struct licence_uses uses; /* as stored */
    struct licence_months months;
    uint64_t last_number;
    struct licence_room room; /* for a planner, of when it was asked for last */
    /* ---- src/watch ---- */
    bool storing;      /* changes are on their way to the store */
    bool looked;       /* at the VMs, since cleaved started */
    bool clock_known;  /* is clock_us? */
    uint64_t clock_us; /* realtime of monotonic time 0, when it was looked at last */
};

struct licence_book *licence_book_new(void);
void licence_book_free(struct licence_book *book);
/* Once, from the ledger. -INTERNAL. */
int licence_book_load(struct manager *m, struct error *err);
int licence_book_check_pool(const json_t *document, struct error *err);
int licence_book_check_use(const json_t *document, struct error *err);
int licence_book_check_month(const json_t *document, struct error *err);

/* As stored now. */
void licence_book_read_pools(const struct manager *m, struct licence_pools *ret_pools);
/* Holders of licences now, and which are in use; `with_vms` false: of that nothing is asked, and
 * all count as reserved. The caller ends it with licence_room_done(). */
void licence_book_count(const struct manager *m, bool with_vms, struct licence_room *ret_room);
/* For a planner: NULL unless a pool refuses. Valid until it is asked for again. */
const struct licence_room *licence_book_room(const struct manager *m);
void licence_book_put_use(struct draft *draft, const struct licence_use *use);
/* "00000000000000000042"; returns out. */
#define LICENCE_USE_ID_SIZE 24
const char *licence_book_use_id(uint64_t number, char out[LICENCE_USE_ID_SIZE]);

#endif

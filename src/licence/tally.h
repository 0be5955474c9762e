/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Licences that are in use and reserved, counted: each claim whose VM needs a product is one
 * holder. Holders of one VM share its licence; holders on one GPU share that of a product that is
 * counted by GPU (licence/products.h). Of several products that would do, a VM gets the first in
 * the order of holders for which a pool has room; as few as possible are left without.
 * Pure.
 */
#ifndef LICENCE_TALLY_H
#define LICENCE_TALLY_H

#include "licence/products.h"
#include "model/licence_pool.h"

struct licence_holder {
    char vm[VM_NAME_SIZE]; /* two with the same are of one VM */
    licence_set any_of;    /* not 0 */
    char gpu[BDF_SIZE];
    bool on;              /* its VM is: in use; else reserved */
    uint32_t index;       /* the caller's own */
    enum licence product; /* what it gets, in or out of a pool */
};
struct licence_holders {
    struct licence_holder *items;
    size_t n;
    size_t cap;
};

struct licence_count {
    uint32_t in_use, reserved;
};

struct licence_tally {
    struct licence_count counts[LICENCE_COUNT];
    /* Each of these has room for one more VM, or no pool; some VM may have to get another product
     * for it. */
    licence_set roomy;
};

/* Appends the claim's holder; false: it needs no licence. `on`: its VM is. */
bool licence_holders_add(struct licence_holders *holders, const struct claim *claim, bool on);
/* Counts, and sets each holder's product. */
void licence_tally(struct licence_holders *holders, const struct licence_pools *pools,
                   uint64_t now_us, struct licence_tally *ret_tally);
/* Licences beyond the pool: 0 also where there is no pool. */
uint32_t licence_excess(const struct licence_tally *tally, const struct licence_pools *pools,
                        enum licence product, uint64_t now_us);
/* Free ones of the pool: 0 of one that has expired. */
uint32_t licence_free(const struct licence_tally *tally, const struct licence_pools *pools,
                      enum licence product, uint64_t now_us);

/* ---- one more ---- */

/* All holders, counted: what one more is compared with. */
struct licence_room {
    struct licence_pools pools;
    struct licence_holders holders; /* counted */
    struct licence_tally tally;
    uint64_t now_us;
};
void licence_room_done(struct licence_room *room);
/* 0, or -NO_LICENCE: by the policy of its pool a claim that is not among the holders is refused, on
 * that GPU. */
int licence_room_check(const struct licence_room *room, const struct claim *claim, const char *gpu,
                       struct error *err);
/* Why a pool has none for all: "11 licences are needed, and the pool has 10", or when it expired.
 * Returns out. */
const char *licence_lack_text(const struct licence_pool *pool, uint32_t needed, uint64_t now_us,
                              char *out, size_t size);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The record of claims that were released because their VM was gone. Loop thread only. */
#ifndef STATE_RELEASED_RECORD_H
#define STATE_RELEASED_RECORD_H

#include <jansson.h>

#include "base/error.h"
#include "model/claim.h"

struct manager;
struct txn;

struct released {
    struct claim claim; /* as it was when it was released */
    uint64_t at_us;     /* realtime */
    char why[256];
};

/* All of them by name; the caller owns them. */
int released_load(const struct manager *m, json_t **ret_documents, struct error *err);
int released_read(const json_t *document, struct released *ret_released, struct error *err);
/* -NOT_FOUND: no such claim was released, or too long ago. */
int released_find(const struct manager *m, const char *name, struct released *ret_released,
                  struct error *err);
bool released_has(const struct manager *m, const char *name);
void txn_keep_released(struct txn *txn, const struct claim *claim, const char *why);
void txn_forget_released(struct txn *txn, const char *name);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A batch is written together: puts and deletions, and the versions that they count on. */
#ifndef STORE_BATCH_H
#define STORE_BATCH_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "store/record.h"

/* For who does not mind which version a record has, or whether it is there. */
#define VERSION_ANY UINT64_MAX

struct batch_op {
    enum record_kind kind;
    char *id;
    char *text;      /* NULL: it is deleted; one that isn't there is gone already */
    char *to;        /* of a range [id, to) that is deleted; NULL: one record */
    uint64_t expect; /* the version it must have; 0: it must not be there */
};

/* At most one of an id: a later one takes an earlier one's place, and expects what that did. No
 * range holds an id that the batch puts. {0} is an empty one. */
struct batch {
    struct batch_op *items;
    size_t n;
    size_t cap;
    json_t *places; /* index + 1 by kind and id */
};

void batch_done(struct batch *batch);
/* Takes the text. */
void batch_put(struct batch *batch, enum record_kind kind, const char *id, char *text,
               uint64_t expect);
void batch_delete(struct batch *batch, enum record_kind kind, const char *id, uint64_t expect);
void batch_delete_range(struct batch *batch, enum record_kind kind, const char *from,
                        const char *to);
/* What the batch does to it; NULL: nothing. Valid until the next change. */
const struct batch_op *batch_find(const struct batch *batch, enum record_kind kind, const char *id);

/* -CONFLICT: the record has version `is` (0: it is not there), which `op` does not expect. */
int batch_op_check(const struct batch_op *op, uint64_t is, struct error *err);

#endif

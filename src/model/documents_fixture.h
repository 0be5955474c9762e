/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: a filled and an empty document of each kind, as the API shows and the store keeps it.
 */
#ifndef MODEL_DOCUMENTS_FIXTURE_H
#define MODEL_DOCUMENTS_FIXTURE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

struct document {
    const char *name;
    json_t *json;
    /* Writes what it reads; NULL: it was refused. No function: such a document is never read. */
    json_t *(*again)(const json_t *json, struct error *err);
    bool is_request; /* what is written then has more in it */
};
struct documents {
    struct document *items;
    size_t n;
    size_t cap;
};

struct documents documents_make(void);
void documents_done(struct documents *all);

#endif

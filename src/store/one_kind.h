/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans, migrations and drains, which were stored as kinds of their own up to schema 4: what a
 * cleaved of then wrote becomes the record of an operation (ledger/operation_log.h), with that
 * document as its body.
 */
#ifndef STORE_ONE_KIND_H
#define STORE_ONE_KIND_H

#include <jansson.h>

/* A record of then. */
struct former_record {
    const char *kind; /* "plan", "migration", "incoming", "drain" */
    const char *id;   /* of the operation */
    const json_t *document;
    const json_t *steps; /* of a plan; else none */
};
/* Caller decrefs. NULL: the document is none of that kind, and stays as it is. */
json_t *one_kind(const struct former_record *record);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The table of verbs: all that can be asked of cleaved (verbs.def). api/openapi.yaml describes the
 * same; src/api/routes_test.c compares them. */
#ifndef SERVICE_VERB_H
#define SERVICE_VERB_H

#include "model/body.h"
#include "model/operation.h"
#include "service/caller.h"

enum verb_id {
#define VERB(id, ...) VERB_##id,
#include "service/verbs.def"
#undef VERB
    VERB_COUNT
};

enum verb_body { BODY_NONE, BODY_OPTIONAL, BODY_NEEDED };

/* Further things that a verb takes (query parameters of its route), and how it is treated; bits. */
enum verb_flag {
    TAKES_DRY_RUN = 1 << 0,
    TAKES_GPU = 1 << 1,
    TAKES_AFTER = 1 << 2,
    TAKES_BEHIND = 1 << 3,
    TAKES_LIMIT = 1 << 4,
    TAKES_KIND = 1 << 5,
    TAKES_STATE = 1 << 6,
    TAKES_SUBJECT = 1 << 7,
    TAKES_BEFORE = 1 << 8,
    TAKES_NEWEST = 1 << 9,
    TAKES_SINCE = 1 << 10,
    TAKES_CHANGED = 1 << 11,
    TAKES_MONTH = 1 << 12,
    TAKES_LAST = TAKES_MONTH,
    IS_URGENT = 1 << 13, /* is handled before others, and when too many wait, too */
    IS_STREAM = 1 << 14, /* its answer goes on: once it is allowed, the feed's messages are sent */
};

struct verb {
    enum verb_id id;
    const char *name;   /* operationId in api/openapi.yaml */
    const char *method; /* "GET": it changes nothing */
    const char *path;   /* at most one {parameter}, the request's target */
    enum role permission;
    enum verb_body has_body;
    const struct body_kind *body; /* NULL: none */
    unsigned flags;               /* set of enum verb_flag */
    /* The kind of operation that it begins where there is something to do, "x-operation" in
     * api/openapi.yaml; OPERATION_KIND_COUNT: none. */
    enum operation_kind_id begins;
};

/* `id` is below VERB_COUNT. Static. */
const struct verb *verb_of(enum verb_id id);
/* The query parameter's name of one TAKES_ bit ("dryRun"). */
const char *verb_flag_name(enum verb_flag flag);
const char *role_name(enum role role);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A request as the API's handlers get it. */
#ifndef API_CALL_H
#define API_CALL_H

#include <stdbool.h>
#include <stddef.h>

#include "manager/manager.h"

/* A request, taken apart and checked. Everything is valid until the reply. */
struct call {
    struct manager *manager;
    struct caller caller;
    const char *name;   /* the {parameter} of the path, NULL if it has none */
    const json_t *body; /* NULL if none was sent */
    bool dry_run;
    const char *gpu;    /* ?gpu=, NULL if not given */
    const char *behind; /* ?behind=, NULL if not given; then dry_run is set */
    uint64_t after;     /* ?after= */
    size_t limit;       /* ?limit= */
    manager_reply_fn *reply;
    void *data;
};

/* Translates to one manager_* call; call->reply is called exactly once. */
typedef void route_fn(const struct call *call);

#endif

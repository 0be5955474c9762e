/* SPDX-License-Identifier: Apache-2.0 */
/* One call of a verb: who, on what, with what, and where the answer goes. */
#ifndef SERVICE_REQUEST_H
#define SERVICE_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "service/caller.h"
#include "service/verb.h"

/* The answer: exactly one of body (stolen) or err (reason set). */
typedef void reply_fn(json_t *body, const struct error *err, void *data);

/* All that it points to is valid until the function that it is passed to returns: what is needed
 * later is copied. */
struct request {
    enum verb_id verb; /* set by the door */
    const struct caller *caller;
    bool dry_run;
    reply_fn *reply; /* called exactly once, maybe before the function returns */
    void *data;
    const char *target; /* the {parameter} of the verb's path; NULL: it has none */
    const json_t *json; /* the body as api/openapi.yaml has it; NULL: none was sent */
    /* What the door makes of that, for the function, by the verb's kind of body; or what a caller
     * within cleaved gives in its place. The function may move out what it holds. */
    void *body;
    const char *gpu; /* a GPU to choose by; NULL: all */
    const char
        *behind; /* names, with slashes between: a dry run as it will be behind them; or NULL */
    const char *kind, *state, *subject; /* of operations, of events; NULL: any */
    uint64_t after, before;             /* events with greater, with smaller numbers; 0: all */
    const char *changed;                /* rules that changed with that release; NULL: all */
    const char *month;                  /* "2026-11"; NULL: this one */
    uint64_t since_us;                  /* events of that time and later */
    size_t limit;                       /* the most events */
    bool newest;                        /* the last of them */
};

/* Steals the body. */
static inline void request_answer(const struct request *request, json_t *body)
{
    request->reply(body, NULL, request->data);
}

static inline void request_refuse(const struct request *request, const struct error *err)
{
    request->reply(NULL, err, request->data);
}

#endif

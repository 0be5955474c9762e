/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door: every request passes it, from HTTP (a person, libvirt's hook, another cleaved) or from
 * a piece of work of cleaved's own (a drain). Here stands what is done for all of them: may this
 * caller call that verb, and what does the body say? Loop thread only.
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include "service/request.h"

struct feed;
struct manager;

/* What a verb does. Calls request_answer() or request_refuse() exactly once, maybe later. */
typedef void verb_fn(struct manager *m, const struct request *request);

#define TARGET_ID_SIZE 40
/* The whole identifier of a target that is the beginning of one; "": the target stays as it is.
 * -INVALID: several begin like that. */
typedef int find_target_fn(struct manager *m, const struct verb *verb, const char *target,
                           char ret_id[TARGET_ID_SIZE], struct error *err);

struct service {
    struct manager *manager;
    verb_fn *const *functions;   /* by enum verb_id */
    find_target_fn *find_target; /* NULL: targets are whole */
    struct feed *feed;           /* what those who follow get; NULL: there is none */
};

/* Calls the verb's function, or refuses: -PERMISSION, or what is wrong with the body. The request
 * has a caller, and what its verb needs: a target, a body or its JSON. */
void service_call(const struct service *service, enum verb_id id, const struct request *request);

#endif

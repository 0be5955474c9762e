/* SPDX-License-Identifier: Apache-2.0 */
/* A request that is called later: what it borrowed for the call is copied. Requests with a body
 * can't be. */
#ifndef STATE_REQUEST_COPY_H
#define STATE_REQUEST_COPY_H

#include "service/service.h"

/* Strings of a request. */
#define REQUEST_TEXTS 6

struct request_copy {
    struct request request;
    struct caller caller;
    char *texts[REQUEST_TEXTS];
};

/* The copy points into itself: it stays where it is. */
void request_copy_init(struct request_copy *copy, const struct request *request);
void request_copy_done(struct request_copy *copy);

#endif

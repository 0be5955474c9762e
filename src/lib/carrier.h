/* SPDX-License-Identifier: Apache-2.0 */
/* A connection through a program that carries bytes: `ssh HOST cleave dial`. Private to src/lib. */
#ifndef LIB_CARRIER_H
#define LIB_CARRIER_H

#include <curl/curl.h>

#include "base/error.h"

struct carrier;

/* "ssh:[user@]host[:port]"; -INVALID for anything else. Starts nothing yet. */
int carrier_new(const char *address, struct carrier **ret_carrier, struct error *err);
void carrier_free(struct carrier *carrier);
/* Lets a curl handle connect through it. */
void carrier_prepare(struct carrier *carrier, CURL *curl);
/* Adds what the program said last to a hint. */
void carrier_explain(const struct carrier *carrier, struct error *err);

#endif

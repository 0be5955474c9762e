/* SPDX-License-Identifier: Apache-2.0 */
/* A connection through a program that carries bytes: `ssh HOST cleave dial`. Private to src/lib. */
#ifndef LIB_CARRIER_H
#define LIB_CARRIER_H

#include <curl/curl.h>

#include "base/error.h"
#include "base/remote.h"

struct carrier;

/* To a host over SSH. Starts nothing yet. */
struct carrier *carrier_new(const struct remote *remote);
void carrier_free(struct carrier *carrier);
/* Lets a curl handle connect through it. */
void carrier_prepare(struct carrier *carrier, CURL *curl);
/* Adds what the program said last to a hint. */
void carrier_explain(const struct carrier *carrier, struct error *err);

#endif

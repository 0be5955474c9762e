/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a request comes from: keeps out what a web page could make a browser send, by another name
 * for this host (DNS rebinding) or across sites (CSRF). Pure.
 */
#ifndef API_ORIGIN_H
#define API_ORIGIN_H

#include <stdbool.h>

#include "base/error.h"

/* A request without a body that changes something says by this header, or by application/json, that
 * no form of a web page made it. Any value. */
#define ORIGIN_CLIENT_HEADER "Cleave-Client"

/* Header fields that tell it; NULL where the request has none. */
struct origin {
    bool tcp; /* a browser can't open a Unix socket, but it can open a tunnel to one */
    const char *host;
    const char *origin;
    const char *fetch_site; /* Sec-Fetch-Site */
    const char *client;     /* ORIGIN_CLIENT_HEADER */
};

/* The most bytes of a list of names. */
#define ORIGIN_NAMES_SIZE 256

/* "gpu1.lan,gpu1": names separated by commas, without ports. "" is fine. */
bool origin_names_ok(const char *names);

/* -PERMISSION when the request may come from a web page of another site. `names`: what clients may
 * call this host besides localhost and its loopback addresses. `must_mark`: a change without a JSON
 * body, for which a browser asks no leave. */
int origin_check(const struct origin *from, const char *names, bool must_mark, struct error *err);

#endif

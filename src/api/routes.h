/* SPDX-License-Identifier: Apache-2.0 */
/* The table of what the API serves. api/openapi.yaml describes the same; a test compares them. */
#ifndef API_ROUTES_H
#define API_ROUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "api/call.h"
#include "api/target.h"

enum route_body { ROUTE_NO_BODY, ROUTE_MAY_HAVE_BODY, ROUTE_NEEDS_BODY };

/* Query parameters that a route takes; bits. */
enum route_query {
    QUERY_DRY_RUN = 1 << 0,
    QUERY_GPU = 1 << 1,
    QUERY_AFTER = 1 << 2,
    QUERY_BEHIND = 1 << 3,
    QUERY_LIMIT = 1 << 4,
};

struct route {
    const char *path; /* at most one {parameter} */
    const char *method;
    route_fn *handle;
    enum route_body body;
    unsigned query; /* set of enum route_query; QUERY_DRY_RUN: the route changes something */
};

const struct route *routes_all(size_t *ret_n);
/* Name of one bit of enum route_query: "dryRun". */
const char *route_query_name(enum route_query query);

enum route_found { ROUTE_FOUND, ROUTE_NO_PATH, ROUTE_NO_METHOD };
/* On ROUTE_FOUND sets route and name (NULL without a {parameter}); on ROUTE_NO_METHOD sets
 * ret_allow to the Allow header, static text. HEAD is served as GET. */
enum route_found routes_find(const char *method, const struct target *target,
                             const struct route **ret_route, const char **ret_name,
                             const char **ret_allow);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The table of what the API serves. api/openapi.yaml describes the same; a test compares them. */
#ifndef API_ROUTES_H
#define API_ROUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "api/target.h"
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

route_fn health_get;
route_fn host_get;
route_fn host_get_restore;
route_fn host_restore;
route_fn gpu_list;
route_fn gpu_get;
route_fn gpu_set_mode;
route_fn gpu_set_scheduler;
route_fn gpu_cordon;
route_fn gpu_uncordon;
route_fn gpu_recover;
route_fn profile_list;
route_fn claim_list;
route_fn claim_create;
route_fn claim_get;
route_fn claim_delete;
route_fn claim_restore;
route_fn claim_list_released;
route_fn site_apply;
route_fn plan_list;
route_fn plan_get;
route_fn vm_list;
route_fn vm_create;
route_fn vm_delete;
route_fn vm_start;
route_fn vm_lint;
route_fn vm_stop;
route_fn hook_qemu;
route_fn gc_list;
route_fn gc_run;
route_fn migration_list;
route_fn migration_create;
route_fn migration_get;
route_fn migration_cancel;
route_fn migration_settle;
route_fn incoming_offer;
route_fn incoming_get;
route_fn incoming_commit;
route_fn incoming_abort;
route_fn drain_begin;
route_fn drain_get;
route_fn drain_cancel;
route_fn drain_end;
route_fn event_list;
route_fn rule_list;

#endif

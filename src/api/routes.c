/* SPDX-License-Identifier: Apache-2.0 */
#include "api/routes.h"

#include "api/handlers.h"
#include "base/str.h"

#define DRY QUERY_DRY_RUN

/* Sorted by path; the methods of one path stand together. */
static const struct route routes[] = {
    {"/v1/apply", "POST", site_apply, ROUTE_NEEDS_BODY, DRY},
    {"/v1/claims", "GET", claim_list, ROUTE_NO_BODY, 0},
    {"/v1/claims", "POST", claim_create, ROUTE_NEEDS_BODY, DRY},
    {"/v1/claims/{claim}", "GET", claim_get, ROUTE_NO_BODY, 0},
    {"/v1/claims/{claim}", "DELETE", claim_delete, ROUTE_NO_BODY, DRY | QUERY_BEHIND},
    {"/v1/claims/{claim}/restore", "POST", claim_restore, ROUTE_NO_BODY, DRY},
    {"/v1/drain", "GET", drain_get, ROUTE_NO_BODY, 0},
    {"/v1/drain", "POST", drain_begin, ROUTE_NEEDS_BODY, DRY},
    {"/v1/drain", "DELETE", drain_end, ROUTE_NO_BODY, DRY},
    {"/v1/drain/cancel", "POST", drain_cancel, ROUTE_NO_BODY, DRY},
    {"/v1/events", "GET", event_list, ROUTE_NO_BODY, QUERY_AFTER | QUERY_LIMIT},
    {"/v1/gc", "GET", gc_list, ROUTE_NO_BODY, 0},
    {"/v1/gc", "POST", gc_run, ROUTE_NO_BODY, DRY},
    {"/v1/gpus", "GET", gpu_list, ROUTE_NO_BODY, 0},
    {"/v1/gpus/{gpu}", "GET", gpu_get, ROUTE_NO_BODY, 0},
    {"/v1/gpus/{gpu}/cordon", "PUT", gpu_cordon, ROUTE_MAY_HAVE_BODY, DRY},
    {"/v1/gpus/{gpu}/cordon", "DELETE", gpu_uncordon, ROUTE_NO_BODY, DRY},
    {"/v1/gpus/{gpu}/mode", "PUT", gpu_set_mode, ROUTE_NEEDS_BODY, DRY},
    {"/v1/gpus/{gpu}/recover", "POST", gpu_recover, ROUTE_NO_BODY, DRY},
    {"/v1/gpus/{gpu}/scheduler", "PUT", gpu_set_scheduler, ROUTE_NEEDS_BODY, DRY},
    {"/v1/health", "GET", health_get, ROUTE_NO_BODY, 0},
    {"/v1/hooks/qemu", "POST", hook_qemu, ROUTE_NEEDS_BODY, 0},
    {"/v1/host", "GET", host_get, ROUTE_NO_BODY, 0},
    {"/v1/host/restore", "GET", host_get_restore, ROUTE_NO_BODY, 0},
    {"/v1/host/restore", "POST", host_restore, ROUTE_MAY_HAVE_BODY, DRY},
    {"/v1/incoming", "POST", incoming_offer, ROUTE_NEEDS_BODY, DRY},
    {"/v1/incoming/{migration}", "GET", incoming_get, ROUTE_NO_BODY, 0},
    {"/v1/incoming/{migration}", "DELETE", incoming_abort, ROUTE_NO_BODY, DRY},
    {"/v1/incoming/{migration}/commit", "POST", incoming_commit, ROUTE_NO_BODY, DRY},
    {"/v1/migrations", "GET", migration_list, ROUTE_NO_BODY, 0},
    {"/v1/migrations", "POST", migration_create, ROUTE_NEEDS_BODY, DRY},
    {"/v1/migrations/{migration}", "GET", migration_get, ROUTE_NO_BODY, 0},
    {"/v1/migrations/{migration}", "DELETE", migration_cancel, ROUTE_NO_BODY, DRY},
    {"/v1/migrations/{migration}/settle", "POST", migration_settle, ROUTE_NEEDS_BODY, DRY},
    {"/v1/plans", "GET", plan_list, ROUTE_NO_BODY, 0},
    {"/v1/plans/{plan}", "GET", plan_get, ROUTE_NO_BODY, 0},
    {"/v1/profiles", "GET", profile_list, ROUTE_NO_BODY, QUERY_GPU},
    {"/v1/released-claims", "GET", claim_list_released, ROUTE_NO_BODY, 0},
    {"/v1/rules", "GET", rule_list, ROUTE_NO_BODY, 0},
    {"/v1/vms", "GET", vm_list, ROUTE_NO_BODY, 0},
    {"/v1/vms", "POST", vm_create, ROUTE_NEEDS_BODY, DRY},
    {"/v1/vms/{vm}", "DELETE", vm_delete, ROUTE_NO_BODY, DRY},
    {"/v1/vms/{vm}/lint", "GET", vm_lint, ROUTE_NO_BODY, 0},
    {"/v1/vms/{vm}/start", "POST", vm_start, ROUTE_NO_BODY, DRY | QUERY_BEHIND},
    {"/v1/vms/{vm}/stop", "POST", vm_stop, ROUTE_MAY_HAVE_BODY, DRY},
};

/* Sets of methods that a path can have, for the Allow header. */
enum {
    METHOD_GET = 1 << 0,
    METHOD_POST = 1 << 1,
    METHOD_PUT = 1 << 2,
    METHOD_DELETE = 1 << 3,
    METHOD_SETS = 1 << 4,
};

static const char *const allow_texts[METHOD_SETS] = {
    [METHOD_GET] = "GET, HEAD",
    [METHOD_POST] = "POST",
    [METHOD_PUT] = "PUT",
    [METHOD_DELETE] = "DELETE",
    [METHOD_PUT | METHOD_DELETE] = "PUT, DELETE",
    [METHOD_GET | METHOD_POST] = "GET, HEAD, POST",
    [METHOD_GET | METHOD_POST | METHOD_DELETE] = "GET, HEAD, POST, DELETE",
    [METHOD_GET | METHOD_DELETE] = "GET, HEAD, DELETE",
};

static unsigned method_bit(const char *method)
{
    if (str_eq(method, "POST")) {
        return METHOD_POST;
    }
    if (str_eq(method, "PUT")) {
        return METHOD_PUT;
    }
    return str_eq(method, "DELETE") ? METHOD_DELETE : METHOD_GET;
}

const struct route *routes_all(size_t *ret_n)
{
    *ret_n = ARRAY_SIZE(routes);
    return routes;
}

const char *route_query_name(enum route_query query)
{
    switch (query) {
    case QUERY_DRY_RUN:
        return "dryRun";
    case QUERY_GPU:
        return "gpu";
    case QUERY_AFTER:
        return "after";
    case QUERY_BEHIND:
        return "behind";
    case QUERY_LIMIT:
        return "limit";
    }
    return "";
}

/* Compares "/v1/gpus/{gpu}" with the decoded segments; a parameter takes any but the empty one. */
static bool path_matches(const char *path, const struct target *target, const char **ret_name)
{
    *ret_name = NULL;
    const char *part = path;
    for (size_t i = 0; i < target->n_segments; i++) {
        if (*part != '/') {
            return false;
        }
        part++;
        size_t len = strcspn(part, "/");
        const char *segment = target->segments[i];
        if (*part == '{') {
            if (segment[0] == '\0') {
                return false;
            }
            *ret_name = segment;
        } else if (strlen(segment) != len || strncmp(part, segment, len) != 0) {
            return false;
        }
        part += len;
    }
    return *part == '\0';
}

enum route_found routes_find(const char *method, const struct target *target,
                             const struct route **ret_route, const char **ret_name,
                             const char **ret_allow)
{
    const char *wanted = str_eq(method, "HEAD") ? "GET" : method;
    unsigned methods = 0;
    for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
        const char *name = NULL;
        if (!path_matches(routes[i].path, target, &name)) {
            continue;
        }
        if (str_eq(routes[i].method, wanted)) {
            *ret_route = &routes[i];
            *ret_name = name;
            return ROUTE_FOUND;
        }
        methods |= method_bit(routes[i].method);
    }
    if (methods == 0) {
        return ROUTE_NO_PATH;
    }
    *ret_allow = allow_texts[methods];
    return ROUTE_NO_METHOD;
}

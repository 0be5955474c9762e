/* SPDX-License-Identifier: Apache-2.0 */
#include "service/service.h"

static int check_permission(const struct verb *verb, const struct caller *caller, struct error *err)
{
    if ((caller->roles & verb->permission) != 0) {
        return 0;
    }
    /* The hook's word on a VM's power is believed, so only libvirt's own hook may: it runs as root.
     */
    if (verb->id == VERB_RUN_HOOK) {
        return error_set(err, REASON_PERMISSION, "request",
                         "only libvirt's hook may send this request, as root");
    }
    error_set(err, REASON_PERMISSION, "request", "%s may not call %s", caller->author, verb->name);
    error_hint(err, "this needs the role \"%s\"", role_name(verb->permission));
    return -REASON_PERMISSION;
}

/* The caller's body, or else one that is read from JSON and lives as long as the call. */
static int read_body(const struct verb *verb, struct request *request, void **ret_own,
                     struct error *err)
{
    if (verb->body == NULL || request->body != NULL) {
        return 0;
    }
    int r = body_read(verb->body, request->json, ret_own, err);
    request->body = *ret_own;
    return r;
}

static int find_target(const struct service *service, const struct verb *verb,
                       struct request *request, char id[TARGET_ID_SIZE], struct error *err)
{
    if (service->find_target == NULL || request->target == NULL) {
        return 0;
    }
    int r = service->find_target(service->manager, verb, request->target, id, err);
    request->target = id[0] != '\0' ? id : request->target;
    return r;
}

void service_call(const struct service *service, enum verb_id id, const struct request *request)
{
    const struct verb *verb = verb_of(id);
    struct request call = *request;
    struct error err = {0};
    char target[TARGET_ID_SIZE] = "";
    void *own = NULL;
    call.verb = id;
    int r = check_permission(verb, call.caller, &err);
    r = r != 0 ? r : find_target(service, verb, &call, target, &err);
    r = r != 0 ? r : read_body(verb, &call, &own, &err);
    if (r != 0) {
        request_refuse(request, &err);
        return;
    }
    service->functions[id](service->manager, &call);
    if (own != NULL) {
        body_done(verb->body, own);
    }
}

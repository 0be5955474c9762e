/* SPDX-License-Identifier: Apache-2.0 */
#include "service/service.h"

static int check_permission(const struct verb *verb, const struct caller *caller, struct error *err)
{
    if ((caller->roles & verb->permission) != 0) {
        return 0;
    }
    /* What it says of a VM's power is believed, so only libvirt's own hook may: it runs as root. */
    if (verb->id == VERB_RUN_HOOK) {
        return error_set(err, REASON_PERMISSION, "request",
                         "only libvirt's hook may ask this, as root");
    }
    error_set(err, REASON_PERMISSION, "request", "%s may not call %s", caller->author, verb->name);
    error_hint(err, "it takes the role \"%s\"", role_name(verb->permission));
    return -REASON_PERMISSION;
}

void service_call(const struct service *service, enum verb_id id, const struct request *request)
{
    struct error err = {0};
    if (check_permission(verb_of(id), request->caller, &err) != 0) {
        request_refuse(request, &err);
        return;
    }
    struct request call = *request;
    call.verb = id;
    service->functions[id](service->manager, &call);
}

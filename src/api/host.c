/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handlers.h"

void health_get(const struct call *call)
{
    manager_get_health(call->manager, call->reply, call->data);
}

void host_get(const struct call *call)
{
    manager_get_host(call->manager, call->reply, call->data);
}

void host_get_restore(const struct call *call)
{
    manager_get_restore(call->manager, call->reply, call->data);
}

void host_restore(const struct call *call)
{
    manager_restore_host(call->manager, &call->caller, call->body, call->dry_run, call->reply,
                         call->data);
}

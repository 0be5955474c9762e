/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handlers.h"

void drain_begin(const struct call *call)
{
    manager_drain_host(call->manager, &call->caller, call->body, call->dry_run, call->reply,
                       call->data);
}

void drain_get(const struct call *call)
{
    manager_get_drain(call->manager, call->reply, call->data);
}

void drain_cancel(const struct call *call)
{
    manager_cancel_drain(call->manager, &call->caller, call->dry_run, call->reply, call->data);
}

void drain_end(const struct call *call)
{
    manager_undrain_host(call->manager, &call->caller, call->dry_run, call->reply, call->data);
}

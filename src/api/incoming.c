/* SPDX-License-Identifier: Apache-2.0 */
/* What another host's cleaved asks when a VM comes from there. */
#include "api/handlers.h"

void incoming_offer(const struct call *call)
{
    manager_offer_incoming(call->manager, &call->caller, call->body, call->dry_run, call->reply,
                           call->data);
}

void incoming_get(const struct call *call)
{
    manager_get_incoming(call->manager, call->name, call->reply, call->data);
}

void incoming_commit(const struct call *call)
{
    manager_commit_incoming(call->manager, &call->caller, call->name, call->dry_run, call->reply,
                            call->data);
}

void incoming_abort(const struct call *call)
{
    manager_abort_incoming(call->manager, &call->caller, call->name, call->dry_run, call->reply,
                           call->data);
}

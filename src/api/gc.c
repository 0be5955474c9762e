/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handlers.h"

void gc_list(const struct call *call)
{
    manager_list_garbage(call->manager, call->reply, call->data);
}

void gc_run(const struct call *call)
{
    manager_collect_garbage(call->manager, &call->caller, call->dry_run, call->reply, call->data);
}

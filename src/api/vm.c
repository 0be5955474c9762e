/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handlers.h"

void vm_list(const struct call *call)
{
    manager_list_vms(call->manager, call->reply, call->data);
}

void vm_create(const struct call *call)
{
    manager_create_vm(call->manager, &call->caller, call->body, call->dry_run, call->reply,
                      call->data);
}

void vm_start(const struct call *call)
{
    if (call->behind != NULL) {
        manager_foresee_start(call->manager, &call->caller, call->name, call->behind, call->reply,
                              call->data);
        return;
    }
    manager_start_vm(call->manager, &call->caller, call->name, call->dry_run, call->reply,
                     call->data);
}

void vm_stop(const struct call *call)
{
    manager_stop_vm(call->manager, &call->caller, call->name, call->body, call->dry_run,
                    call->reply, call->data);
}

void vm_delete(const struct call *call)
{
    manager_delete_vm(call->manager, &call->caller, call->name, call->dry_run, call->reply,
                      call->data);
}

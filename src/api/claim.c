/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handlers.h"

void claim_list(const struct call *call)
{
    manager_list_claims(call->manager, call->reply, call->data);
}

void claim_get(const struct call *call)
{
    manager_get_claim(call->manager, call->name, call->reply, call->data);
}

void claim_create(const struct call *call)
{
    manager_create_claim(call->manager, &call->caller, call->body, call->dry_run, call->reply,
                         call->data);
}

void claim_delete(const struct call *call)
{
    if (call->behind != NULL) {
        manager_foresee_delete(call->manager, &call->caller, call->name, call->behind, call->reply,
                               call->data);
        return;
    }
    manager_delete_claim(call->manager, &call->caller, call->name, call->dry_run, call->reply,
                         call->data);
}

void claim_restore(const struct call *call)
{
    manager_restore_claim(call->manager, &call->caller, call->name, call->dry_run, call->reply,
                          call->data);
}

void claim_list_released(const struct call *call)
{
    manager_list_released(call->manager, call->reply, call->data);
}

void site_apply(const struct call *call)
{
    manager_apply_site(call->manager, &call->caller, call->body, call->dry_run, call->reply,
                       call->data);
}

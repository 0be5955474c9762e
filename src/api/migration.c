/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handlers.h"

void migration_list(const struct call *call)
{
    manager_list_migrations(call->manager, call->reply, call->data);
}

void migration_create(const struct call *call)
{
    manager_migrate_vm(call->manager, &call->caller, call->body, call->dry_run, call->reply,
                       call->data);
}

void migration_get(const struct call *call)
{
    manager_get_migration(call->manager, call->name, call->reply, call->data);
}

void migration_cancel(const struct call *call)
{
    manager_cancel_migration(call->manager, &call->caller, call->name, call->dry_run, call->reply,
                             call->data);
}

void migration_settle(const struct call *call)
{
    manager_settle_migration(call->manager, &call->caller, call->name, call->body, call->dry_run,
                             call->reply, call->data);
}

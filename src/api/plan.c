/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handlers.h"

void plan_list(const struct call *call)
{
    manager_list_plans(call->manager, call->reply, call->data);
}

void plan_get(const struct call *call)
{
    manager_get_plan(call->manager, call->name, call->reply, call->data);
}

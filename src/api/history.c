/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handlers.h"

void event_list(const struct call *call)
{
    manager_list_events(call->manager, call->after, call->limit, call->reply, call->data);
}

void rule_list(const struct call *call)
{
    manager_list_rules(call->manager, call->reply, call->data);
}

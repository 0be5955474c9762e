/* SPDX-License-Identifier: Apache-2.0 */
#include "api/routes.h"

void hook_qemu(const struct call *call)
{
    manager_run_hook(call->manager, &call->caller, call->body, call->reply, call->data);
}

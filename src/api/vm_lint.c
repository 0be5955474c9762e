/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handlers.h"

void vm_lint(const struct call *call)
{
    manager_lint_vm(call->manager, call->name, call->reply, call->data);
}

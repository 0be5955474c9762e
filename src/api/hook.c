/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handlers.h"

/* What it says of a VM's power is believed, so only libvirt's own hook may: it runs as root. */
void hook_qemu(const struct call *call)
{
    if (!call->caller.root) {
        struct error err = {0};
        error_set(&err, REASON_PERMISSION, "request", "only libvirt's hook may ask this, as root");
        call->reply(NULL, &err, call->data);
        return;
    }
    manager_run_hook(call->manager, &call->caller, call->body, call->reply, call->data);
}

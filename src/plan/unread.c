/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/unread.h"

#include "base/str.h"

/* Does the step take a device away that a VM may have open? */
static bool takes_away(const struct step *step)
{
    static const bool takes[STEP_KIND_COUNT] = {
        [STEP_COMPANION_VFIO] = true, [STEP_BIND_VFIO] = true,  [STEP_BIND_NVIDIA] = true,
        [STEP_COMPANION_HOME] = true, [STEP_MIG_ENABLE] = true, [STEP_MIG_DISABLE] = true,
        [STEP_GPU_RESET] = true,      [STEP_PCI_RESCAN] = true, [STEP_SRIOV_DISABLE] = true,
        [STEP_GI_DESTROY] = true,     [STEP_CI_DESTROY] = true, [STEP_VGPU_DELETE] = true,
    };
    return takes[step->kind];
}

/* A VM whose devices are unknown may have any. */
int plan_check_unread(const struct host *host, const struct plan *plan, struct error *err)
{
    const struct vm *vm = host_find_unread_vm(host);
    for (size_t i = 0; vm != NULL && i < plan->steps.n; i++) {
        const struct step *step = &plan->steps.items[i];
        if (takes_away(step)) {
            char bdf[BDF_SIZE];
            error_set(err, REASON_UNAVAILABLE, SUBJECT("vm", vm->name),
                      "cleave can't release a device of GPU %s now: VM \"%s\" may have it, because "
                      "cleaved can't read the devices of that VM: %s",
                      pci_addr_format(&step->gpu, bdf), vm->name, vm->unread);
            error_hint(err, "check whether `virsh dumpxml %s` answers, or stop that VM",
                       SHELL_WORD(vm->name));
            return -REASON_UNAVAILABLE;
        }
    }
    return 0;
}

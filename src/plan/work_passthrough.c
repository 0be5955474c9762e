/* SPDX-License-Identifier: Apache-2.0 */
/* The whole GPU for one VM. */
#include "base/str.h"
#include "plan/work.h"

int work_passthrough(struct gpu_work *work, struct error *err)
{
    const struct gpu *gpu = work->gpu;
    char subject[64];
    work_subject(work, subject, sizeof(subject));
    if (work->n_kept + work->n_added > 1) {
        const char *other = work->n_kept > 0 ? work->kept[0]->name : work->added[0].claim.name;
        return error_set(err, REASON_NO_CAPACITY, subject,
                         "GPU %s is passed through whole to claim \"%s\"", subject + 4, other);
    }
    if (work->n_added == 0) {
        return 0;
    }
    if (gpu->holder[0] != '\0') {
        return error_set(err, REASON_IN_USE, subject, "VM \"%s\" runs with GPU %s", gpu->holder,
                         subject + 4);
    }
    const struct vm *vm = work_defined_in(work, &gpu->addr);
    const char *own = work->added[0].claim.vm;
    if (vm != NULL && !str_eq(vm->name, own) && !str_eq(vm->uuid, own)) {
        return work_refuse_defined(work, vm, err);
    }
    work_to_idle(work);
    if (!str_eq(gpu->driver, "vfio-pci")) {
        STR_SET(work_step(work, STEP_BIND_VFIO)->claim, work->added[0].claim.name);
    }
    work_attach(work, 0);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The whole GPU for one VM. */
#include "base/str.h"
#include "plan/work_device.h"
#include "plan/work_enter.h"
#include "plan/work_parts.h"

/* Another claim of the same VM, on-demand, that names the GPU or a part of it; NULL: none does. */
static const struct claim *find_named(const struct gpu_work *work, const struct claim *mine)
{
    const struct claims *claims = work->planner->claims;
    for (size_t i = 0; i < claims->n; i++) {
        const struct claim *claim = &claims->items[i];
        if (mine->vm[0] != '\0' && claim->reserved.set && !claim_holds(claim) &&
            !str_eq(claim->name, mine->name) && !plan_request_removes(work->request, claim->name) &&
            claim_is_of(claim, mine->vm, mine->vm_uuid) &&
            pci_addr_cmp(&claim->reserved.gpu, &work->gpu->addr) == 0) {
            return claim;
        }
    }
    return NULL;
}

int work_passthrough(struct gpu_work *work, struct error *err)
{
    const struct gpu *gpu = work->gpu;
    if (work->n_kept + work->n_added > 1) {
        const char *other = work->n_kept > 0 ? work->kept[0]->name : work->added[0].claim.name;
        return error_set(err, REASON_NO_CAPACITY, work->subject,
                         "GPU %s is passed through to claim \"%s\" as a whole", work->bdf, other);
    }
    if (work->n_added == 0) {
        return 0;
    }
    if (gpu->holder[0] != '\0') {
        return error_set(err, REASON_IN_USE, work->subject, "VM \"%s\" runs with GPU %s",
                         gpu->holder, work->bdf);
    }
    const struct vm *vm = work_defined_in(work, &gpu->addr);
    const char *own = work->added[0].claim.vm;
    if (vm != NULL && !str_eq(vm->name, own) && !str_eq(vm->uuid, own)) {
        return work_refuse_defined(work, vm, err);
    }
    const struct claim *named = find_named(work, &work->added[0].claim);
    if (named != NULL) {
        error_set(err, REASON_CONFLICT, work->subject,
                  "VM \"%s\" names GPU %s for its claim \"%s\" already", own, work->bdf,
                  named->name);
        error_hint(err, "use another GPU, or release that claim");
        return -REASON_CONFLICT;
    }
    struct step *bind = work_enter(work, GPU_PASSTHROUGH, false);
    if (bind != NULL) {
        STR_SET(bind->claim, work->added[0].claim.name);
    }
    work_attach(work, 0);
    return 0;
}

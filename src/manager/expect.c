/* SPDX-License-Identifier: Apache-2.0 */
/* Changes that cleaved makes, and so expects to see: they are no drift. */
#include "base/str.h"
#include "manager/state.h"

/* ---- GPUs ---- */

void expect_gpu_changes(struct manager *m, const struct plan *plan)
{
    expect_no_gpu_changes(m);
    for (vec_each(&plan->steps, step)) {
        *vec_push(&m->plan_gpus) = step->gpu;
    }
}

void expect_no_gpu_changes(struct manager *m)
{
    m->plan_gpus.n = 0;
}

bool expects_gpu_change(const struct manager *m, const struct pci_addr *addr)
{
    for (vec_each(&m->plan_gpus, gpu)) {
        if (pci_addr_cmp(gpu, addr) == 0) {
            return true;
        }
    }
    for (vec_each(&m->parked, parked)) {
        if (plan_changes_gpu(parked->plan, addr)) {
            return true;
        }
    }
    return false;
}

void manager_end_holds(struct manager *m, const char *operation)
{
    holds_end(&m->holds, operation, m->views[HALF_GUESTS].begun + 1);
}

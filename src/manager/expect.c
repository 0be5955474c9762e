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

/* ---- VMs ---- */

static struct expected_vm *find_vm(const struct manager *m, const char *name)
{
    for (vec_each(&m->expected_vms, expected)) {
        if (str_eq(expected->name, name)) {
            return expected;
        }
    }
    return NULL;
}

bool expects_vm_change(const struct manager *m, const char *name)
{
    return find_vm(m, name) != NULL || holds_bar(&m->holds, hold_vm(name, ""), WANT_VM_REPORT);
}

void expect_vm_change(struct manager *m, const char *name)
{
    struct expected_vm *expected = find_vm(m, name);
    expected = expected == NULL ? vec_push(&m->expected_vms) : expected;
    STR_SET(expected->name, name);
    expected->until = UINT64_MAX;
}

void expect_vm_changed(struct manager *m, const char *name)
{
    struct expected_vm *expected = find_vm(m, name);
    if (expected != NULL) { /* the look under way may predate the change */
        expected->until = m->views[HALF_GUESTS].begun + 1;
    }
}

bool expects_vm_to_change(const struct manager *m, const char *name)
{
    const struct expected_vm *expected = find_vm(m, name);
    return (expected != NULL && expected->until == UINT64_MAX) ||
           holds_bar(&m->holds, hold_vm(name, ""), WANT_VM_TAKE_FOR_OFF);
}

void expect_forget_vms(struct manager *m)
{
    holds_forget_seen(&m->holds, m->views[HALF_GUESTS].begun);
    for (size_t i = m->expected_vms.n; i > 0; i--) {
        if (m->expected_vms.items[i - 1].until <= m->views[HALF_GUESTS].begun) {
            vec_remove(&m->expected_vms, i - 1);
        }
    }
}

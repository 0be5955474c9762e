/* SPDX-License-Identifier: Apache-2.0 */
/* The manager's state as the planner sees it. */
#include "manager/state.h"

/* Steps after which others can't be on the same GPU when the plan has to be undone. */
static const bool is_wide[STEP_KIND_COUNT] = {
    [STEP_BIND_VFIO] = true,    [STEP_BIND_NVIDIA] = true,   [STEP_MIG_ENABLE] = true,
    [STEP_MIG_DISABLE] = true,  [STEP_GPU_RESET] = true,     [STEP_PCI_RESCAN] = true,
    [STEP_SRIOV_ENABLE] = true, [STEP_SRIOV_DISABLE] = true, [STEP_MIXED_ON] = true,
    [STEP_MIXED_OFF] = true,    [STEP_SCHEDULER_SET] = true,
};

/* One that waits for libvirt, and changed nothing of the whole GPU, leaves room next to it. */
bool parked_holds_gpu(const struct parked *parked, const struct pci_addr *gpu)
{
    bool touches = false;
    bool whole = parked->port != PORT_GUEST;
    for (vec_each(&parked->plan->steps, step)) {
        if (pci_addr_cmp(&step->gpu, gpu) == 0) {
            touches = true;
            whole = whole || is_wide[step->kind];
        }
    }
    return touches && whole;
}

bool manager_is_held(const struct manager *m, const struct pci_addr *gpu)
{
    for (vec_each(&m->parked, parked)) {
        if (parked_holds_gpu(parked, gpu)) {
            return true;
        }
    }
    return false;
}

static bool is_held(const struct pci_addr *gpu, const void *data)
{
    return manager_is_held(data, gpu);
}

struct planner manager_planner(const struct manager *m)
{
    return (struct planner){.catalog = m->config.catalog,
                            .rules = m->config.rules,
                            .host = m->host,
                            .claims = &m->claims,
                            .records = &m->gpu_records,
                            .boards = m->boards,
                            .is_held = is_held,
                            .held_data = m};
}

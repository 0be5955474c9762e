/* SPDX-License-Identifier: Apache-2.0 */
/* The manager's state as the planner sees it. */
#include "state/planner_view.h"

#include "state/state.h"

static bool is_held(const struct pci_addr *gpu, const void *data)
{
    const struct manager *m = data;
    return holds_bar(&m->holds, hold_gpu(gpu), WANT_GPU_CHANGE);
}

struct planner planner_view(const struct manager *m)
{
    return (struct planner){.catalog = m->config.catalog,
                            .rules = m->rules,
                            .host = m->host,
                            .claims = &m->claims,
                            .records = &m->gpu_records,
                            .boards = m->boards,
                            .is_held = is_held,
                            .held_data = m};
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/seats.h"

#include <stdio.h>

#include "base/str.h"
#include "plan/gpu_gate.h"

/* The memory of an instance that vGPUs share is that of the largest type made for its profile. */
static uint32_t most_by_memory(const struct gpu_work *work, const struct cat_vgpu_type *type)
{
    const struct cat_profile *profile = model_profile_of_type(work->model, type);
    uint32_t largest = 0;
    for (size_t i = 0; i < work->model->types.n; i++) {
        const struct cat_vgpu_type *other = &work->model->types.items[i];
        if (other->mig_backed && other->framebuffer_mib != CAT_UNKNOWN &&
            model_profile_of_type(work->model, other) == profile &&
            other->framebuffer_mib > largest) {
            largest = other->framebuffer_mib;
        }
    }
    bool known = type->framebuffer_mib != CAT_UNKNOWN && type->framebuffer_mib > 0;
    return known && largest > type->framebuffer_mib ? largest / type->framebuffer_mib : 1;
}

uint32_t seats_most(const struct gpu_work *work, const struct cat_vgpu_type *type)
{
    if (work->gpu->mig_timeslicing_supported == TRI_NO ||
        work->gpu->mig_timeslicing_enabled == TRI_NO) {
        return 1;
    }
    return type->max_per_gi != CAT_UNKNOWN ? type->max_per_gi : most_by_memory(work, type);
}

static uint32_t room_for(const struct seats *seats, const struct seats_gi *gi,
                         const struct cat_vgpu_type *type)
{
    if (!gi->there || gi->profile != model_profile_of_type(seats->work->model, type)) {
        return 0;
    }
    bool other_size =
        gi->n_vgpus > 0 && gi->type != NULL && gi->type->framebuffer_mib != type->framebuffer_mib;
    uint32_t most = seats_most(seats->work, type);
    return other_size || gi->n_vgpus >= most ? 0 : most - gi->n_vgpus;
}

/* ---- spare functions ---- */

static bool is_claimed(const struct gpu_work *work, const struct pci_addr *vf)
{
    const struct planner *planner = work->planner;
    for (size_t i = 0; i < planner->claims->n; i++) {
        const struct claim *claim = &planner->claims->items[i];
        if ((claim->assigned.set && pci_addr_cmp(&claim->assigned.device, vf) == 0) ||
            (claim->reserved.set && pci_addr_cmp(&claim->reserved.device, vf) == 0)) {
            return true;
        }
    }
    for (size_t i = 0; i < work->n_added; i++) {
        if (work->assigned[i].set && pci_addr_cmp(&work->assigned[i].device, vf) == 0) {
            return true;
        }
    }
    return false;
}

bool seats_is_spare(const struct gpu_work *work, const struct pci_addr *vf)
{
    return gpu_find_vgpu_vf(work->gpu, vf) == NULL && !is_claimed(work, vf) &&
           work_defined_in(work, vf) == NULL && !gate_is_stuck(work->planner, work->gpu, vf);
}

uint32_t seats_count_spares(const struct gpu_work *work)
{
    uint32_t n = 0;
    struct pci_addr vf;
    for (uint32_t i = 0; gpu_vf_addr(work->gpu, i, &vf); i++) {
        n += seats_is_spare(work, &vf);
    }
    return n;
}

void seats_add_spares(struct plan *plan, const struct gpu_work *work)
{
    bool needed = false;
    for (vec_each(&plan->steps, step)) {
        bool is_vgpu = step->kind == STEP_VGPU_CREATE || step->kind == STEP_VGPU_DELETE;
        bool here = pci_addr_cmp(&step->gpu, &work->gpu->addr) == 0;
        needed = needed || (here && is_vgpu && step->start != NO_ID && step->mdev_uuid[0] == '\0');
    }
    struct pci_addr vf;
    for (uint32_t i = 0; needed && gpu_vf_addr(work->gpu, i, &vf); i++) {
        if (seats_is_spare(work, &vf)) {
            *vec_push(&plan->spares) = (struct plan_spare){.gpu = work->gpu->addr, .device = vf};
        }
    }
}

/* ---- taking a seat ---- */

/* The seat can't be assured: on account of which instance? */
static int refuse(const struct seats *seats, const struct seats_gi *mine,
                  const struct seats_gi *other, const struct cat_vgpu_type *type, uint32_t fillers,
                  struct error *err)
{
    const struct gpu_work *work = seats->work;
    const struct gpu *gpu = work->gpu;
    if (gpu->iface != VGPU_IFACE_VENDOR_VFIO) {
        error_set(err, REASON_UNSUPPORTED, work->subject,
                  "on GPU %s cleave can't place a \"%s\" on GPU instance %s at %u instead of %s at "
                  "%u: the driver chooses the instance, and its %s interface does not say which",
                  work->bdf, type->name, mine->profile->name, mine->start, other->profile->name,
                  other->start, vgpu_interface_name(gpu->iface));
        error_hint(err, "use another GPU, or a type that takes its whole GPU instance");
        return -REASON_UNSUPPORTED;
    }
    error_set(err, REASON_NO_CAPACITY, work->subject,
              "on GPU %s cleave can't place a \"%s\" on GPU instance %s at %u: the driver chooses "
              "the instance, %u places on others such as %s at %u would have to be filled first, "
              "and only %u virtual functions are free for that",
              work->bdf, type->name, mine->profile->name, mine->start, fillers,
              other->profile->name, other->start, seats_count_spares(work));
    error_hint(err, "use another GPU, or free virtual functions on this one");
    return -REASON_NO_CAPACITY;
}

int seats_take(struct seats *seats, uint32_t at, const struct cat_vgpu_type *type,
               struct step *step, struct error *err)
{
    struct seats_gi *mine = &seats->items[at];
    const struct seats_gi *other = NULL; /* one that the driver must not choose */
    uint32_t fillers = 0;
    bool shown = seats->work->gpu->iface == VGPU_IFACE_VENDOR_VFIO;
    for (uint32_t i = 0; i < seats->n; i++) {
        const struct seats_gi *gi = &seats->items[i];
        uint32_t room = i == at ? 0 : room_for(seats, gi, type);
        fillers += room;
        /* Among instances that are shared either way it only matters where it can be seen. */
        if (room > 0 && (shown || mine->exclusive || gi->exclusive)) {
            other = gi;
        }
    }
    if (other != NULL && (!shown || fillers > seats_count_spares(seats->work))) {
        return refuse(seats, mine, other, type, fillers, err);
    }
    if (fillers == 0 || shown) {
        step->start = mine->start;
        step->size = mine->size;
        step->gi_id = mine->id;
        step->fillers = fillers;
    }
    mine->n_vgpus++;
    mine->type = type;
    return 0;
}

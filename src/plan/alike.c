/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/alike.h"

#include "base/str.h"
#include "plan/bars.h"
#include "plan/gpu_gate.h"
#include "plan/idle.h"

/* The driver may name other types and profiles on one of two boards of a kind. */
static bool same_model(const struct gpu_model *a, const struct gpu_model *b)
{
    if (a == b) {
        return true;
    }
    if (a == NULL || b == NULL || !str_eq(a->key, b->key) || a->types.n != b->types.n ||
        a->profiles.n != b->profiles.n || a->memory_mib != b->memory_mib) {
        return false;
    }
    for (size_t i = 0; i < a->types.n; i++) {
        const struct cat_vgpu_type *x = &a->types.items[i];
        const struct cat_vgpu_type *y = &b->types.items[i];
        if (x->type_id != y->type_id || x->max_per_gpu != y->max_per_gpu ||
            x->framebuffer_mib != y->framebuffer_mib || !str_eq(x->name, y->name)) {
            return false;
        }
    }
    for (size_t i = 0; i < a->profiles.n; i++) {
        if (a->profiles.items[i].id != b->profiles.items[i].id) {
            return false;
        }
    }
    return true;
}

static bool same_state(const struct gpu *a, const struct gpu *b)
{
    return a->mode == b->mode && a->iface == b->iface && a->mig_enabled == b->mig_enabled &&
           a->mig_pending == b->mig_pending && a->mig_capable == b->mig_capable &&
           a->heterogeneous == b->heterogeneous && a->ecc == b->ecc &&
           a->scheduler.policy == b->scheduler.policy && a->schedulers == b->schedulers &&
           a->pci_id == b->pci_id && a->pci_subsystem_id == b->pci_subsystem_id &&
           a->other_vendor == b->other_vendor &&
           a->mig_timeslicing_supported == b->mig_timeslicing_supported &&
           a->mig_timeslicing_enabled == b->mig_timeslicing_enabled &&
           a->vfs_total == b->vfs_total && a->vfs_enabled == b->vfs_enabled &&
           a->vfs.n == b->vfs.n && str_eq(a->driver, b->driver) &&
           (a->iommu_group == NO_ID) == (b->iommu_group == NO_ID);
}

static bool same_vgpu(const struct gpu_work *a, const struct vgpu *x, const struct gpu_work *b,
                      const struct vgpu *y)
{
    return x->type_id == y->type_id && x->placement_id == y->placement_id && x->gi_id == y->gi_id &&
           x->ours == y->ours && str_eq(x->holder, y->holder) && str_eq(x->params, y->params) &&
           work_is_foreign(a, x) == work_is_foreign(b, y);
}

static bool same_contents(const struct gpu_work *work, const struct gpu_work *other)
{
    const struct gpu *a = work->gpu;
    const struct gpu *b = other->gpu;
    if (a->gis.n != b->gis.n || a->vgpus.n != b->vgpus.n) {
        return false;
    }
    for (size_t i = 0; i < a->gis.n; i++) {
        const struct gi *x = &a->gis.items[i];
        const struct gi *y = &b->gis.items[i];
        if (x->profile_id != y->profile_id || x->start != y->start || x->size != y->size ||
            x->n_ci != y->n_ci || x->processes != y->processes) {
            return false;
        }
    }
    for (size_t i = 0; i < a->vgpus.n; i++) {
        if (!same_vgpu(work, &a->vgpus.items[i], other, &b->vgpus.items[i])) {
            return false;
        }
    }
    return true;
}

static bool same_claims(const struct gpu_work *a, const struct gpu_work *b)
{
    if (a->n_kept != b->n_kept) {
        return false;
    }
    for (size_t i = 0; i < a->n_kept; i++) {
        const struct claim *x = a->kept[i];
        const struct claim *y = b->kept[i];
        if (x->spec.mode != y->spec.mode || !str_eq(x->spec.type, y->spec.type) ||
            !str_eq(x->spec.profile, y->spec.profile) || x->spec.start != y->spec.start ||
            x->spec.mixed != y->spec.mixed || x->assigned.start != y->assigned.start ||
            x->assigned.placement_id != y->assigned.placement_id ||
            idle_is(a, x, IDLE_FOR_ANOTHER_PLACE) || idle_is(b, y, IDLE_FOR_ANOTHER_PLACE) ||
            idle_is(a, x, IDLE_FOR_ANOTHER_GPU) || idle_is(b, y, IDLE_FOR_ANOTHER_GPU)) {
            return false; /* what may move has a name, which the answer says */
        }
    }
    return true;
}

/* Nothing that is said of one GPU by its address. */
static bool is_plain(const struct gpu_work *work)
{
    const struct gpu *gpu = work->gpu;
    const struct gpu_record *record = planner_record_of(work->planner, gpu);
    return gpu->problem[0] == '\0' && gpu->holder[0] == '\0' && gpu->group_members.n == 0 &&
           record == NULL && gate_check_held(work->planner, gpu, NULL) == 0 &&
           bars_find(work->planner, &gpu->addr) == NULL;
}

bool alike_are(const struct gpu_work *a, const struct gpu_work *b)
{
    return is_plain(a) && is_plain(b) && same_state(a->gpu, b->gpu) && same_contents(a, b) &&
           same_claims(a, b) && same_model(a->model, b->model);
}

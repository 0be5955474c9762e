/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/work.h"

#include <stdio.h>

#include "base/str.h"

/* The part is all zero until now. */
static void begin(struct gpu_work *work, const struct planner *planner, enum plan_purpose purpose,
                  const struct gpu *gpu)
{
    work->planner = planner;
    work->policy = policy_of(purpose);
    work->gpu = gpu;
    work->model = gpu_model_of(planner, gpu);
    pci_addr_format(&gpu->addr, work->bdf);
    error_subject("gpu", work->bdf, work->subject);
}

void work_init(struct gpu_work *work, const struct planner *planner, enum plan_purpose purpose,
               const struct gpu *gpu)
{
    *work = (struct gpu_work){.planner = NULL};
    begin(work, planner, purpose, gpu);
}

void work_done(struct gpu_work *work)
{
    vec_done(&work->steps);
    vec_done(&work->instances);
    vec_done(&work->left);
}

void work_drop_layout_hint(int result, struct error *err)
{
    if ((result == -REASON_NO_CAPACITY || result == -REASON_INVALID) && err != NULL) {
        err->hint[0] = '\0';
    }
}

struct step *work_step(struct gpu_work *work, enum step_kind kind)
{
    struct step *step = vec_push(&work->steps);
    *step = step_make(kind, &work->gpu->addr);
    step_set_gpu(step, work->gpu);
    return step;
}

bool work_has_step(const struct gpu_work *work, enum step_kind kind)
{
    for (vec_each(&work->steps, step)) {
        if (step->kind == kind) {
            return true;
        }
    }
    return false;
}

/* What another tool put in the place of the claim's is not held. */
static bool holds_vgpu(const struct claim *claim, const struct vgpu *vgpu)
{
    if (!claim_is_vgpu(claim, vgpu)) {
        return false;
    }
    if (vgpu->mdev_uuid[0] != '\0') {
        return str_eq_case(claim->assigned.mdev_uuid, vgpu->mdev_uuid);
    }
    return claim->assigned.mdev_uuid[0] == '\0' && claim_has_vgpu(claim) &&
           pci_addr_cmp(&claim->assigned.device, &vgpu->vf) == 0;
}

bool work_vgpu_is_released(const struct gpu_work *work, const struct vgpu *vgpu)
{
    for (size_t i = 0; i < work->n_gone; i++) {
        if (holds_vgpu(work->gone[i], vgpu)) {
            return true;
        }
    }
    return false;
}

bool work_stays(const struct gpu_work *work, const struct vgpu *vgpu)
{
    for (size_t i = 0; i < work->n_kept; i++) {
        if (holds_vgpu(work->kept[i], vgpu)) {
            return true;
        }
    }
    return false;
}

bool work_is_foreign(const struct gpu_work *work, const struct vgpu *vgpu)
{
    return !work_vgpu_is_released(work, vgpu) && !work_stays(work, vgpu);
}

bool work_stands_on(const struct claim *claim, const struct gi *gi)
{
    return mode_of_claim(claim->spec.mode) == GPU_MIG && claim->assigned.start == gi->start &&
           claim->assigned.size == gi->size;
}

struct step *work_gi_step(struct gpu_work *work, enum step_kind kind, const char *profile,
                          uint32_t profile_id, uint32_t start, uint32_t size)
{
    struct step *step = work_step(work, kind);
    STR_SET(step->profile, profile);
    step->profile_id = profile_id;
    step->start = start;
    step->size = size;
    const struct gi *gi = gpu_find_gi_at(work->gpu, start, size);
    if (kind == STEP_GI_DESTROY && gi != NULL) {
        step->former = gi->scheduler; /* an undo makes it so again */
    }
    return step;
}

void work_report_instance(struct gpu_work *work, const char *profile, uint32_t start, uint32_t size,
                          const char *what)
{
    struct plan_instance *instance = vec_push(&work->instances);
    instance->gpu = work->gpu->addr;
    STR_SET(instance->profile, profile);
    instance->start = start;
    instance->size = size;
    STR_SET(instance->what, what);
}

static uint32_t framebuffer(const struct gpu_work *work, const struct claim *claim)
{
    const struct cat_vgpu_type *type = NULL;
    bool known = work->model != NULL && claim->spec.type[0] != '\0' &&
                 model_find_type(work->model, claim->spec.type, &type, NULL) == 0;
    return known ? type->framebuffer_mib : 0;
}

void work_sort_gone(struct gpu_work *work)
{
    for (size_t i = 1; i < work->n_gone; i++) {
        const struct claim *claim = work->gone[i];
        size_t at = i;
        for (; at > 0 && framebuffer(work, work->gone[at - 1]) > framebuffer(work, claim); at--) {
            work->gone[at] = work->gone[at - 1];
        }
        work->gone[at] = claim;
    }
}

bool work_is_moved(const struct gpu_work *work, const struct claim *gone)
{
    for (size_t g = 0; g < work->n_all; g++) {
        for (size_t i = 0; i < work->all[g].n_added; i++) {
            if (work->all[g].moved[i] == gone) {
                return true;
            }
        }
    }
    return false;
}

void work_take_out(const struct claim **list, size_t *n, const struct claim *claim)
{
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++) {
        if (list[i] != claim) {
            list[kept++] = list[i];
        }
    }
    *n = kept;
}

/* The claim's type on this GPU's model; NULL without one. */
static const struct cat_vgpu_type *type_of_claim(const struct gpu_work *work,
                                                 const struct claim *claim)
{
    const struct cat_vgpu_type *type = NULL;
    if (claim->spec.type[0] != '\0') {
        (void)model_find_type(work->model, claim->spec.type, &type, NULL);
    }
    return type;
}

const struct cat_vgpu_type *work_type_of(const struct gpu_work *work, const struct vgpu *vgpu)
{
    const struct cat_vgpu_type *type = NULL;
    if (vgpu->type[0] != '\0' && model_find_type(work->model, vgpu->type, &type, NULL) == 0) {
        return type;
    }
    type = vgpu->type_id == NO_ID ? NULL : model_type_by_id(work->model, vgpu->type_id);
    for (size_t i = 0; type == NULL && i < work->n_kept; i++) {
        type = holds_vgpu(work->kept[i], vgpu) ? type_of_claim(work, work->kept[i]) : NULL;
    }
    return type;
}

uint32_t work_claims_on(const struct gpu_work *work, const struct gi *gi,
                        const struct cat_vgpu_type **ret_type)
{
    uint32_t n = 0;
    for (size_t i = 0; i < work->n_kept; i++) {
        const struct claim *claim = work->kept[i];
        const struct cat_vgpu_type *type = type_of_claim(work, claim);
        if (claim->assigned.start == gi->start && claim->assigned.size == gi->size &&
            type != NULL) {
            *ret_type = type;
            n++;
        }
    }
    return n;
}

void work_to_idle(struct gpu_work *work)
{
    for (vec_each(&work->gpu->gis, gi)) {
        if (gi->n_ci > 0) {
            work_gi_step(work, STEP_CI_DESTROY, gi->profile, gi->profile_id, gi->start, gi->size);
        }
        work_gi_step(work, STEP_GI_DESTROY, gi->profile, gi->profile_id, gi->start, gi->size);
        work_report_instance(work, gi->profile, gi->start, gi->size, "destroyed");
    }
    if (work->gpu->vfs_enabled > 0) {
        work_step(work, STEP_SRIOV_DISABLE);
    }
    if (work->gpu->mig_enabled) {
        work_step(work, STEP_MIG_DISABLE);
    }
}

/* Is that device in the VM's definition because it is named for an on-demand claim that holds
 * nothing now? Several may be named the same: the first to start has it. */
static bool is_named(const struct planner *planner, const struct vm *vm,
                     const struct pci_addr *device)
{
    for (size_t i = 0; i < planner->claims->n; i++) {
        const struct claim *claim = &planner->claims->items[i];
        if (!claim_holds(claim) && claim->reserved.set && claim->reserved.mdev_uuid[0] == '\0' &&
            pci_addr_cmp(&claim->reserved.device, device) == 0 &&
            claim_is_of(claim, vm->name, vm->uuid)) {
            return true;
        }
    }
    return false;
}

/* Did an earlier claim of that name and VM, which comes back now, put the device there? */
static bool is_of_added(const struct gpu_work *work, const struct vm *vm,
                        const struct vm_device *device)
{
    for (size_t i = 0; i < work->n_added; i++) {
        const struct claim *claim = &work->added[i].claim;
        if (str_eq(device->claim, claim->name) && claim_is_of(claim, vm->name, vm->uuid)) {
            return true;
        }
    }
    return false;
}

const struct vm *work_defined_in(const struct gpu_work *work, const struct pci_addr *device)
{
    for (size_t i = 0; i < work->n_gone; i++) {
        if (pci_addr_cmp(&work->gone[i]->assigned.device, device) == 0) {
            return NULL;
        }
    }
    for (vec_each(&work->planner->host->vms, vm)) {
        for (vec_each(&vm->devices, known)) {
            if (!known->is_mdev && pci_addr_cmp(&known->addr, device) == 0 &&
                !is_named(work->planner, vm, device) && !is_of_added(work, vm, known)) {
                return vm;
            }
        }
    }
    return NULL;
}

int work_refuse_defined(const struct gpu_work *work, const struct vm *vm, struct error *err)
{
    error_set(err, REASON_CONFLICT, work->subject,
              "GPU %s is in the definition of VM \"%s\" without a claim", work->bdf, vm->name);
    error_hint(err, "claim the GPU for that VM, or remove it with `virsh edit %s`",
               SHELL_ARG(vm->name));
    return -REASON_CONFLICT;
}

uint32_t work_type_id(const struct gpu *gpu, const struct cat_vgpu_type *type)
{
    for (vec_each(&gpu->vfs, vf)) {
        for (vec_each(&vf->offers, offer)) {
            if (str_eq(offer->name, type->name)) {
                return offer->type_id;
            }
        }
    }
    for (vec_each(&gpu->pf_offers, offer)) {
        if (str_eq(offer->name, type->name)) {
            return offer->type_id;
        }
    }
    return type->type_id == CAT_UNKNOWN ? NO_ID : type->type_id;
}

int works_init(struct works *works, const struct planner *planner,
               const struct plan_request *request, struct error *err)
{
    works->n = planner->host->gpus.n;
    works->items = xcalloc(works->n == 0 ? 1 : works->n, sizeof(struct gpu_work));
    for (size_t g = 0; g < works->n; g++) {
        struct gpu_work *work = &works->items[g];
        begin(work, planner, request->purpose, &planner->host->gpus.items[g]); /* zero already */
        work->all = works->items;
        work->n_all = works->n;
        work->request = request;
        for (size_t i = 0; i < planner->claims->n; i++) {
            const struct claim *claim = &planner->claims->items[i];
            if (!claim_is_on(claim, work->gpu)) {
                continue;
            }
            bool goes = plan_request_removes(request, claim->name);
            if ((goes ? work->n_gone : work->n_kept) == WORK_MAX_CLAIMS) {
                return error_set(err, REASON_NO_CAPACITY, "host", "more than %d claims on one GPU",
                                 WORK_MAX_CLAIMS);
            }
            if (goes) {
                work->gone[work->n_gone++] = claim;
            } else {
                work->kept[work->n_kept++] = claim;
            }
        }
        work_sort_gone(work);
    }
    return 0;
}

void works_done(struct works *works)
{
    for (size_t i = 0; i < works->n; i++) {
        work_done(&works->items[i]);
    }
    free(works->items);
}

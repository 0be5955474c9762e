/* SPDX-License-Identifier: Apache-2.0 */
/* Steps for the claims that go: out of the VM's definition, then the device itself. */
#include "plan/work_release.h"
#include "base/str.h"
#include "plan/seats.h"

static int refuse_held(const struct claim *claim, const char *holder, struct error *err)
{
    char subject[80] = "claim/";
    str_copy(subject + 6, sizeof(subject) - 6, claim->name);
    error_set(err, REASON_IN_USE, subject,
              "claim \"%s\" can't be released: VM \"%s\" runs with its device", claim->name,
              holder);
    error_hint(err, "stop the VM first: `cleave vm stop %s`", SHELL_ARG(holder));
    return -REASON_IN_USE;
}

void work_detach(struct gpu_work *work, const struct claim *claim,
                 const struct claim_device *device)
{
    const struct host *host = work->planner->host;
    if (claim->vm[0] == '\0' || !work->policy->redefines ||
        (host->libvirt_problem[0] == '\0' &&
         host_find_vm_of(host, claim->vm, claim->vm_uuid) == NULL)) {
        return; /* a VM that is gone has no definition */
    }
    struct step *step = work_step(work, STEP_DETACH);
    step->gpu = device->gpu;
    step_set_claim(step, claim);
    STR_SET(step->type, claim->spec.type);
    step->device = device->device;
    STR_SET(step->mdev_uuid, device->mdev_uuid);
}

static void detach(struct gpu_work *work, const struct claim *claim)
{
    struct claim_device device = {0};
    if (claim_device(claim, &device)) {
        work_detach(work, claim, &device);
    }
}

/* How many claims stand on an instance, before any goes; the type of one, and does one want it
 * alone? */
static uint32_t count_claims(const struct gpu_work *work, const struct gi *gi,
                             const struct cat_vgpu_type **ret_type, bool *ret_exclusive)
{
    uint32_t n = 0;
    const struct claims *claims = work->planner->claims;
    for (size_t i = 0; i < claims->n; i++) {
        const struct claim *claim = &claims->items[i];
        if (claim_is_on(claim, work->gpu) && claim->assigned.start == gi->start &&
            claim->assigned.size == gi->size) {
            (void)model_find_type(work->model, claim->spec.type, ret_type, NULL);
            *ret_exclusive = *ret_exclusive || claim->spec.mode != CLAIM_TIME_SLICED_MIG_BACKED;
            n++;
        }
    }
    return n;
}

/* By mdev it can't be read back where an undo makes the vGPU again. Where another instance has
 * room, and may not have it, the step says so: then its undo fails rather than to guess. */
static void note_seat(const struct gpu_work *work, const struct claim *claim, struct step *step)
{
    const struct cat_vgpu_type *type = NULL;
    if (work->model == NULL || claim->assigned.start == NO_ID ||
        model_find_type(work->model, claim->spec.type, &type, NULL) != 0) {
        return;
    }
    step->start = claim->assigned.start;
    step->size = claim->assigned.size;
    for (vec_each(&work->gpu->gis, gi)) {
        const struct cat_vgpu_type *there = NULL;
        bool exclusive = false;
        uint32_t n = count_claims(work, gi, &there, &exclusive);
        bool other = gi->start != step->start && str_eq(gi->profile, step->profile);
        bool fits = n < seats_most(work, type) &&
                    (there == NULL || there->framebuffer_mib == type->framebuffer_mib);
        bool shared = n > 0 && !exclusive && claim->spec.mode == CLAIM_TIME_SLICED_MIG_BACKED;
        step->fillers += other && fits && !shared;
    }
}

/* Another tool's vGPU in the place of the claim's. */
static void leave_alone(struct gpu_work *work, const struct claim *claim, const struct vgpu *vgpu)
{
    char device[BDF_SIZE];
    struct plan_left *left = vec_push(&work->left);
    str_print(
        left->text, sizeof(left->text),
        "%s, which claim \"%s\" had, has vGPU %s%s%s, which cleave did not create and leaves alone",
        device_name(vgpu->mdev_uuid, &vgpu->vf, device), claim->name,
        vgpu->type[0] != '\0' ? vgpu->type : "of another type",
        vgpu->holder[0] != '\0' ? " of VM " : "", vgpu->holder);
}

struct step *work_delete_vgpu(struct gpu_work *work, const struct vgpu *vgpu)
{
    struct step *step = work_step(work, STEP_VGPU_DELETE);
    STR_SET(step->type, vgpu->type);
    step->type_id = vgpu->type_id;
    step->device = vgpu->vf;
    STR_SET(step->mdev_uuid, vgpu->mdev_uuid);
    step->placement_id = vgpu->placement_id;
    if (vgpu->params_known) { /* an undo makes it with these */
        step->params = vgpu_params_said(vgpu->params);
    }
    const struct gi *gi = vgpu->gi_id != NO_ID ? gpu_find_gi(work->gpu, vgpu->gi_id) : NULL;
    if (gi != NULL) { /* and there */
        step_set_instance(step, gi);
        STR_SET(step->profile, gi->profile);
    }
    return step;
}

static int release_vgpu(struct gpu_work *work, const struct claim *claim, struct error *err)
{
    const struct vgpu *vgpu = claim_vgpu_at(claim, work->gpu);
    if (vgpu != NULL && !claim_is_vgpu(claim, vgpu)) {
        leave_alone(work, claim, vgpu);
        vgpu = NULL;
    }
    if (vgpu != NULL && vgpu->holder[0] != '\0') {
        return refuse_held(claim, vgpu->holder, err);
    }
    if (!work_is_moved(work, claim)) { /* else it may keep its device: see work_attach() */
        detach(work, claim);
    }
    if (vgpu == NULL) {
        return 0; /* gone already (a reboot, another tool) */
    }
    struct step *step = work_delete_vgpu(work, vgpu);
    step_set_claim(step, claim);
    if (step->type[0] == '\0') {
        STR_SET(step->type, claim->spec.type);
    }
    if (step->profile[0] == '\0') {
        STR_SET(step->profile, claim->assigned.profile);
    }
    if (step->start == NO_ID && work->gpu->iface == VGPU_IFACE_MDEV) {
        note_seat(work, claim, step);
    }
    return 0;
}

static int release_gpu(struct gpu_work *work, const struct claim *claim, struct error *err)
{
    if (work->gpu->holder[0] != '\0') {
        return refuse_held(claim, work->gpu->holder, err);
    }
    detach(work, claim);
    bool stays = work->n_added > 0 && work->added[0].claim.spec.mode == CLAIM_PASSTHROUGH;
    if (!stays && !gpu_at_home(work->gpu)) {
        STR_SET(work_step(work, STEP_BIND_NVIDIA)->claim, claim->name);
    }
    return 0;
}

int work_release(struct gpu_work *work, struct error *err)
{
    for (size_t i = 0; i < work->n_gone; i++) {
        const struct claim *claim = work->gone[i];
        int result = 0;
        switch (claim->spec.mode) {
        case CLAIM_PASSTHROUGH:
            result = release_gpu(work, claim, err);
            break;
        case CLAIM_TIME_SLICED:
        case CLAIM_MIG_BACKED:
        case CLAIM_TIME_SLICED_MIG_BACKED:
            result = release_vgpu(work, claim, err);
            break;
        case CLAIM_GPU_INSTANCE: /* its GI goes in work_mig() */
        case CLAIM_MODE_COUNT:
            break;
        }
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

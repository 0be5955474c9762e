/* SPDX-License-Identifier: Apache-2.0 */
/* Bringing back the devices of a GPU that is passed through or time-sliced. */
#include <stdio.h>

#include "base/str.h"
#include "plan/group.h"
#include "plan/restore_work.h"
#include "plan/work_enter.h"
#include "plan/work_scheduler.h"

/* ---- one vGPU ---- */

static const struct vgpu *find_vgpu(const struct restore *r, const struct assignment *got)
{
    if (work_is_wiped(&r->work)) {
        return NULL;
    }
    return gpu_find_vgpu(r->work.gpu, got->mdev_uuid, &got->device);
}

static bool is_same(const struct vgpu *vgpu, const struct restore_item *item)
{
    const struct assignment *got = &item->claim.assigned;
    bool placed = vgpu->placement_id == NO_ID || got->placement_id == NO_ID ||
                  vgpu->placement_id == got->placement_id;
    return placed && claim_is_vgpu(&item->claim, vgpu);
}

static int refuse_taken(const struct restore *r, const struct vgpu *vgpu, struct error *err)
{
    char device[BDF_SIZE];
    error_set(err, REASON_CONFLICT, r->work.subject,
              "%s has vGPU %s%s%s, which does not belong to this claim",
              device_name(vgpu->mdev_uuid, &vgpu->vf, device),
              vgpu->type[0] != '\0' ? vgpu->type : "of another type",
              vgpu->holder[0] != '\0' ? " of VM " : "", vgpu->holder);
    error_hint(err, "if that vGPU is not needed, delete it, then `cleave host restore`");
    return -REASON_CONFLICT;
}

/* Does something else stand where the vGPU belongs? */
static int check_free(const struct restore *r, const struct restore_item *item, struct error *err)
{
    const struct gpu *gpu = r->work.gpu;
    const struct assignment *got = &item->claim.assigned;
    if (work_is_wiped(&r->work)) {
        return 0;
    }
    bool sriov = pci_addr_cmp(&got->device, &gpu->addr) != 0;
    for (vec_each(&gpu->vgpus, vgpu)) {
        if (sriov && pci_addr_cmp(&vgpu->vf, &got->device) == 0) {
            return refuse_taken(r, vgpu, err);
        }
    }
    for (vec_each(&gpu->vfs, vf)) {
        if (pci_addr_cmp(&vf->addr, &got->device) == 0) {
            return 0;
        }
    }
    if (!sriov) {
        return 0;
    }
    char device[BDF_SIZE];
    return error_set(err, REASON_UNAVAILABLE, r->work.subject,
                     "GPU %s now has %u virtual functions, and %s is not among them", r->work.bdf,
                     gpu->vfs_enabled, pci_addr_format(&got->device, device));
}

/* A driver that makes no vGPUs, or none of that type, does not learn it in time. */
static bool can_make(const struct restore *r, const struct restore_item *item, struct error *err)
{
    const struct host *host = r->work.planner->host;
    if (host->vgpu_problem[0] != '\0') {
        error_set(err, REASON_UNSUPPORTED, r->work.subject,
                  "cleave can't make a vGPU on GPU %s: %s", r->work.bdf, host->vgpu_problem);
        error_hint(err,
                   "install NVIDIA's vGPU host driver (vGPU manager), then `cleave host restore`");
        return false;
    }
    if (r->work.model != NULL && item->type == NULL) {
        error_set(err, REASON_UNSUPPORTED, r->work.subject,
                  "driver %s does not have vGPU type %s on GPU %s", host->driver_version,
                  item->claim.spec.type, r->work.bdf);
        error_hint(err,
                   "`cleave profile list` shows the types that it has; delete the claim and create "
                   "it again with one of them: `cleave claim delete %s`",
                   item->claim.name);
        return false;
    }
    return true;
}

/* The vGPU stands; parameters that another program changed are written again, unless a VM has it.
 */
static void restore_params(struct restore *r, struct restore_item *item, const struct vgpu *vgpu)
{
    item->outcome = RESTORE_THERE;
    if (vgpu->holder[0] == '\0' && claim_params_differ(&item->claim, vgpu, NULL, 0)) {
        struct step *step = work_step(&r->work, STEP_VGPU_PARAMS);
        restore_set_params(step, &item->claim);
        item->outcome = RESTORE_COMES;
    }
}

void restore_vgpu(struct restore *r, struct restore_item *item)
{
    struct error err = {0};
    const struct assignment *got = &item->claim.assigned;
    const struct vgpu *vgpu = find_vgpu(r, got);
    if (vgpu != NULL && is_same(vgpu, item)) {
        restore_params(r, item, vgpu);
        return;
    }
    if (vgpu != NULL ? refuse_taken(r, vgpu, &err) != 0 : check_free(r, item, &err) != 0) {
        restore_block(item, &err);
        return;
    }
    if (!can_make(r, item, &err)) {
        restore_block(item, &err);
        return;
    }
    struct step *step = work_step(&r->work, STEP_VGPU_CREATE);
    step_set_claim(step, &item->claim);
    STR_SET(step->type, item->type != NULL ? item->type->name : item->claim.spec.type);
    STR_SET(step->profile, got->profile);
    step->type_id = got->type_id;
    step->device = got->device;
    STR_SET(step->mdev_uuid, got->mdev_uuid);
    step->placement_id = got->placement_id;
    step->params = claim_params(&item->claim);
    item->outcome = RESTORE_COMES;
}

/* ---- time-sliced ---- */

static int refuse_instance(const struct restore *r, const char *then, struct error *err)
{
    const struct gi *gi = &r->work.gpu->gis.items[0];
    error_set(err, REASON_CONFLICT, r->work.subject,
              "GPU %s should be %s, but has GPU instance %u (%s at %u), which no claim owns",
              r->work.bdf, then, gi->id, gi->profile, gi->start);
    error_hint(err, "if the instance is not needed, destroy it (nvidia-smi mig -dgi), then `cleave "
                    "host restore`");
    return -REASON_CONFLICT;
}

static int refuse_vgpu(const struct restore *r, const char *then, struct error *err)
{
    char device[BDF_SIZE];
    const struct vgpu *vgpu = &r->work.gpu->vgpus.items[0];
    error_set(err, REASON_CONFLICT, r->work.subject,
              "GPU %s should be %s, but vGPU %s is on %s%s%s, which no claim owns", r->work.bdf,
              then, vgpu->type, pci_addr_format(&vgpu->vf, device),
              vgpu->holder[0] != '\0' ? ", with VM " : "", vgpu->holder);
    error_hint(err, "if the vGPU is not needed, delete it, then `cleave host restore`");
    return -REASON_CONFLICT;
}

/* Ampere boards keep MIG mode over a reboot; what stands there is in the way. */
static int check_mig_empty(const struct restore *r, const char *then, struct error *err)
{
    const struct gpu *gpu = r->work.gpu;
    if (gpu->mig_enabled && gpu->gis.n > 0) {
        return refuse_instance(r, then, err);
    }
    return gpu->mig_enabled && gpu->vgpus.n > 0 ? refuse_vgpu(r, then, err) : 0;
}

/* The size mode changes only while no vGPU exists. False: what is there is in the way. */
static bool restore_sizes(struct restore *r, struct error *err)
{
    const struct gpu *gpu = r->work.gpu;
    bool now = gpu->heterogeneous == TRI_YES && !work_is_wiped(&r->work);
    bool want = r->items.n == 0 && r->record != NULL && r->record->mixed;
    for (vec_each(&r->items, item)) {
        want = want || item->claim.spec.mixed;
    }
    if (want == now) {
        return true;
    }
    if (gpu->vgpus.n > 0 && !work_is_wiped(&r->work)) {
        refuse_vgpu(r, want ? "in mixed-size mode" : "in equal-size mode", err);
        return false;
    }
    work_step(&r->work, want ? STEP_MIXED_ON : STEP_MIXED_OFF);
    return true;
}

/* While a vGPU exists the scheduler stays as it is; what was chosen is not forgotten. */
static void restore_scheduler(struct restore *r)
{
    const struct gpu *gpu = r->work.gpu;
    if (gpu->vgpus.n == 0 || work_is_wiped(&r->work)) {
        work_scheduler(&r->work);
        return;
    }
    const struct gpu_scheduler *wanted = planner_wanted_scheduler(r->work.planner, gpu);
    if (gpu->scheduler.policy == SCHEDULER_UNKNOWN ||
        gpu_scheduler_matches(wanted, &gpu->scheduler)) {
        return;
    }
    char text[96];
    error_set(&r->why, REASON_CONFLICT, r->work.subject,
              "the scheduler of GPU %s should be %s, which can't be set while a vGPU exists",
              r->work.bdf, gpu_scheduler_describe(wanted, text, sizeof(text)));
    error_hint(&r->why, "stop its VMs, delete the vGPUs, then `cleave host restore`");
}

/* Is the vGPU that of one of the items? */
static bool is_claimed(const struct restore *r, const struct vgpu *vgpu)
{
    for (vec_each(&r->items, item)) {
        const struct vgpu *own = find_vgpu(r, &item->claim.assigned);
        if (own == vgpu && is_same(own, item)) {
            return true;
        }
    }
    return false;
}

/* In equal-size mode the first vGPU decides the size of all. */
static int check_equal(const struct restore *r, const struct restore_item *item, struct error *err)
{
    const struct gpu *gpu = r->work.gpu;
    for (size_t i = 0; !work_is_wiped(&r->work) && i < gpu->vgpus.n; i++) {
        const struct vgpu *vgpu = &gpu->vgpus.items[i];
        const struct cat_vgpu_type *type = work_type_of(&r->work, vgpu);
        bool other = type != NULL && item->type != NULL &&
                     type->framebuffer_mib != item->type->framebuffer_mib;
        if (!other || is_claimed(r, vgpu)) {
            continue;
        }
        char device[BDF_SIZE];
        error_set(err, REASON_CONFLICT, r->work.subject,
                  "GPU %s must have vGPUs of one size, but %s on %s, which no claim owns, has "
                  "another size than %s",
                  r->work.bdf, vgpu->type, pci_addr_format(&vgpu->vf, device), item->type->name);
        error_hint(err, "if the vGPU is not needed, delete it, then `cleave host restore`");
        return -REASON_CONFLICT;
    }
    return 0;
}

void restore_time_sliced(struct restore *r)
{
    struct error err = {0};
    if (check_mig_empty(r, "time-sliced", &err) != 0) {
        restore_block_all(r, &err);
        return;
    }
    work_enter(&r->work, GPU_TIME_SLICED, r->items.n > 0 || (r->record != NULL && r->record->vfs));
    if (restore_looks_first(r)) {
        return;
    }
    bool sized = restore_sizes(r, &err);
    if (sized) {
        restore_scheduler(r);
    } else {
        r->why = err;
    }
    for (vec_each(&r->items, item)) {
        const struct vgpu *vgpu = find_vgpu(r, &item->claim.assigned);
        bool there = vgpu != NULL && is_same(vgpu, item);
        struct error why = err;
        if (there || (sized && (item->claim.spec.mixed || check_equal(r, item, &why) == 0))) {
            restore_vgpu(r, item);
        } else {
            restore_block(item, &why);
        }
    }
}

/* ---- pass-through ---- */

void restore_passthrough(struct restore *r)
{
    const struct gpu *gpu = r->work.gpu;
    struct error err = {0};
    int result = group_restore(&r->work, r->items.n > 0 ? r->items.items[0].claim.name : "", &err);
    if (result == 0 && str_eq(gpu->driver, "vfio-pci")) {
        for (vec_each(&r->items, item)) {
            item->outcome = r->work.steps.n > 0 ? RESTORE_COMES : RESTORE_THERE;
        }
        return;
    }
    if (result == 0 && gpu->gis.n > 0) {
        result = refuse_instance(r, "passed through", &err);
    } else if (result == 0 && gpu->vgpus.n > 0) {
        result = refuse_vgpu(r, "passed through", &err);
    }
    if (result != 0) {
        r->work.steps.n = 0;
        restore_block_all(r, &err);
        return;
    }
    struct step *bind = work_enter(&r->work, GPU_PASSTHROUGH, false);
    for (vec_each(&r->items, item)) {
        step_set_claim(bind, &item->claim);
        item->outcome = RESTORE_COMES;
    }
}

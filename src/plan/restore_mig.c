/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bringing back GPU instances, and what lived on them. The driver, not cleave, picks the instance
 * of a vGPU (open-gpu-kernel-modules, kernel_vgpu_mgr.c), so each instance is followed by its own
 * vGPUs before the next one is made: then there is no other empty one to pick. Where others have
 * room all the same, plan/seats.h sees to it.
 */
#include <stdio.h>

#include "base/str.h"
#include "plan/restore_work.h"
#include "plan/seats.h"
#include "plan/work_enter.h"
#include "plan/work_scheduler.h"

static bool is_ours(const struct restore *r, const struct gi *gi)
{
    for (vec_each(&r->items, item)) {
        if (item->claim.assigned.start == gi->start && item->claim.assigned.size == gi->size) {
            return true;
        }
    }
    return false;
}

/* MIG mode, which boards after Ampere forget, and virtual functions, unless that would wipe what no
 * claim owns. */
static int enter_mig(struct restore *r, bool wants_vfs, struct error *err)
{
    const struct gpu *gpu = r->work.gpu;
    if (!gpu->mig_enabled && gpu->vgpus.n > 0) {
        const struct vgpu *vgpu = &gpu->vgpus.items[0];
        error_set(err, REASON_CONFLICT, r->work.subject,
                  "GPU %s should be in MIG mode, but has time-sliced vGPU %s%s%s", r->work.bdf,
                  vgpu->type, vgpu->holder[0] != '\0' ? " of VM " : "", vgpu->holder);
        error_hint(err, "if the vGPU is not needed, delete it, then `cleave host restore`");
        return -REASON_CONFLICT;
    }
    bool wipes = work_enter_wipes(&r->work, wants_vfs);
    for (size_t i = 0; wipes && i < gpu->gis.n; i++) {
        const struct gi *gi = &gpu->gis.items[i];
        if (!is_ours(r, gi)) {
            error_set(err, REASON_CONFLICT, r->work.subject,
                      "cleave must enable the virtual functions of GPU %s, which would destroy GPU "
                      "instance %u (%s at %u), which no claim owns",
                      r->work.bdf, gi->id, gi->profile, gi->start);
            error_hint(err, "if the instance is not needed, destroy it (nvidia-smi mig -dgi), then "
                            "`cleave host restore`");
            return -REASON_CONFLICT;
        }
    }
    work_enter(&r->work, GPU_MIG, wants_vfs);
    return 0;
}

/* ---- instances ---- */

enum place { PLACE_FREE, PLACE_SERVED, PLACE_BLOCKED };

/* The place where the item's instance belongs: what is there? */
static enum place look_at_place(const struct restore *r, const struct restore_item *item,
                                const struct gi **ret_gi)
{
    const struct assignment *got = &item->claim.assigned;
    for (size_t i = 0; !work_is_wiped(&r->work) && i < r->work.gpu->gis.n; i++) {
        const struct gi *gi = &r->work.gpu->gis.items[i];
        bool same = gi->start == got->start && gi->size == got->size &&
                    (gi->profile[0] == '\0' || str_eq(gi->profile, got->profile));
        *ret_gi = gi;
        if (same) {
            return PLACE_SERVED;
        }
        if (gi->start < got->start + got->size && got->start < gi->start + gi->size) {
            return PLACE_BLOCKED;
        }
    }
    *ret_gi = NULL;
    return PLACE_FREE;
}

static bool is_planned(const struct restore *r, const struct assignment *got)
{
    for (vec_each(&r->work.steps, step)) {
        if (step->kind == STEP_GI_CREATE && step->start == got->start && step->size == got->size) {
            return true;
        }
    }
    return false;
}

static void block_place(struct restore *r, struct restore_item *item, const struct gi *gi)
{
    struct error err = {0};
    const struct assignment *got = &item->claim.assigned;
    error_set(&err, REASON_CONFLICT, r->work.subject,
              "GPU instance %s at %u of GPU %s can't be restored: instance %u (%s at %u), which no "
              "claim owns, is in its place",
              got->profile, got->start, r->work.bdf, gi->id, gi->profile, gi->start);
    error_hint(&err,
               "if that instance is not needed, destroy it (nvidia-smi mig -dgi -gi %u), then "
               "`cleave host restore`",
               gi->id);
    restore_block(item, &err);
}

static bool is_of_item(const struct restore *r, const struct vgpu *vgpu)
{
    for (vec_each(&r->items, item)) {
        if (claim_vgpu_at(&item->claim, r->work.gpu) == vgpu && claim_is_vgpu(&item->claim, vgpu)) {
            return true;
        }
    }
    return false;
}

/* A vGPU on the instance that no claim owns: what wants the instance alone can't have it so. */
static const struct vgpu *find_other(const struct restore *r, const struct gi *gi)
{
    for (vec_each(&r->work.gpu->vgpus, vgpu)) {
        if (vgpu->gi_id == gi->id && !is_of_item(r, vgpu)) {
            return vgpu;
        }
    }
    return NULL;
}

/* Another tool's vGPU that keeps a shared one from the instance: it takes no turns, is of another
 * size, or has the last place. NULL: none that is known to. */
static const struct vgpu *find_bar(const struct restore *r, const struct restore_item *item,
                                   const struct gi *gi)
{
    uint32_t n = 0;
    const struct vgpu *last = NULL;
    for (size_t i = 0; item->type != NULL && i < r->work.gpu->vgpus.n; i++) {
        const struct vgpu *vgpu = &r->work.gpu->vgpus.items[i];
        if (vgpu->gi_id != gi->id) {
            continue;
        }
        n++;
        const struct cat_vgpu_type *type = work_type_of(&r->work, vgpu);
        if (is_of_item(r, vgpu) || type == NULL) {
            continue;
        }
        last = vgpu;
        if (type->framebuffer_mib != item->type->framebuffer_mib || type->max_per_gi <= 1) {
            return vgpu;
        }
    }
    bool full =
        item->type != NULL && item->type->max_per_gi != CAT_UNKNOWN && n >= item->type->max_per_gi;
    return full ? last : NULL;
}

/* False: another tool's vGPU is on the instance that the item wants alone, or leaves no room on a
 * shared one, and the item says so. */
static bool has_room(struct restore *r, struct restore_item *item, const struct gi *gi)
{
    bool shares = item->claim.spec.mode == CLAIM_TIME_SLICED_MIG_BACKED;
    const struct vgpu *own = claim_vgpu_at(&item->claim, r->work.gpu);
    if (own != NULL && claim_is_vgpu(&item->claim, own)) {
        return true; /* its own is there, and stays */
    }
    const struct vgpu *other = shares ? find_bar(r, item, gi) : find_other(r, gi);
    if (other == NULL) {
        return true;
    }
    char device[BDF_SIZE];
    struct error err = {0};
    error_set(&err, REASON_CONFLICT, r->work.subject,
              "claim \"%s\" needs %sGPU instance %u (%s at %u) of GPU %s%s, but vGPU %s at %s%s%s, "
              "which no claim owns, is on it%s",
              item->claim.name, shares ? "a share of " : "", gi->id, gi->profile, gi->start,
              r->work.bdf, shares ? "" : " alone", other->type, pci_addr_format(&other->vf, device),
              other->holder[0] != '\0' ? " of VM " : "", other->holder,
              shares ? " and leaves no room for the claim" : "");
    error_hint(&err, "move that vGPU with the tool that made it, then `cleave host restore`");
    restore_block(item, &err);
    return false;
}

static bool is_at(const struct restore_item *item, uint32_t start, uint32_t size)
{
    return item->claim.assigned.start == start && item->claim.assigned.size == size;
}

/* By which the claims of the instance need to share it. */
static enum scheduler_policy policy_at(const struct restore *r, uint32_t start, uint32_t size)
{
    enum scheduler_policy policy = SCHEDULER_UNKNOWN;
    for (vec_each(&r->items, item)) {
        const struct admitted as = {
            .claim = item->claim, .model = r->work.model, .type = item->type};
        if (policy == SCHEDULER_UNKNOWN && is_at(item, start, size)) {
            policy = admit_policy(&as);
        }
    }
    return policy;
}

/* False: the item can't have its instance, and says why. */
static bool restore_instance(struct restore *r, struct restore_item *item, const struct gi **ret_gi)
{
    const struct assignment *got = &item->claim.assigned;
    switch (look_at_place(r, item, ret_gi)) {
    case PLACE_SERVED:
        return has_room(r, item, *ret_gi);
    case PLACE_BLOCKED:
        block_place(r, item, *ret_gi);
        return false;
    case PLACE_FREE:
        break;
    }
    if (is_planned(r, got)) {
        return true;
    }
    if (item->profile == NULL) {
        struct error err = {0};
        error_set(&err, REASON_UNSUPPORTED, r->work.subject,
                  "the catalog does not have GPU instance profile %s of GPU %s", got->profile,
                  r->work.bdf);
        restore_block(item, &err);
        return false;
    }
    struct step *step = work_gi_step(&r->work, STEP_GI_CREATE, item->profile->name,
                                     item->profile->id, got->start, got->size);
    STR_SET(step->claim, item->claim.name);
    if (item->claim.spec.mode == CLAIM_TIME_SLICED_MIG_BACKED) {
        work_share_instance(&r->work, policy_at(r, got->start, got->size), step);
    }
    work_report_instance(&r->work, item->profile->name, got->start, got->size, "created");
    return true;
}

static void restore_bare(struct restore *r, struct restore_item *item, const struct gi *gi)
{
    if (gi != NULL && gi->n_ci > 0) {
        item->outcome = RESTORE_THERE;
        return;
    }
    const struct assignment *got = &item->claim.assigned;
    struct step *step =
        work_gi_step(&r->work, STEP_CI_CREATE, got->profile,
                     item->profile == NULL ? NO_ID : item->profile->id, got->start, got->size);
    STR_SET(step->claim, item->claim.name);
    item->outcome = RESTORE_COMES;
}

/* ---- which instance the driver may choose ---- */

/* vGPUs that stand on the instance now, and the type of one. mdev doesn't say on which instance a
 * vGPU is, so there the claims' word counts. */
static uint32_t count_on(const struct restore *r, const struct gi *gi,
                         const struct cat_vgpu_type **ret_type)
{
    const struct gpu *gpu = r->work.gpu;
    uint32_t n = 0;
    for (vec_each(&gpu->vgpus, vgpu)) {
        if (vgpu->gi_id == gi->id) {
            n++;
            *ret_type = work_type_of(&r->work, vgpu);
        }
    }
    for (vec_each(&r->items, item)) {
        const char *uuid = item->claim.assigned.mdev_uuid;
        const struct vgpu *vgpu = uuid[0] != '\0' ? gpu_find_vgpu_mdev(gpu, uuid) : NULL;
        if (is_at(item, gi->start, gi->size) && vgpu != NULL && vgpu->gi_id == NO_ID) {
            n++;
            *ret_type = item->type;
        }
    }
    return n;
}

static struct seats_gi *find_seats(struct seats *seats, uint32_t start, uint32_t size)
{
    for (uint32_t i = 0; i < seats->n; i++) {
        if (seats->items[i].start == start && seats->items[i].size == size) {
            return &seats->items[i];
        }
    }
    return NULL;
}

static bool is_exclusive(const struct restore *r, uint32_t start, uint32_t size)
{
    bool any = false;
    for (vec_each(&r->items, item)) {
        bool here = is_at(item, start, size);
        any = any || here;
        if (here && item->claim.spec.mode != CLAIM_TIME_SLICED_MIG_BACKED) {
            return true;
        }
    }
    return !any; /* what no claim owns is no place for any */
}

static void look_at_seats(const struct restore *r, struct seats *seats)
{
    *seats = (struct seats){.work = &r->work};
    for (size_t i = 0; !work_is_wiped(&r->work) && i < r->work.gpu->gis.n && seats->n < SEATS_MAX;
         i++) {
        const struct gi *gi = &r->work.gpu->gis.items[i];
        struct seats_gi *seat = &seats->items[seats->n++];
        *seat = (struct seats_gi){
            .profile =
                r->work.model == NULL ? NULL : model_profile_by_id(r->work.model, gi->profile_id),
            .start = gi->start,
            .size = gi->size,
            .id = gi->id,
            .there = true,
            .exclusive = is_exclusive(r, gi->start, gi->size)};
        seat->n_vgpus = count_on(r, gi, &seat->type);
    }
    for (vec_each(&r->items, item)) {
        const struct assignment *got = &item->claim.assigned;
        if (find_seats(seats, got->start, got->size) == NULL && seats->n < SEATS_MAX) {
            seats->items[seats->n++] =
                (struct seats_gi){.profile = item->profile,
                                  .start = got->start,
                                  .size = got->size,
                                  .id = NO_ID,
                                  .exclusive = is_exclusive(r, got->start, got->size)};
        }
    }
}

/* The item's vGPU, on the item's instance and no other. */
static void restore_seat(struct restore *r, struct restore_item *item, struct seats *seats)
{
    size_t before = r->work.steps.n;
    restore_vgpu(r, item);
    struct seats_gi *seat =
        find_seats(seats, item->claim.assigned.start, item->claim.assigned.size);
    if (r->work.steps.n == before || item->type == NULL || seat == NULL ||
        r->work.steps.items[before].kind != STEP_VGPU_CREATE) {
        return;
    }
    struct error err = {0};
    seat->there = true;
    struct step *step = &r->work.steps.items[before];
    if (seats_take(seats, (uint32_t)(seat - seats->items), item->type, step, &err) != 0) {
        r->work.steps.n = before;
        restore_block(item, &err);
    }
}

void restore_mig(struct restore *r)
{
    struct error err = {0};
    bool wants_vfs = r->record != NULL && r->record->mode_set && r->record->vfs;
    for (vec_each(&r->items, item)) {
        wants_vfs = wants_vfs || item->claim.spec.mode != CLAIM_GPU_INSTANCE;
    }
    if (enter_mig(r, wants_vfs, &err) != 0) {
        restore_block_all(r, &err);
        return;
    }
    if (restore_looks_first(r)) {
        return;
    }
    struct seats seats;
    look_at_seats(r, &seats);
    for (vec_each(&r->items, item)) {
        const struct gi *gi = NULL;
        if (!restore_instance(r, item, &gi)) {
            continue;
        }
        if (item->claim.spec.mode == CLAIM_GPU_INSTANCE) {
            restore_bare(r, item, gi);
        } else {
            restore_seat(r, item, &seats);
        }
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/group.h"

#include <stdio.h>

#include "base/str.h"
#include "plan/gpu_gate.h"
#include "plan/mode.h"
#include "plan/work_release.h"

/* ---- who is in the group, and as what ---- */

static struct gpu_work *find_work(const struct gpu_work *work, const struct pci_addr *addr)
{
    for (size_t i = 0; i < work->n_all; i++) {
        if (pci_addr_cmp(&work->all[i].gpu->addr, addr) == 0) {
            return &work->all[i];
        }
    }
    return NULL;
}

/* The claim that will have the whole GPU, of a VM if one of several is; NULL: none will. */
static const struct claim *passed_to(const struct gpu_work *work)
{
    if (work->n_added > 0 && work->added[0].claim.spec.mode == CLAIM_PASSTHROUGH) {
        return &work->added[0].claim;
    }
    return work->n_kept > 0 && work->kept[0]->spec.mode == CLAIM_PASSTHROUGH ? work->kept[0] : NULL;
}

/* Will the GPU be a VM's, or be kept for one, when the plan is done? */
static bool is_passed(const struct gpu_work *work)
{
    const struct gpu *gpu = work->gpu;
    bool by_hand = !gpu_at_home(gpu) && !work_has_step(work, STEP_BIND_NVIDIA) &&
                   (gpu->holder[0] != '\0' || work_defined_in(work, &gpu->addr) != NULL);
    return work->whole || by_hand || passed_to(work) != NULL;
}

static bool shares_group(const struct gpu_work *a, const struct gpu_work *b)
{
    return a->gpu->iommu_group != NO_ID && a->gpu->iommu_group == b->gpu->iommu_group;
}

/* A virtual function of one of the group's GPUs goes and comes with that GPU. */
static bool is_function_of_group(const struct gpu_work *work, const struct pci_addr *addr)
{
    for (size_t i = 0; i < work->n_all; i++) {
        for (size_t k = 0; shares_group(work, &work->all[i]) && k < work->all[i].gpu->vfs.n; k++) {
            if (pci_addr_cmp(&work->all[i].gpu->vfs.items[k].addr, addr) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* The GPU of the group on whose board the function is; NULL: on none. */
static struct gpu_work *board_of(const struct gpu_work *work, const struct pci_addr *addr)
{
    for (size_t i = 0; i < work->n_all; i++) {
        struct gpu_work *other = &work->all[i];
        if (shares_group(work, other) && other->gpu->other_vendor == 0 &&
            pci_same_slot(&other->gpu->addr, addr)) {
            return other;
        }
    }
    return NULL;
}

/* ---- refusals ---- */

static int refuse_member(const struct gpu_work *work, const struct group_member *member,
                         struct error *err)
{
    char bdf[BDF_SIZE];
    pci_addr_format(&member->addr, bdf);
    error_set(err, REASON_CONFLICT, work->subject,
              "GPU %s can't be passed through: its IOMMU group %u also has %s, which the host uses "
              "with driver %s",
              work->bdf, work->gpu->iommu_group, bdf, member->driver);
    error_hint(err,
               "only one VM can use an IOMMU group: use another GPU, unbind %s (echo %s > "
               "/sys/bus/pci/drivers/%s/unbind) if the host does not need it, or put the GPU into "
               "a slot with a group of its own (ACS)",
               bdf, bdf, member->driver);
    return -REASON_CONFLICT;
}

/* What the other GPU of the group is used for, with the claim if one says so. */
static int refuse_gpu(const struct gpu_work *work, const struct gpu_work *other, enum gpu_mode as,
                      const struct claim *claim, struct error *err)
{
    char bdf[BDF_SIZE];
    pci_addr_format(&other->gpu->addr, bdf);
    error_set(err, REASON_CONFLICT, work->subject,
              "GPU %s can't become %s: GPU %s of the same IOMMU group %u is used as %s%s%s%s%s%s%s",
              work->bdf, gpu_mode_name(as), bdf, work->gpu->iommu_group,
              gpu_mode_name(claim != NULL ? mode_of_claim(claim->spec.mode) : other->gpu->mode),
              claim != NULL ? " by claim \"" : "", claim != NULL ? claim->name : "",
              claim != NULL ? "\"" : "", claim != NULL && claim->vm[0] != '\0' ? " of VM \"" : "",
              claim != NULL ? claim->vm : "", claim != NULL && claim->vm[0] != '\0' ? "\"" : "");
    error_hint(
        err,
        "only one VM can use an IOMMU group: use a GPU of another group, or release what is on %s",
        bdf);
    return -REASON_CONFLICT;
}

/* ---- may the GPU be passed through? ---- */

static const struct claim *claim_on(const struct gpu_work *work)
{
    const struct claim *passed = passed_to(work);
    if (passed != NULL) {
        return passed;
    }
    return work->n_added > 0 ? &work->added[0].claim : work->n_kept > 0 ? work->kept[0] : NULL;
}

static bool same_vm(const struct claim *a, const struct claim *b)
{
    return a == NULL || b == NULL || a->vm[0] == '\0' || b->vm[0] == '\0' ||
           claim_is_of(b, a->vm, a->vm_uuid) || claim_is_of(a, b->vm, b->vm_uuid);
}

/* An idle GPU of the host: may it go along? */
static int check_along(const struct gpu_work *work, const struct gpu_work *other,
                       const struct group_member *member, struct error *err)
{
    const struct planner *planner = work->planner;
    const struct gpu *gpu = other->gpu;
    if (gpu->other_vendor != 0 || gpu->problem[0] != '\0') {
        return refuse_member(work, member, err);
    }
    int result = gate_check_quarantine(planner, gpu, err);
    result = result != 0 ? result : gate_check_driver(planner, gpu, err);
    result = result != 0 ? result : gate_check_cordon(planner, gpu, err);
    if (result == 0) {
        result = mode_guard(gpu, planner->claims, work->request->remove, work->request->n_remove,
                            false, GPU_PASSTHROUGH, err);
    }
    const struct claim *claim = passed_to(work);
    const struct vm *vm = work_defined_in(other, &gpu->addr);
    bool own = claim != NULL && vm != NULL && claim_is_of(claim, vm->name, vm->uuid);
    return result == 0 && vm != NULL && !own ? work_refuse_defined(other, vm, err) : result;
}

static int check_other(const struct gpu_work *work, const struct gpu_work *other,
                       const struct group_member *member, struct error *err)
{
    const struct gpu *gpu = other->gpu;
    const struct claim *mine = passed_to(work);
    const struct claim *theirs = claim_on(other);
    if (theirs != NULL && (passed_to(other) == NULL || !same_vm(mine, theirs))) {
        return refuse_gpu(work, other, GPU_PASSTHROUGH, theirs, err);
    }
    if (theirs != NULL) {
        return 0;
    }
    bool own = mine != NULL && (str_eq(gpu->holder, mine->vm) || mine->vm[0] == '\0');
    if (gpu->holder[0] != '\0' && !own) {
        char bdf[BDF_SIZE];
        return error_set(err, REASON_IN_USE, work->subject,
                         "VM \"%s\" runs with GPU %s, which is in IOMMU group %u with GPU %s",
                         gpu->holder, pci_addr_format(&gpu->addr, bdf), gpu->iommu_group,
                         work->bdf);
    }
    return group_member_bars(member) ? check_along(work, other, member, err) : 0;
}

static int check_kernel(const struct gpu_work *work, struct error *err)
{
    if (work->gpu->iommu_group == NO_ID) {
        error_set(err, REASON_UNSUPPORTED, work->subject, "GPU %s is in no IOMMU group", work->bdf);
        error_hint(err, "turn the IOMMU on in the firmware (VT-d or AMD-Vi), and on Intel hosts "
                        "with intel_iommu=on on the kernel command line");
        return -REASON_UNSUPPORTED;
    }
    if (work->planner->host->vfio_pci == TRI_NO) {
        error_set(err, REASON_UNAVAILABLE, work->subject,
                  "the kernel driver vfio-pci is not loaded");
        error_hint(err, "modprobe vfio-pci");
        return -REASON_UNAVAILABLE;
    }
    return 0;
}

/* A member that is neither a GPU nor on a GPU's board can't go along. */
static int check_member(const struct gpu_work *work, const struct group_member *member,
                        struct error *err)
{
    bool stays = group_member_bars(member) && !is_function_of_group(work, &member->addr) &&
                 board_of(work, &member->addr) == NULL;
    return stays ? refuse_member(work, member, err) : 0;
}

int group_check_ever(const struct gpu_work *work, struct error *err)
{
    int result = check_kernel(work, err);
    for (size_t i = 0; result == 0 && i < work->gpu->group_members.n; i++) {
        const struct group_member *member = &work->gpu->group_members.items[i];
        const struct gpu_work *other = find_work(work, &member->addr);
        bool foreign = other != NULL && other->gpu->other_vendor != 0 && group_member_bars(member);
        if (other == NULL || foreign) {
            result = foreign ? refuse_member(work, member, err) : check_member(work, member, err);
        }
    }
    return result;
}

static int check_passed(const struct gpu_work *work, struct error *err)
{
    int result = check_kernel(work, err);
    for (size_t i = 0; result == 0 && i < work->gpu->group_members.n; i++) {
        const struct group_member *member = &work->gpu->group_members.items[i];
        const struct gpu_work *other = find_work(work, &member->addr);
        if (other != NULL) {
            result = check_other(work, other, member, err);
        } else {
            result = check_member(work, member, err);
        }
    }
    return result;
}

int group_check(const struct gpu_work *work, struct error *err)
{
    if (work->whole || passed_to(work) != NULL) {
        return check_passed(work, err);
    }
    enum gpu_mode as = work->n_added > 0 ? mode_of_claim(work->added[0].claim.spec.mode) : work->to;
    for (size_t i = 0; i < work->n_all; i++) {
        const struct gpu_work *other = &work->all[i];
        if (other != work && shares_group(work, other) && is_passed(other)) {
            return refuse_gpu(work, other, as, claim_on(other), err);
        }
    }
    return 0;
}

size_t group_count_along(const struct gpu_work *work)
{
    size_t n = 0;
    for (vec_each(&work->gpu->group_members, member)) {
        const struct gpu_work *other = find_work(work, &member->addr);
        n += other != NULL && passed_to(other) == NULL && group_member_bars(member);
    }
    return n;
}

/* ---- steps ---- */

static void add_companion(struct gpu_work *work, enum step_kind kind, const struct pci_addr *addr,
                          const char *driver, const char *claim)
{
    struct step *step = work_step(work, kind);
    step->device = *addr;
    STR_SET(step->driver, driver);
    STR_SET(step->claim, claim);
}

/* The other functions of its board that the host uses, or will use: one that went along before may
 * wait for its driver after a boot. */
static void take_companions(struct gpu_work *work, const char *claim)
{
    const struct gpu_record *record = planner_record_of(work->planner, work->gpu);
    for (vec_each(&work->gpu->group_members, member)) {
        if (find_work(work, &member->addr) != NULL || is_function_of_group(work, &member->addr) ||
            board_of(work, &member->addr) != work) {
            continue;
        }
        const struct companion *known =
            record != NULL ? gpu_record_find_companion(record, &member->addr) : NULL;
        if (group_member_bars(member)) {
            add_companion(work, STEP_COMPANION_VFIO, &member->addr, member->driver, claim);
        } else if (known != NULL && member->driver[0] == '\0') {
            add_companion(work, STEP_COMPANION_VFIO, &member->addr, known->driver, claim);
        }
    }
}

static void drop_bind_nvidia(struct gpu_work *work)
{
    for (size_t i = work->steps.n; i > 0; i--) {
        if (work->steps.items[i - 1].kind == STEP_BIND_NVIDIA) {
            vec_remove(&work->steps, i - 1);
        }
    }
}

/* The group goes to a VM: so does all that is in it. */
static void take_along(struct gpu_work *work, const struct gpu_work *passed)
{
    const char *claim = passed_to(passed) != NULL ? passed_to(passed)->name : "";
    if (!is_passed(work) && gpu_at_home(work->gpu)) {
        work->steps.n = 0;
        work->instances.n = 0;
        (void)work_release(work, NULL); /* was asked when what goes was solved */
        work_to_idle(work);
        struct step *step = work_step(work, STEP_BIND_VFIO);
        STR_SET(step->claim, claim);
        step->device = passed->gpu->addr;
    } else if (!is_passed(work)) {
        drop_bind_nvidia(work);
    }
    take_companions(work, claim);
}

/* Nothing of the group is a VM's any more: what only went along goes home, and each companion with
 * its GPU. What a person bound stays as it is. */
static void give_back(struct gpu_work *work)
{
    const struct gpu_record *record = planner_record_of(work->planner, work->gpu);
    bool chosen = record != NULL && record->mode_set && record->mode == GPU_PASSTHROUGH;
    bool stays = chosen || work->n_kept + work->n_added + work->n_gone > 0 ||
                 work->gpu->mode != GPU_PASSTHROUGH;
    if (!stays && !work_has_step(work, STEP_BIND_NVIDIA)) {
        work_step(work, STEP_BIND_NVIDIA);
    }
    if (record == NULL || !work_has_step(work, STEP_BIND_NVIDIA)) {
        return;
    }
    for (vec_each(&work->gpu->group_members, member)) {
        const struct companion *companion = gpu_record_find_companion(record, &member->addr);
        if (companion != NULL && str_eq(member->driver, "vfio-pci")) {
            add_companion(work, STEP_COMPANION_HOME, &companion->addr, companion->driver, "");
        }
    }
}

/* Does the plan change how a GPU of the group is used? */
static bool is_touched(const struct gpu_work *works, size_t n, const struct gpu_work *of)
{
    for (size_t i = 0; i < n; i++) {
        bool whole = works[i].whole || (passed_to(&works[i]) != NULL && works[i].n_added > 0);
        if (shares_group(of, &works[i]) && (whole || work_has_step(&works[i], STEP_BIND_NVIDIA))) {
            return true;
        }
    }
    return false;
}

void group_finish(struct gpu_work *works, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct gpu_work *first = &works[i];
        bool seen = first->gpu->iommu_group == NO_ID || !is_touched(works, n, first);
        const struct gpu_work *passed = NULL;
        for (size_t k = 0; k < n; k++) {
            bool here = shares_group(first, &works[k]);
            seen = seen || (here && k < i);
            passed = here && passed == NULL && is_passed(&works[k]) ? &works[k] : passed;
        }
        for (size_t k = 0; !seen && k < n; k++) {
            if (!shares_group(first, &works[k])) {
                continue;
            }
            if (passed != NULL) {
                take_along(&works[k], passed);
            } else {
                give_back(&works[k]);
            }
        }
    }
}

/* ---- again, after a boot ---- */

static void append(struct gpu_work *work, const struct works *works, enum step_kind kind, bool is)
{
    for (size_t i = 0; i < works->n; i++) {
        for (size_t k = 0; shares_group(work, &works->items[i]) && k < works->items[i].steps.n;
             k++) {
            const struct step *step = &works->items[i].steps.items[k];
            if ((step->kind == kind) == is) {
                *vec_push(&work->steps) = *step;
            }
        }
    }
}

int group_restore(struct gpu_work *work, const char *claim, struct error *err)
{
    static const struct plan_request request = {.purpose = PURPOSE_RESTORE};
    CLEANUP(works_done) struct works works = {0};
    int result = works_init(&works, work->planner, &request, err);
    if (result != 0) {
        return result;
    }
    struct gpu_work self = {.all = works.items, .n_all = works.n};
    struct gpu_work *own = find_work(&self, &work->gpu->addr);
    own->whole = true;
    result = check_passed(own, err);
    if (result != 0) {
        return result;
    }
    group_finish(works.items, works.n);
    append(work, &works, STEP_COMPANION_VFIO, true);
    append(work, &works, STEP_COMPANION_VFIO, false);
    for (vec_each(&work->steps, step)) {
        STR_SET(step->claim, claim);
    }
    return 0;
}

bool group_goes_along(const struct gpu_work *work)
{
    const struct planner *planner = work->planner;
    for (vec_each(planner->claims, claim)) {
        const struct gpu *gpu =
            claim->spec.mode == CLAIM_PASSTHROUGH ? claim_find_gpu(claim, planner->host) : NULL;
        if (gpu != NULL && gpu != work->gpu && gpu->iommu_group != NO_ID &&
            gpu->iommu_group == work->gpu->iommu_group) {
            return true;
        }
    }
    return false;
}

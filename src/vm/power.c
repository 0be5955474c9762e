/* SPDX-License-Identifier: Apache-2.0 */
/* What a VM needs to start, and what it gives back when it is off. */
#include "vm/power.h"

#include <stdio.h>

#include "base/id.h"
#include "base/log.h"
#include "base/str.h"
#include "plan/restore.h"
#include "state/planner_view.h"
#include "state/state.h"
#include "turn/plans.h"
#include "turn/queue.h"
#include "turn/retry.h"
#include "watch/claim_device.h"
#include "watch/claim_view.h"
#include "watch/health.h"
#include "watch/vm_overlay.h"

/* ---- what a VM lacks ---- */

void needs_done(struct missing_devices *needs)
{
    vec_done(&needs->to_create);
    vec_done(&needs->to_write);
}

bool needs_any(const struct missing_devices *needs)
{
    return needs->to_create.n > 0 || needs->to_write.n > 0;
}

int needs_refuse_wait(const struct missing_devices *needs, const struct vm *vm, struct error *err)
{
    if (!needs->in_progress) {
        return 0;
    }
    error_set(err, REASON_UNAVAILABLE, SUBJECT("vm", vm->name),
              "VM \"%s\" can't start: a plan that changes its claim has not ended", vm->name);
    error_hint(err, "start the VM again when the plan has ended; see `cleave plan list`");
    return -REASON_UNAVAILABLE;
}

/* why: a sentence about the claim. */
static int refuse(const struct claim *claim, const struct vm *vm, enum reason reason,
                  const char *why, struct error *err)
{
    return error_set(err, reason, SUBJECT("claim", claim->name),
                     "VM \"%s\" can't start with claim \"%s\": %s", vm->name, claim->name, why);
}

/* The claim's GPU is out, or in another slot, where a restoration makes its devices. */
static int refuse_away(const struct manager *m, const struct claim *claim, const struct vm *vm,
                       struct error *err)
{
    bool moved = restore_gpu_of(m->host, claim) != NULL;
    char why[ERROR_TEXT_SIZE];
    claim_say_away(m, claim, why, sizeof(why));
    int r = refuse(claim, vm, REASON_UNAVAILABLE, why, err);
    if (moved) {
        error_hint(
            err,
            "`cleave host restore` makes its devices at the new address; then start the VM again");
    } else {
        error_hint(err, "`cleave gpu list` shows the GPUs of this host; to use another one, delete "
                        "the claim and create it again");
    }
    return r;
}

/* The VM is to start with what its claim asks for. A GPU that does not answer is left alone. */
static void find_params(const struct manager *m, const struct claim *claim, const struct gpu *gpu,
                        struct missing_devices *needs)
{
    const struct vgpu *vgpu = claim_vgpu_at(claim, gpu);
    bool quiet = gpu->problem[0] == '\0' && m->host->nvml_problem[0] == '\0' &&
                 m->host->pci_problem[0] == '\0';
    if (quiet && vgpu != NULL && claim_is_vgpu(claim, vgpu) && vgpu->holder[0] == '\0' &&
        claim_params_differ(claim, vgpu, NULL, 0)) {
        struct step *step = vec_push(&needs->to_write);
        *step = step_make(STEP_VGPU_PARAMS, &gpu->addr);
        restore_set_params(step, claim);
    }
}

static int bound_needs(const struct manager *m, const struct claim *claim, const struct vm *vm,
                       struct missing_devices *needs, struct error *err)
{
    const struct gpu *gpu = claim_find_gpu(claim, m->host);
    if (gpu == NULL && restore_may_choose_again(m->host, claim)) {
        *vec_push(&needs->to_create) = restore_open(claim);
        needs->chosen_again = claim->name;
        return 0;
    }
    if (gpu == NULL) {
        return refuse_away(m, claim, vm, err);
    }
    int health = health_check_gpu_of(m, claim, vm->name, err);
    if (health != 0) {
        return health;
    }
    if (claim_device_is_in_kernel(m, claim, gpu)) {
        return 0;
    }
    if (gpu->problem[0] != '\0') {
        char bdf[BDF_SIZE];
        char why[ERROR_TEXT_SIZE];
        str_print(why, sizeof(why), "its GPU %s can't be used: %s",
                  pci_addr_format(&gpu->addr, bdf), gpu->problem);
        int r = refuse(claim, vm, REASON_UNAVAILABLE, why, err);
        error_hint(err, "`cleave host show` shows what hangs or is missing");
        return r;
    }
    if (claim_device_is_there(m, claim)) {
        find_params(m, claim, gpu, needs);
        return 0;
    }
    if (claim_vgpu_at(claim, gpu) != NULL) {
        int r = refuse(claim, vm, REASON_CONFLICT,
                       "its device carries another vGPU, which cleave did not make", err);
        error_hint(err,
                   "`cleave claim delete %s` releases the claim and leaves that vGPU alone; to "
                   "keep the claim, move the vGPU with the tool that made it",
                   claim->name);
        return r;
    }
    struct claim *again = vec_push(&needs->to_create);
    *again = *claim;
    (void)claim_device(claim, &again->reserved);
    return 0;
}

static int refuse_failed(const struct claim *claim, const struct vm *vm, struct error *err)
{
    char why[ERROR_TEXT_SIZE];
    str_print(why, sizeof(why), "it has failed: %s", claim->problem);
    return refuse(claim, vm, REASON_CONFLICT, why, err);
}

static int claim_needs(const struct manager *m, const struct claim *claim, const struct vm *vm,
                       struct missing_devices *needs, struct error *err)
{
    int r = 0;
    switch (claim->state) {
    case CLAIM_BOUND:
        return bound_needs(m, claim, vm, needs, err);
    case CLAIM_PENDING:
        *vec_push(&needs->to_create) = *claim;
        return 0;
    case CLAIM_BINDING:
    case CLAIM_RELEASING:
        needs->in_progress = true;
        return 0;
    case CLAIM_FAILED:
        if (!claim->was_bound) {
            return 0; /* the VM never had it, and hears so: claim_view_without() */
        }
        r = refuse_failed(claim, vm, err);
        error_hint(err,
                   "delete the claim, and create it again if the VM needs it: `cleave claim delete "
                   "%s`",
                   claim->name);
        return r;
    case CLAIM_RELEASED:
    case CLAIM_STATE_COUNT:
        break;
    }
    return 0;
}

static bool has_managed(const struct vm *vm, const struct pci_addr *addr)
{
    for (vec_each(&vm->devices, device)) {
        if (device->managed && !device->is_mdev && pci_addr_cmp(&device->addr, addr) == 0) {
            return true;
        }
    }
    return false;
}

/* A GPU that is passed through needs its whole IOMMU group: what the host still uses of it, and
 * libvirt does not take from it (managed='yes'), would make QEMU fail with less to say. */
int power_refuse_group(const struct vm *vm, const struct gpu *gpu, const char *claim,
                       struct error *err)
{
    for (vec_each(&gpu->group_members, member)) {
        char bdf[BDF_SIZE];
        char other[BDF_SIZE];
        if (!group_member_bars(member) || has_managed(vm, &member->addr)) {
            continue;
        }
        bool claimed = claim[0] != '\0';
        error_set(err, REASON_CONFLICT,
                  SUBJECT(claimed ? "claim" : "vm", claimed ? claim : vm->name),
                  "VM \"%s\" can't start: IOMMU group %u of GPU %s also has %s, which the host "
                  "uses with driver %s",
                  vm->name, gpu->iommu_group, pci_addr_format(&gpu->addr, bdf),
                  pci_addr_format(&member->addr, other), member->driver);
        if (claimed) {
            error_hint(err, "`cleave host restore` binds the companions of the claim's GPU, or "
                            "says why it can't");
        } else {
            error_hint(err,
                       "remove the GPU (`virsh edit %s`), and claim it together with its "
                       "companions: `cleave claim create NAME --vm %s --mode passthrough --gpu %s`",
                       SHELL_ARG(vm->name), SHELL_WORD(vm->name), bdf);
        }
        return -REASON_CONFLICT;
    }
    return 0;
}

static int check_group(const struct manager *m, const struct vm *vm, const struct claim *claim,
                       struct error *err)
{
    const struct gpu *gpu =
        claim->state == CLAIM_BOUND && claim->assigned.set && claim->spec.mode == CLAIM_PASSTHROUGH
            ? claim_find_gpu(claim, m->host)
            : NULL;
    return gpu == NULL ? 0 : power_refuse_group(vm, gpu, claim->name, err);
}

static bool is_vendor_function(const struct host *host, const struct pci_addr *addr)
{
    for (vec_each(&host->gpus, gpu)) {
        bool vendor = gpu->other_vendor == 0 && gpu->iface == VGPU_IFACE_VENDOR_VFIO;
        for (uint32_t i = 0; vendor && i < gpu->vfs_total; i++) {
            struct pci_addr vf;
            if (gpu_vf_addr(gpu, i, &vf) && pci_addr_cmp(&vf, addr) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* With managed='yes' libvirt binds what it assigns to vfio-pci, and a virtual function loses its
 * vGPU with NVIDIA's driver (NVIDIA vGPU software user guide, "Adding a vGPU to a Linux with KVM
 * Hypervisor VM": managed='no'). libvirt asks the hook before it does so. */
static int check_managed(const struct manager *m, const struct vm *vm, struct error *err)
{
    for (vec_each(&vm->devices, device)) {
        char bdf[BDF_SIZE];
        if (!device->managed || device->is_mdev || !is_vendor_function(m->host, &device->addr)) {
            continue;
        }
        error_set(err, REASON_CONFLICT, SUBJECT("vm", vm->name),
                  "VM \"%s\" can't start: its definition has virtual function %s with "
                  "managed='yes', so libvirt would unbind NVIDIA's driver and destroy the vGPU",
                  vm->name, pci_addr_format(&device->addr, bdf));
        error_hint(err, "write managed='no' in that element: `virsh edit %s`", SHELL_ARG(vm->name));
        return -REASON_CONFLICT;
    }
    return 0;
}

static bool is_in_group(const struct gpu *gpu, const struct pci_addr *addr)
{
    bool in = pci_addr_cmp(&gpu->addr, addr) == 0;
    for (vec_each(&gpu->group_members, member)) {
        in = in || pci_addr_cmp(&member->addr, addr) == 0;
    }
    return in && gpu->iommu_group != NO_ID;
}

/* What a person put into the definition may be of the IOMMU group of a GPU that another VM runs
 * with: VFIO gives a group to one VM only (Linux kernel documentation, VFIO, "Usage"). */
static int check_own_groups(const struct manager *m, const struct vm *vm, struct error *err)
{
    for (vec_each(&vm->devices, device)) {
        for (vec_each(&m->host->gpus, gpu)) {
            char bdf[BDF_SIZE];
            char own[BDF_SIZE];
            if (device->is_mdev || gpu->holder[0] == '\0' || str_eq(gpu->holder, vm->name) ||
                pci_addr_cmp(&gpu->addr, &device->addr) == 0 || !is_in_group(gpu, &device->addr)) {
                continue;
            }
            error_set(err, REASON_IN_USE, SUBJECT("vm", vm->name),
                      "VM \"%s\" can't start: %s of its definition is in IOMMU group %u, and VM "
                      "\"%s\" runs with GPU %s of that group",
                      vm->name, pci_addr_format(&device->addr, own), gpu->iommu_group, gpu->holder,
                      pci_addr_format(&gpu->addr, bdf));
            error_hint(err,
                       "only one VM can use an IOMMU group: stop VM \"%s\" first, or remove %s: "
                       "`virsh edit %s`",
                       gpu->holder, own, SHELL_ARG(vm->name));
            return -REASON_IN_USE;
        }
    }
    return 0;
}

int power_needs(const struct manager *m, const struct vm *vm, struct missing_devices *ret_needs,
                struct error *err)
{
    int own = check_managed(m, vm, err);
    own = own != 0 ? own : check_own_groups(m, vm, err);
    if (own != 0) {
        return own;
    }
    for (vec_each(&m->claims, claim)) {
        if (!claim_is_of(claim, vm->name, vm->uuid) || claim->spec.mode == CLAIM_GPU_INSTANCE) {
            continue;
        }
        int r = check_group(m, vm, claim, err);
        r = r != 0 ? r : claim_needs(m, claim, vm, ret_needs, err);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

/* The definition, which is libvirt's by now, names a device of the GPU that is gone. */
static int refuse_choice(const struct manager *m, const struct claim *claim, struct error *err)
{
    char why[ERROR_TEXT_SIZE];
    claim_say_away(m, claim, why, sizeof(why));
    error_set(err, REASON_UNAVAILABLE, SUBJECT("claim", claim->name),
              "VM \"%s\" can't start with claim \"%s\": %s", claim->vm, claim->name, why);
    error_hint(err,
               "`cleave vm start %s` chooses another device within the claim's need, and changes "
               "the definition",
               SHELL_ARG(claim->vm));
    return -REASON_UNAVAILABLE;
}

int power_plan(struct manager *m, const struct missing_devices *needs, bool exact_device,
               const char *author, const char *reason, struct plan **ret_plan, struct error *err)
{
    const struct claim *gone = exact_device && needs->chosen_again != NULL
                                   ? claims_find(&m->claims, needs->chosen_again)
                                   : NULL;
    if (gone != NULL) {
        return refuse_choice(m, gone, err);
    }
    CLEANUP_FREE const struct claim **add = xcalloc(needs->to_create.n + 1, sizeof(*add));
    CLEANUP_FREE const char **remove = xcalloc(needs->to_create.n + 1, sizeof(*remove));
    struct plan_request request = {.add = add,
                                   .remove = remove,
                                   .purpose = exact_device ? PURPOSE_HOOK : PURPOSE_ALLOCATE,
                                   .extra = needs->to_write.items,
                                   .n_extra = needs->to_write.n,
                                   .author = author,
                                   .reason = reason,
                                   .new_uuid = id_uuid};
    for (size_t i = 0; i < needs->to_create.n; i++) {
        struct claim *claim = &needs->to_create.items[i];
        if (claim->spec.hold == CLAIM_ON_DEMAND && !exact_device) {
            claim_reopen(claim); /* else the definition names a device of what was chosen */
        }
        add[request.n_add++] = claim;
        const struct claim *stored = claims_find(&m->claims, claim->name);
        if (stored != NULL && claim_holds(stored)) {
            remove[request.n_remove++] = claim->name;
        }
    }
    struct planner planner = planner_view(m);
    return planner_build(&planner, &request, ret_plan, err);
}

void power_failed(const struct plan *plan, const char *vm_name, struct error *err)
{
    const char *hint = plan_hint(plan);
    error_set(err, plan->state == PLAN_CANCELLED ? REASON_CONFLICT : REASON_DRIVER,
              SUBJECT("vm", vm_name), "VM \"%s\" can't start: %s", vm_name, plan->problem);
    error_hint(err, "%s%s`cleave plan show %s` shows all its steps", hint,
               hint[0] != '\0' ? "; " : "", plan->id);
}

/* ---- what a VM gives back ---- */

static bool is_off(const struct manager *m, const struct claim *claim)
{
    const struct vm *vm = claim->vm_uuid[0] != '\0' ? host_find_vm(m->host, claim->vm_uuid)
                                                    : host_find_vm(m->host, claim->vm);
    if (vm == NULL || vm->state == VM_SHUT_OFF) {
        return true;
    }
    /* A crashed one may have been kept for inspection, with its devices. */
    for (vec_each(&vm->devices, device)) {
        if (device->live) {
            return false;
        }
    }
    return vm->state == VM_CRASHED;
}

bool power_gives_back(const struct manager *m, const struct claim *claim)
{
    const struct vm *vm =
        claim->vm[0] == '\0' ? NULL : host_find_vm_of(m->host, claim->vm, claim->vm_uuid);
    if (holds_bar(&m->holds, hold_claim(claim), WANT_CLAIM_COLLECT)) {
        return false;
    }
    return claim->state == CLAIM_RELEASING ||
           (claim->spec.hold == CLAIM_ON_DEMAND && claim->state == CLAIM_BOUND && vm != NULL &&
            !vm->saved && is_off(m, claim)); /* a saved state has them until it is forgotten */
}

/* Has its saved state its claims' devices, or may it have them? */
static bool keeps_devices(const struct manager *m, const struct vm *vm)
{
    return vm != NULL && (vm->saved || vm_overlay_may_be_saved(m, vm));
}

static void give_back_again(struct operation *operation);

static const struct operation_kind give_back_kind =
    RETRY_KIND(OPERATION_KIND_GIVE_BACK, give_back_again);

static struct retry_task give_back_of(const char *vm)
{
    return retry_task_of(&give_back_kind, "vm", vm, "releasing the devices of VM \"%s\"", vm);
}

static void given_back(struct manager *m, const struct plan *plan, const struct error *err,
                       void *data)
{
    struct change *change = data;
    const struct retry_task task = give_back_of(change->template);
    if (plan == NULL && !m->stopping) {
        retry_refused(m, &task, err);
    } else {
        retry_ended(m, &task, plan);
    }
    change_answer(change, NULL);
}

static void run_give_back(struct change *change)
{
    struct manager *m = change->manager;
    VEC(const char *) remove = {0};
    for (vec_each(&m->claims, claim)) {
        if (claim->spec.hold == CLAIM_ON_DEMAND && claim->state == CLAIM_BOUND &&
            !holds_bar(&m->holds, hold_claim(claim), WANT_CLAIM_COLLECT) &&
            (str_eq(claim->vm_uuid, change->name) || str_eq(claim->vm, change->name)) &&
            is_off(m, claim) &&
            !keeps_devices(m, host_find_vm_of(m->host, claim->vm, claim->vm_uuid))) {
            *vec_push(&remove) = claim->name;
        }
    }
    char reason[PLAN_REASON_SIZE];
    str_print(reason, sizeof(reason), "VM %s is off", change->template);
    struct plan_request request = {.remove = remove.items,
                                   .n_remove = remove.n,
                                   .purpose = PURPOSE_DEALLOCATE,
                                   .author = change->caller.author,
                                   .reason = reason,
                                   .new_uuid = id_uuid};
    struct planner planner = planner_view(m);
    struct plan *plan = NULL;
    struct error err = {0};
    const struct retry_task task = give_back_of(change->template);
    retry_begins(m, &task);
    int r = remove.n == 0 ? 0 : planner_build(&planner, &request, &plan, &err);
    vec_done(&remove);
    if (r == 0 && plan != NULL) {
        plans_run(m, plan, given_back, change);
        return;
    }
    if (r != 0) {
        retry_refused(m, &task, &err);
    } else {
        retry_ended(m, &task, NULL);
    }
    change_answer(change, NULL);
}

bool power_may_give_back(const struct manager *m, const char *vm_name)
{
    const struct retry_task task = give_back_of(vm_name);
    return retry_may_begin(m, &task);
}

void power_give_back(struct manager *m, const char *vm_name, const char *vm_uuid)
{
    const char *key = vm_uuid[0] != '\0' ? vm_uuid : vm_name;
    const struct vm *vm = m->host != NULL ? host_find_vm_of(m->host, vm_name, vm_uuid) : NULL;
    if (keeps_devices(m, vm)) {
        return; /* its saved state has them: they are given back when it ran again, or forgot it */
    }
    bool any = false;
    for (vec_each(&m->claims, claim)) {
        any = any || (claim->spec.hold == CLAIM_ON_DEMAND && claim_is_of(claim, vm_name, vm_uuid) &&
                      (claim->state == CLAIM_BOUND || claim->state == CLAIM_BINDING));
    }
    if (!any || m->stopping || change_is_waiting(m, run_give_back, key)) {
        return;
    }
    static const struct caller self = {.author = "cleaved"};
    struct request request = {.caller = &self, .reply = change_unasked};
    struct change *change = change_new(m, run_give_back, &request, key);
    change->template = xstrdup(vm_name);
    change_enqueue_urgent(change);
}

/* On-demand claims of a VM that was seen to be off. */
static bool is_to_be_given_back(const struct claim *claim, const struct vm *vm)
{
    return claim->spec.hold == CLAIM_ON_DEMAND && claim->state == CLAIM_BOUND && vm != NULL &&
           (vm->state == VM_SHUT_OFF || vm->state == VM_CRASHED);
}

static bool has_to_give_back(const struct manager *m, const struct vm *vm)
{
    for (vec_each(&m->claims, claim)) {
        const struct vm *its = host_find_vm_of(m->host, claim->vm, claim->vm_uuid);
        if (its == vm && is_to_be_given_back(claim, its)) {
            return true;
        }
    }
    return false;
}

/* `only` NULL: of all VMs. */
static void follow_power_of(struct manager *m, const struct vm *only)
{
    for (size_t i = 0; i < m->claims.n; i++) {
        const struct claim *claim = &m->claims.items[i];
        const struct vm *vm = host_find_vm_of(m->host, claim->vm, claim->vm_uuid);
        if (is_to_be_given_back(claim, vm) && (only == NULL || vm == only) &&
            !holds_bar(&m->holds, hold_vm(vm->name, vm->uuid), WANT_VM_TAKE_FOR_OFF) &&
            power_may_give_back(m, vm->name)) {
            power_give_back(m, vm->name, vm->uuid);
        }
    }
}

void power_follow(struct manager *m)
{
    follow_power_of(m, NULL);
    for (size_t i = m->operations.items.n; i > 0; i--) { /* what is not to be tried again */
        struct operation *operation = m->operations.items.items[i - 1];
        const struct retry *retry = operation->data;
        if (operation->kind == &give_back_kind && operation->state == OPERATION_WAITING &&
            !has_to_give_back(m, host_find_vm(m->host, retry->task.name))) {
            retry_drop(operation);
        }
    }
}

static void give_back_again(struct operation *operation)
{
    const struct retry *retry = operation->data;
    struct manager *m = retry->manager;
    const struct vm *vm = host_find_vm(m->host, retry->task.name);
    if (vm != NULL && m->host->libvirt_problem[0] == '\0') {
        follow_power_of(m, vm);
    }
}

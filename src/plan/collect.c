/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/collect.h"

#include "base/str.h"
#include "plan/room.h"
#include "plan/seats.h"

/* Order of kinds within a plan: take away from the outside in, then build from the inside out. */
static const unsigned phase[] = {
    [STEP_GPU_RESET] = 0,
    [STEP_PCI_RESCAN] = 0, /* only in plans of plan/recover.c */
    [STEP_DETACH] = 0,
    [STEP_VGPU_DELETE] = 1,
    [STEP_BIND_NVIDIA] = 2,
    [STEP_COMPANION_HOME] = 2,
    [STEP_CI_DESTROY] = 3,
    [STEP_GI_DESTROY] = 4,
    [STEP_MIXED_OFF] = 5,
    [STEP_SRIOV_DISABLE] = 6,
    [STEP_MIG_DISABLE] = 7,
    [STEP_COMPANION_VFIO] = 8,
    [STEP_BIND_VFIO] = 9,
    [STEP_MIG_ENABLE] = 10,
    [STEP_SRIOV_ENABLE] = 11,
    [STEP_MIXED_ON] = 12,
    [STEP_SCHEDULER_SET] = 13,
    [STEP_ATTACH] = 15,
    /* In the order of the GPU's part: what is made where decides what the driver may choose. */
    [STEP_GI_CREATE] = 14,
    [STEP_CI_CREATE] = 14,
    [STEP_VGPU_CREATE] = 14,
    [STEP_VGPU_PARAMS] = 14,
};
_Static_assert(ARRAY_SIZE(phase) == STEP_KIND_COUNT, "every step kind has its place");

struct plan_claim *plan_add_claim(struct plan *plan, const struct planner *planner,
                                  enum plan_verb verb, const struct claim *claim)
{
    struct plan_claim *entry = vec_push(&plan->claims);
    *entry = (struct plan_claim){.verb = verb, .claim = *claim};
    const struct vm *vm =
        claim->vm[0] != '\0' ? host_find_vm_of(planner->host, claim->vm, claim->vm_uuid) : NULL;
    if (vm != NULL && claim->vm_uuid[0] == '\0') { /* else a look tells whose the name is now */
        STR_SET(entry->claim.vm_uuid, vm->uuid);
    }
    plan_name_vm(plan, claim->vm);
    return entry;
}

int plan_check_vm(const struct planner *planner, const struct step *step, struct error *err)
{
    if (step->kind != STEP_ATTACH && step->kind != STEP_DETACH) {
        return 0;
    }
    const struct host *host = planner->host;
    if (host->libvirt_problem[0] != '\0') {
        return error_set(err, REASON_UNAVAILABLE, "libvirt", "cleaved can't reach VM \"%s\": %s",
                         step->vm, host->libvirt_problem);
    }
    const struct vm *vm = host_find_vm_of(host, step->vm, step->vm_uuid);
    if (!vm_is_on(vm)) {
        return 0;
    }
    error_set(err, REASON_IN_USE, vm->name,
              "VM \"%s\" is running; its devices change only while it is off", vm->name);
    error_hint(err, "stop it first: `cleave vm stop %s`", SHELL_ARG(vm->name));
    return -REASON_IN_USE;
}

static void collect_gone(struct plan *plan, const struct gpu_work *work)
{
    for (size_t i = 0; i < work->n_gone; i++) {
        const struct claim *gone = work->gone[i];
        bool stays = work->policy->keeps_claims && gone->spec.hold == CLAIM_ON_DEMAND;
        struct plan_claim *entry = vec_push(&plan->claims);
        *entry =
            (struct plan_claim){.verb = stays ? PLAN_DEALLOCATE : PLAN_RELEASE, .claim = *gone};
        plan_name_vm(plan, gone->vm);
    }
}

static void collect_added(struct plan *plan, const struct gpu_work *work)
{
    for (size_t i = 0; i < work->n_added; i++) {
        struct claim *claim =
            &plan_add_claim(plan, work->planner, PLAN_BIND, &work->added[i].claim)->claim;
        claim->assigned = work->assigned[i];
        struct claim_device named = {0};
        if (claim->spec.hold == CLAIM_ON_DEMAND) {
            (void)claim_device(claim, &named);
        }
        claim->reserved = named; /* of a held one it is what it got */
    }
}

/* What the definition of a claim's VM, which is off, has for it: of one whose GPU is out, too. */
static bool is_defined(const struct host *host, const struct claim *claim,
                       const struct claim_device *device)
{
    const struct vm *vm =
        host->libvirt_problem[0] == '\0' ? host_find_vm_of(host, claim->vm, claim->vm_uuid) : NULL;
    return vm != NULL && vm->state == VM_SHUT_OFF && !vm->transient &&
           vm_defines(vm, &device->device, device->mdev_uuid);
}

/* A device that is named for a claim that goes leaves the definition of its VM. */
static int remove_reserved_device(struct plan *plan, const struct planner *planner,
                                  const struct plan_request *request, const struct claim *claim,
                                  struct error *err)
{
    const struct host *host = planner->host;
    bool vm_is_gone = host->libvirt_problem[0] == '\0' &&
                      host_find_vm_of(host, claim->vm, claim->vm_uuid) == NULL;
    struct claim_device device = {0};
    if (claim->vm[0] == '\0' || vm_is_gone || !policy_of(request->purpose)->redefines ||
        !claim_device(claim, &device) ||
        (!claim->reserved.set && !is_defined(host, claim, &device))) {
        return 0;
    }
    device = claim->reserved.set ? claim->reserved : device;
    struct step *step = vec_push(&plan->steps);
    *step = step_make(STEP_DETACH, &device.gpu);
    step_set_gpu(step, host_find_gpu_addr(host, &device.gpu));
    step_set_claim(step, claim);
    STR_SET(step->type, claim->spec.type);
    step->device = device.device;
    STR_SET(step->mdev_uuid, device.mdev_uuid);
    plan_name_vm(plan, claim->vm);
    return plan_check_vm(planner, step, err);
}

/* A GPU that could not be read is not known to be gone. */
static int refuse_unseen(const struct host *host, const struct claim *claim, struct error *err)
{
    char bdf[BDF_SIZE];
    pci_addr_format(&claim->assigned.gpu, bdf);
    error_set(err, REASON_UNAVAILABLE, SUBJECT("claim", claim->name),
              "claim \"%s\" can't be released: cleaved can't read its GPU %s: %s", claim->name, bdf,
              host->pci_problem);
    error_hint(err, "`cleave host show` shows whether that is over");
    return -REASON_UNAVAILABLE;
}

/* Does the VM, which is on, have the device? */
static bool runs_with(const struct vm *vm, const struct claim_device *own)
{
    for (vec_each(&vm->devices, device)) {
        if (device->live && vm_device_is(device, &own->device, own->mdev_uuid)) {
            return true;
        }
    }
    return false;
}

/* Changes that are not made to the claim's VM, and who makes them later. */
static void add_vm(struct strbuf *text, const struct planner *planner, const struct claim *claim)
{
    const struct host *host = planner->host;
    struct claim_device own = {0};
    if (claim->vm[0] == '\0' || !claim_device(claim, &own)) {
        return;
    }
    const char *device = own.mdev_uuid;
    char bdf[BDF_SIZE];
    device = device[0] != '\0' ? device : pci_addr_format(&own.device, bdf);
    if (host->libvirt_problem[0] != '\0') {
        strbuf_addf(
            text,
            "; libvirt does not answer, so VM \"%s\" may still run with %s or name it: `cleave gc` "
            "removes it from the definition once libvirt answers and the VM is off",
            claim->vm, device);
        return;
    }
    const struct vm *vm = host_find_vm_of(host, claim->vm, claim->vm_uuid);
    if (vm_is_on(vm) && (runs_with(vm, &own) || vm_defines(vm, &own.device, own.mdev_uuid))) {
        strbuf_addf(text,
                    "; VM \"%s\" is on, so its definition still names %s: `cleave gc` removes that "
                    "once the VM is off",
                    vm->name, device);
    }
}

/* The reader learns that nothing was taken away where nothing is. */
static void note_gone(struct plan *plan, const struct planner *planner, const struct claim *claim)
{
    char bdf[BDF_SIZE];
    CLEANUP_STRBUF struct strbuf text = {0};
    strbuf_addf(
        &text,
        "GPU %s is not on the PCI bus, so claim \"%s\" is released without a change to the GPU",
        pci_addr_format(&claim->assigned.gpu, bdf), claim->name);
    add_vm(&text, planner, claim);
    struct plan_left *left = vec_push(&plan->left);
    (void)str_copy(left->text, sizeof(left->text), strbuf_str(&text));
}

int collect_empty(struct plan *plan, const struct planner *planner,
                  const struct plan_request *request, struct error *err)
{
    for (size_t i = 0; i < request->n_remove; i++) {
        const struct claim *claim = claims_find(planner->claims, request->remove[i]);
        if (claim == NULL) {
            return error_set(err, REASON_NOT_FOUND, request->remove[i], "there is no claim \"%s\"",
                             request->remove[i]);
        }
        if (claim_find_gpu(claim, planner->host) != NULL) {
            continue;
        }
        bool stays =
            policy_of(request->purpose)->keeps_claims && claim->spec.hold == CLAIM_ON_DEMAND;
        if (stays && claim->state == CLAIM_PENDING) {
            continue; /* it stays pending */
        }
        if (claim_holds(claim) && planner->host->pci_problem[0] != '\0') {
            return refuse_unseen(planner->host, claim, err);
        }
        *vec_push(&plan->claims) =
            (struct plan_claim){.verb = stays ? PLAN_DEALLOCATE : PLAN_RELEASE, .claim = *claim};
        if (!stays && claim_holds(claim)) {
            note_gone(plan, planner, claim);
        }
        int result = remove_reserved_device(plan, planner, request, claim, err);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

/* Is the device taken out of its VM's definition for a claim's sake already? What is left over
 * there and the device of a claim that goes may be one and the same. */
static bool is_detached(const struct works *works, const struct step *extra)
{
    for (size_t g = 0; g < works->n; g++) {
        for (vec_each(&works->items[g].steps, step)) {
            if (step->kind == STEP_DETACH && extra->kind == STEP_DETACH &&
                strcmp(step->vm, extra->vm) == 0 &&
                strcmp(step->mdev_uuid, extra->mdev_uuid) == 0 &&
                pci_addr_cmp(&step->device, &extra->device) == 0) {
                return true;
            }
        }
    }
    return false;
}

struct plan *collect_begin(enum plan_purpose purpose, const char *author, const char *reason)
{
    struct plan *plan = plan_new();
    plan->no_undo = !policy_of(purpose)->undoes;
    STR_SET(plan->author, author != NULL ? author : "");
    STR_SET(plan->reason, reason != NULL ? reason : "");
    return plan;
}

/* When it is the step's turn, by the order that the plan's policy asks for. */
static unsigned phase_of(const struct gpu_work *work, const struct step *step)
{
    switch (work->policy->order) {
    case ORDER_BY_KIND:
        break;
    case ORDER_OWN_LAST:
        return step->kind == STEP_COMPANION_VFIO ? 0 : work->by_hand ? 2 : 1;
    }
    return phase[step->kind];
}

int collect_steps(struct plan *plan, const struct works *works, const struct plan_request *request,
                  struct error *err)
{
    unsigned last = 0;
    for (size_t kind = 0; kind < ARRAY_SIZE(phase); kind++) {
        last = phase[kind] > last ? phase[kind] : last;
    }
    for (unsigned now = 0; now <= last; now++) {
        for (size_t i = 0; i < request->n_extra; i++) {
            if (phase[request->extra[i].kind] == now && !is_detached(works, &request->extra[i])) {
                *vec_push(&plan->steps) = request->extra[i];
                plan_name_vm(plan, request->extra[i].vm);
            }
        }
        for (size_t g = 0; g < works->n; g++) {
            for (vec_each(&works->items[g].steps, step)) {
                if (phase_of(&works->items[g], step) == now) {
                    *vec_push(&plan->steps) = *step;
                }
            }
        }
    }
    for (size_t g = 0; g < works->n; g++) {
        collect_gone(plan, &works->items[g]);
    }
    for (size_t g = 0; g < works->n; g++) {
        const struct gpu_work *work = &works->items[g];
        collect_added(plan, work);
        room_note(plan, work);
        seats_add_spares(plan, work);
        for (vec_each(&work->instances, instance)) {
            *vec_push(&plan->instances) = *instance;
        }
        for (vec_each(&work->left, left)) {
            *vec_push(&plan->left) = *left;
        }
        for (vec_each(&work->steps, step)) {
            int result = plan_check_vm(work->planner, step, err);
            if (result != 0) {
                return result;
            }
        }
    }
    return 0;
}

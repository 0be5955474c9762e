/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/migration_facts.h"

#include <stdio.h>

#include "base/parse.h"
#include "base/str.h"
#include "plan/admit.h"

void fact_set(struct migration_facts *facts, enum migration_fact fact, const char *value)
{
    STR_SET(facts->values[fact], value);
}

static void set_tristate(struct migration_facts *facts, enum migration_fact fact,
                         enum tristate value, const char *yes, const char *no)
{
    if (value != TRI_UNKNOWN) {
        fact_set(facts, fact, value == TRI_YES ? yes : no);
    }
}

/* ---- of a GPU, on either side ---- */

static void set_board(const struct gpu *gpu, struct migration_facts *facts)
{
    char id[32];
    if (gpu->pci_subsystem_id != NO_ID) {
        snprintf(id, sizeof(id), "0x%04x:0x%04x", gpu->pci_id, gpu->pci_subsystem_id);
        fact_set(facts, FACT_BOARD_ID, id);
    }
    fact_set(facts, FACT_BOARD, gpu->name[0] != '\0' ? gpu->name : gpu->model);
}

static void set_host(const struct host *host, struct migration_facts *facts)
{
    fact_set(facts, FACT_HOST, host->name);
    fact_set(facts, FACT_LIBVIRT, host->libvirt_version);
    fact_set(facts, FACT_QEMU, host->qemu_version);
    fact_set(facts, FACT_KERNEL, host->kernel);
    fact_set(facts, FACT_OS, host->os);
    fact_set(facts, FACT_ARCH, host->cpu_arch);
    fact_set(facts, FACT_CPU_VENDOR, host->cpu_vendor);
    fact_set(facts, FACT_CPU_MODEL, host->cpu_model);
}

static void set_machine(const struct vm_machine *machine, struct migration_facts *facts)
{
    char threads[16];
    if (!machine->known) {
        return;
    }
    snprintf(threads, sizeof(threads), "%u", machine->threads == 0 ? 1 : machine->threads);
    fact_set(facts, FACT_THREADS, threads);
    fact_set(facts, FACT_HOST_CPU, machine->host_cpu ? "on" : "off");
    fact_set(facts, FACT_VIOMMU, machine->viommu ? "on" : "off");
    fact_set(facts, FACT_SECURITY, machine->security[0] != '\0' ? machine->security : "none");
}

static void set_gpu(const struct host *host, const struct gpu *gpu, struct migration_facts *facts)
{
    set_board(gpu, facts);
    set_host(host, facts);
    if (gpu->iface != VGPU_IFACE_NONE) {
        fact_set(facts, FACT_INTERFACE, vgpu_interface_name(gpu->iface));
    }
    fact_set(facts, FACT_DRIVER, host->driver_version);
    set_tristate(facts, FACT_ECC, gpu->ecc, "on", "off");
    set_tristate(facts, FACT_SIZES, gpu->heterogeneous, "mixed", "equal");
    if (gpu->nvlinks_known) {
        char links[16];
        snprintf(links, sizeof(links), "%u", gpu->nvlinks);
        fact_set(facts, FACT_NVLINK, links);
    }
    if (gpu->scheduler.policy != SCHEDULER_UNKNOWN) {
        fact_set(facts, FACT_SCHEDULER, gpu_scheduler_policy_name(gpu->scheduler.policy));
    }
}

/* ---- the source ---- */

static bool is_device(const struct claim *claim, const struct vm_device *device)
{
    return claim->assigned.set &&
           vm_device_is(device, &claim->assigned.device, claim->assigned.mdev_uuid);
}

static bool is_claimed(const struct claims *claims, const struct vm_device *device)
{
    for (vec_each(claims, claim)) {
        if (is_device(claim, device)) {
            return true;
        }
    }
    return false;
}

void facts_of_vm(const struct host *host, const struct vm *vm, const struct claims *claims,
                 struct migration_facts *ret_facts)
{
    CLEANUP_STRBUF struct strbuf own = {0};
    for (vec_each(&vm->devices, device)) {
        if (device->live && !is_claimed(claims, device)) {
            char bdf[BDF_SIZE];
            strbuf_addf(&own, "%s%s", own.len > 0 ? ", " : "", vm_device_name(device, bdf));
        }
    }
    set_host(host, ret_facts);
    set_machine(&vm->machine, ret_facts);
    fact_set(ret_facts, FACT_VM_STATE, vm->state == VM_UNKNOWN ? "" : vm_state_name(vm->state));
    fact_set(ret_facts, FACT_OWN_DEVICES, strbuf_str(&own));
}

/* As the vGPU has it, or as the claim has it made on the target. */
static void set_param(enum tristate is, enum tristate wanted, enum migration_fact fact,
                      struct migration_facts *facts)
{
    set_tristate(facts, fact, wanted == TRI_YES ? TRI_YES : is, "on", "off");
}

static void set_params(const struct vgpu *vgpu, const struct vgpu_params *wanted,
                       struct migration_facts *facts)
{
    struct vgpu_params is = {0};
    if (vgpu != NULL && vgpu->params_known) {
        is = vgpu_params_read(vgpu->params);
    }
    set_param(is.unified_memory, wanted->unified_memory, FACT_UVM, facts);
    set_param(is.debugger, wanted->debugger, FACT_DEBUGGING, facts);
    set_param(is.profiler, wanted->profiler, FACT_PROFILING, facts);
}

void facts_of_claim(const struct host *host, const struct gpu *gpu, const struct claim *claim,
                    struct migration_facts *ret_facts)
{
    const struct assignment *got = &claim->assigned;
    fact_set(ret_facts, FACT_MODE, claim_mode_name(claim->spec.mode));
    fact_set(ret_facts, FACT_TYPE, claim->spec.type);
    fact_set(ret_facts, FACT_PROFILE, got->profile);
    fact_set(ret_facts, FACT_GUEST, guest_os_name(claim->spec.guest));
    if (gpu == NULL) {
        return;
    }
    set_gpu(host, gpu, ret_facts);
    const struct vgpu_params params = claim_params(claim);
    set_params(gpu_find_vgpu(gpu, got->mdev_uuid, &got->device), &params, ret_facts);
}

/* ---- the target ---- */

void facts_of_target(const struct host *host, const struct migration_offer *offer,
                     struct migration_facts *ret_facts)
{
    set_host(host, ret_facts);
    if (host->libvirt_problem[0] == '\0') {
        bool taken = host_find_vm(host, offer->vm) != NULL ||
                     (offer->vm_uuid[0] != '\0' && host_find_vm(host, offer->vm_uuid) != NULL);
        fact_set(ret_facts, FACT_VM_NAME, taken ? "no" : "yes");
    }
}

void facts_of_candidate(const struct planner *planner, const struct gpu *gpu,
                        const struct claim *claim, struct migration_facts *ret_facts)
{
    set_gpu(planner->host, gpu, ret_facts);
    fact_set(ret_facts, FACT_MODE, claim_mode_name(claim->spec.mode));
    fact_set(ret_facts, FACT_GUEST, guest_os_name(claim->spec.guest));
    fact_set(ret_facts, FACT_CLAIM_NAME,
             claims_find(planner->claims, claim->name) != NULL ? "no" : "yes");
    const struct gpu_model *model = gpu_model_of(planner, gpu);
    const struct cat_vgpu_type *type = NULL;
    if (model == NULL || claim->spec.type[0] == '\0') {
        return;
    }
    if (model_find_type(model, claim->spec.type, &type, NULL) != 0) {
        fact_set(ret_facts, FACT_TYPE, "none of that name");
        return;
    }
    fact_set(ret_facts, FACT_TYPE, type->name);
    fact_set(ret_facts, FACT_PROFILE, type->gi_profile == NULL ? "" : type->gi_profile);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "lint/lint.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "lint/lint_rule.h"

static const struct lint_rule rules[] = {
    /* ---- devices ---- */
    {"managed-vgpu", SEVERITY_ERROR, lint_managed_vgpu,
     "with managed='yes' libvirt unbinds the vendor's driver from the function, which destroys its "
     "vGPU",
     "NVIDIA vGPU software user guide, Adding a vGPU to a Linux with KVM VM (managed='no'); "
     "harvester/harvester#10026; OpenNebula/one#6841"},
    {"unmanaged-gpu", SEVERITY_WARNING, lint_unmanaged_gpu,
     "without managed='yes' the VM starts only while another program keeps the GPU on vfio-pci",
     "libvirt, Domain XML format, hostdev (managed)"},
    {"device-absent", SEVERITY_ERROR, lint_absent,
     "libvirt does not start a VM whose host device is missing",
     "libvirt, Domain XML format, hostdev"},
    {"vgpu-missing", SEVERITY_ERROR, lint_no_vgpu,
     "a virtual function without a vGPU is useless to a VM",
     "NVIDIA vGPU software user guide, Creating an NVIDIA vGPU on a Linux with KVM host"},
    {"claim-of-another-vm", SEVERITY_ERROR, lint_other_claim,
     "only one VM at a time can use a device; the claim says which", "docs/internals/libvirt.md"},
    {"alias-stale", SEVERITY_WARNING, lint_stale_alias,
     "the hook identifies the claim's device by the alias while cleaved is down",
     "docs/internals/libvirt.md"},
    {"device-twice", SEVERITY_ERROR, lint_twice,
     "libvirt refuses a definition that has a device twice",
     "libvirt, virDomainDefineXML (\"Hostdev already exists in the domain configuration\")"},
    {"device-shared", SEVERITY_WARNING, lint_shared,
     "only one of the VMs can run: VFIO gives a device to one process only",
     "Linux kernel documentation, VFIO"},
    {"libvirt-too-old", SEVERITY_ERROR, lint_old_libvirt,
     "libvirt can assign a function under a vendor's own VFIO driver since 10.0",
     "libvirt release notes, v10.0.0"},
    {"pci-domain-too-wide", SEVERITY_ERROR, lint_wide_domain,
     "QEMU's `host` property takes PCI domains up to ffff; its `sysfsdev` takes any",
     "QEMU, hw/core/qdev-properties-system.c, set_pci_host_devaddr()"},
    {"iommu-group", SEVERITY_ERROR, lint_group,
     "VFIO opens a group only if none of its functions is bound to a driver of the host",
     "Linux kernel documentation, VFIO (\"Group is not viable\")"},
    {"gpu-problem", SEVERITY_WARNING, lint_gpu_problem,
     "the VM can't use a GPU that the host can't use", "what the driver and the kernel report"},
    {"device-by-hand", SEVERITY_WARNING, lint_by_hand,
     "no claim restores it after a reboot, and the claim of another VM may get it",
     "docs/internals/libvirt.md"},
    /* ---- the machine ---- */
    {"two-displays", SEVERITY_WARNING, lint_two_displays,
     "an emulator has one boot display, and libvirt allows one ramfb",
     "harvester/harvester#5289; libvirt, qemuValidateDomainDef (\"Only one vgpu device can have "
     "'ramfb' enabled\")"},
    {"display-without-viewer", SEVERITY_WARNING, lint_no_viewer,
     "display='on' needs a graphics device that shows it",
     "libvirt, Domain XML format, hostdev (display, since 4.6.0)"},
    {"ramfb-without-display", SEVERITY_ERROR, lint_ramfb_alone,
     "the boot framebuffer is shown through the device's display",
     "QEMU, hw/vfio/pci.c (\"ramfb=on requires display=on\")"},
    {"window-too-small", SEVERITY_WARNING, lint_window,
     "a GPU whose BARs don't fit into the 64-bit PCI window gets no addresses (\"BAR0 is 0M @ "
     "0x0\")",
     "QEMU, hw/pci-host/q35.c and i440fx.c; canonical/lxd#15872; kubevirt/kubevirt#11093"},
    {"firmware-window", SEVERITY_NOTE, lint_firmware_window,
     "older OVMF has a 64-bit window of its own, of 32 GiB, that libvirt can't set",
     "tianocore/edk2#9932; canonical/lxd#14381"},
    {"address-bits", SEVERITY_WARNING, lint_address_bits,
     "memory and PCI window must end below what the guest's CPU can address",
     "QEMU, target/i386/cpu.c (phys-bits, 40 by default); libvirt, Domain XML format, maxphysaddr"},
    {"numa-elsewhere", SEVERITY_WARNING, lint_numa,
     "each access of the GPU to the VM's memory crosses the link between the sockets",
     "Linux kernel documentation, NUMA memory performance; libvirt, Domain XML format, numatune"},
    {"memory-limit", SEVERITY_WARNING, lint_memory_limit,
     "VFIO pins all of the VM's memory, and libvirt uses hard_limit as the limit of pinned memory",
     "libvirt, Domain XML format, memtune (hard_limit)"},
    {"viommu", SEVERITY_NOTE, lint_viommu,
     "a VM with a vGPU and a virtual IOMMU does not live-migrate",
     "Red Hat Enterprise Linux, Live migrating a virtual machine with an attached NVIDIA vGPU"},
    {"emulator-args", SEVERITY_WARNING, lint_emulator_args,
     "libvirt does not know the device, so neither libvirt nor cleave can bind, reserve or migrate "
     "it",
     "libvirt, QEMU driver, Pass-through of arbitrary qemu commands"},
    {"machine-without-pcie", SEVERITY_NOTE, lint_i440fx,
     "on a conventional PCI bus a GPU has no PCI Express capabilities, and little room for large "
     "BARs",
     "QEMU, docs/pcie.txt; libvirt, PCI topology and hotplug"},
    /* ---- claims ---- */
    {"claim-missing", SEVERITY_ERROR, lint_claim_missing,
     "the VM would start without the device of its claim", "docs/internals/libvirt.md"},
    {"claim-failed", SEVERITY_ERROR, lint_claim_failed, "the claim has no device for the VM",
     "docs/internals/libvirt.md"},
    {"saved-state", SEVERITY_WARNING, lint_saved_state,
     "a saved VM starts with the definition of its saved state, not with the stored one",
     "libvirt, virDomainManagedSave, virDomainManagedSaveDefineXML"},
    {"claim-conflict", SEVERITY_WARNING, lint_claim_intruded,
     "another tool's vGPU is in the place of the claim's vGPU, or on the claim's exclusive GPU "
     "instance",
     "docs/internals/lifecycle.md"},
    {"not-migratable", SEVERITY_ERROR, lint_cannot_move,
     "a claim asks for live migration, but this can't migrate",
     "libvirt, Guest migration; Red Hat Enterprise Linux, Limitations for migrating virtual "
     "machines"},
    {"autostart-on-demand", SEVERITY_WARNING, lint_autostart,
     "when the host boots, another VM may take the last free device first",
     "docs/internals/lifecycle.md"},
    {"transient-vm", SEVERITY_NOTE, lint_transient,
     "cleave puts a claim's device into the stored definition, and this VM has none",
     "libvirt, virDomainCreateXML"},
};

/* ---- what the host knows of the devices ---- */

static const struct claim *claim_with(const struct claims *claims, const struct domain_device *it)
{
    for (vec_each(claims, claim)) {
        struct claim_device device;
        if (claim->state != CLAIM_RELEASED && claim_device(claim, &device) &&
            claim_device_is(&device, &it->addr, it->mdev_uuid)) {
            return claim;
        }
    }
    return NULL;
}

static bool is_before(const struct lint *lint, const struct seen *seen)
{
    for (const struct seen *other = lint->seen.items; other < seen; other++) {
        if (lint_is_same(other->device, seen->device)) {
            return true;
        }
    }
    return false;
}

/* Nothing is there that a VM could get; unknown is not nothing. */
static bool has_nothing(const struct seen *seen)
{
    return seen->state == HOST_DEVICE_NO_MDEV || seen->state == HOST_DEVICE_VF_OFF ||
           seen->state == HOST_DEVICE_NO_VGPU;
}

static enum leaves judge(const struct lint *lint, const struct seen *seen)
{
    if (is_before(lint, seen)) {
        return LEAVES_TWICE;
    }
    if (seen->claim != NULL) {
        return lint_is_ours(lint, seen->claim) ? LEAVES_NOT : LEAVES_FOREIGN;
    }
    if (seen->device->claim[0] != '\0') {
        return seen->meant != NULL ? LEAVES_NOT : LEAVES_STALE;
    }
    return has_nothing(seen) ? LEAVES_NOTHING : LEAVES_NOT;
}

/* The claim of its alias, which `cleave vm start` follows. */
static const struct claim *meant_claim(const struct lint *lint, const struct seen *seen)
{
    const struct claim *claim = claims_find(lint->claims, seen->device->claim);
    bool follows = claim != NULL && lint_is_ours(lint, claim) && claim->state == CLAIM_BOUND;
    return follows && claim != seen->claim ? claim : NULL;
}

static void look_up(struct lint *lint)
{
    for (vec_each(&lint->facts->devices, device)) {
        struct seen *seen = vec_push(&lint->seen);
        char bdf[BDF_SIZE];
        seen->device = device;
        seen->claim = claim_with(lint->claims, device);
        STR_SET(seen->name,
                device_name(device->is_mdev ? device->mdev_uuid : "", &device->addr, bdf));
        struct vm_device named = {.is_mdev = device->is_mdev,
                                  .addr = device->addr,
                                  .managed = device->managed == TRI_YES};
        STR_SET(named.mdev_uuid, device->mdev_uuid);
        struct host_device it = host_device_find(lint->host, &named);
        seen->state = it.state;
        seen->gpu = it.gpu;
        seen->whole = it.whole;
        seen->vf = it.vf;
        seen->vgpu = it.vgpu;
        seen->meant = meant_claim(lint, seen);
        seen->leaves = judge(lint, seen);
    }
}

/* ---- the whole ---- */

static int worst_first(const void *a, const void *b)
{
    const struct finding *x = a;
    const struct finding *y = b;
    if (x->severity != y->severity) {
        return x->severity < y->severity ? -1 : 1;
    }
    if (x->line != y->line) {
        return x->line < y->line ? -1 : 1;
    }
    if (x->order != y->order) {
        return x->order < y->order ? -1 : 1;
    }
    return strcmp(x->message, y->message);
}

void lint_domain(const struct domain_facts *facts, const struct host *host,
                 const struct claims *claims, const struct rules *data_rules,
                 struct findings *ret_findings)
{
    struct lint lint = {.facts = facts, .host = host, .claims = claims, .findings = ret_findings};
    look_up(&lint);
    for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
        lint.rule = &rules[i];
        lint.order = (uint32_t)i;
        rules[i].check(&lint);
    }
    if (data_rules != NULL) {
        lint.order = ARRAY_SIZE(rules);
        lint_ask_data(&lint, data_rules);
    }
    vec_done(&lint.seen);
    if (ret_findings->n > 0) {
        qsort(ret_findings->items, ret_findings->n, sizeof(ret_findings->items[0]), worst_first);
    }
}

const char *lint_rule_id(size_t index)
{
    return index < ARRAY_SIZE(rules) ? rules[index].id : NULL;
}

/* What a definition's file would say of it: an error is a refusal to call it right. */
static const char *weight_of(enum severity severity)
{
    switch (severity) {
    case SEVERITY_ERROR:
        return "refuses";
    case SEVERITY_WARNING:
        return "warns";
    case SEVERITY_NOTE:
    case SEVERITY_COUNT:
        break;
    }
    return "notes";
}

void lint_rules_add_json(json_t *list, const char *id)
{
    for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
        if (id == NULL || str_eq(id, rules[i].id)) {
            json_array_append_new(
                list,
                json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:s, s:n, s:n, s:s, "
                          "s:[]}",
                          "id", rules[i].id, "applies", "definition", "statement", rules[i].why,
                          "source", rules[i].source, "confidence", "vendor-doc", "message",
                          rules[i].why, "instead", "`cleave vm lint VM` says what to do", "weight",
                          weight_of(rules[i].severity), "soft", 0, "own", 0, "file", "cleaved",
                          "from", "to", "versions", "", "when"));
        }
    }
}

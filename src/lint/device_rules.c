/* SPDX-License-Identifier: Apache-2.0 */
/* Rules about one device: is it there, is it the right one, is it assigned in the right way? */
#include <string.h>

#include "base/str.h"
#include "lint/lint_rule.h"

#define WIDEST_DOMAIN 0xffff

/* A virtual function that a vendor's VFIO driver serves. */
static bool is_vendor_vfio(const struct seen *seen)
{
    return seen->gpu != NULL && !seen->whole && !seen->device->is_mdev &&
           seen->gpu->iface == VGPU_IFACE_VENDOR_VFIO;
}

/* Made when the VM starts, and not there before. */
static bool comes_at_start(const struct lint *lint, const struct seen *seen)
{
    return !lint->facts->running && seen->claim != NULL &&
           seen->claim->spec.hold == CLAIM_ON_DEMAND;
}

void lint_managed_vgpu(struct lint *lint)
{
    for (vec_each(&lint->seen, seen)) {
        if (is_vendor_vfio(seen) && seen->device->managed == TRI_YES &&
            seen->leaves == LEAVES_NOT) {
            struct fault *it = lint_find(lint, seen->device->line, lint_element(seen),
                                         "%s is a virtual function for a vGPU, but has "
                                         "managed='yes'",
                                         seen->name);
            lint_advise_mend(lint, it, seen, "write managed='no'");
        }
    }
}

void lint_unmanaged_gpu(struct lint *lint)
{
    for (vec_each(&lint->seen, seen)) {
        bool refused = seen->state == HOST_DEVICE_WITH_HOST;
        bool unmanaged = (seen->whole && seen->device->managed != TRI_YES) || refused;
        if (unmanaged && seen->leaves == LEAVES_NOT) {
            const char *driver = seen->whole ? seen->gpu->driver : seen->vf->driver;
            struct fault *it = lint_find(lint, seen->device->line, lint_element(seen),
                                         "%s %s does not have managed='yes'; its driver is %s now",
                                         seen->whole ? "the whole GPU" : "the virtual function",
                                         seen->name, driver[0] != '\0' ? driver : "none");
            it->severity = refused && !lint->facts->running ? SEVERITY_ERROR : it->severity;
            lint_advise_mend(lint, it, seen, "write managed='yes'");
        }
    }
}

/* Have this host's vGPUs another interface than the device's: was the kernel changed? */
static bool is_of_other_interface(const struct lint *lint, const struct seen *seen)
{
    bool mdev = seen->device->is_mdev;
    bool other = false;
    for (vec_each(&lint->host->gpus, gpu)) {
        other = other || gpu->iface == (mdev ? VGPU_IFACE_VENDOR_VFIO : VGPU_IFACE_MDEV);
        if (mdev && gpu->iface == VGPU_IFACE_MDEV) {
            return false;
        }
    }
    return mdev ? seen->gpu == NULL && other
                : seen->gpu != NULL && !seen->whole && seen->gpu->iface == VGPU_IFACE_MDEV;
}

static void find_other_interface(struct lint *lint, const struct seen *seen)
{
    bool mdev = seen->device->is_mdev;
    struct fault *it =
        lint_find(lint, seen->device->line, lint_element(seen),
                  "the %s %s can't exist: this host's vGPUs are now %s",
                  mdev ? "mediated device" : "virtual function", seen->name,
                  mdev ? "virtual functions (vendor VFIO)" : "mediated devices (mdev)");
    lint_advise(
        it,
        "`cleave vm start %s` makes the vGPU of claim \"%s\" again, changes the definition, "
        "and starts the VM",
        SHELL_ARG(lint->facts->name), seen->claim->name);
}

/* A GPU, a network card, or what it was. */
static void find_no_function(struct lint *lint, const struct seen *seen)
{
    struct fault *it = lint_find(lint, seen->device->line, lint_element(seen),
                                 "no PCI device of this host has the address %s", seen->name);
    lint_advise(it,
                "write the present address of the device (`lspci -D`), or remove the device: "
                "`virsh edit %s`",
                SHELL_ARG(lint->facts->name));
}

/* For a device of this VM's that is not there as it should be. */
static void advise_restore(struct lint *lint, struct fault *it, const struct seen *seen)
{
    if (seen->meant != NULL) {
        lint_advise(it, "`cleave vm start %s` puts the device of claim \"%s\" in its place",
                    SHELL_ARG(lint->facts->name), seen->meant->name);
    } else if (seen->claim->state == CLAIM_FAILED) {
        lint_advise(it, "`cleave claim delete %s`, and create it again if the VM needs it",
                    seen->claim->name);
    } else {
        lint_advise(it,
                    "restore it (`cleave host restore`), or delete the claim (`cleave claim "
                    "delete %s`)",
                    seen->claim->name);
    }
}

/* A rule of its own says that the device has to leave, and is as grave. */
static bool is_judged(const struct seen *seen)
{
    return seen->leaves == LEAVES_TWICE || seen->leaves == LEAVES_FOREIGN;
}

void lint_absent(struct lint *lint)
{
    for (vec_each(&lint->seen, seen)) {
        const struct domain_device *device = seen->device;
        bool of_claim = device->claim[0] != '\0' || seen->claim != NULL;
        bool absent = seen->state == HOST_DEVICE_NO_MDEV || seen->state == HOST_DEVICE_NO_FUNCTION;
        bool elsewhere = of_claim && seen->gpu == NULL && seen->state != HOST_DEVICE_UNKNOWN;
        if (is_judged(seen)) {
            continue;
        }
        if (seen->claim != NULL && is_of_other_interface(lint, seen)) {
            find_other_interface(lint, seen);
            continue;
        }
        if ((!absent && !elsewhere) || comes_at_start(lint, seen)) {
            continue;
        }
        if (!of_claim && !device->is_mdev) {
            find_no_function(lint, seen);
            continue;
        }
        struct fault *it =
            lint_find(lint, device->line, lint_element(seen), "no GPU of this host has %s %s",
                      device->is_mdev ? "the mediated device" : "the device", seen->name);
        if (seen->claim != NULL || seen->meant != NULL) {
            advise_restore(lint, it, seen);
        } else {
            lint_advise_claim(lint, it, seen);
        }
    }
}

void lint_no_vgpu(struct lint *lint)
{
    for (vec_each(&lint->seen, seen)) {
        bool bare = seen->vf != NULL && seen->vf->iface == VGPU_IFACE_VENDOR_VFIO &&
                    seen->vgpu == NULL && seen->state != HOST_DEVICE_UNKNOWN;
        bool other = seen->claim != NULL && is_of_other_interface(lint, seen);
        if ((!bare && seen->state != HOST_DEVICE_VF_OFF) || other || is_judged(seen) ||
            comes_at_start(lint, seen)) {
            continue;
        }
        struct fault *it = lint_find(lint, seen->device->line, lint_element(seen),
                                     seen->vf == NULL ? "the virtual function %s is not enabled"
                                                      : "the virtual function %s has no vGPU",
                                     seen->name);
        if (seen->claim != NULL || seen->meant != NULL) {
            advise_restore(lint, it, seen);
        } else {
            lint_advise_claim(lint, it, seen);
        }
    }
}

void lint_by_hand(struct lint *lint)
{
    for (vec_each(&lint->seen, seen)) {
        if (seen->gpu != NULL && seen->claim == NULL && seen->meant == NULL &&
            seen->leaves == LEAVES_NOT && !seen->mended) {
            char bdf[BDF_SIZE];
            struct fault *it =
                lint_find(lint, seen->device->line, lint_element(seen), "%s of GPU %s has no claim",
                          seen->name, pci_addr_format(&seen->gpu->addr, bdf));
            lint_advise_claim(lint, it, seen);
        }
    }
}

void lint_other_claim(struct lint *lint)
{
    for (vec_each(&lint->seen, seen)) {
        if (seen->claim != NULL && !lint_is_ours(lint, seen->claim)) {
            struct fault *it =
                lint_find(lint, seen->device->line, lint_element(seen),
                          "%s belongs to claim \"%s\" of %s%s", seen->name, seen->claim->name,
                          seen->claim->vm[0] != '\0' ? "VM " : "no VM", seen->claim->vm);
            lint_advise(it,
                        str_eq(seen->device->claim, seen->claim->name)
                            ? "`cleave gc` removes it, as for any cloned VM (%s)"
                            : "remove it: `virsh edit %s`",
                        SHELL_ARG(lint->facts->name));
        }
    }
}

static void advise_on_alias(const struct lint *lint, struct fault *it, const struct seen *seen)
{
    const char *vm = lint->facts->name;
    if (seen->leaves != LEAVES_NOT) {
        lint_advise(it, "remove it with `cleave gc` or `virsh edit %s`", SHELL_ARG(vm));
    } else if (seen->meant != NULL) {
        lint_advise(it, "start the VM with `cleave vm start %s`, which corrects the definition",
                    SHELL_ARG(vm));
    } else {
        lint_advise(it,
                    "remove the alias, or write that of the device's own claim: `virsh edit %s`",
                    SHELL_ARG(vm));
    }
}

void lint_stale_alias(struct lint *lint)
{
    for (vec_each(&lint->seen, seen)) {
        const char *alias = seen->device->claim;
        if (alias[0] == '\0' || (seen->claim != NULL && str_eq(seen->claim->name, alias))) {
            continue;
        }
        bool exists = claims_find(lint->claims, alias) != NULL;
        if (seen->leaves == LEAVES_TWICE) {
            continue;
        }
        struct fault *it = lint_find(lint, seen->device->line, lint_element(seen),
                                     "%s has the alias of claim \"%s\", which %s", seen->name,
                                     alias, exists ? "has another device" : "does not exist");
        advise_on_alias(lint, it, seen);
    }
}

void lint_twice(struct lint *lint)
{
    for (size_t i = 0; i < lint->seen.n; i++) {
        for (size_t j = 0; j < i; j++) {
            const struct seen *seen = &lint->seen.items[i];
            if (lint_is_same(lint->seen.items[j].device, seen->device)) {
                struct fault *it = lint_find(lint, seen->device->line, lint_element(seen),
                                             "%s is already in line %u", seen->name,
                                             lint->seen.items[j].device->line);
                lint_advise(it, "remove one of them: `virsh edit %s`",
                            SHELL_ARG(lint->facts->name));
                break;
            }
        }
    }
}

static bool vm_has(const struct vm *vm, const struct domain_device *wanted)
{
    for (vec_each(&vm->devices, device)) {
        struct domain_device other = {.is_mdev = device->is_mdev, .addr = device->addr};
        STR_SET(other.mdev_uuid, device->mdev_uuid);
        if (lint_is_same(&other, wanted)) {
            return true;
        }
    }
    return false;
}

void lint_shared(struct lint *lint)
{
    for (vec_each(&lint->seen, seen)) {
        for (vec_each(&lint->host->vms, vm)) {
            if (str_eq(vm->name, lint->facts->name) || !vm_has(vm, seen->device) ||
                seen->leaves == LEAVES_TWICE) {
                continue;
            }
            struct fault *it =
                lint_find(lint, seen->device->line, lint_element(seen),
                          "%s is in the definition of VM \"%s\", too", seen->name, vm->name);
            bool ours = seen->claim != NULL && lint_is_ours(lint, seen->claim);
            lint_advise(it, "remove it from one of the VMs: `virsh edit %s`",
                        SHELL_ARG(ours ? vm->name : lint->facts->name));
        }
    }
}

void lint_old_libvirt(struct lint *lint)
{
    for (vec_each(&lint->seen, seen)) {
        if (is_vendor_vfio(seen) && seen->leaves == LEAVES_NOT &&
            host_libvirt_is_old(lint->host, seen->device->managed == TRI_YES)) {
            struct fault *it = lint_find(lint, seen->device->line, lint_element(seen),
                                         "libvirt %s can't assign the vGPU at %s",
                                         lint->host->libvirt_version, seen->name);
            lint_advise(it, "install libvirt 9.7 or later");
        }
    }
}

void lint_wide_domain(struct lint *lint)
{
    for (vec_each(&lint->seen, seen)) {
        const struct domain_device *device = seen->device;
        if (!device->is_mdev && device->addr.domain > WIDEST_DOMAIN && !device->by_path &&
            seen->leaves == LEAVES_NOT) {
            struct fault *it = lint_find(
                lint, device->line, lint_element(seen),
                "%s has a PCI domain that QEMU does not accept in an address", seen->name);
            if (seen->meant != NULL) {
                advise_restore(lint, it, seen);
            } else if (seen->claim != NULL) {
                lint_advise(it, "`cleave vm start %s` writes the device's path instead",
                            SHELL_ARG(lint->facts->name));
            } else {
                lint_advise_claim(lint, it, seen); /* cleave writes its path */
                seen->mended = true;
            }
        }
    }
}

void lint_gpu_problem(struct lint *lint)
{
    for (vec_each(&lint->seen, seen)) {
        if (seen->gpu != NULL && seen->gpu->problem[0] != '\0') {
            char bdf[BDF_SIZE];
            pci_addr_format(&seen->gpu->addr, bdf);
            struct fault *it = lint_find(lint, seen->device->line, lint_element(seen),
                                         "GPU %s can't be used: %s", bdf, seen->gpu->problem);
            lint_advise(it, "`cleave gpu show %s` shows more", bdf);
        }
    }
}

/* libvirt takes what is managed from the host when the VM starts, and there may be the rest of the
 * group among it. */
static bool comes_along(const struct lint *lint, const struct group_member *member)
{
    for (vec_each(&lint->seen, seen)) {
        if (!seen->device->is_mdev && seen->device->managed == TRI_YES &&
            pci_addr_cmp(&seen->device->addr, &member->addr) == 0) {
            return true;
        }
    }
    return false;
}

/* In the definition, but left to others to bind. */
static bool has_unmanaged(const struct lint *lint, const struct group_member *member)
{
    for (vec_each(&lint->seen, seen)) {
        if (!seen->device->is_mdev && seen->device->managed != TRI_YES &&
            pci_addr_cmp(&seen->device->addr, &member->addr) == 0) {
            return true;
        }
    }
    return false;
}

/* Neither a GPU of the group nor on the board of one: cleave takes nothing else along. */
static bool stays_with_host(const struct lint *lint, const struct gpu *gpu,
                            const struct group_member *member)
{
    for (vec_each(&lint->host->gpus, other)) {
        if (other->other_vendor == 0 && other->iommu_group == gpu->iommu_group &&
            pci_same_slot(&other->addr, &member->addr)) {
            return false;
        }
    }
    return true;
}

void lint_group(struct lint *lint)
{
    for (vec_each(&lint->seen, seen)) {
        bool stays = seen->whole && seen->leaves == LEAVES_NOT;
        for (size_t i = 0; stays && i < seen->gpu->group_members.n; i++) {
            const struct group_member *member = &seen->gpu->group_members.items[i];
            if (!group_member_bars(member) || comes_along(lint, member) ||
                (comes_at_start(lint, seen) && !stays_with_host(lint, seen->gpu, member))) {
                continue;
            }
            char bdf[BDF_SIZE];
            pci_addr_format(&member->addr, bdf);
            struct fault *it =
                lint_find(lint, seen->device->line, lint_element(seen),
                          "IOMMU group %u of %s also has %s, which the host uses with driver %s",
                          seen->gpu->iommu_group, seen->name, bdf, member->driver);
            if (!pci_same_slot(&member->addr, &seen->gpu->addr)) {
                lint_advise(
                    it, "that function belongs to another board: bind it to vfio-pci if the host "
                        "does not need it, or put the GPU into a slot with a group of its own");
            } else if (has_unmanaged(lint, member)) {
                lint_advise(it, "write managed='yes' into its <hostdev>; libvirt then binds it to "
                                "vfio-pci when the VM starts, and to its driver again afterwards");
            } else if (seen->claim != NULL) {
                lint_advise(it, "`cleave host restore` binds the companions of the claim's GPU");
            } else {
                lint_advise(it,
                            "claim the GPU, and cleave takes all functions of its board: `cleave "
                            "claim create NAME --vm %s --mode passthrough --gpu %s`",
                            SHELL_WORD(lint->facts->name), seen->name);
            }
        }
    }
}

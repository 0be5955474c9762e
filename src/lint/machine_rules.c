/* SPDX-License-Identifier: Apache-2.0 */
/* Rules about the machine around the devices. */
#include <string.h>

#include "base/str.h"
#include "lint/lint_rule.h"

#define KIB_PER_GIB (1024ULL * 1024)
#define VFIO_EXTRA_KIB KIB_PER_GIB /* what libvirt itself adds to the memory for VFIO */

/* ---- displays ---- */

static bool is_display(const struct seen *seen)
{
    return (seen->device->display || seen->device->ramfb) && seen->leaves == LEAVES_NOT;
}

/* The one that stays a display where there are several. */
static bool is_first_display(const struct lint *lint, const struct seen *seen)
{
    for (const struct seen *other = lint->seen.items; other < seen; other++) {
        if (is_display(other)) {
            return false;
        }
    }
    return is_display(seen);
}

void lint_two_displays(struct lint *lint)
{
    const struct seen *first = NULL;
    for (vec_each(&lint->seen, seen)) {
        if (!is_display(seen)) {
            continue;
        }
        if (first == NULL) {
            first = seen;
            continue;
        }
        struct fault *it = lint_find(lint, seen->device->line, "hostdev",
                                     "%s is a display, but %s in line %u already is one",
                                     seen->name, first->name, first->device->line);
        lint_advise(it, "keep display and ramfb only at the first of them: `virsh edit %s`",
                    SHELL_ARG(lint->facts->name));
    }
}

void lint_no_viewer(struct lint *lint)
{
    for (vec_each(&lint->seen, seen)) {
        if (seen->device->display && lint->facts->n_viewers == 0 && is_first_display(lint, seen)) {
            struct fault *it =
                lint_find(lint, seen->device->line, "hostdev",
                          "%s has display='on', but no <graphics> shows it", seen->name);
            lint_advise(it, "add <graphics type='vnc'/> or 'spice', or drop display and ramfb");
        }
    }
}

void lint_ramfb_alone(struct lint *lint)
{
    for (vec_each(&lint->seen, seen)) {
        if (seen->device->ramfb && !seen->device->display && seen->leaves == LEAVES_NOT) {
            struct fault *it = lint_find(lint, seen->device->line, "hostdev",
                                         "%s has ramfb='on' without display='on'", seen->name);
            lint_advise(it, is_first_display(lint, seen)
                                ? "write display='on' next to it, or drop ramfb"
                                : "drop ramfb");
        }
    }
}

/* ---- memory and CPUs ---- */

static void judge_nodes(struct lint *lint, const struct domain_nodes *nodes, const char *element,
                        const char *what)
{
    if (nodes->line == 0 || !nodes->known) {
        return;
    }
    for (vec_each(&lint->seen, seen)) {
        const struct gpu *gpu = seen->gpu;
        bool elsewhere = gpu != NULL && gpu->numa_node >= 0 && gpu->numa_node < 64 &&
                         (nodes->mask >> gpu->numa_node & 1) == 0;
        if (elsewhere) {
            char bdf[BDF_SIZE];
            struct fault *it = lint_find(lint, nodes->line, element,
                                         "the VM's %s not on NUMA node %d, where GPU %s is", what,
                                         gpu->numa_node, pci_addr_format(&gpu->addr, bdf));
            lint_advise(it, "allow node %d, or claim a GPU on the node of the VM", gpu->numa_node);
        }
    }
}

void lint_numa(struct lint *lint)
{
    judge_nodes(lint, &lint->facts->memory_nodes, "numatune", "memory is");
    judge_nodes(lint, &lint->facts->cpu_nodes, "vcpu", "CPUs are");
}

void lint_memory_limit(struct lint *lint)
{
    const struct domain_facts *facts = lint->facts;
    uint64_t wanted = facts->mem_kib + VFIO_EXTRA_KIB;
    if (facts->hard_limit_line == 0 || lint->seen.n == 0 || facts->hard_limit_kib >= wanted) {
        return;
    }
    struct fault *it = lint_find(lint, facts->hard_limit_line, "hard_limit",
                                 "hard_limit is %llu MiB; the VM has %llu MiB of memory to pin",
                                 (unsigned long long)(facts->hard_limit_kib / 1024),
                                 (unsigned long long)(facts->mem_kib / 1024));
    if (facts->hard_limit_kib < facts->mem_kib) {
        it->severity = SEVERITY_ERROR;
    }
    lint_advise(it, "drop it: libvirt's own limit for VFIO is the memory plus 1 GiB");
}

/* ---- the rest ---- */

void lint_viommu(struct lint *lint)
{
    for (vec_each(&lint->seen, seen)) {
        if (lint->facts->iommu.line == 0 || seen->vgpu == NULL) {
            continue;
        }
        struct fault *it = lint_find(lint, lint->facts->iommu.line, "iommu",
                                     "the VM has a virtual IOMMU (%s) and the vGPU %s",
                                     lint->facts->iommu.what, seen->name);
        it->severity = lint_must_migrate(lint) ? SEVERITY_ERROR : SEVERITY_NOTE;
        lint_advise(it, "if the VM is to live-migrate, remove <iommu>: `virsh edit %s`",
                    SHELL_ARG(lint->facts->name));
        return;
    }
}

void lint_emulator_args(struct lint *lint)
{
    for (vec_each(&lint->facts->emulator_args, arg)) {
        struct fault *it = lint_find(lint, arg->line, "commandline",
                                     "the emulator gets a device without libvirt: %s", arg->what);
        lint_advise(it, "remove it, and claim the device: `cleave claim create NAME --vm %s`",
                    SHELL_WORD(lint->facts->name));
    }
}

void lint_i440fx(struct lint *lint)
{
    for (vec_each(&lint->seen, seen)) {
        if (seen->gpu == NULL || !str_eq(lint->facts->root_controller, "pci-root")) {
            continue;
        }
        struct fault *it =
            lint_find(lint, lint->facts->machine_line, "os",
                      "machine type %s has no PCI Express, but %s is a PCI Express device",
                      lint->facts->machine, seen->name);
        it->severity = seen->whole ? SEVERITY_WARNING : SEVERITY_NOTE;
        lint_advise(it, "use the machine type q35");
        return;
    }
}

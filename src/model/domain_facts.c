/* SPDX-License-Identifier: Apache-2.0 */
#include "model/domain_facts.h"

#include "base/str.h"

#define GIB (1024ULL * 1024 * 1024)
#define KIB_PER_GIB (1024ULL * 1024)

/* QEMU's own windows, hw/pci-host/q35.c and i440fx.c: Q35_PCI_HOST_HOLE64_SIZE_DEFAULT 1 << 35,
 * I440FX_PCI_HOST_HOLE64_SIZE_DEFAULT 1 << 31. A GPU with a larger BAR gets no address in it
 * (canonical/lxd#15872, kubevirt/kubevirt#11093). */
static const struct {
    const char *controller;
    uint64_t window_bytes;
} own_windows[] = {{"pcie-root", 32 * GIB}, {"pci-root", 2 * GIB}};

/* A BAR lies at a multiple of its size: so much more than the sum is needed at worst. Not more than
 * that: the window counts against the guest's physical address bits (QEMU commit c48eb7a). */
uint64_t domain_window_kib(uint64_t sum_bytes, uint64_t largest_bytes, const char *controller,
                           uint64_t *ret_own_kib)
{
    uint64_t need = sum_bytes + largest_bytes;
    *ret_own_kib = 0;
    for (size_t i = 0; i < ARRAY_SIZE(own_windows); i++) {
        if (str_eq(controller, own_windows[i].controller)) {
            *ret_own_kib = own_windows[i].window_bytes / 1024;
            return need > own_windows[i].window_bytes ? (need + GIB - 1) / GIB * KIB_PER_GIB : 0;
        }
    }
    return 0;
}

void domain_facts_done(struct domain_facts *facts)
{
    vec_done(&facts->devices);
    vec_done(&facts->emulator_args);
    vec_done(&facts->obstacles);
}

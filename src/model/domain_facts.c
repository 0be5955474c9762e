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

/* target/i386/cpu.c: TCG_PHYS_ADDR_BITS 40, also the default with KVM; `host` and `max` take the
 * host's. */
#define DEFAULT_ADDRESS_BITS 40
#define BELOW_4G_KIB (4 * KIB_PER_GIB)

uint32_t domain_address_bits(const char *cpu_mode, uint32_t written, bool of_host)
{
    bool is_host = of_host || str_eq(cpu_mode, "host-passthrough") || str_eq(cpu_mode, "maximum");
    if (written != 0) {
        return written;
    }
    return is_host ? 0 : DEFAULT_ADDRESS_BITS;
}

bool domain_window_fits(uint64_t mem_kib, uint64_t window_kib, uint32_t address_bits)
{
    if (address_bits < 32 || address_bits > 60) {
        return true;
    }
    uint64_t limit_kib = 1ULL << (address_bits - 10);
    return mem_kib < limit_kib && window_kib < limit_kib &&
           mem_kib + window_kib + BELOW_4G_KIB <= limit_kib;
}

void domain_facts_done(struct domain_facts *facts)
{
    vec_done(&facts->devices);
    vec_done(&facts->saved);
    vec_done(&facts->emulator_args);
    vec_done(&facts->obstacles);
}

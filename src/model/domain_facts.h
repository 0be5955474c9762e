/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a VM's definition says that matters to its GPUs: plain data, read from domain XML by
 * driver/libvirt and judged by src/lint. Lines are those of the definition as libvirt prints it
 * (`virsh dumpxml --inactive`), 0 where there is none.
 */
#ifndef MODEL_DOMAIN_FACTS_H
#define MODEL_DOMAIN_FACTS_H

#include "base/vec.h"
#include "model/host.h"

/* A <hostdev> of a PCI function or an mdev, or an <interface type='hostdev'>. */
struct domain_device {
    uint32_t line;
    bool is_interface;
    bool is_mdev;
    struct pci_addr addr;
    char mdev_uuid[40];
    enum tristate managed; /* UNKNOWN: not written, which means no */
    bool by_path;          /* the emulator gets its path in /sys, not its address */
    bool display;
    bool ramfb;
    char claim[NAME_SIZE]; /* whose alias it carries, or "" */
};

/* Something of a kind that only the line and a few words are of interest of. */
struct domain_remark {
    uint32_t line;
    char what[96];
};

/* Which of the host's NUMA nodes something is confined to. */
struct domain_nodes {
    uint32_t line; /* 0: not confined */
    bool known;
    uint64_t mask; /* bit n: node n; more than 64 are not known */
};

struct domain_facts {
    char name[VM_NAME_SIZE];
    char uuid[40];
    char machine[64]; /* "pc-q35-7.2" */
    uint32_t machine_line;
    bool efi; /* UEFI firmware */
    bool secure_boot;
    bool suspend;      /* the guest may suspend itself to memory or disk */
    bool iommufd;      /* of all devices, or one */
    char security[32]; /* kind of its launch security ("sev-snp"), "" none */
    bool running;
    bool transient; /* these are the facts of the running VM: it has no stored definition */
    bool autostart;
    uint64_t mem_kib;
    char root_controller[24]; /* "pcie-root", "pci-root", "" unknown */
    uint32_t window_line;     /* of <pcihole64>; 0: the machine's own */
    uint64_t window_kib;
    char cpu_mode[24]; /* "host-passthrough"; "" the emulator's default */
    uint32_t cpu_line;
    uint32_t phys_bits; /* of the guest's addresses; 0: not written */
    bool phys_bits_host;
    struct domain_nodes memory_nodes;
    struct domain_nodes cpu_nodes;
    uint32_t n_host_nodes; /* 0 unknown */
    uint32_t hard_limit_line;
    uint64_t hard_limit_kib;
    struct domain_remark iommu; /* its model */
    bool iommu_caching;         /* caching mode of that */
    uint32_t n_viewers;         /* <graphics> that can show a device's own display */
    VEC(struct domain_device) devices;
    VEC(struct domain_device) saved;         /* of its saved state, those with a claim's alias */
    VEC(struct domain_remark) emulator_args; /* that assign devices past libvirt */
    VEC(struct domain_remark) obstacles;     /* what can't move to another host, or not alive */
};

/* Size of the 64-bit window that BARs need below a root controller ("pcie-root", "pci-root"), in
 * KiB; 0 if the machine's own, *ret_own_kib, is enough or nothing is known of that controller. */
uint64_t domain_window_kib(uint64_t sum_bytes, uint64_t largest_bytes, const char *controller,
                           uint64_t *ret_own_kib);

/* How many bits the guest's CPU addresses: what is written, else QEMU's 40; 0: as many as the
 * host's, which is not known here. */
uint32_t domain_address_bits(const char *cpu_mode, uint32_t written, bool of_host);
/* QEMU does not start a VM whose memory and window end above that ("phys-bits too low", seen with
 * 7.2). */
bool domain_window_fits(uint64_t mem_kib, uint64_t window_kib, uint32_t address_bits);

void domain_facts_done(struct domain_facts *facts);
#define CLEANUP_DOMAIN_FACTS CLEANUP(domain_facts_done)

#endif

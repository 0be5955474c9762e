/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest on the simulated host finds in its GPU: the first page of the device's memory (BAR 2
 * of an ivshmem-plain function, PCI 1af4:1110). Written by the emulator wrapper before the VM
 * starts, and again when the VM was moved to another device (keeper.h); read by the guest's init;
 * `heartbeat` alone is written by the guest. Little-endian, no padding, strings NUL-terminated, ""
 * and GUEST_PAGE_NONE where something does not apply. The rest of the memory belongs to the guest.
 */
#ifndef SIM_GUEST_PAGE_H
#define SIM_GUEST_PAGE_H

#include <stddef.h>
#include <stdint.h>

#define GUEST_PAGE_MAGIC "CLEAVGPU"
#define GUEST_PAGE_VERSION 1
#define GUEST_PAGE_BYTES 4096
#define GUEST_PAGE_NONE UINT32_MAX

#define GUEST_PCI_VENDOR 0x1af4
#define GUEST_PCI_DEVICE 0x1110
#define GUEST_PCI_BAR 2

struct guest_page {
    char magic[8];            /* GUEST_PAGE_MAGIC, no terminator */
    uint32_t version;         /* GUEST_PAGE_VERSION */
    uint32_t size;            /* of this struct */
    uint64_t framebuffer_mib; /* what the device has; the shared memory is scaled down */
    uint64_t heartbeat;       /* counts up while the guest lives */
    uint32_t gi_id;           /* GPU instance of a MIG-backed vGPU, else GUEST_PAGE_NONE */
    uint32_t placement_id;    /* GUEST_PAGE_NONE when none is reported */
    char name[96];       /* vGPU type with its vendor, or the board's name when passed through */
    char uuid[48];       /* of the vGPU, or "GPU-…" of the board */
    char gi_profile[64]; /* "1g.24gb+gfx" */
    char device[48];     /* what the host gave away: a PCI address or an mdev UUID */
    char kind[16];       /* "vgpu" or "passthrough" */
    char vm_name[64];
    char vm_uuid[40];
};

_Static_assert(sizeof(struct guest_page) == 416, "the layout is shared with guests");
_Static_assert(offsetof(struct guest_page, name) == 40, "no padding");

#endif

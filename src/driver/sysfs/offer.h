/* SPDX-License-Identifier: Apache-2.0 */
/* vGPU types as the kernel lists them, in both interfaces and both row orders that were seen. */
#ifndef DRIVER_SYSFS_OFFER_H
#define DRIVER_SYSFS_OFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "driver/sysfs/sysfs.h"
#include "model/host.h"

#define OFFERS_MAX 1024

struct offers {
    struct vgpu_offer *items;
    size_t n;
    size_t cap;
};
void offers_done(struct offers *offers);
#define CLEANUP_OFFERS CLEANUP(offers_done)

/* "NVIDIA L40S-8Q" → "L40S-8Q": drops the vendor's brand in front ("NVIDIA ", "GRID "). */
const char *offer_short_name(const char *name);
/* Do two names mean one type? With or without brand and product in front:
 * "NVIDIA RTX Pro 6000 Blackwell DC-1-8C" and "DC-1-8C" do. */
bool offer_same_name(const char *a, const char *b);

/* Reads the text of creatable_vgpu_types. Rows are "1145  : NVIDIA L40S-1B" (as captured from an
 * L40S host in harvester/pcidevices) or "NVIDIA A40-1Q 557" (as the NVIDIA vGPU user guide prints
 * them); others, such as the heading, are skipped. At most OFFERS_MAX. */
void offers_parse(struct offers *offers, const char *text);

/* What one function offers now: <VF>/nvidia/creatable_vgpu_types, each available once. Returns 0 or
 * -errno. */
int offers_read_vendor(const struct sysfs *sys, const struct pci_addr *vf, struct offers *offers);
/* <function>/mdev_supported_types/nvidia-NNN. Returns 0 or -errno. */
int offers_read_mdev(const struct sysfs *sys, const struct pci_addr *function,
                     struct offers *offers);

/* By id, or by name when the id is NO_ID. Borrowed; NULL if it is not offered. */
const struct vgpu_offer *offers_find(const struct offers *offers, uint32_t type_id,
                                     const char *name);

#endif

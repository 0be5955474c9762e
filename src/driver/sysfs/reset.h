/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A GPU made new: its function reset, or taken off the bus and looked for again. NVIDIA's driver
 * does not know of a reset behind its back, so it is unbound before and probed after; what stood on
 * the GPU (vGPUs that no one has open, virtual functions) goes first. What comes back must answer
 * with a sane configuration space: "header type 127" is a function that reads as ones.
 */
#ifndef DRIVER_SYSFS_RESET_H
#define DRIVER_SYSFS_RESET_H

#include "driver/sysfs/sysfs.h"
#include "model/plan.h"

/* The kernel's ways to reset the function ("flr bus"), "unknown" where it does not tell (before
 * Linux 5.15), "" when it has none (Linux Documentation/ABI/testing/sysfs-bus-pci, reset_method).
 */
void reset_read_methods(const struct sysfs *sys, const struct pci_addr *gpu, char *ret_methods,
                        size_t size);
/* Does the function's configuration space read as ones? */
bool reset_is_dead(const struct sysfs *sys, const struct pci_addr *gpu);

/* STEP_GPU_RESET: refuses while a process has the GPU or a part of it open through VFIO, and when
 * there is no way to reset it. */
int reset_check_gpu(const struct sysfs *sys, const struct step *step, struct error *err);
int reset_gpu(const struct sysfs *sys, struct step *step, struct error *err);
/* STEP_PCI_RESCAN: the same, for a GPU that does not answer or is not there at all. */
int reset_check_rescan(const struct sysfs *sys, const struct step *step, struct error *err);
int reset_rescan(const struct sysfs *sys, struct step *step, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual functions, through NVIDIA's sriov-manage: the driver refuses writes to sriov_numvfs.
 * Another vendor's driver takes them (Linux Documentation/PCI/pci-iov-howto.rst). */
#ifndef DRIVER_SYSFS_SRIOV_H
#define DRIVER_SYSFS_SRIOV_H

#include "driver/sysfs/sysfs.h"
#include "model/plan.h"

#define SRIOV_MANAGE "/usr/lib/nvidia/sriov-manage"

/* STEP_SRIOV_ENABLE and STEP_SRIOV_DISABLE. Disabling refuses while a VF carries a vGPU. */
int sriov_check_enable(const struct sysfs *sys, const struct step *step, struct error *err);
int sriov_enable(const struct sysfs *sys, struct step *step, struct error *err);
int sriov_check_disable(const struct sysfs *sys, const struct step *step, struct error *err);
int sriov_disable(const struct sysfs *sys, struct step *step, struct error *err);
/* Also with vGPUs that can't be deleted: the driver decides. Before a reset, when no one has them
 * open. */
int sriov_force_disable(const struct sysfs *sys, const struct step *step, struct error *err);

#endif

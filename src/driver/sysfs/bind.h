/* SPDX-License-Identifier: Apache-2.0 */
/* Which kernel driver has a GPU: the whole GPU to vfio-pci, and back to nvidia; another vendor's
 * back to whatever driver the kernel finds for it. */
#ifndef DRIVER_SYSFS_BIND_H
#define DRIVER_SYSFS_BIND_H

#include "driver/sysfs/sysfs.h"
#include "model/plan.h"

/* STEP_BIND_VFIO: refuses unless every other member of the GPU's IOMMU group is a bridge, without a
 * driver, or on vfio-pci too (the kernel's rule for a usable group,
 * Documentation/driver-api/vfio.rst). Another GPU of the group may be under NVIDIA's driver: a
 * further step binds it.
 */
int bind_check_vfio(const struct sysfs *sys, const struct step *step, struct error *err);
int bind_vfio(const struct sysfs *sys, struct step *step, struct error *err);
/* STEP_BIND_NVIDIA: refuses while a process has the GPU open through VFIO. */
int bind_check_nvidia(const struct sysfs *sys, const struct step *step, struct error *err);
int bind_nvidia(const struct sysfs *sys, struct step *step, struct error *err);

/* STEP_COMPANION_VFIO and STEP_COMPANION_HOME: `device`, a function of the GPU's board, goes with
 * the GPU. Home is the driver that the kernel finds for it, else the one that it had. */
int bind_check_companion_vfio(const struct sysfs *sys, const struct step *step, struct error *err);
int bind_companion_vfio(const struct sysfs *sys, struct step *step, struct error *err);
int bind_check_companion_home(const struct sysfs *sys, const struct step *step, struct error *err);
int bind_companion_home(const struct sysfs *sys, struct step *step, struct error *err);

/* Takes the GPU from the host's driver, with its leave; vfio-pci keeps it. Nothing for an unbound
 * one. */
int bind_release(const struct sysfs *sys, const struct step *step, struct error *err);
/* Lets the kernel find the driver again: the one of driver_override, else the host's. */
int bind_probe(const struct sysfs *sys, const struct step *step, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The device of a claim that comes: which one, and the steps that make it and give it to the VM.
 * Private to src/plan. */
#ifndef PLAN_WORK_DEVICE_H
#define PLAN_WORK_DEVICE_H

#include "plan/work.h"

/* Device for the added claim i: a free VF, or a new mdev UUID. -NO_CAPACITY when none is left. */
int work_take_device(struct gpu_work *work, size_t i, struct error *err);
/* VGPU_CREATE and ATTACH steps for the added claim i, from its assignment. */
struct step *work_create_vgpu(struct gpu_work *work, size_t i);
void work_attach(struct gpu_work *work, size_t i);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from what all ports saw of a host together. Pure. */
#ifndef MODEL_HOST_DERIVE_H
#define MODEL_HOST_DERIVE_H

#include "model/host.h"

/* Fills derived fields once all ports have observed: gpu.mode, vgpu.holder and gpu.holder from the
 * VMs' devices, order of GPUs (by PCI address). Idempotent. */
void host_derive(struct host *host);

#endif

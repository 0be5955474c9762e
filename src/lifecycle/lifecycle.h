/* SPDX-License-Identifier: Apache-2.0 */
/* Claims follow what becomes of their VMs. Loop thread only. */
#ifndef LIFECYCLE_LIFECYCLE_H
#define LIFECYCLE_LIFECYCLE_H

#include "model/host.h"

struct manager;

/* After each look at the guests: claims follow renamed VMs, on-demand devices of VMs that are off
 * are given back, claims of VMs that are gone are released after a while. */
void lifecycle_reconcile_claims(struct manager *m, const struct host *now);

#endif

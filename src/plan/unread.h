/* SPDX-License-Identifier: Apache-2.0 */
/* VMs that run with devices which could not be read. */
#ifndef PLAN_UNREAD_H
#define PLAN_UNREAD_H

#include "base/error.h"
#include "model/host.h"
#include "model/plan.h"

/* Refuses a plan that takes a device away while a VM of the host may have any
 * (host_find_unread_vm()). */
int plan_check_unread(const struct host *host, const struct plan *plan, struct error *err);

#endif

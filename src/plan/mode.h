/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a GPU is used as, and how that may change: an explicit graph with a guard on every edge. Any
 * change of use goes through `idle`; nothing changes while a VM holds a part of the GPU, or while a
 * claim or a foreign instance stands on it.
 */
#ifndef PLAN_MODE_H
#define PLAN_MODE_H

#include "base/error.h"
#include "model/claim.h"
#include "model/host.h"

/* Is there an edge? */
bool mode_edge(enum gpu_mode from, enum gpu_mode to);
/* An edge, or two over idle: what one plan may do. */
bool mode_path(enum gpu_mode from, enum gpu_mode to);

/* Read-only: may the GPU leave its mode now? `released` lists claims that go in the same plan, so
 * that what they hold does not count; nor does what no claim owns, if the plan `clears` it.
 * -IN_USE names the VM, -CONFLICT the claim or the instance. */
int mode_guard(const struct gpu *gpu, const struct claims *claims, const char *const *released,
               size_t n_released, bool clears, enum gpu_mode to, struct error *err);

/* The mode that a claim's GPU must be in. */
enum gpu_mode mode_of_claim(enum claim_mode mode);

#endif

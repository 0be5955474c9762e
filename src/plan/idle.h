/* SPDX-License-Identifier: Apache-2.0 */
/* Claims that are not in use, so that they may be given another place. Private to src/plan. */
#ifndef PLAN_IDLE_H
#define PLAN_IDLE_H

#include "plan/work.h"

/* The claim's move: to stand elsewhere on its GPU, or to go to another one. */
enum idle_for { IDLE_FOR_ANOTHER_PLACE, IDLE_FOR_ANOTHER_GPU };

/* Is nothing using what the claim, one that stays on the GPU, holds there? True only of what is
 * known: its VM is off, with nothing saved, or it has none; its device is there and was read; no
 * other VM's definition names it, no other VM or process is on its GPU instance. Only of claims on
 * GPU instances without a start of their own, and of vGPUs: on the same GPU those of mixed sizes.
 */
bool idle_is(const struct gpu_work *work, const struct claim *claim, enum idle_for what);

#endif

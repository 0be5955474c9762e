/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a GPU can't be made to do on this host, whatever is free on it: changing its MIG mode
 * without a reset, or carrying vGPUs under a driver that makes none. Every plan asks, also one by
 * hand. What is unknown is let go on: the step itself finds it out.
 */
#ifndef PLAN_ABILITY_H
#define PLAN_ABILITY_H

#include "plan/work.h"

/* Can the solved steps be done? 0; -UNSUPPORTED: MIG mode changes by a reset, and the kernel has no
 * way to reset the GPU; -UNAVAILABLE: virtual functions of a GPU that can carry no vGPU. */
int ability_check(const struct gpu_work *work, struct error *err);

#endif

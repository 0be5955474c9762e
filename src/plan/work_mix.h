/* SPDX-License-Identifier: Apache-2.0 */
/* Claims that may meet on the instances of one profile. Private to src/plan. */
#ifndef PLAN_WORK_MIX_H
#define PLAN_WORK_MIX_H

#include "plan/mig.h"

/* May added claim `i` join what is on `mig`? 0 or -CONFLICT. A vGPU, and the fillers that bring it
 * where it belongs, may come to stand on any instance of its profile for a moment. So a vGPU and a
 * bare instance, whose programs would notice, don't meet on one profile of one GPU; nor does a bare
 * instance join a vGPU that is there, which an undo may have to delete and make again. */
int work_check_mix(const struct gpu_work *work, const struct mig *mig, size_t i, struct error *err);

#endif

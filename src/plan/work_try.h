/* SPDX-License-Identifier: Apache-2.0 */
/* A claim tried on one GPU. Private to src/plan. */
#ifndef PLAN_WORK_TRY_H
#define PLAN_WORK_TRY_H

#include "plan/work.h"

/* Whatever stands on the GPU: may the claim go there? 0 and the claim as it would come, or why not.
 */
int work_admit(const struct gpu_work *work, const struct claim *claim,
               struct admitted *ret_admitted, struct error *err);
/* Takes one more claim in, `moved` if it is not NULL; or the part is what it was, and says why. */
int work_try(struct gpu_work *work, const struct claim *claim, const struct claim *moved,
             struct error *err);

#endif

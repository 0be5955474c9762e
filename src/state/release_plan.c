/* SPDX-License-Identifier: Apache-2.0 */
#include "state/release_plan.h"

#include "base/id.h"
#include "state/planner_view.h"

int release_plan_build(const struct manager *m, const struct claim_release *release,
                       struct plan **ret_plan, struct error *err)
{
    const struct planner planner = planner_view(m);
    const struct plan_request request = {.remove = release->claims,
                                         .n_remove = release->n,
                                         .author = release->author,
                                         .reason = release->reason,
                                         .new_uuid = id_uuid};
    return planner_build(&planner, &request, ret_plan, err);
}

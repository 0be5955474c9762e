/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/read_back.h"

#include "base/str.h"

static void fill_claim(struct claim *claim, const struct step *step)
{
    struct assignment *got = &claim->assigned;
    if (pci_addr_cmp(&got->gpu, &step->gpu) != 0) {
        return;
    }
    bool same_gi = str_eq(got->profile, step->profile) && got->start == step->start;
    if (step->kind == STEP_GI_CREATE && same_gi) {
        got->gi_id = step->assigned_gi_id;
    } else if (step->kind == STEP_CI_CREATE && same_gi) {
        STR_SET(got->mig_uuid, step->assigned_uuid);
    } else if (step->kind == STEP_VGPU_CREATE && str_eq(claim->name, step->claim) &&
               step->assigned_gi_id != NO_ID) {
        got->gi_id = step->assigned_gi_id;
    }
}

void read_back_fill_claims(struct plan *plan)
{
    for (vec_each(&plan->claims, entry)) {
        for (vec_each(&plan->steps, step)) {
            bool gets = entry->verb == PLAN_BIND || entry->verb == PLAN_RESTORE;
            if (gets && step->state == STEP_DONE) {
                fill_claim(&entry->claim, step);
            }
        }
    }
}

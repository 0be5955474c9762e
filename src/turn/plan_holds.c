/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan has in hand while it runs, or waits for a call that does not come back; and what
 * refuses a plan before its first step. */
#include "turn/plan_holds.h"

#include "base/clock.h"
#include "base/str.h"
#include "state/lateness.h"
#include "state/state.h"

/* Steps after which others can't be on the same GPU when the plan has to be undone. */
static const bool is_wide[STEP_KIND_COUNT] = {
    [STEP_BIND_VFIO] = true,    [STEP_BIND_NVIDIA] = true,   [STEP_MIG_ENABLE] = true,
    [STEP_MIG_DISABLE] = true,  [STEP_GPU_RESET] = true,     [STEP_PCI_RESCAN] = true,
    [STEP_SRIOV_ENABLE] = true, [STEP_SRIOV_DISABLE] = true, [STEP_MIXED_ON] = true,
    [STEP_MIXED_OFF] = true,    [STEP_SCHEDULER_SET] = true,
};

static bool is_guest_step(const struct step *step)
{
    return step_kind_port(step->kind) == PORT_GUEST;
}

static struct hold hold_of(const struct plan *plan, enum hold_kind kind)
{
    struct hold hold = {.kind = kind, .bars = hold_bars(kind), .since_us = plan->created_us};
    STR_SET(hold.operation, plan->id);
    STR_SET(hold.what, plan->reason);
    return hold;
}

static void take(struct manager *m, struct hold *hold, struct hold_object object)
{
    hold->object = object;
    holds_take(&m->holds, hold);
}

void plan_holds_take(struct manager *m, const struct plan *plan)
{
    struct hold hold = hold_of(plan, HOLD_PLAN);
    holds_end(&m->holds, plan->id, 0);
    for (vec_each(&plan->steps, step)) {
        take(m, &hold, hold_gpu(&step->gpu));
        if (is_guest_step(step)) {
            take(m, &hold, hold_vm(step->vm, ""));
        }
    }
}

/* One that waits for libvirt, and changed nothing of the whole GPU, leaves room next to it. */
static bool has_whole_gpu(const struct parked *parked, const struct pci_addr *gpu)
{
    bool whole = parked->port != PORT_GUEST;
    for (vec_each(&parked->plan->steps, step)) {
        whole = whole || (pci_addr_cmp(&step->gpu, gpu) == 0 && is_wide[step->kind]);
    }
    return whole;
}

/* The claim is neither there nor given up before the plan has ended: its VM would start without. */
static void take_vm_of(struct manager *m, struct hold *hold, const char *name)
{
    const struct claim *claim = claims_find(&m->claims, name);
    if (claim == NULL || claim->vm[0] == '\0' || claim->spec.mode == CLAIM_GPU_INSTANCE ||
        !hold_claim(claim).in_plan) {
        return;
    }
    take(m, hold, hold_vm(claim->vm_uuid[0] != '\0' ? "" : claim->vm, claim->vm_uuid));
}

void plan_holds_take_parked(struct manager *m, const struct parked *parked)
{
    const struct plan *plan = parked->plan;
    struct hold hold = hold_of(plan, HOLD_LATE_PLAN);
    hold.since_us = clock_realtime_of(parked->since_us);
    STR_SET(hold.state, lateness_port_name(parked->port));
    holds_end(&m->holds, plan->id, 0);
    for (vec_each(&plan->steps, step)) {
        bool whole = has_whole_gpu(parked, &step->gpu);
        hold.bars = whole ? hold_bars(hold.kind) : hold_bars_reports(hold_bars(hold.kind));
        take(m, &hold, hold_gpu(&step->gpu));
        hold.bars = hold_bars(hold.kind);
        if (is_guest_step(step)) {
            take(m, &hold, hold_vm(step->vm, ""));
        }
    }
    for (vec_each(&plan->claims, entry)) {
        if (entry->verb != PLAN_KEEP) {
            take(m, &hold, hold_claim_named(entry->claim.name));
            take_vm_of(m, &hold, entry->claim.name);
        }
    }
}

/* ---- before a plan ---- */

static int check_step(const struct manager *m, const char *operation, const struct step *step,
                      struct error *err)
{
    /* Two hands on one definition would lose what one did. */
    int r = is_guest_step(step)
                ? hold_check(&m->holds, hold_vm(step->vm, ""), WANT_VM_REDEFINE, operation, err)
                : 0;
    return r != 0 ? r : lateness_check_port(m, step_kind_port(step->kind), err);
}

int plan_holds_check(const struct manager *m, const char *operation, const struct plan *plan,
                     struct error *err)
{
    int r = 0;
    for (vec_each(&plan->claims, entry)) {
        if (r == 0 && entry->verb != PLAN_KEEP) {
            r = hold_check(&m->holds, hold_claim_named(entry->claim.name), WANT_CLAIM_CHANGE,
                           operation, err);
        }
    }
    for (vec_each(&plan->steps, step)) {
        r = r != 0 ? r
                   : hold_check(&m->holds, hold_gpu(&step->gpu), WANT_GPU_CHANGE, operation, err);
    }
    for (vec_each(&plan->steps, step)) {
        r = r != 0 ? r : check_step(m, operation, step, err);
    }
    return r;
}

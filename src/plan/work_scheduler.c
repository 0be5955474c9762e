/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/work_scheduler.h"

#include "plan/work_enter.h"

int scheduler_check_driver(const struct gpu *gpu, enum scheduler_policy policy, struct error *err)
{
    char bdf[BDF_SIZE];
    pci_addr_format(&gpu->addr, bdf);
    if (gpu->schedulers != 0 && (gpu->schedulers & UINT32_C(1) << policy) == 0) {
        return error_set(err, REASON_UNSUPPORTED, SUBJECT("gpu", bdf),
                         "the driver has no %s scheduler for vGPUs of GPU %s",
                         scheduler_policy_name(policy), bdf);
    }
    if (!gpu->mig_enabled && gpu->scheduler.policy == SCHEDULER_UNKNOWN) {
        error_set(err, REASON_UNSUPPORTED, SUBJECT("gpu", bdf),
                  "the driver reports no vGPU scheduler for GPU %s", bdf);
        error_hint(err, "it needs NVIDIA's vGPU host driver, and the GPU bound to that driver");
        return -REASON_UNSUPPORTED;
    }
    return 0;
}

/* The policy with the parameters that were chosen for the GPU; else the policy alone. */
static struct gpu_scheduler with_policy(const struct gpu_work *work, enum scheduler_policy policy)
{
    const struct gpu_scheduler *chosen = planner_wanted_scheduler(work->planner, work->gpu);
    const struct gpu_scheduler alone = {.policy = policy};
    return policy == SCHEDULER_UNKNOWN || chosen->policy == policy ? *chosen : alone;
}

static void set(struct gpu_work *work, const struct gpu_scheduler *wanted)
{
    static const struct gpu_scheduler fresh = {.policy = SCHEDULER_BEST_EFFORT};
    const struct gpu_scheduler *now = work_is_wiped(work) ? &fresh : &work->gpu->scheduler;
    if (wanted->policy == SCHEDULER_UNKNOWN || gpu_scheduler_matches(wanted, now)) {
        return;
    }
    struct step *step = work_step(work, STEP_SCHEDULER_SET);
    step->scheduler = *wanted;
    step->former = *now;
}

void work_scheduler(struct gpu_work *work)
{
    set(work, planner_wanted_scheduler(work->planner, work->gpu));
}

/* ---- what needs ask for ---- */

/* All vGPUs of a GPU are scheduled by one policy (NVIDIA vGPU software user guide, "Changing
 * Scheduling Behavior for Time-Sliced vGPUs"). */
static int find_wanted(const struct gpu_work *work, enum scheduler_policy *ret_policy,
                       struct error *err)
{
    const struct claim *first = NULL;
    *ret_policy = SCHEDULER_UNKNOWN;
    for (size_t i = 0; i < work->n_added; i++) {
        const struct claim *claim = &work->added[i].claim;
        enum scheduler_policy policy = admit_policy(&work->added[i]);
        if (first != NULL && policy != SCHEDULER_UNKNOWN && policy != *ret_policy) {
            return error_set(err, REASON_CONFLICT, work->subject,
                             "claim \"%s\" needs %s scheduling on GPU %s, and claim \"%s\" %s",
                             first->name, scheduler_policy_name(*ret_policy), work->bdf,
                             claim->name, scheduler_policy_name(policy));
        }
        if (policy != SCHEDULER_UNKNOWN) {
            first = claim;
            *ret_policy = policy;
        }
    }
    return 0;
}

static int refuse_change(const struct gpu_work *work, enum scheduler_policy wanted,
                         enum scheduler_policy is, struct error *err)
{
    error_set(err, REASON_CONFLICT, work->subject,
              "the need asks for %s scheduling, and the vGPUs of GPU %s share its time by %s, "
              "which changes only while there is none",
              scheduler_policy_name(wanted), work->bdf,
              is == SCHEDULER_UNKNOWN ? "a policy that its driver does not say"
                                      : scheduler_policy_name(is));
    error_hint(err, "use another GPU, or release the claims on this one first");
    return -REASON_CONFLICT;
}

int work_scheduler_for_added(struct gpu_work *work, size_t n_there, size_t n_lost,
                             struct error *err)
{
    enum scheduler_policy policy = SCHEDULER_UNKNOWN;
    int result = find_wanted(work, &policy, err);
    if (result == 0 && policy != SCHEDULER_UNKNOWN && n_there + n_lost > 0) {
        const struct gpu_scheduler *is = n_there > 0
                                             ? &work->gpu->scheduler
                                             : planner_wanted_scheduler(work->planner, work->gpu);
        result = is->policy == policy ? 0 : refuse_change(work, policy, is->policy, err);
    } else if (result == 0 && policy != SCHEDULER_UNKNOWN) {
        result = scheduler_check_driver(work->gpu, policy, err);
    }
    if (result == 0 && n_there == 0) {
        const struct gpu_scheduler wanted = with_policy(work, policy);
        set(work, &wanted);
    }
    return result;
}

/* ---- GPU instances ---- */

static const struct gpu_scheduler *chosen_for(const struct gpu_work *work)
{
    const struct gpu_record *record = planner_record_of(work->planner, work->gpu);
    static const struct gpu_scheduler none = {.policy = SCHEDULER_UNKNOWN};
    return record != NULL ? &record->scheduler : &none;
}

enum scheduler_policy work_policy_of_new(const struct gpu_work *work, enum scheduler_policy policy)
{
    return policy != SCHEDULER_UNKNOWN ? policy : chosen_for(work)->policy;
}

void work_share_instance(const struct gpu_work *work, enum scheduler_policy policy,
                         struct step *step)
{
    const struct gpu_scheduler alone = {.policy = policy};
    const struct gpu_scheduler *chosen = chosen_for(work);
    step->scheduler = policy == SCHEDULER_UNKNOWN || chosen->policy == policy ? *chosen : alone;
}

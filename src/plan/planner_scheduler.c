/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduling policy of vGPUs that share a GPU, or its GPU instances, chosen by hand, and kept
 * by later plans: it can be set only while no vGPU exists, and enabling virtual functions clears it
 * (NVIDIA vGPU software user guide, "Changing Scheduling Behavior for Time-Sliced vGPUs").
 */
#include <stdio.h>

#include "base/str.h"
#include "plan/planner.h"
#include "plan/work_scheduler.h"

/* Ibid.: what is accepted on any board; a board may accept less. */
#define MIN_SLICE_NS 1000000
#define MAX_SLICE_NS 30000000
#define MIN_FREQUENCY_HZ 63
#define MAX_FREQUENCY_HZ 960
#define MAX_AVERAGING 60

static int check_parameters(const struct gpu_scheduler *wanted, struct error *err)
{
    bool any = wanted->slice_ns != 0 || wanted->frequency_hz != 0 || wanted->averaging != 0;
    if (wanted->policy == SCHEDULER_BEST_EFFORT && any) {
        return error_set(err, REASON_INVALID, "scheduler",
                         "best-effort has no time slice, frequency or averaging factor");
    }
    if (wanted->slice_ns != 0 && (wanted->frequency_hz != 0 || wanted->averaging != 0)) {
        error_set(err, REASON_INVALID, "scheduler",
                  "a fixed time slice can't be combined with a frequency or an averaging factor");
        error_hint(
            err,
            "these belong to adaptive round robin, whose slice is one period of the frequency");
        return -REASON_INVALID;
    }
    if (wanted->slice_ns != 0 &&
        (wanted->slice_ns < MIN_SLICE_NS || wanted->slice_ns > MAX_SLICE_NS)) {
        return error_set(err, REASON_INVALID, "scheduler",
                         "a time slice must be 1 to 30 milliseconds, not %u ns", wanted->slice_ns);
    }
    if (wanted->frequency_hz != 0 &&
        (wanted->frequency_hz < MIN_FREQUENCY_HZ || wanted->frequency_hz > MAX_FREQUENCY_HZ)) {
        return error_set(err, REASON_INVALID, "scheduler",
                         "the frequency must be %d to %d Hz, not %u", MIN_FREQUENCY_HZ,
                         MAX_FREQUENCY_HZ, wanted->frequency_hz);
    }
    if (wanted->averaging > MAX_AVERAGING) {
        return error_set(err, REASON_INVALID, "scheduler",
                         "the averaging factor must be 1 to %d, not %u", MAX_AVERAGING,
                         wanted->averaging);
    }
    return 0;
}

static int check_vgpus(const struct gpu *gpu, const char *bdf, const char *subject,
                       struct error *err)
{
    for (vec_each(&gpu->vgpus, vgpu)) {
        char device[BDF_SIZE];
        error_set(err, REASON_IN_USE, subject,
                  "GPU %s can't change its vGPU scheduler while vGPU %s exists on %s%s%s", bdf,
                  vgpu->type, pci_addr_format(&vgpu->vf, device),
                  vgpu->holder[0] != '\0' ? ", with VM " : "", vgpu->holder);
        error_hint(
            err,
            "release the claims on the GPU first, or set the scheduler before the first claim");
        return -REASON_IN_USE;
    }
    return 0;
}

/* Is it of a type of which the instance holds only one? Where that is unknown its share tells. */
static bool takes_instance(const struct planner *planner, const struct gpu *gpu,
                           const struct vgpu *vgpu)
{
    const struct gpu_model *model = gpu_model_of(planner, gpu);
    const struct cat_vgpu_type *type = NULL;
    if (model != NULL && model_find_type(model, vgpu->type, &type, NULL) == 0 &&
        type->max_per_gi != CAT_UNKNOWN) {
        return type->max_per_gi == 1;
    }
    return vgpu->share.kind == SHARE_PART && vgpu->share.parts == 1;
}

/* Has the instance vGPUs that share it, or may it get some as it is? */
static bool is_shared(const struct planner *planner, const struct gpu *gpu, const struct gi *gi)
{
    bool any = false;
    for (vec_each(&gpu->vgpus, vgpu)) {
        any = any || vgpu->gi_id == gi->id;
        if (vgpu->gi_id == gi->id && !takes_instance(planner, gpu, vgpu)) {
            return true;
        }
    }
    return !any && gi->n_ci == 0;
}

/* The policy of an instance changes while no VM runs on it (NVML API reference,
 * nvmlGpuInstanceSetVgpuSchedulerState). */
static const struct vgpu *find_running(const struct gpu *gpu, const struct gi *gi)
{
    for (vec_each(&gpu->vgpus, vgpu)) {
        if (vgpu->gi_id == gi->id && vgpu->holder[0] != '\0') {
            return vgpu;
        }
    }
    return NULL;
}

/* A claim on the instance may need the policy that it has. */
static int check_needs(const struct planner *planner, const struct gpu *gpu, const struct gi *gi,
                       const struct gpu_scheduler *wanted, struct error *err)
{
    for (vec_each(planner->claims, claim)) {
        bool here = claim->spec.mode == CLAIM_TIME_SLICED_MIG_BACKED && claim_is_on(claim, gpu) &&
                    claim->assigned.start == gi->start && claim->assigned.size == gi->size;
        enum scheduler_policy policy =
            here && claim->has_need ? need_policy(&claim->need, false) : SCHEDULER_UNKNOWN;
        if (policy != SCHEDULER_UNKNOWN && policy != wanted->policy) {
            char bdf[BDF_SIZE];
            error_set(err, REASON_CONFLICT, SUBJECT("gpu", pci_addr_format(&gpu->addr, bdf)),
                      "claim \"%s\" needs %s scheduling on GPU instance %s at %u of GPU %s",
                      claim->name, scheduler_policy_name(policy), gi->profile, gi->start, bdf);
            error_hint(err, "`cleave claim delete %s` first, and create it again without that need",
                       claim->name);
            return -REASON_CONFLICT;
        }
    }
    return 0;
}

/* In MIG mode the policy is that of the instances which vGPUs share: of those that are there, and
 * of those which are made from now on. */
static int check_instances(const struct planner *planner, const struct gpu *gpu,
                           const struct gpu_scheduler *wanted, struct error *err)
{
    char bdf[BDF_SIZE];
    char subject[ERROR_SUBJECT_SIZE];
    error_subject("gpu", pci_addr_format(&gpu->addr, bdf), subject);
    for (vec_each(&gpu->gis, gi)) {
        const struct vgpu *running = find_running(gpu, gi);
        int result = check_needs(planner, gpu, gi, wanted, err);
        if (result != 0) {
            return result;
        }
        if (gpu_scheduler_matches(wanted, &gi->scheduler) || !is_shared(planner, gpu, gi)) {
            continue;
        }
        if (gi->scheduler.policy == SCHEDULER_UNKNOWN) {
            return error_set(err, REASON_UNSUPPORTED, subject,
                             "the driver reports no vGPU scheduler for GPU instance %s at %u of "
                             "GPU %s",
                             gi->profile, gi->start, bdf);
        }
        if (running == NULL) {
            continue;
        }
        error_set(err, REASON_IN_USE, subject,
                  "VM \"%s\" runs on GPU instance %s at %u of GPU %s, and its vGPUs share it by %s",
                  running->holder, gi->profile, gi->start, bdf,
                  gpu_scheduler_policy_name(gi->scheduler.policy));
        error_hint(err, "stop the VM first: `cleave vm stop %s`", SHELL_ARG(running->holder));
        return -REASON_IN_USE;
    }
    return 0;
}

static void add_instances(const struct planner *planner, struct plan *plan, const struct gpu *gpu,
                          const struct gpu_scheduler *wanted)
{
    for (vec_each(&gpu->gis, gi)) {
        if (gpu_scheduler_matches(wanted, &gi->scheduler) || !is_shared(planner, gpu, gi)) {
            continue;
        }
        struct step *step = vec_push(&plan->steps);
        *step = step_make(STEP_SCHEDULER_SET, &gpu->addr);
        STR_SET(step->profile, gi->profile);
        step->start = gi->start;
        step->size = gi->size;
        step->scheduler = *wanted;
        step->former = gi->scheduler;
    }
}

static int check_gpu(const struct planner *planner, const struct gpu *gpu,
                     const struct gpu_scheduler *wanted, struct error *err)
{
    char bdf[BDF_SIZE];
    char subject[ERROR_SUBJECT_SIZE];
    error_subject("gpu", pci_addr_format(&gpu->addr, bdf), subject);
    bool mig = gpu->mode == GPU_MIG;
    if (mig && gpu->mig_timeslicing_supported != TRI_YES) {
        error_set(err, REASON_UNSUPPORTED, subject,
                  "GPU %s is in MIG mode, and its vGPUs don't share GPU instances: scheduling "
                  "policies are for vGPUs that share time",
                  bdf);
        error_hint(err, "`cleave gpu mode %s time-sliced` leaves MIG mode", bdf);
        return -REASON_UNSUPPORTED;
    }
    int result = scheduler_check_driver(gpu, wanted->policy, err);
    if (result != 0) {
        return result;
    }
    result = mig ? check_instances(planner, gpu, wanted, err) : check_vgpus(gpu, bdf, subject, err);
    if (result != 0) {
        return result;
    }
    struct claim_spec spec = {.mode = mig ? CLAIM_TIME_SLICED_MIG_BACKED : CLAIM_TIME_SLICED,
                              .start = NO_ID,
                              .mixed = gpu->heterogeneous == TRI_YES};
    struct rule_facts facts = {.spec = &spec,
                               .model = gpu_model_of(planner, gpu),
                               .gpu = gpu,
                               .scheduler = wanted,
                               .host = planner->host};
    result = rules_check(planner->rules, &facts, err);
    if (result != 0 && err != NULL) {
        STR_SET(err->subject, subject);
    }
    return result;
}

int planner_scheduler(const struct planner *planner, const char *text,
                      const struct gpu_scheduler *wanted, struct plan **ret_plan, struct error *err)
{
    const struct gpu *gpu = host_find_gpu(planner->host, text);
    if (gpu == NULL) {
        return host_unknown_gpu(planner->host, text, err);
    }
    int result = check_parameters(wanted, err);
    if (result != 0) {
        return result;
    }
    CLEANUP(plan_freep) struct plan *plan = plan_new();
    bool mig = gpu->mode == GPU_MIG;
    if (mig || !gpu_scheduler_matches(wanted, &gpu->scheduler)) {
        result = check_gpu(planner, gpu, wanted, err);
        if (mig && result == 0) {
            add_instances(planner, plan, gpu, wanted);
        } else if (!mig) {
            struct step *step = vec_push(&plan->steps);
            *step = step_make(STEP_SCHEDULER_SET, &gpu->addr);
            step->scheduler = *wanted;
            step->former = gpu->scheduler;
        }
    }
    if (result == 0) {
        *ret_plan = TAKE_PTR(plan);
    }
    return result;
}

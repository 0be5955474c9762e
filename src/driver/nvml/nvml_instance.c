/* SPDX-License-Identifier: Apache-2.0 */
/* GPU instances and compute instances. A GI is known by its place: first memory slice and size. */
#include "base/str.h"
#include "driver/nvml/nvml_scheduler.h"
#include "driver/nvml/nvml_step.h"

/* ---- finding ---- */

static const char *profile_name(const struct step *step)
{
    return step->profile[0] != '\0' ? step->profile : "(unnamed)";
}

/* The GI at the step's place, NULL if there is none; another profile there is a conflict. */
static int find_gi(const struct nvml_gpu *gpu, const struct step *step, struct nvml_gis *gis,
                   struct nvml_gi **ret_gi, struct error *err)
{
    int r = nvml_gpu_instances(gpu, gis, err);
    if (r < 0) {
        return r;
    }
    struct nvml_gi *gi = nvml_gis_at(gis, step->start, step->size);
    if (gi != NULL && step->profile_id != NO_ID && gi->gi.profile_id != step->profile_id) {
        return error_set(err, REASON_CONFLICT, gpu->subject,
                         "the GPU instance at %u:%u is a %s, not a %s", step->start, step->size,
                         gi->gi.profile, profile_name(step));
    }
    *ret_gi = gi;
    return 0;
}

/* ---- GI_CREATE ---- */

static int check_mig_is_on(const struct nvml_gpu *gpu, struct error *err)
{
    bool on = false;
    bool pending = false;
    int r = nvml_gpu_mig_mode(gpu, &on, &pending, err);
    if (r == 0 && !on) {
        error_set(err, REASON_CONFLICT, gpu->subject, "MIG mode is off");
        error_hint(err, "turn it on: `cleave gpu mode %s mig`", gpu->subject + strlen("gpu/"));
        return -REASON_CONFLICT;
    }
    return r;
}

/* Is it one of the places that the driver has for the profile? */
static int check_placement(const struct nvml_gpu *gpu, const struct step *step, struct error *err)
{
    const struct nvml *nvml = gpu->nvml;
    if (nvml->nvmlDeviceGetGpuInstancePossiblePlacements_v2 == NULL ||
        nvml->nvmlDeviceCreateGpuInstanceWithPlacement == NULL) {
        return nvml_too_old(err, gpu->subject, "nvmlDeviceCreateGpuInstanceWithPlacement");
    }
    struct nvml_gpu_instance_placement places[NVML_MAX_INSTANCES];
    uint32_t n = NVML_MAX_INSTANCES;
    int32_t code = nvml->nvmlDeviceGetGpuInstancePossiblePlacements_v2(
        gpu->device, step->profile_id, places, &n);
    if (code != NVML_SUCCESS) {
        return nvml_fail(nvml, code, err, gpu->subject,
                         "the driver has no placements for profile %s (id %u)", profile_name(step),
                         step->profile_id);
    }
    for (uint32_t i = 0; i < n && i < NVML_MAX_INSTANCES; i++) {
        if (places[i].start == step->start && places[i].size == step->size) {
            return 0;
        }
    }
    return error_set(err, REASON_INVALID, gpu->subject,
                     "profile %s can't be placed at %u:%u on this GPU", profile_name(step),
                     step->start, step->size);
}

static int check_gi_create(const struct nvml_gpu *gpu, const struct step *step, struct error *err)
{
    int r = check_mig_is_on(gpu, err);
    if (r == 0) {
        r = check_placement(gpu, step, err);
    }
    CLEANUP(nvml_gis_done) struct nvml_gis gis = {0};
    struct nvml_gi *here = NULL;
    if (r == 0) {
        r = find_gi(gpu, step, &gis, &here, err);
    }
    if (r < 0 || here != NULL) {
        return r;
    }
    for (vec_each(&gis, gi)) {
        if (gi->gi.start < step->start + step->size && step->start < gi->gi.start + gi->gi.size) {
            return error_set(err, REASON_NO_CAPACITY, gpu->subject,
                             "%s at %u:%u overlaps GPU instance %u (%s at %u:%u)",
                             profile_name(step), step->start, step->size, gi->gi.id, gi->gi.profile,
                             gi->gi.start, gi->gi.size);
        }
    }
    return 0;
}

static int apply_gi_create(const struct nvml_gpu *gpu, struct step *step, struct error *err)
{
    const struct nvml *nvml = gpu->nvml;
    CLEANUP(nvml_gis_done) struct nvml_gis gis = {0};
    struct nvml_gi *here = NULL;
    int r = check_mig_is_on(gpu, err);
    if (r == 0) {
        r = find_gi(gpu, step, &gis, &here, err);
    }
    if (r < 0) {
        return r;
    }
    if (here != NULL) {
        step->assigned_gi_id = here->gi.id;
        return nvml_scheduler_set_gi(gpu, here, &step->scheduler, err);
    }
    if (nvml->nvmlDeviceCreateGpuInstanceWithPlacement == NULL) {
        return nvml_too_old(err, gpu->subject, "nvmlDeviceCreateGpuInstanceWithPlacement");
    }
    struct nvml_gpu_instance_placement place = {.start = step->start, .size = step->size};
    struct nvml_gpu_instance *handle = NULL;
    int32_t code = nvml->nvmlDeviceCreateGpuInstanceWithPlacement(gpu->device, step->profile_id,
                                                                  &place, &handle);
    if (code != NVML_SUCCESS) {
        return nvml_fail(nvml, code, err, gpu->subject, "GPU instance %s can't be created at %u:%u",
                         profile_name(step), step->start, step->size);
    }
    CLEANUP(nvml_gis_done) struct nvml_gis now = {0};
    r = find_gi(gpu, step, &now, &here, err);
    if (r == 0 && here == NULL) {
        r = error_set(err, REASON_DRIVER, gpu->subject,
                      "the driver reported success, but there is no %s at %u:%u",
                      profile_name(step), step->start, step->size);
    }
    if (r == 0) {
        step->assigned_gi_id = here->gi.id;
        r = nvml_scheduler_set_gi(gpu, here, &step->scheduler, err);
    }
    return r;
}

/* ---- GI_DESTROY ---- */

static int check_gi_destroy(const struct nvml_gpu *gpu, const struct step *step, struct error *err)
{
    CLEANUP(nvml_gis_done) struct nvml_gis gis = {0};
    struct nvml_gi *here = NULL;
    int r = find_gi(gpu, step, &gis, &here, err);
    if (r < 0 || here == NULL) {
        return r;
    }
    uint32_t running = 0;
    r = nvml_gpu_running_vgpus(gpu, here->gi.id, &running, err);
    if (r < 0) {
        return r;
    }
    if (running > 0) {
        error_set(err, REASON_IN_USE, gpu->subject,
                  "GPU instance %u (%s) can't be destroyed: %u vGPU(s) run on it", here->gi.id,
                  here->gi.profile, running);
        error_hint(err, "stop their VMs and release their claims first");
        return -REASON_IN_USE;
    }
    if (here->gi.n_ci > 0) {
        return error_set(err, REASON_IN_USE, gpu->subject,
                         "GPU instance %u (%s) can't be destroyed: it has %u compute instance(s)",
                         here->gi.id, here->gi.profile, here->gi.n_ci);
    }
    return 0;
}

static int apply_gi_destroy(const struct nvml_gpu *gpu, struct step *step, struct error *err)
{
    const struct nvml *nvml = gpu->nvml;
    CLEANUP(nvml_gis_done) struct nvml_gis gis = {0};
    struct nvml_gi *here = NULL;
    int r = find_gi(gpu, step, &gis, &here, err);
    if (r < 0 || here == NULL) {
        return r;
    }
    if (nvml->nvmlGpuInstanceDestroy == NULL) {
        return nvml_too_old(err, gpu->subject, "nvmlGpuInstanceDestroy");
    }
    int32_t code = nvml->nvmlGpuInstanceDestroy(here->handle);
    if (code != NVML_SUCCESS) {
        return nvml_fail(nvml, code, err, gpu->subject, "GPU instance %u (%s) can't be destroyed",
                         here->gi.id, here->gi.profile);
    }
    CLEANUP(nvml_gis_done) struct nvml_gis now = {0};
    r = find_gi(gpu, step, &now, &here, err);
    if (r == 0 && here != NULL) {
        r = error_set(err, REASON_DRIVER, gpu->subject,
                      "the driver reported success, but GPU instance %u is still there",
                      here->gi.id);
    }
    return r;
}

/* ---- compute instances ---- */

/* The GI must be there for a compute instance to be made; for destroying, its absence is fine. */
static int find_parent(const struct nvml_gpu *gpu, const struct step *step, struct nvml_gis *gis,
                       struct nvml_gi **ret_gi, struct error *err)
{
    int r = find_gi(gpu, step, gis, ret_gi, err);
    if (r == 0 && *ret_gi == NULL && step->kind == STEP_CI_CREATE) {
        r = error_set(err, REASON_NOT_FOUND, gpu->subject, "there is no GPU instance at %u:%u",
                      step->start, step->size);
    }
    return r;
}

/* The profile that fills the whole GI. One of double memory has two of one slice: NVML_CI_1_SLICE
 * with the multiprocessors of a plain 1g, and NVML_CI_1_SLICE_REV1 with all (nvidia-smi mig -lgip
 * of H100: 1g.10gb 16, 1g.20gb 26). */
static int default_profile(const struct nvml_gpu *gpu, const struct nvml_gi *gi, uint32_t *ret_id,
                           struct error *err)
{
    const struct nvml *nvml = gpu->nvml;
    if (nvml->nvmlGpuInstanceGetComputeInstanceProfileInfo == NULL ||
        nvml->nvmlGpuInstanceCreateComputeInstance == NULL) {
        return nvml_too_old(err, gpu->subject, "nvmlGpuInstanceCreateComputeInstance");
    }
    uint32_t most = 0;
    uint32_t most_sm = 0;
    for (uint32_t number = 0; number < NVML_CI_PROFILE_COUNT; number++) {
        struct nvml_compute_instance_profile_info info = {0};
        int32_t code = nvml->nvmlGpuInstanceGetComputeInstanceProfileInfo(
            gi->handle, number, NVML_CI_ENGINE_SHARED, &info);
        bool more = info.slice_count > most ||
                    (info.slice_count == most && info.multiprocessor_count > most_sm);
        if (code == NVML_SUCCESS && more) {
            most = info.slice_count;
            most_sm = info.multiprocessor_count;
            *ret_id = info.id;
        }
    }
    if (most == 0) {
        return error_set(err, REASON_UNSUPPORTED, gpu->subject,
                         "GPU instance %u (%s) has no compute instance profile", gi->gi.id,
                         gi->gi.profile);
    }
    return 0;
}

static int check_ci(const struct nvml_gpu *gpu, const struct step *step, struct error *err)
{
    CLEANUP(nvml_gis_done) struct nvml_gis gis = {0};
    struct nvml_gi *gi = NULL;
    int r = find_parent(gpu, step, &gis, &gi, err);
    if (r < 0 || gi == NULL) {
        return r;
    }
    if (step->kind == STEP_CI_DESTROY) {
        uint32_t running = 0;
        r = nvml_gpu_running_vgpus(gpu, gi->gi.id, &running, err);
        return r < 0 || running == 0
                   ? r
                   : error_set(err, REASON_IN_USE, gpu->subject,
                               "compute instances of GPU instance %u (%s) can't be "
                               "destroyed: %u vGPU(s) run on it",
                               gi->gi.id, gi->gi.profile, running);
    }
    uint32_t profile = 0;
    return gi->gi.n_ci > 0 ? 0 : default_profile(gpu, gi, &profile, err);
}

static int create_ci(const struct nvml_gpu *gpu, const struct nvml_gi *gi, struct error *err)
{
    uint32_t profile = 0;
    int r = default_profile(gpu, gi, &profile, err);
    if (r < 0) {
        return r;
    }
    struct nvml_compute_instance *made = NULL;
    int32_t code = gpu->nvml->nvmlGpuInstanceCreateComputeInstance(gi->handle, profile, &made);
    if (code != NVML_SUCCESS) {
        return nvml_fail(gpu->nvml, code, err, gpu->subject,
                         "no compute instance can be created in GPU instance %u (%s)", gi->gi.id,
                         gi->gi.profile);
    }
    return 0;
}

static int32_t destroy_one(const struct nvml *nvml, struct nvml_compute_instance *ci, void *data)
{
    (void)data;
    return nvml->nvmlComputeInstanceDestroy(ci);
}

static int destroy_cis(const struct nvml_gpu *gpu, const struct nvml_gi *gi, struct error *err)
{
    if (gpu->nvml->nvmlComputeInstanceDestroy == NULL) {
        return nvml_too_old(err, gpu->subject, "nvmlComputeInstanceDestroy");
    }
    int32_t code = nvml_gi_each_ci(gpu->nvml, gi->handle, destroy_one, NULL);
    if (code != NVML_SUCCESS) {
        return nvml_fail(gpu->nvml, code, err, gpu->subject,
                         "a compute instance of GPU instance %u (%s) can't be destroyed", gi->gi.id,
                         gi->gi.profile);
    }
    return 0;
}

static int apply_ci(const struct nvml_gpu *gpu, struct step *step, struct error *err)
{
    bool create = step->kind == STEP_CI_CREATE;
    CLEANUP(nvml_gis_done) struct nvml_gis gis = {0};
    struct nvml_gi *gi = NULL;
    int r = find_parent(gpu, step, &gis, &gi, err);
    if (r < 0 || gi == NULL) {
        return r;
    }
    if (create && gi->gi.n_ci == 0) {
        r = create_ci(gpu, gi, err);
    } else if (!create && gi->gi.n_ci > 0) {
        r = destroy_cis(gpu, gi, err);
    }
    if (r < 0) {
        return r;
    }
    CLEANUP(nvml_gis_done) struct nvml_gis now = {0};
    r = find_parent(gpu, step, &now, &gi, err);
    if (r == 0 && gi != NULL && (gi->gi.n_ci > 0) != create) {
        r = error_set(err, REASON_DRIVER, gpu->subject,
                      "the driver reported success, but GPU instance %u has %u compute instance(s)",
                      gi->gi.id, gi->gi.n_ci);
    }
    if (r == 0 && create) {
        step->assigned_gi_id = gi->gi.id;
        STR_SET(step->assigned_uuid, gi->gi.mig_uuid);
    }
    return r;
}

const struct nvml_verb nvml_verb_ci = {.check = check_ci, .apply = apply_ci};

/* ---- GI verbs by kind ---- */

static int check_gi(const struct nvml_gpu *gpu, const struct step *step, struct error *err)
{
    return step->kind == STEP_GI_CREATE ? check_gi_create(gpu, step, err)
                                        : check_gi_destroy(gpu, step, err);
}

static int apply_gi(const struct nvml_gpu *gpu, struct step *step, struct error *err)
{
    return step->kind == STEP_GI_CREATE ? apply_gi_create(gpu, step, err)
                                        : apply_gi_destroy(gpu, step, err);
}

const struct nvml_verb nvml_verb_gi = {.check = check_gi, .apply = apply_gi};

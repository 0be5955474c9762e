/* SPDX-License-Identifier: Apache-2.0 */
/* MIG mode and mixed-size mode. */
#include <string.h>

#include "driver/nvml/nvml_step.h"

/* ---- MIG mode ---- */

static int check_mig(const struct nvml_gpu *gpu, const struct step *step, struct error *err)
{
    bool on = false;
    bool pending = false;
    int r = nvml_gpu_mig_mode(gpu, &on, &pending, err);
    if (r == -REASON_UNSUPPORTED) {
        return error_set(err, REASON_UNSUPPORTED, gpu->subject, "this GPU has no MIG mode");
    }
    if (r < 0 || on == (step->kind == STEP_MIG_ENABLE)) {
        return r;
    }
    if (gpu->nvml->nvmlDeviceSetMigMode == NULL) {
        return nvml_too_old(err, gpu->subject, "nvmlDeviceSetMigMode");
    }
    uint32_t running = 0;
    r = nvml_gpu_running_vgpus(gpu, NO_ID, &running, err);
    if (r < 0) {
        return r;
    }
    if (running > 0) {
        error_set(err, REASON_IN_USE, gpu->subject,
                  "MIG mode can't change while %u vGPU(s) run on the GPU", running);
        error_hint(err, "stop their VMs and release their claims first");
        return -REASON_IN_USE;
    }
    if (!on) {
        return 0;
    }
    CLEANUP(nvml_gis_done) struct nvml_gis gis = {0};
    r = nvml_gpu_instances(gpu, &gis, err);
    if (r == 0 && gis.n > 0) {
        error_set(err, REASON_IN_USE, gpu->subject,
                  "MIG mode can't be turned off: GPU instance %u (%s) is still there",
                  gis.items[0].gi.id, gis.items[0].gi.profile);
        error_hint(err, "release the claims on its %zu instance(s) first", gis.n);
        return -REASON_IN_USE;
    }
    return r;
}

/* The driver took the wish but could not act on it now. Cleave's own wish is taken back, so that no
 * later reset or reboot surprises anyone; one that stood before is an operator's, and stays. Where
 * the GPU can't be reset, the wish is what an operator has to leave standing over a reboot (NVIDIA
 * MIG user guide, enabling MIG mode: "pending enable state ... reboot the system"). */
static int activation_failed(const struct nvml_gpu *gpu, const struct step *step, int32_t status,
                             struct error *err)
{
    bool want = step->kind == STEP_MIG_ENABLE;
    int32_t ignored = NVML_SUCCESS;
    if (!step->was_pending) {
        gpu->nvml->nvmlDeviceSetMigMode(gpu->device, want ? NVML_DISABLED : NVML_ENABLED, &ignored);
    }
    int r = nvml_fail(gpu->nvml, status, err, gpu->subject, "MIG mode can't be turned %s now",
                      want ? "on" : "off");
    if (status != NVML_ERROR_RESET_REQUIRED) {
        return r;
    }
    if (step->was_pending) {
        error_hint(err, "the change was pending already, and stays pending: reboot the host to "
                        "make it effective");
    } else {
        error_hint(
            err,
            "this host can't reset the GPU for the change, and cleave left nothing pending: make "
            "it pending (`nvidia-smi -i %s -mig %d`), then reboot the host; or use another GPU",
            gpu->subject + strlen("gpu/"), want ? 1 : 0);
    }
    return r;
}

static int apply_mig(const struct nvml_gpu *gpu, struct step *step, struct error *err)
{
    bool want = step->kind == STEP_MIG_ENABLE;
    bool on = false;
    bool pending = false;
    int r = nvml_gpu_mig_mode(gpu, &on, &pending, err);
    if (r < 0 || (on == want && (pending == want || step->was_pending))) {
        return r;
    }
    if (gpu->nvml->nvmlDeviceSetMigMode == NULL) {
        return nvml_too_old(err, gpu->subject, "nvmlDeviceSetMigMode");
    }
    int32_t status = NVML_SUCCESS;
    int32_t code =
        gpu->nvml->nvmlDeviceSetMigMode(gpu->device, want ? NVML_ENABLED : NVML_DISABLED, &status);
    if (code != NVML_SUCCESS) {
        return nvml_fail(gpu->nvml, code, err, gpu->subject, "MIG mode can't be turned %s",
                         want ? "on" : "off");
    }
    if (status != NVML_SUCCESS) {
        return activation_failed(gpu, step, status, err);
    }
    /* The change may have reset the GPU, and with it this handle. */
    struct nvml_gpu again;
    r = nvml_gpu_find(gpu->nvml, &step->gpu, &again, err);
    if (r == 0) {
        r = nvml_gpu_mig_mode(&again, &on, &pending, err);
    }
    if (r == 0 && on != want) {
        r = error_set(err, REASON_DRIVER, gpu->subject,
                      "the driver reported success, but MIG mode is still %s", on ? "on" : "off");
    }
    return r;
}

const struct nvml_verb nvml_verb_mode = {.check = check_mig, .apply = apply_mig};

/* ---- mixed-size mode ---- */

static int check_mixed(const struct nvml_gpu *gpu, const struct step *step, struct error *err)
{
    bool on = false;
    int r = nvml_gpu_mixed(gpu, &on, err);
    if (r < 0 || on == (step->kind == STEP_MIXED_ON)) {
        return r;
    }
    if (gpu->nvml->nvmlDeviceSetVgpuHeterogeneousMode == NULL) {
        return nvml_too_old(err, gpu->subject, "nvmlDeviceSetVgpuHeterogeneousMode");
    }
    uint32_t running = 0;
    r = nvml_gpu_running_vgpus(gpu, NO_ID, &running, err);
    if (r < 0) {
        return r;
    }
    if (running > 0) {
        error_set(err, REASON_IN_USE, gpu->subject,
                  "mixed-size mode can't change while %u vGPU(s) run on the GPU", running);
        error_hint(err, "stop their VMs and release their claims first");
        return -REASON_IN_USE;
    }
    return 0;
}

static int apply_mixed(const struct nvml_gpu *gpu, struct step *step, struct error *err)
{
    bool want = step->kind == STEP_MIXED_ON;
    bool on = false;
    int r = nvml_gpu_mixed(gpu, &on, err);
    if (r < 0 || on == want) {
        return r;
    }
    if (gpu->nvml->nvmlDeviceSetVgpuHeterogeneousMode == NULL) {
        return nvml_too_old(err, gpu->subject, "nvmlDeviceSetVgpuHeterogeneousMode");
    }
    struct nvml_vgpu_heterogeneous_mode_v1 mode = {
        .version = NVML_VERSION(struct nvml_vgpu_heterogeneous_mode_v1, 1),
        .mode = want ? NVML_ENABLED : NVML_DISABLED};
    int32_t code = gpu->nvml->nvmlDeviceSetVgpuHeterogeneousMode(gpu->device, &mode);
    if (code != NVML_SUCCESS) {
        return nvml_fail(gpu->nvml, code, err, gpu->subject, "mixed-size mode can't be turned %s",
                         want ? "on" : "off");
    }
    r = nvml_gpu_mixed(gpu, &on, err);
    if (r == 0 && on != want) {
        r = error_set(err, REASON_DRIVER, gpu->subject,
                      "the driver reported success, but mixed-size mode is still %s",
                      on ? "on" : "off");
    }
    return r;
}

const struct nvml_verb nvml_verb_mixed = {.check = check_mixed, .apply = apply_mixed};

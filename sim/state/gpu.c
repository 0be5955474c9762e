/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/state/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/parse.h"
#include "base/str.h"
#include "sim/state/complete.h"

void sim_host_init(struct sim_host *host)
{
    pthread_mutex_init(&host->lock, NULL);
    id_uuid(host->boot_id);
    host->next_vgpu_instance = 1;
    host->next_fault = 1;
    host->seed = 1;
    host->started_us = clock_monotonic_us();
    host->nvml_holds_gpus = true;
}

void sim_host_free(struct sim_host *host)
{
    if (host == NULL) {
        return;
    }
    pthread_mutex_destroy(&host->lock);
    free(host->state_path);
    sim_completed_free(host);
    free(host);
}

void sim_lock(struct sim_host *host)
{
    pthread_mutex_lock(&host->lock);
    host->locked_at_us = clock_monotonic_us();
}

void sim_unlock(struct sim_host *host)
{
    host->busy_us += clock_monotonic_us() - host->locked_at_us;
    pthread_mutex_unlock(&host->lock);
}

void sim_changed(struct sim_host *host)
{
    host->changes++;
    sim_save(host);
    if (host->on_change != NULL) {
        host->on_change(host, host->on_change_data);
    }
}

/* ---- looking things up ---- */

struct sim_gpu *sim_find_gpu(struct sim_host *host, const struct pci_addr *addr)
{
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        if (pci_addr_cmp(&host->gpus[i].addr, addr) == 0) {
            return &host->gpus[i];
        }
    }
    return NULL;
}

struct sim_vf *sim_find_vf(struct sim_host *host, const struct pci_addr *addr,
                           struct sim_gpu **ret_gpu)
{
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        struct sim_gpu *gpu = &host->gpus[i];
        for (uint32_t j = 0; j < gpu->n_vfs; j++) {
            if (pci_addr_cmp(&gpu->vfs[j].addr, addr) == 0) {
                if (ret_gpu != NULL) {
                    *ret_gpu = gpu;
                }
                return &gpu->vfs[j];
            }
        }
    }
    return NULL;
}

struct sim_extra *sim_find_extra(struct sim_host *host, const struct pci_addr *addr)
{
    for (uint32_t i = 0; i < host->n_extras; i++) {
        if (pci_addr_cmp(&host->extras[i].addr, addr) == 0) {
            return &host->extras[i];
        }
    }
    return NULL;
}

struct sim_gi *sim_find_gi(struct sim_gpu *gpu, uint32_t id)
{
    for (uint32_t i = 0; i < gpu->n_gis; i++) {
        if (gpu->gis[i].id == id) {
            return &gpu->gis[i];
        }
    }
    return NULL;
}

struct sim_ci *sim_find_ci(struct sim_gi *gi, uint32_t id)
{
    for (uint32_t i = 0; i < gi->n_cis; i++) {
        if (gi->cis[i].id == id) {
            return &gi->cis[i];
        }
    }
    return NULL;
}

struct sim_vgpu *sim_next_vgpu(struct sim_gpu *gpu, uint32_t *cursor, struct sim_vf **ret_vf)
{
    while (*cursor < SIM_MAX_VFS + SIM_MAX_MDEVS) {
        uint32_t i = (*cursor)++;
        struct sim_vf *vf = i < gpu->n_vfs ? &gpu->vfs[i] : NULL;
        struct sim_vgpu *vgpu = NULL;
        if (vf != NULL) {
            vgpu = &vf->vgpu;
        } else if (i >= SIM_MAX_VFS) {
            vgpu = &gpu->pf_vgpus[i - SIM_MAX_VFS];
        }
        if (vgpu != NULL && vgpu->exists) {
            if (ret_vf != NULL) {
                *ret_vf = vf;
            }
            return vgpu;
        }
    }
    return NULL;
}

struct sim_vgpu *sim_find_mdev(struct sim_host *host, const char *uuid, struct sim_gpu **ret_gpu,
                               struct sim_vf **ret_vf)
{
    if (host->iface != SIM_MDEV) {
        return NULL;
    }
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        struct sim_gpu *gpu = &host->gpus[i];
        struct sim_vf *vf = NULL;
        uint32_t cursor = 0;
        struct sim_vgpu *vgpu = sim_next_vgpu(gpu, &cursor, &vf);
        while (vgpu != NULL) {
            if (str_eq_case(vgpu->uuid, uuid)) {
                if (ret_gpu != NULL) {
                    *ret_gpu = gpu;
                }
                if (ret_vf != NULL) {
                    *ret_vf = vf;
                }
                return vgpu;
            }
            vgpu = sim_next_vgpu(gpu, &cursor, &vf);
        }
    }
    return NULL;
}

struct sim_gpu *sim_nvml_gpu(struct sim_host *host, uint32_t index)
{
    /* host->gpus is sorted by address when it is loaded. */
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        if (sim_bound_to(host->gpus[i].driver, "nvidia") && index-- == 0) {
            return &host->gpus[i];
        }
    }
    return NULL;
}

uint32_t sim_nvml_count(struct sim_host *host)
{
    uint32_t n = 0;
    while (sim_nvml_gpu(host, n) != NULL) {
        n++;
    }
    return n;
}

/* ---- shared by the engine's files ---- */

bool sim_bound_to(const char *driver, const char *name)
{
    return strcmp(driver, name) == 0;
}

bool sim_nvml_reaches(const struct sim_gpu *gpu)
{
    return !gpu->lost && sim_bound_to(gpu->driver, "nvidia");
}

uint32_t sim_count_vgpus(struct sim_gpu *gpu)
{
    uint32_t n = 0;
    uint32_t cursor = 0;
    while (sim_next_vgpu(gpu, &cursor, NULL) != NULL) {
        n++;
    }
    return n;
}

bool sim_any_opened(struct sim_gpu *gpu)
{
    if (gpu->opener != 0) {
        return true;
    }
    uint32_t cursor = 0;
    struct sim_vgpu *vgpu = sim_next_vgpu(gpu, &cursor, NULL);
    while (vgpu != NULL) {
        if (vgpu->opener != 0) {
            return true;
        }
        vgpu = sim_next_vgpu(gpu, &cursor, NULL);
    }
    return false;
}

void sim_gpu_forget_volatile(struct sim_gpu *gpu)
{
    memset(gpu->gis, 0, sizeof(gpu->gis));
    gpu->n_gis = 0;
    gpu->heterogeneous = false;
    gpu->scheduler_policy = SIM_SCHED_BEST_EFFORT;
}

/* Two rounds of FNV-1a; not for secrets, only for names that stay the same over restarts. */
void sim_stable_uuid(const char *name, char out[37])
{
    uint64_t half[2] = {0xcbf29ce484222325u, 0x9ae16a3b2f90404fu};
    for (size_t i = 0; i < 2; i++) {
        for (const char *p = name; *p != '\0'; p++) {
            half[i] = (half[i] ^ (unsigned char)*p) * 0x100000001b3u;
            half[i] ^= half[i] >> 29;
        }
    }
    snprintf(out, 37, "%08x-%04x-5%03x-%04x-%012llx", (unsigned)(half[0] >> 32),
             (unsigned)(half[0] >> 16 & 0xffff), (unsigned)(half[0] & 0xfff),
             (unsigned)(0x8000 | (half[1] >> 50)), (unsigned long long)(half[1] & 0xffffffffffffu));
}

/* ---- scheduler, faults ---- */

int sim_set_scheduler(struct sim_host *host, struct sim_gpu *gpu, uint32_t policy)
{
    if (!sim_nvml_reaches(gpu)) {
        return SIM_NVML_GPU_IS_LOST;
    }
    if (policy < SIM_SCHED_BEST_EFFORT || policy > SIM_SCHED_FIXED_SHARE) {
        return SIM_NVML_INVALID_ARGUMENT;
    }
    /* nvml.h: not with MIG, not off a vGPU host, not while a vGPU is active. vGPU user guide 17:
     * fixed share and mixed sizes exclude each other. */
    if (gpu->mig_current || !host->vgpu_host || sim_count_vgpus(gpu) > 0) {
        return SIM_NVML_NOT_SUPPORTED;
    }
    if (gpu->heterogeneous && policy == SIM_SCHED_FIXED_SHARE) {
        return SIM_NVML_NOT_SUPPORTED;
    }
    gpu->scheduler_policy = policy;
    sim_changed(host);
    return SIM_NVML_OK;
}

int sim_set_heterogeneous(struct sim_host *host, struct sim_gpu *gpu, bool on)
{
    if (!sim_nvml_reaches(gpu)) {
        return SIM_NVML_GPU_IS_LOST;
    }
    if (gpu->mig_current || !host->vgpu_host || gpu->model->mixed_size == CAT_NO) {
        return SIM_NVML_NOT_SUPPORTED;
    }
    if (sim_count_vgpus(gpu) > 0) {
        return SIM_NVML_IN_USE;
    }
    if (on && gpu->scheduler_policy == SIM_SCHED_FIXED_SHARE) {
        return SIM_NVML_NOT_SUPPORTED;
    }
    gpu->heterogeneous = on;
    sim_changed(host);
    return SIM_NVML_OK;
}

int sim_gpu_reset(struct sim_host *host, struct sim_gpu *gpu)
{
    return sim_nvml_reaches(gpu) ? sim_function_reset(host, gpu) : SIM_NVML_GPU_IS_LOST;
}

int sim_function_reset(struct sim_host *host, struct sim_gpu *gpu)
{
    if (gpu->lost) {
        return SIM_NVML_GPU_IS_LOST;
    }
    if (gpu->no_reset) {
        return SIM_NVML_NOT_SUPPORTED;
    }
    if (gpu->n_vfs > 0 || sim_count_vgpus(gpu) > 0 || sim_any_opened(gpu) ||
        gpu->holder[0] != '\0') {
        return SIM_NVML_IN_USE;
    }
    sim_gpu_forget_volatile(gpu);
    gpu->wedged = false;
    gpu->last_xid = 0;
    /* A pending mode takes effect. Without one, Ampere keeps its mode; Hopper and later forget it.
     */
    bool pending = gpu->mig_pending != gpu->mig_current;
    gpu->mig_current = (pending || gpu->model->mig_needs_reset) && gpu->mig_pending;
    gpu->mig_pending = gpu->mig_current;
    sim_settings_ecc(gpu);
    sim_changed(host);
    return SIM_NVML_OK;
}

int sim_set(struct sim_host *host, struct sim_gpu *gpu, const char *key, const char *value)
{
    if (str_eq(key, "holder")) {
        if (!STR_SET(gpu->holder, value)) {
            return -EINVAL;
        }
    } else if (str_eq(key, "busy")) {
        if (!parse_u32(value, &gpu->busy)) {
            return -EINVAL;
        }
    } else if (str_eq(key, "lost") && (str_eq(value, "1") || str_eq(value, "rescan"))) {
        sim_lose(host, gpu, str_eq(value, "rescan"));
    } else if (str_eq(key, "lost") && str_eq(value, "0")) {
        gpu->lost = false;
    } else if (str_eq(key, "wedged") && (str_eq(value, "0") || str_eq(value, "1"))) {
        gpu->wedged = str_eq(value, "1");
    } else if (str_eq(key, "no_reset") && (str_eq(value, "0") || str_eq(value, "1"))) {
        gpu->no_reset = str_eq(value, "1");
    } else if (!str_eq(key, "instance_choice") || !sim_choice_parse(value, &gpu->choice)) {
        return -EINVAL;
    }
    sim_changed(host);
    return 0;
}

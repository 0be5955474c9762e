/* SPDX-License-Identifier: Apache-2.0 */
/* Looking things up, and what several parts of the engine ask about them. */
#include "sim/state/internal.h"

#include <string.h>

#include "base/str.h"

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

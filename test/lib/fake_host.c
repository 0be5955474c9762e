/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_host.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

struct fake_gpu *fake_host_add_gpu(struct fake_host *host, uint8_t bus, uint32_t pci_id,
                                   uint32_t pci_subsystem_id)
{
    struct fake_gpu *gpu = &host->gpus[host->n_gpus++];
    *gpu = (struct fake_gpu){
        .addr = {.bus = bus},
        .pci_id = pci_id,
        .pci_subsystem_id = pci_subsystem_id,
        .memory_slices = 8,
        .mig_capable = true,
        .scheduler = {.policy = SCHEDULER_BEST_EFFORT},
        .vfs_total = FAKE_VFS,
        .next_gi_id = 1,
    };
    STR_SET(gpu->driver, "nvidia");
    return gpu;
}

struct fake_vm *fake_host_add_vm(struct fake_host *host, const char *name)
{
    for (size_t i = 0; i < FAKE_VMS; i++) {
        if (host->vms[i].name[0] == '\0') {
            host->vms[i] = (struct fake_vm){0};
            STR_SET(host->vms[i].name, name);
            snprintf(host->vms[i].uuid, sizeof(host->vms[i].uuid), "5e6f0000-0000-4000-8000-%012zx",
                     ++host->n_vms);
            return &host->vms[i];
        }
    }
    return NULL;
}

struct fake_gpu *fake_host_gpu(struct fake_host *host, const struct pci_addr *addr)
{
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        if (pci_addr_cmp(&host->gpus[i].addr, addr) == 0) {
            return &host->gpus[i];
        }
    }
    return NULL;
}

struct fake_vm *fake_host_vm(struct fake_host *host, const char *name)
{
    for (size_t i = 0; i < FAKE_VMS; i++) {
        if (name[0] != '\0' && str_eq(host->vms[i].name, name)) {
            return &host->vms[i];
        }
    }
    return NULL;
}

void fake_host_report(struct fake_host *host, const char *vm, enum vm_happening happening)
{
    struct vm_report *report = &host->reports[host->n_reports++];
    *report = (struct vm_report){.happening = happening, .at_us = clock_realtime_us()};
    STR_SET(report->name, vm);
    STR_SET(report->uuid, fake_host_vm(host, vm)->uuid);
    STR_SET(report->text, "why");
}

bool fake_host_held(const struct fake_host *host, const struct pci_addr *device)
{
    for (size_t i = 0; i < FAKE_VMS; i++) {
        const struct fake_vm *vm = &host->vms[i];
        for (uint32_t j = 0; vm->running && j < vm->n_devices; j++) {
            if (pci_addr_cmp(&vm->devices[j], device) == 0) {
                return true;
            }
        }
    }
    return false;
}

uint32_t fake_host_count_vgpus(const struct fake_host *host)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        for (size_t j = 0; j < FAKE_VFS; j++) {
            n += host->gpus[i].vfs[j].type[0] != '\0';
        }
    }
    return n;
}

uint32_t fake_host_count_gis(const struct fake_host *host)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        for (size_t j = 0; j < FAKE_GIS; j++) {
            n += host->gpus[i].gis[j].used;
        }
    }
    return n;
}

static bool has_gi(const struct fake_gpu *gpu, const struct fake_gi *gi)
{
    for (size_t i = 0; i < FAKE_GIS; i++) {
        const struct fake_gi *other = &gpu->gis[i];
        if (other->used && other->start == gi->start && other->size == gi->size &&
            other->profile_id == gi->profile_id && other->n_ci == gi->n_ci) {
            return true;
        }
    }
    return false;
}

static bool gpu_same(const struct fake_gpu *a, const struct fake_gpu *b)
{
    if (a->mig != b->mig || a->mixed != b->mixed || a->vfs_enabled != b->vfs_enabled ||
        !str_eq(a->driver, b->driver)) {
        return false;
    }
    for (size_t i = 0; i < FAKE_GIS; i++) {
        if ((a->gis[i].used && !has_gi(b, &a->gis[i])) ||
            (b->gis[i].used && !has_gi(a, &b->gis[i]))) {
            return false;
        }
    }
    for (size_t i = 0; i < FAKE_VFS; i++) {
        if (!str_eq(a->vfs[i].type, b->vfs[i].type)) {
            return false;
        }
    }
    return true;
}

static bool vm_same(const struct fake_vm *a, const struct fake_vm *b)
{
    if (!str_eq(a->name, b->name) || a->running != b->running || a->n_devices != b->n_devices) {
        return false;
    }
    for (uint32_t i = 0; i < a->n_devices; i++) {
        if (pci_addr_cmp(&a->devices[i], &b->devices[i]) != 0) {
            return false;
        }
    }
    return true;
}

bool fake_host_same(const struct fake_host *a, const struct fake_host *b)
{
    bool same = a->n_gpus == b->n_gpus;
    for (uint32_t i = 0; same && i < a->n_gpus; i++) {
        same = gpu_same(&a->gpus[i], &b->gpus[i]);
    }
    for (size_t i = 0; same && i < FAKE_VMS; i++) {
        same = vm_same(&a->vms[i], &b->vms[i]);
    }
    return same;
}

struct fake_host *fake_host_map(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return NULL;
    }
    void *map = MAP_FAILED;
    if (ftruncate(fd, (off_t)sizeof(struct fake_host)) == 0) {
        map = mmap(NULL, sizeof(struct fake_host), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    close(fd);
    return map == MAP_FAILED ? NULL : map;
}

void fake_host_forget(struct fake_host *host)
{
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        struct fake_gpu *gpu = &host->gpus[i];
        gpu->vfs_enabled = 0;
        memset(gpu->gis, 0, sizeof(gpu->gis));
        memset(gpu->vfs, 0, sizeof(gpu->vfs));
    }
}

void fake_host_reboot(struct fake_host *host)
{
    host->boots++;
    fake_host_forget(host);
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        struct fake_gpu *gpu = &host->gpus[i];
        STR_SET(gpu->driver, "nvidia");
        gpu->mig = gpu->mig && gpu->pci_id == 0x20f1; /* MIG User Guide: it is kept by Ampere */
        gpu->mixed = gpu->wedged = false;
        gpu->scheduler = (struct gpu_scheduler){.policy = SCHEDULER_BEST_EFFORT};
    }
    for (size_t i = 0; i < FAKE_VMS; i++) {
        host->vms[i].running = false;
    }
}

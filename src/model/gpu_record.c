/* SPDX-License-Identifier: Apache-2.0 */
#include "model/gpu_record.h"

#include <string.h>

#include "base/str.h"

const char *gpu_record_key(const struct gpu_record *record, char out[GPU_UUID_SIZE])
{
    char bdf[BDF_SIZE];
    str_copy(out, GPU_UUID_SIZE,
             record->uuid[0] != '\0' ? record->uuid : pci_addr_format(&record->addr, bdf));
    return out;
}

struct gpu_record *gpu_records_find_addr(const struct gpu_records *records,
                                         const struct pci_addr *addr)
{
    for (vec_each(records, record)) {
        if (pci_addr_cmp(&record->addr, addr) == 0) {
            return record;
        }
    }
    return NULL;
}

struct gpu_record *gpu_records_find(const struct gpu_records *records, const struct gpu *gpu)
{
    const char *uuid = gpu_known_uuid(gpu);
    for (vec_each(records, record)) {
        if (uuid[0] != '\0' && str_eq_case(record->uuid, uuid)) {
            return record;
        }
    }
    for (vec_each(records, record)) {
        bool unsure = uuid[0] == '\0' || record->uuid[0] == '\0';
        if (unsure && pci_addr_cmp(&record->addr, &gpu->addr) == 0) {
            return record;
        }
    }
    return NULL;
}

struct gpu_record gpu_record_of(const struct gpu *gpu)
{
    struct gpu_record record = {.addr = gpu->addr};
    STR_SET(record.uuid, gpu_known_uuid(gpu));
    return record;
}

static void set_mode(struct gpu_record *record, enum gpu_mode mode)
{
    record->mode_set = true;
    record->mode = mode;
}

const struct companion *gpu_record_find_companion(const struct gpu_record *record,
                                                  const struct pci_addr *function)
{
    for (size_t i = 0; i < record->n_companions; i++) {
        if (pci_addr_cmp(&record->companions[i].addr, function) == 0) {
            return &record->companions[i];
        }
    }
    return NULL;
}

static void drop_companion(struct gpu_record *record, const struct pci_addr *function)
{
    for (size_t i = record->n_companions; i > 0; i--) {
        if (pci_addr_cmp(&record->companions[i - 1].addr, function) == 0) {
            record->companions[i - 1] = record->companions[--record->n_companions];
            record->companions[record->n_companions] = (struct companion){0};
        }
    }
}

static void add_companion(struct gpu_record *record, const struct step *step)
{
    drop_companion(record, &step->device);
    if (record->n_companions == GPU_RECORD_COMPANIONS) { /* of a slot that the board left */
        drop_companion(record, &record->companions[0].addr);
    }
    struct companion *companion = &record->companions[record->n_companions++];
    *companion = (struct companion){.addr = step->device};
    STR_SET(companion->driver, step->driver);
}

static void follow_step(struct gpu_record *record, const struct step *step)
{
    switch (step->kind) {
    case STEP_COMPANION_VFIO:
        add_companion(record, step);
        break;
    case STEP_COMPANION_HOME:
        drop_companion(record, &step->device);
        break;
    case STEP_BIND_VFIO: { /* what is for a claim, or another GPU, is not wanted beyond that */
        bool own = step->claim[0] == '\0' && pci_addr_cmp(&step->device, &step->gpu) == 0;
        set_mode(record, own ? GPU_PASSTHROUGH : GPU_IDLE);
        record->vfs = false;
        break;
    }
    case STEP_BIND_NVIDIA:
    case STEP_MIG_DISABLE:
        set_mode(record, GPU_IDLE);
        break;
    case STEP_MIG_ENABLE:
        set_mode(record, GPU_MIG);
        break;
    case STEP_SRIOV_ENABLE:
        record->vfs = true;
        if (!record->mode_set || record->mode != GPU_MIG) {
            set_mode(record, GPU_TIME_SLICED);
        }
        break;
    case STEP_SRIOV_DISABLE:
        record->vfs = false;
        if (record->mode_set && record->mode == GPU_TIME_SLICED) {
            record->mode = GPU_IDLE;
        }
        break;
    case STEP_MIXED_ON:
    case STEP_MIXED_OFF:
        record->mixed = step->kind == STEP_MIXED_ON;
        break;
    case STEP_SCHEDULER_SET:
        record->scheduler = step->scheduler;
        break;
    case STEP_GI_CREATE: /* only under MIG, no matter who turned it on */
        set_mode(record, GPU_MIG);
        break;
    case STEP_GPU_RESET: /* what is wanted stays wanted */
    case STEP_PCI_RESCAN:
    case STEP_GI_DESTROY:
    case STEP_CI_CREATE:
    case STEP_CI_DESTROY:
    case STEP_VGPU_CREATE:
    case STEP_VGPU_DELETE:
    case STEP_VGPU_PARAMS:
    case STEP_ATTACH:
    case STEP_DETACH:
    case STEP_KIND_COUNT:
        break;
    }
}

bool gpu_record_follow(struct gpu_record *record, const struct plan *plan)
{
    struct gpu_record before = *record;
    for (vec_each(&plan->steps, step)) {
        if (step->state == STEP_DONE && pci_addr_cmp(&step->gpu, &record->addr) == 0) {
            follow_step(record, step);
        }
    }
    return before.mode_set != record->mode_set || before.mode != record->mode ||
           before.n_companions != record->n_companions ||
           memcmp(before.companions, record->companions, sizeof(before.companions)) != 0 ||
           before.vfs != record->vfs || before.mixed != record->mixed ||
           memcmp(&before.scheduler, &record->scheduler, sizeof(before.scheduler)) != 0;
}

const struct stuck_vf *gpu_record_find_stuck(const struct gpu_record *record,
                                             const struct pci_addr *vf)
{
    for (size_t i = 0; i < record->n_stuck_vfs; i++) {
        if (pci_addr_cmp(&record->stuck_vfs[i].addr, vf) == 0) {
            return &record->stuck_vfs[i];
        }
    }
    return NULL;
}

bool gpu_record_add_stuck(struct gpu_record *record, const struct stuck_vf *stuck)
{
    const struct stuck_vf *known = gpu_record_find_stuck(record, &stuck->addr);
    size_t at = known != NULL ? (size_t)(known - record->stuck_vfs) : record->n_stuck_vfs;
    if (at == GPU_RECORD_STUCK_VFS) {
        return false;
    }
    record->stuck_vfs[at] = *stuck;
    record->n_stuck_vfs += known == NULL ? 1 : 0;
    return true;
}

bool gpu_record_drop_stuck(struct gpu_record *record, const struct pci_addr *vf)
{
    const struct stuck_vf *known = gpu_record_find_stuck(record, vf);
    if (known == NULL) {
        return false;
    }
    for (size_t i = (size_t)(known - record->stuck_vfs); i + 1 < record->n_stuck_vfs; i++) {
        record->stuck_vfs[i] = record->stuck_vfs[i + 1];
    }
    record->n_stuck_vfs--;
    return true;
}

void quarantine_hint(const struct quarantine *quarantine, const char *bdf, struct error *err)
{
    if (quarantine->set && str_eq(quarantine->kind, "reset-failed")) {
        error_hint(err,
                   "its reset failed, so reboot the host, or power it off and on; `cleave gpu "
                   "recover %s` tries the reset again",
                   bdf);
        return;
    }
    error_hint(err,
               "`cleave gpu recover %s` resets the GPU, makes its claims' devices again, and "
               "allows new claims",
               bdf);
}

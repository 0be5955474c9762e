/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/boards.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "plan/overlay.h"

struct entry {
    struct pci_addr addr;
    uint32_t pci_id;
    char uuid[GPU_UUID_SIZE];
    char driver_version[32];
    uint64_t driver_load;
    enum tristate mig_timeslicing;
    struct board board; /* what the overlay was made of */
    struct overlay overlay;
    char said[256]; /* the disagreement that was said last */
};

struct boards {
    const struct catalog *catalog;
    char driver_version[32]; /* of the host, "" unknown */
    VEC(struct entry *) entries;
};

static void entry_free(struct entry *entry)
{
    board_done(&entry->board);
    overlay_done(&entry->overlay);
    free(entry);
}

struct boards *boards_new(const struct catalog *catalog)
{
    struct boards *boards = xcalloc(1, sizeof(*boards));
    boards->catalog = catalog;
    return boards;
}

void boards_free(struct boards *boards)
{
    if (boards == NULL) {
        return;
    }
    for (vec_each(&boards->entries, entry)) {
        entry_free(*entry);
    }
    vec_done(&boards->entries);
    free(boards);
}

/* ---- taking what was observed ---- */

static struct entry *find(const struct boards *boards, const struct gpu *gpu)
{
    for (size_t i = 0; boards != NULL && i < boards->entries.n; i++) {
        struct entry *entry = boards->entries.items[i];
        if (pci_addr_cmp(&entry->addr, &gpu->addr) == 0 && entry->pci_id == gpu->pci_id &&
            (gpu->uuid[0] == '\0' || str_eq(entry->uuid, gpu->uuid))) {
            return entry;
        }
    }
    return NULL;
}

/* By PCI ids, else by the name that the driver gives it. */
static const struct gpu_model *catalogued(const struct catalog *catalog, const struct gpu *gpu)
{
    if (gpu->other_vendor != 0) {
        return NULL;
    }
    uint32_t subsystem = gpu->pci_subsystem_id == NO_ID ? CAT_UNKNOWN : gpu->pci_subsystem_id;
    const struct gpu_model *model = catalog_find_pci(catalog, gpu->pci_id, subsystem);
    if (model == NULL && gpu->name[0] != '\0') {
        (void)catalog_find(catalog, gpu->name, &model, NULL);
    }
    return model;
}

/* Of another driver, or of one that was loaded again: what it said may be wrong now. */
static bool is_stale(const struct entry *entry, const struct host *host)
{
    return host->driver_version[0] != '\0' &&
           (!str_eq(entry->driver_version, host->driver_version) ||
            (host->driver_load != 0 && entry->driver_load != host->driver_load));
}

static void drop_stale(struct boards *boards, const struct host *host)
{
    size_t i = 0;
    while (i < boards->entries.n) {
        struct entry *entry = boards->entries.items[i];
        const struct gpu *gpu = host_find_gpu_addr(host, &entry->addr);
        if (gpu != NULL && find(boards, gpu) == entry && !is_stale(entry, host)) {
            i++;
            continue;
        }
        entry_free(entry);
        vec_remove(&boards->entries, i);
    }
}

static void warn_of_differences(struct entry *entry, const struct gpu *gpu,
                                struct strlist *warnings)
{
    const struct overlay *overlay = &entry->overlay;
    char bdf[BDF_SIZE];
    if (overlay->n_disagreements == 0 || str_eq(entry->said, overlay->disagreement)) {
        return;
    }
    STR_SET(entry->said, overlay->disagreement);
    char more[48] = "";
    if (overlay->n_disagreements > 1) {
        (void)snprintf(more, sizeof(more), " (and %u more)", overlay->n_disagreements - 1);
    }
    *vec_push(warnings) = xasprintf("GPU %s: NVIDIA's driver %s and the catalog (%s) disagree: "
                                    "%s%s; cleave uses the driver's value",
                                    pci_addr_format(&gpu->addr, bdf), entry->driver_version,
                                    overlay->base->key, overlay->disagreement, more);
}

static void take(struct boards *boards, const struct host *host, const struct gpu *gpu,
                 struct strlist *warnings)
{
    const struct board *board = &gpu->board;
    struct entry *entry = find(boards, gpu);
    bool says =
        board->profiles_known || board->types_known || board->vgpu_host != BOARD_VGPU_UNKNOWN;
    if (!says || (entry != NULL && board_equal(&entry->board, board) &&
                  entry->mig_timeslicing == gpu->mig_timeslicing_supported)) {
        return;
    }
    if (entry == NULL) {
        entry = xcalloc(1, sizeof(*entry));
        *vec_push(&boards->entries) = entry;
    }
    entry->addr = gpu->addr;
    entry->pci_id = gpu->pci_id;
    STR_SET(entry->uuid, gpu->uuid);
    STR_SET(entry->driver_version, host->driver_version);
    entry->driver_load = host->driver_load;
    entry->mig_timeslicing = gpu->mig_timeslicing_supported;
    board_done(&entry->board);
    board_copy(&entry->board, board);
    overlay_done(&entry->overlay);
    overlay_init(&entry->overlay, catalogued(boards->catalog, gpu), gpu);
    warn_of_differences(entry, gpu, warnings);
}

void boards_update(struct boards *boards, const struct host *host, struct strlist *warnings)
{
    drop_stale(boards, host);
    STR_SET(boards->driver_version, host->driver_version);
    for (vec_each(&host->gpus, gpu)) {
        if (gpu->other_vendor == 0) {
            take(boards, host, gpu, warnings);
        }
    }
}

const struct gpu_model *boards_find(const struct boards *boards, const struct catalog *catalog,
                                    const struct gpu *gpu)
{
    const struct entry *entry = find(boards, gpu);
    bool useful = entry != NULL && (entry->overlay.base != NULL || entry->board.profiles_known ||
                                    entry->board.types_known);
    return useful ? &entry->overlay.model : catalogued(catalog, gpu);
}

void boards_name_vgpus(const struct boards *boards, const struct catalog *catalog,
                       struct host *host)
{
    for (vec_each(&host->gpus, gpu)) {
        const struct gpu_model *model = boards_find(boards, catalog, gpu);
        for (vec_each(&gpu->vgpus, vgpu)) {
            const struct cat_vgpu_type *type = NULL;
            if (model != NULL && vgpu->type[0] == '\0' && vgpu->type_id != NO_ID) {
                type = model_type_by_id(model, vgpu->type_id);
            }
            if (type != NULL) {
                STR_SET(vgpu->type, type->name);
            }
        }
    }
}

/* ---- what this driver lacks ---- */

/* Which driver first knew a number NVML_GPU_INSTANCE_PROFILE_*: MIG user guide, notes to the tables
 * of profiles (1g+me R470; 2g+me and the 1g of twice the memory R525), and the NVML API reference's
 * change log (graphics R570, all and no media engines R575). */
static const struct {
    uint32_t number, branch;
} since[] = {{7, 470},  {8, 525},  {9, 525},  {10, 570}, {11, 570},
             {12, 570}, {13, 575}, {14, 575}, {15, 575}, {16, 575}};

/* 0: not known to have come with any. */
static uint32_t came_with(const struct cat_profile *profile)
{
    for (size_t i = 0; i < ARRAY_SIZE(since); i++) {
        if (since[i].number == profile->nvml_profile) {
            return since[i].branch;
        }
    }
    return 0;
}

static int refuse_profile(const struct gpu_model *base, const struct cat_profile *profile,
                          const char *driver, const struct gpu *gpu, struct error *err)
{
    char bdf[BDF_SIZE];
    uint32_t branch = came_with(profile);
    error_set(err, REASON_UNSUPPORTED, SUBJECT("gpu", pci_addr_format(&gpu->addr, bdf)),
              "NVIDIA's driver %s has no GPU instance profile %s on GPU %s", driver, profile->name,
              bdf);
    if (branch != 0) {
        error_hint(err,
                   "%s has that profile since driver R%u; `cleave profile list` shows what this "
                   "driver has",
                   base->name, branch);
    } else {
        error_hint(err, "`cleave profile list` shows what this driver has");
    }
    return -REASON_UNSUPPORTED;
}

/* A GPU that another driver has had since boot: what is known of NVIDIA's driver has to do. */
static int check_branch(const struct boards *boards, const struct gpu *gpu, const char *profile,
                        struct error *err)
{
    const struct gpu_model *base = boards == NULL || !str_eq(gpu->driver, "vfio-pci")
                                       ? NULL
                                       : catalogued(boards->catalog, gpu);
    const struct cat_profile *known = NULL;
    uint32_t branch = 0;
    char major[16] = "";
    if (base == NULL || model_find_profile(base, profile, &known, NULL) != 0) {
        return 0;
    }
    (void)STR_SET(major, boards->driver_version);
    major[strcspn(major, ".")] = '\0';
    return parse_u32(major, &branch) && branch < came_with(known)
               ? refuse_profile(base, known, boards->driver_version, gpu, err)
               : 0;
}

int boards_check_profile(const struct boards *boards, const struct gpu *gpu, const char *profile,
                         struct error *err)
{
    const struct entry *entry = find(boards, gpu);
    const struct cat_profile *base = NULL;
    const struct cat_profile *here = NULL;
    if (entry == NULL || !entry->board.profiles_known) {
        return check_branch(boards, gpu, profile, err);
    }
    if (entry->overlay.base == NULL ||
        model_find_profile(entry->overlay.base, profile, &base, NULL) != 0 ||
        model_find_profile(&entry->overlay.model, profile, &here, NULL) == 0) {
        return 0;
    }
    return refuse_profile(entry->overlay.base, base, entry->driver_version, gpu, err);
}

bool boards_lack_vgpu_manager(const struct boards *boards)
{
    bool lacks = false;
    for (size_t i = 0; i < boards->entries.n; i++) {
        const struct entry *entry = boards->entries.items[i];
        if (entry->board.vgpu_host == BOARD_VGPU_YES) {
            return false;
        }
        lacks = lacks || (entry->board.vgpu_host == BOARD_VGPU_NO && entry->overlay.base != NULL &&
                          entry->overlay.base->types.n > 0);
    }
    return lacks;
}

bool boards_lack_type(const struct boards *boards, const struct gpu *gpu,
                      const struct cat_vgpu_type *type)
{
    const struct entry *entry = find(boards, gpu);
    /* The driver's answer while MIG mode is off is not the last word on types of MIG mode. */
    if (entry == NULL || !entry->board.types_known ||
        type->mig_backed != entry->board.types_of_mig) {
        return false;
    }
    for (vec_each(&entry->board.types, said)) {
        if (said->type_id == type->type_id) {
            return false;
        }
    }
    return true;
}

bool boards_can_vgpu(const struct boards *boards, const struct gpu *gpu)
{
    const struct entry *entry = find(boards, gpu);
    return entry == NULL || entry->board.vgpu_host != BOARD_VGPU_NO;
}

int boards_check_vgpu(const struct boards *boards, const struct gpu *gpu, const char *what,
                      struct error *err)
{
    if (boards_can_vgpu(boards, gpu)) {
        return 0;
    }
    char bdf[BDF_SIZE];
    pci_addr_format(&gpu->addr, bdf);
    error_set(err, REASON_UNAVAILABLE, SUBJECT("gpu", bdf),
              "GPU %s can't %s: NVIDIA's driver %s has no vGPU manager", bdf, what,
              find(boards, gpu)->driver_version);
    error_hint(err, "install NVIDIA's vGPU host driver (\"...-vgpu-kvm\") in place of the one "
                    "that is loaded");
    return -REASON_UNAVAILABLE;
}

int boards_check_type(const struct boards *boards, const struct gpu *gpu,
                      const struct cat_vgpu_type *type, struct error *err)
{
    const struct entry *entry = find(boards, gpu);
    char bdf[BDF_SIZE];
    char what[NAME_SIZE + 16];
    pci_addr_format(&gpu->addr, bdf);
    str_print(what, sizeof(what), "carry %s", type->name);
    int result = boards_check_vgpu(boards, gpu, what, err);
    if (result != 0) {
        return result;
    }
    if (boards_lack_type(boards, gpu, type)) {
        error_set(err, REASON_UNSUPPORTED, SUBJECT("gpu", bdf),
                  "NVIDIA's driver %s does not offer vGPU type %s on GPU %s", entry->driver_version,
                  type->name, bdf);
        error_hint(err, "`cleave profile list` shows what this driver offers");
        return -REASON_UNSUPPORTED;
    }
    return 0;
}

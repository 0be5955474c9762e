/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small host for the engine's tests, made without catalog files: an A100-like board (8 slices,
 * mode change by reset), an RTX-PRO-like one (12 slices, MIG time-slicing), an L40S-like one (mixed
 * sizes) and a T4-like one (no SR-IOV). Only what the rules look at is filled in.
 */
#ifndef SIM_STATE_FIXTURE_H
#define SIM_STATE_FIXTURE_H

#include <stdio.h>

#include "base/mem.h"
#include "base/str.h"
#include "sim/state/internal.h"

enum fixture_gpu { FIX_A100, FIX_PRO, FIX_L40S, FIX_T4, FIX_GPUS };

struct fixture {
    struct gpu_model models[FIX_GPUS];
    struct sim_host *host;
    struct sim_gpu *gpus[FIX_GPUS];
};

static inline void fixture_profile(struct gpu_model *model, const char *name, uint32_t id,
                                   uint32_t compute, uint32_t size, uint32_t max,
                                   const char *starts)
{
    struct cat_profile *profile = vec_push(&model->profiles);
    profile->name = name;
    profile->id = id;
    profile->compute_slices = compute;
    profile->memory_slices = size;
    profile->max_instances = max;
    profile->media = str_ends(name, "+me")       ? MEDIA_ME
                     : str_ends(name, "+me.all") ? MEDIA_ALL
                     : str_ends(name, "-me")     ? MEDIA_NONE
                                                 : MEDIA_PLAIN;
    profile->gfx = str_ends(name, "+gfx");
    for (const char *p = starts; *p != '\0'; p++) {
        uint32_t start = (uint32_t)(*p - '0');
        profile->placements[profile->n_placements++] = (struct cat_placement){start, size};
    }
}

static inline void fixture_type(struct gpu_model *model, const char *name, uint32_t id,
                                uint32_t gib, uint32_t max, uint32_t gi_profile)
{
    struct cat_vgpu_type *type = vec_push(&model->types);
    type->name = name;
    type->full_name = name;
    type->type_id = id;
    type->series = name[strlen(name) - 1];
    type->framebuffer_mib = gib * 1024;
    type->mig_backed = gi_profile != CAT_UNKNOWN;
    type->max_per_gpu = type->mig_backed ? CAT_UNKNOWN : max;
    type->max_per_gpu_mixed = CAT_UNKNOWN;
    type->max_per_gi = type->mig_backed ? max : CAT_UNKNOWN;
    type->gi_profile_id = gi_profile;
    type->subsystem_id = CAT_UNKNOWN;
}

static inline void fixture_row(struct gpu_model *model, uint32_t gib, const char *ids)
{
    struct cat_mixed_row *row = vec_push(&model->mixed);
    row->framebuffer_mib = gib * 1024;
    row->placement_size = gib;
    unsigned id = 0;
    int used = 0;
    while (sscanf(ids, "%2u%n", &id, &used) == 1) {
        row->placement_ids[row->n_placement_ids++] = id;
        ids += used;
    }
}

static inline void fixture_models(struct gpu_model models[FIX_GPUS])
{
    struct gpu_model *a100 = &models[FIX_A100];
    *a100 = (struct gpu_model){.key = "a100",
                               .name = "A100 40GB",
                               .arch = ARCH_AMPERE,
                               .memory_mib = 40960,
                               .measured = CAT_NOT_MEASURED,
                               .compute_slices = 7,
                               .memory_slices = 8,
                               .max_gpu_instances = 7,
                               .mig_needs_reset = true,
                               .sriov = CAT_YES,
                               .mixed_size = CAT_YES,
                               .sriov_vfs = CAT_UNKNOWN};
    fixture_profile(a100, "1g.5gb", 19, 1, 1, 7, "0123456");
    fixture_profile(a100, "1g.5gb+me", 20, 1, 1, 1, "0123456");
    fixture_profile(a100, "2g.10gb", 14, 2, 2, 3, "024");
    fixture_profile(a100, "3g.20gb", 9, 3, 4, 2, "04");
    fixture_profile(a100, "4g.20gb", 5, 4, 4, 1, "0");
    fixture_profile(a100, "7g.40gb", 0, 7, 8, 1, "0");
    fixture_type(a100, "A100-1-5C", 474, 5, 1, 19);
    fixture_type(a100, "A100-2-10C", 475, 10, 1, 14);
    fixture_type(a100, "A100-3-20C", 476, 20, 1, 9);
    fixture_type(a100, "A100-4C", 469, 4, 10, CAT_UNKNOWN);
    fixture_type(a100, "A100-20C", 472, 20, 2, CAT_UNKNOWN);

    struct gpu_model *pro = &models[FIX_PRO];
    *pro = (struct gpu_model){.key = "pro",
                              .name = "RTX PRO 6000",
                              .arch = ARCH_BLACKWELL,
                              .memory_mib = 98304,
                              .measured = CAT_NOT_MEASURED,
                              .compute_slices = 4,
                              .memory_slices = 12,
                              .max_gpu_instances = 4,
                              .sriov = CAT_YES,
                              .mixed_size = CAT_YES,
                              .mig_timesliced = CAT_YES,
                              .sriov_vfs = 48};
    fixture_profile(pro, "1g.24gb", 14, 1, 3, 4, "0369");
    fixture_profile(pro, "1g.24gb+gfx", 47, 1, 3, 4, "0369");
    fixture_profile(pro, "1g.24gb+me.all", 65, 1, 3, 1, "0369");
    fixture_profile(pro, "1g.24gb-me", 67, 1, 3, 4, "0369");
    fixture_profile(pro, "2g.48gb+gfx", 35, 2, 6, 2, "06");
    fixture_type(pro, "DC-1-8Q", 1555, 8, 3, 47);
    fixture_type(pro, "DC-1-8C", 1557, 8, 3, 47);
    fixture_type(pro, "DC-1-12Q", 1558, 12, 2, 47);
    fixture_type(pro, "DC-1-24C", 1563, 24, 1, 47);
    fixture_type(pro, "DC-2-48C", 1575, 48, 1, 35);
    fixture_type(pro, "DC-8Q", 1525, 8, 12, CAT_UNKNOWN);
    fixture_type(pro, "DC-2B", 1518, 2, 32, CAT_UNKNOWN);
    fixture_type(pro, "DC-8", CAT_UNKNOWN, 8, 12, CAT_UNKNOWN);

    struct gpu_model *l40s = &models[FIX_L40S];
    *l40s = (struct gpu_model){.key = "l40s",
                               .name = "L40S",
                               .arch = ARCH_ADA,
                               .memory_mib = 49152,
                               .measured = CAT_NOT_MEASURED,
                               .compute_slices = CAT_UNKNOWN,
                               .memory_slices = CAT_UNKNOWN,
                               .sriov = CAT_YES,
                               .mixed_size = CAT_YES,
                               .sriov_vfs = CAT_UNKNOWN};
    fixture_type(l40s, "L40S-8Q", 1152, 8, 6, CAT_UNKNOWN);
    fixture_type(l40s, "L40S-8A", 1162, 8, 6, CAT_UNKNOWN);
    fixture_type(l40s, "L40S-16Q", 1154, 16, 3, CAT_UNKNOWN);
    fixture_type(l40s, "L40S-24Q", 1155, 24, 2, CAT_UNKNOWN);
    fixture_row(l40s, 24, "0 24");
    fixture_row(l40s, 16, "0 32");
    fixture_row(l40s, 8, "0 16 24 40");

    struct gpu_model *t4 = &models[FIX_T4];
    *t4 = (struct gpu_model){.key = "t4",
                             .name = "T4",
                             .arch = ARCH_TURING,
                             .memory_mib = 16384,
                             .measured = CAT_NOT_MEASURED,
                             .compute_slices = CAT_UNKNOWN,
                             .memory_slices = CAT_UNKNOWN,
                             .sriov = CAT_NO,
                             .mixed_size = CAT_NO};
    fixture_type(t4, "T4-8Q", 233, 8, 2, CAT_UNKNOWN);
    fixture_type(t4, "T4-4Q", 232, 4, 4, CAT_UNKNOWN);
}

static inline struct sim_host *fixture_host(const struct gpu_model models[FIX_GPUS],
                                            enum sim_iface iface)
{
    static const char *const addrs[] = {"0000:21:00.0", "0000:41:00.0", "0001:61:00.0",
                                        "0001:81:00.0"};
    struct sim_host *host = xcalloc(1, sizeof(*host));
    sim_host_init(host);
    STR_SET(host->name, "fixture");
    host->iface = iface;
    host->vgpu_host = true;
    host->hypervisor_mig_timeslicing = true;
    for (uint32_t i = 0; i < FIX_GPUS; i++) {
        struct sim_gpu *gpu = &host->gpus[i];
        gpu->model = &models[i];
        pci_addr_parse(addrs[i], &gpu->addr);
        snprintf(gpu->uuid, sizeof(gpu->uuid), "GPU-%u", i);
        gpu->iommu_group = 10 + i;
        gpu->vf_group_base = 100 + 64 * i;
        gpu->minor = i;
        gpu->vfs_total = models[i].sriov == CAT_NO ? 0 : i == FIX_PRO ? 48 : 32;
        gpu->sriov_offset = i == FIX_PRO ? 2 : 4;
        sim_gpu_power_on(gpu);
    }
    host->n_gpus = FIX_GPUS;
    return host;
}

static inline struct fixture *fixture_new(enum sim_iface iface)
{
    struct fixture *fix = xcalloc(1, sizeof(*fix));
    fixture_models(fix->models);
    fix->host = fixture_host(fix->models, iface);
    for (uint32_t i = 0; i < FIX_GPUS; i++) {
        fix->gpus[i] = &fix->host->gpus[i];
    }
    return fix;
}

static inline void fixture_free(struct fixture *fix)
{
    sim_host_free(fix->host);
    for (uint32_t i = 0; i < FIX_GPUS; i++) {
        vec_done(&fix->models[i].profiles);
        vec_done(&fix->models[i].types);
        vec_done(&fix->models[i].mixed);
    }
    free(fix);
}
DEFINE_FREEP(struct fixture *, fixture_free)

static inline const struct cat_profile *fixture_find_profile(const struct sim_gpu *gpu,
                                                             const char *name)
{
    for (size_t i = 0; i < gpu->model->profiles.n; i++) {
        if (str_eq(gpu->model->profiles.items[i].name, name)) {
            return &gpu->model->profiles.items[i];
        }
    }
    return NULL;
}

/* MIG on and virtual functions enabled, the order that the driver wants. */
static inline void fixture_mig_on(struct fixture *fix, struct sim_gpu *gpu)
{
    int activation = 0;
    sim_set_mig_mode(fix->host, gpu, true, &activation);
    if (gpu->vfs_total > 0) {
        sim_sriov(fix->host, gpu, true);
    }
}

#endif

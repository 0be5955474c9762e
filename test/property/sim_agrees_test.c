/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two judges, written apart: src/layout says what a GPU can carry, the simulated driver says what
 * it takes. Random requests to every board of the catalog; on each they must agree.
 */
#include "test.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/str.h"
#include "layout/layout.h"
#include "sim/state/internal.h"

#define SEEDS 10
#define STEPS 60

struct random {
    uint64_t state;
};

static uint32_t pick(struct random *random, uint32_t n)
{
    random->state = random->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random->state >> 33) % n;
}

/* One board in a simulated host of its own. */
static struct sim_host *host_new(const struct gpu_model *model)
{
    struct sim_host *host = xcalloc(1, sizeof(*host));
    sim_host_init(host);
    STR_SET(host->name, "judge");
    host->iface = SIM_VENDOR_VFIO;
    host->vgpu_host = true;
    host->hypervisor_mig_timeslicing = true;
    host->n_gpus = 1;
    struct sim_gpu *gpu = &host->gpus[0];
    gpu->model = model;
    pci_addr_parse("0000:41:00.0", &gpu->addr);
    gpu->vfs_total = SIM_MAX_VFS;
    gpu->sriov_offset = 4;
    sim_gpu_power_on(gpu);
    return host;
}

static void disagree(const struct gpu_model *model, uint64_t seed, uint32_t step, const char *what,
                     const char *name, const struct error *err, int code)
{
    fail_msg("%s, seed %llu, step %u: %s %s: layout says '%s', the driver %d", model->key,
             (unsigned long long)seed, step, what, name,
             err->reason == REASON_NONE ? "yes" : err->message, code);
}

/* ---- GPU instances ---- */

static struct layout_gis gis_of(const struct sim_gpu *gpu)
{
    struct layout_gis gis = {.n = gpu->n_gis};
    for (uint32_t i = 0; i < gpu->n_gis; i++) {
        gis.items[i] =
            (struct layout_gi){.profile = gpu->gis[i].profile, .start = gpu->gis[i].start};
    }
    return gis;
}

static void create_gi(struct sim_host *host, struct random *random, uint64_t seed, uint32_t step)
{
    struct sim_gpu *gpu = &host->gpus[0];
    const struct gpu_model *model = gpu->model;
    const struct cat_profile *profile =
        &model->profiles.items[pick(random, (uint32_t)model->profiles.n)];
    if (profile->n_placements == 0) {
        return; /* no source: neither can know */
    }
    struct layout_gis gis = gis_of(gpu);
    struct error err = {0};
    int code = 0;
    if (pick(random, 3) == 0) {
        bool fits = layout_find_start(model, &gis, profile) != LAYOUT_ANYWHERE;
        bool counted = sim_gi_remaining(gpu, profile) > 0;
        code = sim_gi_create(host, gpu, profile, SIM_NONE, NULL);
        if (fits != (code == SIM_NVML_OK) || fits != counted) {
            disagree(model, seed, step, "anywhere", profile->name, &err, code);
        }
        return;
    }
    uint32_t start = profile->placements[pick(random, profile->n_placements)].start;
    gis.items[gis.n++] = (struct layout_gi){.profile = profile, .start = start};
    bool legal = gis.n <= LAYOUT_MAX_GIS && layout_check(model, &gis, &err) == 0;
    code = sim_gi_create(host, gpu, profile, start, NULL);
    if (legal != (code == SIM_NVML_OK)) {
        disagree(model, seed, step, "instance", profile->name, &err, code);
    }
}

static void check_instances(const struct gpu_model *model, uint64_t seed)
{
    struct random random = {.state = seed + 77};
    CLEANUP(sim_host_freep) struct sim_host *host = host_new(model);
    struct sim_gpu *gpu = &host->gpus[0];
    gpu->mig_current = true;
    for (uint32_t step = 0; step < STEPS; step++) {
        if (gpu->n_gis > 0 && pick(&random, 3) == 0) {
            sim_gi_destroy(host, gpu, gpu->gis[pick(&random, gpu->n_gis)].id);
        } else {
            create_gi(host, &random, seed, step);
        }
    }
}

/* ---- vGPUs ---- */

static struct layout_vgpus vgpus_of(struct sim_gpu *gpu)
{
    struct layout_vgpus vgpus = {0};
    uint32_t cursor = 0;
    for (struct sim_vgpu *vgpu = sim_next_vgpu(gpu, &cursor, NULL); vgpu != NULL;
         vgpu = sim_next_vgpu(gpu, &cursor, NULL)) {
        struct layout_vgpu *item = &vgpus.items[vgpus.n++];
        item->type = vgpu->type;
        item->gi = LAYOUT_ANYWHERE;
        for (uint32_t i = 0; i < gpu->n_gis; i++) {
            item->gi = gpu->gis[i].id == vgpu->gi_id ? i : item->gi;
        }
        item->placement_id =
            gpu->heterogeneous && vgpu->gi_id == SIM_NONE ? vgpu->placement_id : LAYOUT_ANYWHERE;
    }
    return vgpus;
}

static void create_vgpu(struct sim_host *host, const struct layout_vgpu_mode *mode,
                        struct random *random, uint64_t seed, uint32_t step)
{
    struct sim_gpu *gpu = &host->gpus[0];
    const struct gpu_model *model = gpu->model;
    const struct cat_vgpu_type *type = &model->types.items[pick(random, (uint32_t)model->types.n)];
    struct layout_vgpus vgpus = vgpus_of(gpu);
    /* Where no source states a maximum, layout is careful and the driver is not; of a type without
     * a size it is the other way round. */
    bool stated = (mode->mig ? type->max_per_gi : type->max_per_gpu) != CAT_UNKNOWN &&
                  type->framebuffer_mib != CAT_UNKNOWN;
    if (type->mig_backed != mode->mig || !stated || vgpus.n + 1 >= LAYOUT_MAX_VGPUS) {
        return;
    }
    vgpus.items[vgpus.n++] =
        (struct layout_vgpu){.type = type, .gi = LAYOUT_ANYWHERE, .placement_id = LAYOUT_ANYWHERE};
    struct layout_gis gis = gis_of(gpu);
    struct error err = {0};
    bool fits = layout_place_vgpus(model, &gis, mode, &vgpus, &err) == 0;
    struct sim_vf *vf = gpu->vfs;
    while (vf->vgpu.exists) {
        vf++;
    }
    uint32_t placement = fits ? vgpus.items[vgpus.n - 1].placement_id : LAYOUT_ANYWHERE;
    if (placement != LAYOUT_ANYWHERE) {
        char params[48];
        snprintf(params, sizeof(params), "vgpu-placement-id=%u", placement);
        sim_vf_set_params(host, gpu, vf, params);
    }
    int code = sim_vf_set_type(host, gpu, vf, sim_type_id(model, type));
    if (fits != (code == 0)) {
        disagree(model, seed, step, mode->mixed ? "mixed vGPU" : "vGPU", type->name, &err, code);
    }
    if (fits && placement != LAYOUT_ANYWHERE && vf->vgpu.placement_id != placement) {
        disagree(model, seed, step, "placement of", type->name, &err, code);
    }
}

static void check_vgpus(const struct gpu_model *model, const struct layout_vgpu_mode *mode,
                        uint64_t seed)
{
    struct random random = {.state = seed + 7777};
    CLEANUP(sim_host_freep) struct sim_host *host = host_new(model);
    struct sim_gpu *gpu = &host->gpus[0];
    gpu->mig_current = mode->mig;
    sim_sriov(host, gpu, true);
    gpu->heterogeneous = mode->mixed && !mode->mig;
    for (uint32_t i = 0; mode->mig && i < 8; i++) {
        const struct cat_profile *profile =
            &model->profiles.items[pick(&random, (uint32_t)model->profiles.n)];
        sim_gi_create(host, gpu, profile, SIM_NONE, NULL);
    }
    for (uint32_t step = 0; step < STEPS; step++) {
        struct sim_vf *vf = &gpu->vfs[pick(&random, 8)];
        if (pick(&random, 5) == 0) {
            sim_vf_set_type(host, gpu, vf, 0);
        } else {
            create_vgpu(host, mode, &random, seed, step);
        }
    }
}

/* ---- over the catalog ---- */

static struct catalog *load_catalog(void)
{
    struct catalog *catalog = NULL;
    struct error err = {0};
    if (catalog_load_default(&catalog, &err) < 0) {
        fail_msg("%s: %s", err.subject, err.message);
    }
    return catalog;
}

static void both_judges_agree_on_gpu_instances(void **state)
{
    (void)state;
    CLEANUP(catalog_freep) struct catalog *catalog = load_catalog();
    for (size_t i = 0; i < catalog_count(catalog); i++) {
        const struct gpu_model *model = catalog_at(catalog, i);
        for (uint64_t seed = 0; model->profiles.n > 0 && seed < SEEDS; seed++) {
            check_instances(model, seed);
        }
    }
}

static void both_judges_agree_on_vgpus(void **state)
{
    (void)state;
    CLEANUP(catalog_freep) struct catalog *catalog = load_catalog();
    for (size_t i = 0; i < catalog_count(catalog); i++) {
        const struct gpu_model *model = catalog_at(catalog, i);
        const struct layout_vgpu_mode equal = {0};
        const struct layout_vgpu_mode mixed = {.mixed = true};
        const struct layout_vgpu_mode mig = {.mig = true,
                                             .mig_timesliced = model->mig_timesliced == CAT_YES};
        for (uint64_t seed = 0; model->types.n > 0 && seed < SEEDS; seed++) {
            check_vgpus(model, &equal, seed);
            if (model->mixed.n > 0) {
                check_vgpus(model, &mixed, seed);
            }
            if (model->profiles.n > 0) {
                check_vgpus(model, &mig, seed);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_judges_agree_on_gpu_instances),
        cmocka_unit_test(both_judges_agree_on_vgpus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Random actions under a seed; after each the invariants of real hardware must hold. */
#include "test.h"

#include "base/parse.h"
#include "sim/state/encode.h"
#include "sim/state/fixture.h"

#define SEEDS 60
#define ACTIONS 300

struct random {
    uint64_t state;
};

static uint32_t pick(struct random *random, uint32_t n)
{
    random->state = random->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random->state >> 33) % n;
}

static void act_on_mig(struct fixture *fix, struct sim_gpu *gpu, struct random *random)
{
    size_t n_profiles = gpu->model->profiles.n;
    int activation = 0;
    struct sim_gi *gi = gpu->n_gis > 0 ? &gpu->gis[pick(random, gpu->n_gis)] : NULL;
    switch (pick(random, 8)) {
    case 0:
        sim_set_mig_mode(fix->host, gpu, pick(random, 3) != 0, &activation);
        break;
    case 1:
    case 2:
    case 3:
        if (n_profiles > 0) {
            uint32_t start = pick(random, 2) == 0 ? SIM_NONE : pick(random, 12);
            sim_gi_create(fix->host, gpu,
                          &gpu->model->profiles.items[pick(random, (uint32_t)n_profiles)], start,
                          NULL);
        }
        break;
    case 4:
        sim_gi_destroy(fix->host, gpu, gi != NULL ? gi->id : 3);
        break;
    case 5:
        if (gi != NULL) {
            sim_ci_create(fix->host, gpu, gi, pick(random, 9), NULL);
        }
        break;
    case 6:
        if (gi != NULL) {
            sim_ci_destroy(fix->host, gpu, gi, pick(random, 3));
        }
        break;
    default:
        if (gi != NULL) {
            sim_gi_set_heterogeneous(fix->host, gpu, gi, pick(random, 2) == 0);
        }
    }
}

static void act_on_vgpus(struct fixture *fix, struct sim_gpu *gpu, struct random *random)
{
    const struct cat_vgpu_type *type =
        &gpu->model->types.items[pick(random, (uint32_t)gpu->model->types.n)];
    uint32_t type_id = pick(random, 4) == 0 ? 0 : sim_type_id(gpu->model, type);
    struct sim_vf *vf = gpu->n_vfs > 0 ? &gpu->vfs[pick(random, gpu->n_vfs)] : NULL;
    char uuid[64];
    snprintf(uuid, sizeof(uuid), "00000000-0000-4000-8000-%012x", pick(random, 40));
    if (fix->host->iface == SIM_VENDOR_VFIO && vf != NULL) {
        sim_vf_set_type(fix->host, gpu, vf, type_id);
    } else if (type_id == 0) {
        sim_mdev_remove(fix->host, uuid);
    } else {
        sim_mdev_create(fix->host, vf != NULL ? &vf->addr : &gpu->addr, type_id, uuid);
    }
    if (pick(random, 10) == 0) {
        sim_set_heterogeneous(fix->host, gpu, pick(random, 2) == 0);
    }
}

static void act_on_pci(struct fixture *fix, struct sim_gpu *gpu, struct random *random)
{
    static const char *const drivers[] = {"nvidia", "vfio-pci", ""};
    struct pci_addr addr = gpu->addr;
    if (gpu->n_vfs > 0 && pick(random, 2) == 0) {
        addr = gpu->vfs[pick(random, gpu->n_vfs)].addr;
    }
    const char *driver = drivers[pick(random, 3)];
    char bdf[BDF_SIZE];
    pci_addr_format(&addr, bdf);
    switch (pick(random, 8)) {
    case 0:
        sim_bind(fix->host, &addr, driver);
        break;
    case 1:
        sim_unbind(fix->host, &addr, driver);
        break;
    case 2:
        sim_set_driver_override(fix->host, &addr, driver);
        break;
    case 3:
        sim_drivers_probe(fix->host, &addr);
        break;
    case 4:
        sim_sriov(fix->host, gpu, pick(random, 4) != 0);
        break;
    case 5:
        sim_open_device(fix->host, bdf, (int32_t)pick(random, 3) + 1, "vm");
        break;
    default:
        sim_close_device(fix->host, bdf, (int32_t)pick(random, 3) + 1);
    }
}

static void act_of_god(struct fixture *fix, struct sim_gpu *gpu, struct random *random)
{
    switch (pick(random, 8)) {
    case 0:
        sim_lose(fix->host, gpu, pick(random, 2) == 0);
        break;
    case 1:
        sim_wedge(fix->host, gpu);
        break;
    case 2:
        sim_gpu_reset(fix->host, gpu);
        break;
    case 3:
        sim_remove(fix->host, &gpu->addr);
        break;
    case 4:
    case 5:
        sim_rescan(fix->host);
        break;
    case 6:
        sim_driver_unload(fix->host);
        break;
    default:
        sim_driver_load(fix->host);
    }
}

static void act(struct fixture *fix, struct random *random)
{
    struct sim_gpu *gpu = fix->gpus[pick(random, FIX_GPUS)];
    uint32_t which = pick(random, 100);
    if (which < 35) {
        act_on_mig(fix, gpu, random);
    } else if (which < 70) {
        act_on_vgpus(fix, gpu, random);
    } else if (which < 92) {
        act_on_pci(fix, gpu, random);
    } else if (which < 97) {
        act_of_god(fix, gpu, random);
    } else if (which < 99) {
        sim_driver_reload(fix->host);
    } else {
        sim_reboot(fix->host);
    }
}

/* ---- invariants ---- */

static const char *check_instances(const struct sim_gpu *gpu)
{
    uint32_t taken = 0;
    for (uint32_t i = 0; i < gpu->n_gis; i++) {
        const struct sim_gi *gi = &gpu->gis[i];
        uint32_t mask = ((1u << gi->profile->memory_slices) - 1) << gi->start;
        if ((taken & mask) != 0) {
            return "two GPU instances overlap";
        }
        taken |= mask;
        uint32_t same = 0;
        uint32_t cis = 0;
        for (uint32_t j = 0; j < gpu->n_gis; j++) {
            same += gpu->gis[j].profile == gi->profile ? 1 : 0;
            if (j != i && gpu->gis[j].id == gi->id) {
                return "two GPU instances have one id";
            }
        }
        for (uint32_t j = 0; j < gi->n_cis; j++) {
            uint32_t ci = ((1u << gi->cis[j].size) - 1) << gi->cis[j].start;
            if ((cis & ci) != 0 ||
                gi->cis[j].start + gi->cis[j].size > gi->profile->compute_slices) {
                return "compute instances overlap or stick out";
            }
            cis |= ci;
        }
        if (same > gi->profile->max_instances) {
            return "too many instances of a profile";
        }
    }
    if (gpu->n_gis > 0 && !gpu->mig_current) {
        return "GPU instances without MIG mode";
    }
    return NULL;
}

static const char *check_vgpus(struct sim_gpu *gpu)
{
    uint32_t gib = 0;
    uint32_t cursor = 0;
    for (struct sim_vgpu *vgpu = sim_next_vgpu(gpu, &cursor, NULL); vgpu != NULL;
         vgpu = sim_next_vgpu(gpu, &cursor, NULL)) {
        struct sim_gi *gi = vgpu->gi_id != SIM_NONE ? sim_find_gi(gpu, vgpu->gi_id) : NULL;
        if (vgpu->type->mig_backed != gpu->mig_current || vgpu->type->mig_backed != (gi != NULL)) {
            return "a vGPU of the wrong mode";
        }
        uint32_t in_gi = 0;
        uint32_t inner = 0;
        for (struct sim_vgpu *other = sim_next_vgpu(gpu, &inner, NULL); other != NULL;
             other = sim_next_vgpu(gpu, &inner, NULL)) {
            bool together = other->gi_id == vgpu->gi_id;
            bool one_size = gi != NULL ? !gi->heterogeneous : !gpu->heterogeneous;
            if (together && one_size &&
                other->type->framebuffer_mib != vgpu->type->framebuffer_mib) {
                return "two sizes where one is allowed";
            }
            if (together && other != vgpu && other->placement_id == vgpu->placement_id) {
                return "two vGPUs at one placement";
            }
            in_gi += together && gi != NULL && other->type == vgpu->type ? 1 : 0;
        }
        if (gi != NULL && in_gi > vgpu->type->max_per_gi) {
            return "too many vGPUs on an instance";
        }
        gib += vgpu->type->framebuffer_mib / 1024;
    }
    return gib > gpu->model->memory_mib / 1024 ? "more memory given than there is" : NULL;
}

static const char *check_pci(struct sim_gpu *gpu)
{
    if (gpu->n_vfs != 0 && gpu->n_vfs != gpu->vfs_total) {
        return "some virtual functions only";
    }
    if (!sim_bound_to(gpu->driver, "nvidia") && (gpu->n_vfs > 0 || gpu->n_gis > 0)) {
        return "virtual functions or instances without the driver";
    }
    if (gpu->removed && (gpu->driver[0] != '\0' || gpu->n_vfs > 0 || gpu->opener != 0)) {
        return "a removed GPU that is in use";
    }
    if (gpu->opener != 0 && !sim_bound_to(gpu->driver, "vfio-pci")) {
        return "an open GPU that is not passed through";
    }
    for (uint32_t i = 0; i < gpu->n_vfs; i++) {
        if (gpu->vfs[i].vgpu.exists && !sim_bound_to(gpu->vfs[i].driver, "nvidia")) {
            return "a vGPU on an unbound virtual function";
        }
    }
    return NULL;
}

/* A driver that is not loaded drives nothing. */
static const char *check_driver(const struct fixture *fix, const struct sim_gpu *gpu)
{
    bool driven = sim_bound_to(gpu->driver, "nvidia") || gpu->n_vfs > 0 || gpu->n_gis > 0;
    return fix->host->unloaded && driven ? "the driver is at work without being loaded" : NULL;
}

static void check(struct fixture *fix, uint64_t seed, uint32_t step)
{
    for (uint32_t i = 0; i < FIX_GPUS; i++) {
        const char *broken = check_instances(fix->gpus[i]);
        broken = broken != NULL ? broken : check_vgpus(fix->gpus[i]);
        broken = broken != NULL ? broken : check_pci(fix->gpus[i]);
        broken = broken != NULL ? broken : check_driver(fix, fix->gpus[i]);
        if (broken != NULL) {
            fail_msg("seed %llu, action %u, GPU %u: %s", (unsigned long long)seed, step, i, broken);
        }
    }
}

static void check_round_trip(struct fixture *fix, uint64_t seed)
{
    CLEANUP_JSON json_t *before = sim_host_to_json(fix->host);
    struct sim_host *copy = fixture_host(fix->models, fix->host->iface);
    struct error err = {0};
    if (sim_host_from_json(copy, before, "saved", &err) < 0) {
        fail_msg("seed %llu: %s", (unsigned long long)seed, err.message);
    }
    CLEANUP_JSON json_t *after = sim_host_to_json(copy);
    if (!json_equal(before, after)) {
        fail_msg("seed %llu: the state changed by saving it", (unsigned long long)seed);
    }
    sim_host_free(copy);
}

static void run(uint64_t seed)
{
    struct random random = {.state = seed * 2654435761u + 1};
    CLEANUP(fixture_freep)
    struct fixture *fix = fixture_new(seed % 2 == 0 ? SIM_VENDOR_VFIO : SIM_MDEV);
    for (uint32_t i = 0; i < ACTIONS; i++) {
        act(fix, &random);
        check(fix, seed, i);
    }
    check_round_trip(fix, seed);
}

static void random_actions_keep_the_invariants(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        run(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_actions_keep_the_invariants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

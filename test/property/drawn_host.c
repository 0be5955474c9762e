/* SPDX-License-Identifier: Apache-2.0 */
#include "drawn_host.h"

#include <stdio.h>

#include "base/str.h"

struct draw {
    struct sim_world *world;
    struct random *random;
    char *what;
};

static uint32_t below(struct draw *draw, uint32_t n)
{
    return random_below(draw->random, n);
}

static bool chance(struct draw *draw, uint32_t percent)
{
    return below(draw, 100) < percent;
}

/* A board that the simulator can be: of known size, with a number on the bus. */
static const struct gpu_model *any_model(struct draw *draw)
{
    const struct catalog *catalog = draw->world->catalog;
    for (;;) {
        const struct gpu_model *model =
            catalog_at(catalog, below(draw, (uint32_t)catalog_count(catalog)));
        if (model->memory_mib != CAT_UNKNOWN && model->pci_ids.n > 0) {
            return model;
        }
    }
}

static void make_machine(struct draw *draw, const struct catalog *catalog,
                         const struct rules *rules)
{
    static const char *const drivers[] = {"535.261.03", "550.163.01", "570.172.08", "580.105.08",
                                          "595.45.04"};
    static const char *const kernels[] = {"5.15.0-113-generic", "6.8.0-60-generic"};
    struct sim_host_changes changes = {.driver = drivers[below(draw, ARRAY_SIZE(drivers))],
                                       .kernel = kernels[below(draw, ARRAY_SIZE(kernels))]};
    draw->world->catalog = catalog;
    CLEANUP_STRBUF struct strbuf boards = {0};
    strbuf_addf(&boards, "board:");
    for (uint32_t n = 1 + below(draw, 4); n > 0; n--) {
        const char *key = any_model(draw)->key;
        strbuf_addf(&boards, "%s%s*%u", boards.len > 6 ? "," : "", key, 1 + below(draw, 2));
    }
    (void)str_print(draw->what, DRAWN_WHAT, "%s, %s, %s", strbuf_str(&boards), changes.driver,
                    changes.kernel);
    sim_world_init(draw->world, catalog, rules, strbuf_str(&boards), &changes);
}

/* Some GPUs share a group; some groups hold more: functions of a board, bridges, others'. */
static void make_groups(struct draw *draw)
{
    static const struct {
        uint32_t class;
        const char *driver;
    } kinds[] = {{0x040300, "snd_hda_intel"}, {0x0c0330, "xhci_hcd"}, {0x060400, "pcieport"}};
    struct sim_host *host = draw->world->machine.host;
    for (uint32_t i = 1; i < host->n_gpus; i++) {
        if (chance(draw, 25)) {
            host->gpus[i].iommu_group = host->gpus[i - 1].iommu_group;
        }
    }
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        const struct sim_gpu *gpu = &host->gpus[i];
        char bdf[BDF_SIZE];
        struct pci_addr addr = gpu->addr;
        for (uint8_t k = 1; gpu->vfs_total == 0 && k < 4 && chance(draw, 40); k++) {
            uint32_t kind = below(draw, ARRAY_SIZE(kinds));
            addr.function = k;
            (void)sim_machine_add_extra(&draw->world->machine, gpu, pci_addr_format(&addr, bdf),
                                        kinds[kind].class, kinds[kind].driver);
        }
        if (chance(draw, 25)) {
            uint32_t kind = below(draw, ARRAY_SIZE(kinds));
            addr.function = 0;
            addr.device = 30;
            struct sim_extra *extra =
                sim_machine_add_extra(&draw->world->machine, gpu, pci_addr_format(&addr, bdf),
                                      kinds[kind].class, kinds[kind].driver);
            if (chance(draw, 30)) {
                extra->driver[0] = '\0';
            }
        }
    }
}

/* What another tool made before cleave came. */
static void make_foreign(struct draw *draw)
{
    struct sim_host *host = draw->world->machine.host;
    sim_lock(host);
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        struct sim_gpu *gpu = &host->gpus[i];
        int activation = 0;
        if (gpu->model->profiles.n > 0 && chance(draw, 25)) {
            (void)sim_set_mig_mode(host, gpu, true, &activation);
        }
        if (gpu->vfs_total > 0 && chance(draw, 40)) {
            (void)sim_sriov(host, gpu, true);
        }
        if (gpu->mig_current && gpu->model->profiles.n > 0 && chance(draw, 60)) {
            struct sim_gi *gi = NULL;
            const struct cat_profile *profile =
                &gpu->model->profiles.items[below(draw, (uint32_t)gpu->model->profiles.n)];
            (void)sim_gi_create(host, gpu, profile, SIM_NONE, &gi);
        }
        for (uint32_t k = 0; k < 3 && gpu->n_vfs > 0 && gpu->model->types.n > 0; k++) {
            const struct cat_vgpu_type *type =
                &gpu->model->types.items[below(draw, (uint32_t)gpu->model->types.n)];
            struct sim_vf *vf = &gpu->vfs[below(draw, gpu->n_vfs)];
            if (chance(draw, 30) && host->iface == SIM_VENDOR_VFIO) {
                (void)sim_vf_set_type(host, gpu, vf, sim_type_id(gpu->model, type));
            } else if (chance(draw, 30) && host->iface == SIM_MDEV) {
                char uuid[40];
                snprintf(uuid, sizeof(uuid), "00000000-0000-4000-a000-0000000000%x%x", i, k);
                (void)sim_mdev_create(host, &vf->addr, sim_type_id(gpu->model, type), uuid);
            }
        }
        if (gpu->n_vfs == 0 && !gpu->mig_current && chance(draw, 8)) {
            (void)sim_rebind(host, &gpu->addr, "vfio-pci");
        }
    }
    sim_unlock(host);
}

static void make_records(struct draw *draw)
{
    struct sim_host *host = draw->world->machine.host;
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        if (!chance(draw, 12)) {
            continue;
        }
        struct gpu_record *record = vec_push(&draw->world->records);
        *record = (struct gpu_record){.addr = host->gpus[i].addr};
        STR_SET(record->uuid, host->gpus[i].uuid);
        record->cordon.set = chance(draw, 50);
        record->quarantine.set = !record->cordon.set;
    }
}

static void make_vms(struct draw *draw)
{
    struct sim_host *host = draw->world->machine.host;
    for (unsigned i = 0; i < DRAWN_VMS; i++) {
        char name[16];
        snprintf(name, sizeof(name), "vm%u", i);
        (void)sim_machine_add_vm(&draw->world->machine, name);
        if (!chance(draw, 25)) {
            continue;
        }
        struct vm *vm = &draw->world->machine.vms.items[i];
        struct sim_gpu *gpu = &host->gpus[below(draw, host->n_gpus)];
        char bdf[BDF_SIZE];
        bool part = gpu->n_vfs > 0 && chance(draw, 60);
        const struct pci_addr *addr = part ? &gpu->vfs[below(draw, gpu->n_vfs)].addr : &gpu->addr;
        sim_machine_define(vm, pci_addr_format(addr, bdf))->managed = !part;
        if (chance(draw, 50)) {
            struct error err = {0};
            (void)sim_machine_start(&draw->world->machine, vm, &err);
        }
    }
}

void drawn_host_make(struct sim_world *world, struct random *random, const struct catalog *catalog,
                     const struct rules *rules, char ret_what[DRAWN_WHAT])
{
    struct draw draw = {.world = world, .random = random, .what = ret_what};
    make_machine(&draw, catalog, rules);
    make_groups(&draw);
    make_foreign(&draw);
    make_records(&draw);
    make_vms(&draw);
}

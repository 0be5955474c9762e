/* SPDX-License-Identifier: Apache-2.0 */
/* IOMMU groups: plans over the simulated kernel, and VMs that must start after them. */
#include <stdlib.h>

#include "test.h"

#include "base/fs.h"
#include "base/str.h"
#include "plan/restore.h"
#include "sim_world.h"

#define FIRST "0000:26:00.0"
#define AUDIO "0000:26:00.1"

/* Three L40S; the first two share group 30 if `shared`. */
static struct sim_world *world_new(void **state, bool shared)
{
    struct sim_world *world = sim_world_new(state, "board:l40s*3");
    struct sim_host *host = world->machine.host;
    static const char *const bdfs[] = {FIRST, "0000:27:00.0", "0000:a6:00.0"};
    for (size_t i = 0; i < 3; i++) {
        assert_true(pci_addr_parse(bdfs[i], &host->gpus[i].addr));
        host->gpus[i].iommu_group = shared && i < 2 ? 30 : 10 + (uint32_t)i;
    }
    sim_machine_add_vm(&world->machine, "v1");
    sim_machine_add_vm(&world->machine, "v2");
    return world;
}

#define WORLD(shared)                                                                              \
    CLEANUP(sim_world_freep) struct sim_world *world = world_new(state, shared);                   \
    struct sim_host *host = world->machine.host;                                                   \
    (void)host

static struct claim whole(const char *name, const char *vm, const char *gpu)
{
    struct claim claim = {.spec = {.mode = CLAIM_PASSTHROUGH, .start = NO_ID}};
    STR_SET(claim.name, name);
    STR_SET(claim.vm, vm);
    STR_SET(claim.spec.gpu, gpu);
    return claim;
}

static struct claim vgpu(const char *name, const char *gpu)
{
    struct claim claim = {.spec = {.mode = CLAIM_MODE_AUTO, .start = NO_ID, .type = "L40S-8Q"}};
    STR_SET(claim.name, name);
    STR_SET(claim.spec.gpu, gpu);
    return claim;
}

static size_t count(const struct plan *plan, enum step_kind kind)
{
    size_t n = 0;
    for (vec_each(&plan->steps, step)) {
        n += step->kind == kind;
    }
    return n;
}

static struct plan *must(struct sim_world *world, struct claim *add, size_t n_add,
                         const char *remove)
{
    struct plan *plan = sim_world_plan(world, add, n_add, &remove, remove != NULL ? 1 : 0, false);
    if (plan == NULL || !sim_world_run(world, plan)) {
        fail_msg("%s", world->err.message);
    }
    return plan;
}

static void must_not(struct sim_world *world, struct claim *add, const char *remove,
                     enum reason reason, const char *words)
{
    CLEANUP(plan_freep)
    struct plan *plan =
        sim_world_plan(world, add, add != NULL ? 1 : 0, &remove, remove != NULL ? 1 : 0, false);
    assert_null(plan);
    assert_int_equal(world->err.reason, reason);
    if (strstr(world->err.message, words) == NULL) {
        fail_msg("\"%s\" is not in: %s", words, world->err.message);
    }
}

static void must_start(struct sim_world *world, size_t vm)
{
    struct error err = {0};
    if (sim_machine_start(&world->machine, &world->machine.vms.items[vm], &err) != 0) {
        fail_msg("%s", err.message);
    }
    sim_machine_stop(&world->machine, &world->machine.vms.items[vm]);
}

static void functions_of_the_same_board_go_and_come_with_the_gpu(void **state)
{
    WORLD(false);
    struct sim_extra *audio =
        sim_machine_add_extra(&world->machine, &host->gpus[0], AUDIO, 0x040300, "snd_hda_intel");
    struct sim_extra *usb = sim_machine_add_extra(&world->machine, &host->gpus[0], "0000:26:00.2",
                                                  0x0c0330, "xhci_hcd");
    struct sim_extra *unused =
        sim_machine_add_extra(&world->machine, &host->gpus[0], "0000:26:00.3", 0x0c8000, "");
    (void)sim_machine_add_extra(&world->machine, &host->gpus[0], "0000:25:00.0", 0x060400,
                                "pcieport");
    struct claim claim = whole("a", "v1", FIRST);
    CLEANUP(plan_freep) struct plan *plan = must(world, &claim, 1, NULL);
    assert_int_equal(plan->steps.items[0].kind, STEP_COMPANION_VFIO);
    assert_string_equal(plan->steps.items[0].driver, "snd_hda_intel");
    assert_int_equal(count(plan, STEP_COMPANION_VFIO), 2);
    assert_string_equal(audio->driver, "vfio-pci");
    assert_string_equal(unused->driver, "");
    must_start(world, 0);
    CLEANUP(plan_freep) struct plan *back = must(world, NULL, 0, "a");
    assert_int_equal(count(back, STEP_COMPANION_HOME), 2);
    assert_string_equal(audio->driver, "snd_hda_intel");
    assert_string_equal(usb->driver, "xhci_hcd");
    assert_string_equal(audio->driver_override, "");
    assert_string_equal(host->gpus[0].driver, "nvidia");
    assert_int_equal(world->records.items[0].n_companions, 0);
}

static void what_someone_else_bound_is_left_where_it_is(void **state)
{
    WORLD(false);
    struct sim_extra *audio =
        sim_machine_add_extra(&world->machine, &host->gpus[0], AUDIO, 0x040300, "snd_hda_intel");
    STR_SET(audio->driver, "vfio-pci");
    struct claim claim = whole("a", "v1", FIRST);
    CLEANUP(plan_freep) struct plan *plan = must(world, &claim, 1, NULL);
    CLEANUP(plan_freep) struct plan *back = must(world, NULL, 0, "a");
    assert_int_equal(count(plan, STEP_COMPANION_VFIO) + count(back, STEP_COMPANION_HOME), 0);
    assert_string_equal(audio->driver, "vfio-pci");
}

static void what_is_drawn_later_is_named_where_it_can_be_passed_through(void **state)
{
    WORLD(false);
    (void)sim_machine_add_extra(&world->machine, &host->gpus[0], "0000:2a:00.0", 0x0c0330,
                                "xhci_hcd");
    (void)sim_machine_add_extra(&world->machine, &host->gpus[1], "0000:27:00.1", 0x040300,
                                "snd_hda_intel");
    struct claim claim = whole("a", "v1", FIRST);
    claim.spec.hold = CLAIM_ON_DEMAND;
    must_not(world, &claim, NULL, REASON_RULE, "also has 0000:2a:00.0");
    sim_machine_define(&world->machine.vms.items[1], "0000:a6:00.0");
    STR_SET(claim.spec.gpu, "0000:a6:00.0");
    must_not(world, &claim, NULL, REASON_CONFLICT, "the definition of VM \"v2\"");
    STR_SET(claim.spec.gpu, "");
    CLEANUP(plan_freep) struct plan *plan = must(world, &claim, 1, NULL);
    char bdf[BDF_SIZE];
    assert_string_equal(pci_addr_format(&plan->claims.items[0].claim.reserved.gpu, bdf),
                        "0000:27:00.0");
}

static void a_gpu_without_companions_is_preferred(void **state)
{
    WORLD(false);
    (void)sim_machine_add_extra(&world->machine, &host->gpus[0], AUDIO, 0x040300, "snd_hda_intel");
    struct claim claim = whole("a", "v1", "");
    CLEANUP(plan_freep) struct plan *plan = must(world, &claim, 1, NULL);
    assert_int_equal(count(plan, STEP_COMPANION_VFIO), 0);
    assert_string_equal(host->gpus[0].driver, "nvidia");
}

static void a_member_of_the_host_has_another_gpu_chosen_or_refuses(void **state)
{
    WORLD(true);
    (void)sim_machine_add_extra(&world->machine, &host->gpus[0], "0000:28:00.0", 0x010802, "nvme");
    struct claim any = whole("any", "v1", "");
    CLEANUP(plan_freep) struct plan *plan = must(world, &any, 1, NULL);
    assert_string_equal(host->gpus[2].driver, "vfio-pci");
    struct claim named = whole("named", "v2", FIRST);
    must_not(world, &named, NULL, REASON_RULE, "0000:28:00.0");
    assert_non_null(strstr(world->err.message, "nvme"));
    struct planner planner = sim_world_planner(world);
    CLEANUP(plan_freep) struct plan *mode = NULL;
    assert_int_equal(planner_mode(&planner, FIRST, GPU_PASSTHROUGH, &mode, &world->err),
                     -REASON_CONFLICT);
    assert_non_null(strstr(world->err.message, "nvme"));
}

static void two_gpus_of_a_group_go_to_one_vm_in_one_plan(void **state)
{
    WORLD(true);
    struct claim both[] = {whole("ga", "v1", FIRST), whole("gb", "v1", "0000:27:00.0")};
    CLEANUP(plan_freep) struct plan *plan = must(world, both, 2, NULL);
    assert_int_equal(count(plan, STEP_BIND_VFIO), 2);
    must_start(world, 0);
    /* The first that goes stays with the group, and goes home with the other. */
    CLEANUP(plan_freep) struct plan *one = must(world, NULL, 0, "ga");
    assert_string_equal(host->gpus[0].driver, "vfio-pci");
    must_start(world, 0);
    CLEANUP(plan_freep) struct plan *two = must(world, NULL, 0, "gb");
    assert_string_equal(host->gpus[0].driver, "nvidia");
    assert_string_equal(host->gpus[1].driver, "nvidia");
}

static void two_gpus_of_a_group_go_to_one_vm_one_after_the_other(void **state)
{
    WORLD(true);
    struct sim_extra *audio = sim_machine_add_extra(&world->machine, &host->gpus[1], "0000:27:00.1",
                                                    0x040300, "snd_hda_intel");
    struct claim ga = whole("ga", "v1", FIRST);
    CLEANUP(plan_freep) struct plan *one = must(world, &ga, 1, NULL);
    assert_int_equal(count(one, STEP_BIND_VFIO), 2);
    must_start(world, 0);
    struct claim gb = whole("gb", "v1", "0000:27:00.0");
    CLEANUP(plan_freep) struct plan *two = must(world, &gb, 1, NULL);
    assert_int_equal(count(two, STEP_BIND_VFIO), 0);
    must_start(world, 0);
    struct claim other = whole("other", "v2", "0000:27:00.0");
    must_not(world, &other, NULL, REASON_NO_CAPACITY, "gb");
    CLEANUP(plan_freep) struct plan *three = must(world, NULL, 0, "gb");
    must_start(world, 0);
    must_not(world, &other, NULL, REASON_CONFLICT, "\"ga\"");
    CLEANUP(plan_freep) struct plan *four = must(world, NULL, 0, "ga");
    assert_string_equal(host->gpus[0].driver, "nvidia");
    assert_string_equal(host->gpus[1].driver, "nvidia");
    assert_string_equal(audio->driver, "snd_hda_intel");
}

static void gpus_of_a_group_do_not_go_to_two_vms(void **state)
{
    WORLD(true);
    struct claim both[] = {whole("ga", "v1", FIRST), whole("gb", "v2", "0000:27:00.0")};
    CLEANUP(plan_freep) struct plan *plan = sim_world_plan(world, both, 2, NULL, 0, false);
    assert_null(plan);
    assert_int_equal(world->err.reason, REASON_CONFLICT);
    assert_non_null(strstr(world->err.message, "VM \"v"));
    struct claim free_ones[] = {whole("fa", "v1", ""), whole("fb", "v2", "")};
    CLEANUP(plan_freep) struct plan *spread = must(world, free_ones, 2, NULL);
    must_start(world, 0);
    must_start(world, 1);
}

static void a_group_is_shared_out_or_passed_through(void **state)
{
    WORLD(true);
    struct claim part = vgpu("part", FIRST);
    CLEANUP(plan_freep) struct plan *one = must(world, &part, 1, NULL);
    struct claim ga = whole("ga", "v1", "0000:27:00.0");
    must_not(world, &ga, NULL, REASON_CONFLICT, "\"part\"");
    CLEANUP(plan_freep) struct plan *two = must(world, NULL, 0, "part");
    assert_true(host->gpus[0].n_vfs > 0); /* left on, and no obstacle */
    CLEANUP(plan_freep) struct plan *three = must(world, &ga, 1, NULL);
    assert_string_equal(host->gpus[0].driver, "vfio-pci");
    must_start(world, 0);
    must_not(world, &part, NULL, REASON_CONFLICT, "\"ga\"");
    struct claim elsewhere = vgpu("elsewhere", "");
    CLEANUP(plan_freep) struct plan *four = must(world, &elsewhere, 1, NULL);
    assert_int_equal(host->gpus[2].vfs[0].vgpu.exists, true);
    struct planner planner = sim_world_planner(world);
    CLEANUP(plan_freep) struct plan *mode = NULL;
    assert_int_equal(planner_mode(&planner, FIRST, GPU_IDLE, &mode, &world->err), -REASON_CONFLICT);
}

static void a_claim_and_what_goes_in_one_plan_share_a_group(void **state)
{
    WORLD(true);
    struct claim part = vgpu("part", FIRST);
    CLEANUP(plan_freep) struct plan *one = must(world, &part, 1, NULL);
    struct claim ga = whole("ga", "v1", "0000:27:00.0");
    CLEANUP(plan_freep) struct plan *two = must(world, &ga, 1, "part");
    assert_string_equal(host->gpus[0].driver, "vfio-pci");
    must_start(world, 0);
    struct claim gb = whole("gb", "v2", FIRST);
    CLEANUP(plan_freep) struct plan *three = must(world, &gb, 1, "ga");
    assert_string_equal(host->gpus[1].driver, "vfio-pci");
    must_start(world, 1);
    CLEANUP(plan_freep) struct plan *four = must(world, &part, 1, "gb");
    assert_string_equal(host->gpus[1].driver, "nvidia");
}

static void a_gpu_is_passed_through_by_hand_with_its_group(void **state)
{
    WORLD(true);
    struct sim_extra *audio =
        sim_machine_add_extra(&world->machine, &host->gpus[0], AUDIO, 0x040300, "snd_hda_intel");
    sim_world_look(world);
    struct planner planner = sim_world_planner(world);
    struct plan *plan = NULL;
    assert_int_equal(planner_mode(&planner, FIRST, GPU_PASSTHROUGH, &plan, &world->err), 0);
    assert_true(sim_world_run(world, plan));
    plan_free(plan);
    assert_string_equal(host->gpus[0].driver, "vfio-pci");
    assert_string_equal(host->gpus[1].driver, "vfio-pci");
    assert_string_equal(audio->driver, "vfio-pci");
    planner = sim_world_planner(world);
    assert_int_equal(planner_mode(&planner, FIRST, GPU_IDLE, &plan, &world->err), 0);
    assert_true(sim_world_run(world, plan));
    plan_free(plan);
    assert_string_equal(host->gpus[0].driver, "nvidia");
    assert_string_equal(host->gpus[1].driver, "nvidia");
    assert_string_equal(audio->driver, "snd_hda_intel");
}

static void a_function_that_was_bound_by_hand_has_its_companions_follow(void **state)
{
    WORLD(false);
    (void)sim_machine_add_extra(&world->machine, &host->gpus[0], AUDIO, 0x040300, "snd_hda_intel");
    assert_int_equal(sim_rebind(host, &host->gpus[0].addr, "vfio-pci"), 0);
    struct claim claim = whole("a", "v1", FIRST);
    CLEANUP(plan_freep) struct plan *plan = must(world, &claim, 1, NULL);
    assert_int_equal(count(plan, STEP_COMPANION_VFIO), 1);
    must_start(world, 0);
}

/* A restoration brings back all that must be with vfio-pci, after a boot or after a hand. */
static void restore(struct sim_world *world)
{
    for (size_t i = 0; i < world->machine.host->n_gpus; i++) {
        sim_world_look(world);
        struct planner planner = sim_world_planner(world);
        struct restore_request request = {.gpu = &world->host->gpus.items[i]};
        struct restoration restoration = {0};
        planner_restore(&planner, &request, &restoration);
        assert_false(restoration.more);
        if (!sim_world_run(world, restoration.plan)) {
            fail_msg("%s", world->err.message);
        }
        restoration_done(&restoration);
    }
}

static void a_group_comes_back_after_a_boot(void **state)
{
    WORLD(true);
    struct sim_extra *audio =
        sim_machine_add_extra(&world->machine, &host->gpus[0], AUDIO, 0x040300, "snd_hda_intel");
    struct claim claim = whole("ga", "v1", "0000:27:00.0");
    CLEANUP(plan_freep) struct plan *plan = must(world, &claim, 1, NULL);
    sim_lock(host);
    sim_reboot(host);
    sim_unlock(host);
    assert_string_equal(audio->driver, "snd_hda_intel");
    restore(world);
    must_start(world, 0);
    assert_int_equal(sim_rebind(host, &audio->addr, ""), 0);
    assert_string_equal(audio->driver, "snd_hda_intel");
    restore(world);
    must_start(world, 0);
    CLEANUP(plan_freep) struct plan *back = must(world, NULL, 0, "ga");
    assert_string_equal(audio->driver, "snd_hda_intel");
    assert_string_equal(host->gpus[0].driver, "nvidia");
}

static void a_restoration_says_what_bars_a_group(void **state)
{
    WORLD(false);
    struct claim claim = whole("a", "v1", FIRST);
    CLEANUP(plan_freep) struct plan *plan = must(world, &claim, 1, NULL);
    (void)sim_machine_add_extra(&world->machine, &host->gpus[0], "0000:28:00.0", 0x010802, "nvme");
    sim_world_look(world);
    struct planner planner = sim_world_planner(world);
    struct restore_request request = {.gpu = host_find_gpu(world->host, FIRST)};
    struct restoration restoration = {0};
    planner_restore(&planner, &request, &restoration);
    assert_int_equal(restoration.claims.items[0].outcome, RESTORE_BLOCKED);
    assert_non_null(strstr(restoration.claims.items[0].why.message, "nvme"));
    restoration_done(&restoration);
}

/* What may be in a GPU's group, and what follows when the GPU is claimed whole. The simulated
 * kernel has the last word: what is planned must start. */
static const struct {
    const char *bdf;
    uint32_t class;
    const char *driver;
    bool goes; /* false: the claim is refused, and the function is named with its driver */
} members[] = {
    {AUDIO, 0x040300, "snd_hda_intel", true}, /* of the GPU's board */
    {"0000:26:00.2", 0x0c0330, "xhci_hcd", true},       {"0000:26:00.3", 0x0c8000, "", true},
    {"0000:25:00.0", 0x060400, "pcieport", true},       {"0000:28:00.0", 0x010802, "nvme", false},
    {"0000:28:00.0", 0x010802, "vfio-pci", true},       {"0000:28:00.0", 0x010802, "", true},
    {"0000:00:1f.3", 0x040300, "snd_hda_intel", false}, /* of another board */
    {"0000:00:1f.0", 0x060100, "lpc_ich", false},       /* an ISA bridge has an endpoint's header */
    {"0000:29:00.0", 0x020000, "mlx5_core", false},
};

static void each_member_of_a_group_goes_along_or_bars_it(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        WORLD(false);
        (void)sim_machine_add_extra(&world->machine, &host->gpus[0], members[i].bdf,
                                    members[i].class, members[i].driver);
        struct claim claim = whole("a", "v1", FIRST);
        CLEANUP(plan_freep)
        struct plan *plan = sim_world_plan(world, &claim, 1, NULL, 0, false);
        if ((plan != NULL) != members[i].goes) {
            fail_msg("row %zu: %s", i, plan != NULL ? "goes along" : world->err.message);
        }
        if (plan == NULL) {
            assert_string_equal(world->err.rule, "passthrough-takes-its-group");
            assert_non_null(strstr(world->err.message, members[i].bdf));
            assert_non_null(strstr(world->err.message, members[i].driver));
        } else {
            assert_true(sim_world_run(world, plan));
            must_start(world, 0);
        }
    }
}

static void all_that_bars_a_group_is_named(void **state)
{
    WORLD(true);
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        bool seen = i > 0 && str_eq(members[i].bdf, members[i - 1].bdf);
        if (!seen) {
            (void)sim_machine_add_extra(&world->machine, &host->gpus[0], members[i].bdf,
                                        members[i].class, members[i].driver);
        }
    }
    struct claim claim = whole("a", "v1", FIRST);
    must_not(world, &claim, NULL, REASON_RULE,
             "also has 0000:28:00.0 (nvme), 0000:00:1f.3 (snd_hda_intel), 0000:00:1f.0 (lpc_ich), "
             "0000:29:00.0 (mlx5_core), in use by the host");
    static const char *const more[] = {"0000:2b:00.0", "0000:2c:00.0"};
    for (size_t i = 0; i < ARRAY_SIZE(more); i++) {
        (void)sim_machine_add_extra(&world->machine, &host->gpus[0], more[i], 0x010802, "nvme");
    }
    must_not(world, &claim, NULL, REASON_RULE, "(mlx5_core) and 2 others, in use by the host");
}

static void a_claim_of_one_gpu_of_a_group_is_warned_of_the_others(void **state)
{
    for (int shared = 0; shared < 2; shared++) {
        WORLD(shared == 1);
        struct claim claim = whole("a", "v1", FIRST);
        CLEANUP(plan_freep) struct plan *plan = must(world, &claim, 1, NULL);
        size_t n = 0;
        for (vec_each(&plan->warnings, warning)) {
            n += strstr(warning->text, "0000:27:00.0") != NULL &&
                 strstr(warning->text, "passthrough-takes-other-gpus") != NULL;
        }
        assert_int_equal(n, shared);
    }
}

static bool has_foreign_member(const struct sim_host *host, const struct sim_gpu *gpu)
{
    for (uint32_t i = 0; i < host->n_extras; i++) {
        const struct sim_extra *extra = &host->extras[i];
        if (extra->iommu_group == gpu->iommu_group && extra->pci_class >> 8 != 0x0604 &&
            extra->driver[0] != '\0' && !pci_same_slot(&extra->addr, &gpu->addr)) {
            return true;
        }
    }
    return false;
}

/* The GPU is claimed whole; then the next one, for another VM. */
static void claim_from_group(struct sim_world *world, uint32_t i, bool acs)
{
    struct sim_host *host = world->machine.host;
    char bdf[BDF_SIZE];
    struct claim claim = whole("a", "v1", pci_addr_format(&host->gpus[i].addr, bdf));
    bool foreign = has_foreign_member(host, &host->gpus[i]);
    CLEANUP(plan_freep) struct plan *plan = sim_world_plan(world, &claim, 1, NULL, 0, false);
    if ((plan == NULL) != foreign) {
        fail_msg("%s %s: %s", host->name, bdf, plan == NULL ? world->err.message : "goes along");
    }
    if (plan == NULL) {
        assert_string_equal(world->err.rule, "passthrough-takes-its-group");
        return;
    }
    assert_true(sim_world_run(world, plan));
    must_start(world, 0);
    if (host->n_gpus > 1) {
        const struct sim_gpu *next = &host->gpus[(i + 1) % host->n_gpus];
        struct claim other = whole("b", "v2", pci_addr_format(&next->addr, bdf));
        CLEANUP(plan_freep) struct plan *second = sim_world_plan(world, &other, 1, NULL, 0, false);
        bool fits = acs && !has_foreign_member(host, next);
        if ((second != NULL) != fits) {
            fail_msg("%s %s: %s", host->name, bdf, second == NULL ? world->err.message : "apart");
        }
    }
}

/* With ACS and without it, where all GPUs are in one group. */
static void gpus_of_the_hosts_that_come_with_cleave_go_by_group(void **state)
{
    CLEANUP_FREE char *dir = xasprintf("%s/hosts", getenv("CLEAVE_DATADIR"));
    CLEANUP_STRLIST struct strlist names = {0};
    assert_int_equal(fs_list(dir, &names), 0);
    assert_true(names.n > 5);
    for (size_t k = 0; k < 2 * names.n; k++) {
        CLEANUP_FREE char *path = xasprintf("%s/%s", dir, names.items[k / 2]);
        bool acs = k % 2 == 0;
        uint32_t n = 1;
        for (uint32_t i = 0; i < n; i++) {
            CLEANUP(sim_world_freep) struct sim_world *world = sim_world_new(state, path);
            struct sim_host *host = world->machine.host;
            n = host->n_gpus;
            for (uint32_t g = 0; !acs && g < n; g++) {
                host->gpus[g].iommu_group = host->gpus[0].iommu_group;
            }
            for (uint32_t e = 0; !acs && e < host->n_extras; e++) {
                host->extras[e].iommu_group = host->gpus[0].iommu_group;
            }
            sim_machine_add_vm(&world->machine, "v1");
            sim_machine_add_vm(&world->machine, "v2");
            claim_from_group(world, i, acs);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_of_the_same_board_go_and_come_with_the_gpu),
        cmocka_unit_test(what_someone_else_bound_is_left_where_it_is),
        cmocka_unit_test(what_is_drawn_later_is_named_where_it_can_be_passed_through),
        cmocka_unit_test(a_gpu_without_companions_is_preferred),
        cmocka_unit_test(a_member_of_the_host_has_another_gpu_chosen_or_refuses),
        cmocka_unit_test(two_gpus_of_a_group_go_to_one_vm_in_one_plan),
        cmocka_unit_test(two_gpus_of_a_group_go_to_one_vm_one_after_the_other),
        cmocka_unit_test(gpus_of_a_group_do_not_go_to_two_vms),
        cmocka_unit_test(a_group_is_shared_out_or_passed_through),
        cmocka_unit_test(a_claim_and_what_goes_in_one_plan_share_a_group),
        cmocka_unit_test(a_gpu_is_passed_through_by_hand_with_its_group),
        cmocka_unit_test(a_function_that_was_bound_by_hand_has_its_companions_follow),
        cmocka_unit_test(a_group_comes_back_after_a_boot),
        cmocka_unit_test(a_restoration_says_what_bars_a_group),
        cmocka_unit_test(each_member_of_a_group_goes_along_or_bars_it),
        cmocka_unit_test(all_that_bars_a_group_is_named),
        cmocka_unit_test(gpus_of_the_hosts_that_come_with_cleave_go_by_group),
        cmocka_unit_test(a_claim_of_one_gpu_of_a_group_is_warned_of_the_others),
    };
    return cmocka_run_group_tests_name("plan groups", tests, sim_world_set_up, sim_world_tear_down);
}

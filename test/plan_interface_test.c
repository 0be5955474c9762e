/* SPDX-License-Identifier: Apache-2.0 */
/* Claims over a change of the kernel's vGPU interface, as an upgrade of the system brings it. */
#include "test.h"

#include "base/str.h"
#include "plan/restore.h"
#include "sim_world.h"

#define GPU "0000:3b:00.0"

static uint32_t made;

static void new_uuid(char out[37])
{
    snprintf(out, 37, "00000000-0000-4000-9001-%012x", ++made);
}

static struct sim_world *world_new(void **state, const char *boards, enum sim_iface iface)
{
    struct sim_world *world = sim_world_new(state, boards);
    assert_true(pci_addr_parse(GPU, &world->machine.host->gpus[0].addr));
    world->machine.host->iface = iface;
    sim_machine_add_vm(&world->machine, "v1");
    sim_machine_add_vm(&world->machine, "v2");
    return world;
}

static struct claim vgpu(const char *name, const char *vm, const char *type)
{
    struct claim claim = {.spec = {.mode = CLAIM_MODE_AUTO, .start = NO_ID}};
    STR_SET(claim.name, name);
    STR_SET(claim.vm, vm);
    STR_SET(claim.spec.type, type);
    return claim;
}

static void must_bind(struct sim_world *world, struct claim *claims, size_t n)
{
    CLEANUP(plan_freep) struct plan *plan = sim_world_plan(world, claims, n, NULL, 0, false);
    if (plan == NULL || !sim_world_run(world, plan)) {
        fail_msg("%s", world->err.message);
    }
}

static void boot_as(struct sim_world *world, enum sim_iface iface)
{
    sim_lock(world->machine.host);
    world->machine.host->iface = iface;
    sim_reboot(world->machine.host);
    sim_unlock(world->machine.host);
}

static void restore_once(struct sim_world *world, struct restoration *ret_restoration)
{
    sim_world_look(world);
    struct planner planner = sim_world_planner(world);
    struct restore_request request = {.gpu = host_find_gpu(world->host, GPU), .new_uuid = new_uuid};
    planner_restore(&planner, &request, ret_restoration);
    if (!sim_world_run(world, ret_restoration->plan)) {
        fail_msg("%s", world->err.message);
    }
}

/* Until there is nothing more to do; every claim must be there then. */
static void restore(struct sim_world *world)
{
    for (unsigned i = 0;; i++) {
        struct restoration restoration = {0};
        restore_once(world, &restoration);
        size_t n_steps = restoration.plan->steps.n;
        for (vec_each(&restoration.claims, claim)) {
            if (claim->outcome == RESTORE_BLOCKED) {
                fail_msg("%s: %s", claim->name, claim->why.message);
            }
            assert_true(n_steps > 0 || claim->outcome == RESTORE_THERE);
        }
        restoration_done(&restoration);
        if (n_steps == 0) {
            return;
        }
        assert_true(i < 3);
    }
}

static void must_have(struct sim_world *world, enum sim_iface iface)
{
    const struct gpu *gpu = host_find_gpu(world->host, GPU);
    for (vec_each(&world->claims, claim)) {
        bool mdev = claim->assigned.mdev_uuid[0] != '\0';
        const struct vgpu *now =
            gpu_find_vgpu(gpu, claim->assigned.mdev_uuid, &claim->assigned.device);
        assert_int_equal(mdev, iface == SIM_MDEV);
        assert_non_null(now);
        assert_string_equal(now->type, claim->spec.type);
    }
    for (size_t i = 0; i < world->claims.n; i++) {
        struct error err = {0};
        const struct claim *claim = &world->claims.items[i];
        struct vm *vm = host_find_vm(world->host, claim->vm);
        size_t n = 0;
        for (size_t k = 0; k < vm->devices.n; k++) {
            n += vm->devices.items[k].persistent;
            assert_true(vm_device_is(&vm->devices.items[k], &claim->assigned.device,
                                     claim->assigned.mdev_uuid));
        }
        assert_int_equal(n, 1); /* the old one is out of the definition */
        if (sim_machine_start(&world->machine, &world->machine.vms.items[i], &err) != 0) {
            fail_msg("%s", err.message);
        }
        sim_machine_stop(&world->machine, &world->machine.vms.items[i]);
    }
}

static const struct {
    const char *boards, *types[2];
} rows[] = {{"board:a100-pcie-40gb", {"A100-8C", "A100-8C"}},
            {"board:a100-pcie-40gb", {"A100-2-10C", "A100-1-5C"}},
            {"board:l40s", {"L40S-8Q", "L40S-8Q"}}};

static void vgpus_come_back_through_the_other_interface(void **state)
{
    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        enum sim_iface from = i % 2 == 0 ? SIM_MDEV : SIM_VENDOR_VFIO;
        enum sim_iface to = i % 2 == 0 ? SIM_VENDOR_VFIO : SIM_MDEV;
        CLEANUP(sim_world_freep)
        struct sim_world *world = world_new(state, rows[i / 2].boards, from);
        struct claim claims[] = {vgpu("c1", "v1", rows[i / 2].types[0]),
                                 vgpu("c2", "v2", rows[i / 2].types[1])};
        must_bind(world, claims, 2);
        must_have(world, from);
        boot_as(world, to);
        restore(world);
        must_have(world, to);
        boot_as(world, from); /* and back, as when the upgrade is undone */
        restore(world);
        must_have(world, from);
    }
}

/* Before functions are enabled only a module that may be late tells mdev from vendor VFIO. */
static void functions_show_the_interface_before_claims_follow_it(void **state)
{
    CLEANUP(sim_world_freep) struct sim_world *world = world_new(state, "board:l40s", SIM_MDEV);
    struct claim claim = vgpu("c1", "v1", "L40S-8Q");
    must_bind(world, &claim, 1);
    char before[40];
    STR_SET(before, world->claims.items[0].assigned.mdev_uuid);
    boot_as(world, SIM_VENDOR_VFIO);
    struct restoration first = {0};
    restore_once(world, &first);
    assert_true(first.more);
    assert_int_equal(first.plan->steps.n, 1);
    assert_int_equal(first.plan->steps.items[0].kind, STEP_SRIOV_ENABLE);
    assert_string_equal(world->claims.items[0].assigned.mdev_uuid, before);
    restoration_done(&first);
    world->machine.host->iface = SIM_MDEV; /* it was late, no more */
    restore(world);
    assert_string_equal(world->claims.items[0].assigned.mdev_uuid, before);
    must_have(world, SIM_MDEV);
}

/* What another tool made meanwhile keeps its function. */
static void a_function_that_is_taken_is_left_alone(void **state)
{
    CLEANUP(sim_world_freep) struct sim_world *world = world_new(state, "board:l40s", SIM_MDEV);
    struct claim claim = vgpu("c1", "v1", "L40S-8Q");
    must_bind(world, &claim, 1);
    boot_as(world, SIM_VENDOR_VFIO);
    struct restoration first = {0};
    restore_once(world, &first);
    restoration_done(&first);
    struct pci_addr was = world->claims.items[0].assigned.device;
    struct step step = step_make(STEP_VGPU_CREATE, &world->machine.host->gpus[0].addr);
    STR_SET(step.type, "L40S-8Q");
    step.device = was;
    CLEANUP(plan_freep) struct plan *plan = plan_new();
    *vec_push(&plan->steps) = step;
    if (!sim_world_run(world, plan)) {
        fail_msg("%s", world->err.message);
    }
    restore(world);
    assert_int_not_equal(pci_addr_cmp(&world->claims.items[0].assigned.device, &was), 0);
    must_have(world, SIM_VENDOR_VFIO);
}

/* A start that can't change the definition says what changed, and what does. */
static void a_start_as_named_says_that_the_interface_changed(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        enum sim_iface from = i == 0 ? SIM_MDEV : SIM_VENDOR_VFIO;
        CLEANUP(sim_world_freep) struct sim_world *world = world_new(state, "board:l40s", from);
        struct claim claim = vgpu("c1", "v1", "L40S-8Q");
        must_bind(world, &claim, 1);
        boot_as(world, i == 0 ? SIM_VENDOR_VFIO : SIM_MDEV);
        sim_world_look(world);
        struct claim again = world->claims.items[0];
        assert_true(claim_device(&again, &again.reserved));
        const struct claim *add = &again;
        const char *name = "c1";
        struct planner planner = sim_world_planner(world);
        struct plan_request request = {.add = &add,
                                       .n_add = 1,
                                       .remove = &name,
                                       .n_remove = 1,
                                       .purpose = PURPOSE_HOOK,
                                       .new_uuid = new_uuid};
        struct plan *plan = NULL;
        struct error err = {0};
        assert_int_equal(planner_build(&planner, &request, &plan, &err), -REASON_CONFLICT);
        const char *words = i == 0 ? "this host's vGPUs are now virtual functions (vendor VFIO)"
                                   : "this host's vGPUs are now mediated devices (mdev)";
        assert_non_null(strstr(err.message, words));
        assert_non_null(strstr(err.hint, "cleave vm start v1"));
    }
}

/* The definition names a UUID, and another tool's vGPU on the other GPU has it. */
static void a_uuid_that_is_taken_on_another_gpu_is_not_drawn(void **state)
{
    CLEANUP(sim_world_freep)
    struct sim_world *world = world_new(state, "board:l40s*2", SIM_MDEV);
    struct claim claim = vgpu("c1", "v1", "L40S-8Q");
    claim.spec.hold = CLAIM_ON_DEMAND;
    must_bind(world, &claim, 1);
    struct claim parked = world->claims.items[0];
    assert_int_equal(parked.state, CLAIM_PENDING);
    struct claim other = vgpu("c2", "v2", "L40S-8Q");
    must_bind(world, &other, 1);
    sim_world_look(world);
    const struct claim *bound = claims_find(&world->claims, "c2");
    STR_SET(parked.reserved.mdev_uuid, bound->assigned.mdev_uuid); /* a clone's definition */
    char bdf[BDF_SIZE];
    const struct gpu *here = host_find_gpu_addr(world->host, &bound->assigned.gpu);
    const struct gpu *away = &world->host->gpus.items[here == &world->host->gpus.items[0] ? 1 : 0];
    STR_SET(parked.spec.gpu, pci_addr_format(&away->addr, bdf));
    const struct claim *add[] = {&parked};
    for (int exact_device = 0; exact_device < 2; exact_device++) {
        struct planner planner = sim_world_planner(world);
        struct plan_request request = {.add = add,
                                       .n_add = 1,
                                       .purpose =
                                           exact_device == 1 ? PURPOSE_HOOK : PURPOSE_ALLOCATE,
                                       .new_uuid = new_uuid};
        CLEANUP(plan_freep) struct plan *plan = NULL;
        struct error err = {0};
        int r = planner_build(&planner, &request, &plan, &err);
        assert_int_equal(r, exact_device == 1 ? -REASON_CONFLICT : 0);
        if (exact_device == 1) {
            assert_non_null(strstr(err.message, "has that UUID"));
        } else if (!sim_world_run(world, plan)) { /* under another UUID */
            fail_msg("%s", world->err.message);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vgpus_come_back_through_the_other_interface),
        cmocka_unit_test(functions_show_the_interface_before_claims_follow_it),
        cmocka_unit_test(a_function_that_is_taken_is_left_alone),
        cmocka_unit_test(a_start_as_named_says_that_the_interface_changed),
        cmocka_unit_test(a_uuid_that_is_taken_on_another_gpu_is_not_drawn),
    };
    return cmocka_run_group_tests_name("vGPU interfaces", tests, sim_world_set_up,
                                       sim_world_tear_down);
}

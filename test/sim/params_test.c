/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters of vGPUs: the real sysfs driver writes them to the simulated kernel's vgpu_params. */
#include "test.h"

#include "base/mem.h"
#include "sim/state/ctl.h"
#include "test/sim/machine.h"

#define MACHINE_NEW(iface) CLEANUP(machine_freep) struct machine *machine = machine_new(iface)
#define UUID "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"

static const enum sim_iface ifaces[] = {SIM_VENDOR_VFIO, SIM_MDEV};

static struct step vgpu_step(const struct machine *machine, bool mdev)
{
    struct step step = machine_step(machine, STEP_VGPU_CREATE, FIX_L40S);
    step.device = machine->fix->gpus[FIX_L40S]->vfs[0].addr;
    STR_SET(step.type, "L40S-8Q");
    STR_SET(step.mdev_uuid, mdev ? UUID : "");
    return step;
}

static void enable_vfs(const struct machine *machine)
{
    struct step enable = machine_step(machine, STEP_SRIOV_ENABLE, FIX_L40S);
    assert_applied(machine, &enable);
}

static const struct sim_vgpu *vgpu_of(const struct machine *machine)
{
    return &machine->fix->gpus[FIX_L40S]->vfs[0].vgpu;
}

static const char *file_of(bool mdev)
{
    return mdev ? "bus/mdev/devices/" UUID "/nvidia/vgpu_params"
                : "bus/pci/devices/0001:61:00.4/nvidia/vgpu_params";
}

static void arm(const struct machine *machine, const char *fault)
{
    CLEANUP_FREE char *request = xasprintf("{\"op\":\"fault-add\",%s}", fault);
    CLEANUP_FREE char *reply = sim_ctl_handle(machine->fix->host, request, true);
    assert_non_null(strstr(reply, "\"ok\":true"));
}

static void they_are_written_once_the_vgpu_is_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(ifaces); i++) {
        MACHINE_NEW(ifaces[i]);
        enable_vfs(machine);
        struct step step = vgpu_step(machine, ifaces[i] == SIM_MDEV);
        step.params = (struct vgpu_params){.debugger = TRI_YES, .console = TRI_NO};
        assert_applied(machine, &step);
        assert_string_equal(vgpu_of(machine)->params, "enable_debugging=1, disable_vnc=1");
        assert_applied(machine, &step); /* idempotent */
        struct step undo = step_undo(&step);
        assert_applied(machine, &undo);
        step.params = (struct vgpu_params){0};
        assert_applied(machine, &step); /* what the earlier one had is gone */
        assert_string_equal(vgpu_of(machine)->params, "");
    }
}

/* A value that is written without a newline loses its last digit. */
static void a_placement_of_two_digits_stays_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(ifaces); i++) {
        MACHINE_NEW(ifaces[i]);
        enable_vfs(machine);
        sim_lock(machine->fix->host);
        sim_set_heterogeneous(machine->fix->host, machine->fix->gpus[FIX_L40S], true);
        sim_unlock(machine->fix->host);
        struct step step = vgpu_step(machine, ifaces[i] == SIM_MDEV);
        step.placement_id = 40;
        step.params.frame_rate_limiter = TRI_NO;
        assert_applied(machine, &step);
        assert_int_equal(vgpu_of(machine)->placement_id, 40);
        assert_reads(file_of(ifaces[i] == SIM_MDEV),
                     "vgpu-placement-id=40, frame_rate_limiter=0\n");
        assert_int_equal(machine_write(file_of(ifaces[i] == SIM_MDEV), "vgpu-placement-id=40"), 0);
        assert_reads(file_of(ifaces[i] == SIM_MDEV), "vgpu-placement-id=4\n");
    }
}

/* As after a restart between the two. */
static void a_vgpu_that_is_there_without_them_gets_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(ifaces); i++) {
        MACHINE_NEW(ifaces[i]);
        enable_vfs(machine);
        struct step step = vgpu_step(machine, ifaces[i] == SIM_MDEV);
        assert_applied(machine, &step);
        uint32_t instance = vgpu_of(machine)->instance;
        step.params.profiler = TRI_YES;
        assert_applied(machine, &step);
        assert_string_equal(vgpu_of(machine)->params, "enable_profiling=1");
        assert_int_equal(vgpu_of(machine)->instance, instance);
    }
}

static void a_write_that_fails_fails_the_step_and_its_undo_leaves_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(ifaces); i++) {
        MACHINE_NEW(ifaces[i]);
        enable_vfs(machine);
        struct step step = vgpu_step(machine, ifaces[i] == SIM_MDEV);
        struct error err = {0};
        step.params.profiler = TRI_YES;
        arm(machine, "\"at\":\"nvidia/vgpu_params\",\"access\":\"write\",\"errno\":\"EIO\"");
        assert_int_equal(machine_apply(machine, &step, &err), -REASON_DRIVER);
        assert_non_null(strstr(err.message, "enable_profiling=1"));
        assert_non_null(strstr(err.message, "vgpu_params"));
        struct step undo = step_undo(&step);
        assert_applied(machine, &undo);
        assert_false(vgpu_of(machine)->exists);
    }
}

static void a_running_vm_keeps_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(ifaces); i++) {
        MACHINE_NEW(ifaces[i]);
        bool mdev = ifaces[i] == SIM_MDEV;
        enable_vfs(machine);
        struct step step = vgpu_step(machine, mdev);
        assert_applied(machine, &step);
        sim_lock(machine->fix->host);
        assert_int_equal(
            sim_open_device(machine->fix->host, mdev ? UUID : "0001:61:00.4", 4711, ""), 0);
        sim_unlock(machine->fix->host);
        assert_int_equal(machine_write(file_of(mdev), "enable_uvm=1\n"), -EPERM);
        struct error err = {0};
        step.params.unified_memory = TRI_YES;
        assert_int_equal(machine_apply(machine, &step, &err), -REASON_IN_USE);
        assert_non_null(strstr(err.message, "enable_uvm=1"));
        assert_string_equal(vgpu_of(machine)->params, "");
    }
}

static void the_file_takes_a_kibibyte(void **state)
{
    (void)state;
    MACHINE_NEW(SIM_VENDOR_VFIO);
    enable_vfs(machine);
    struct step step = vgpu_step(machine, false);
    assert_applied(machine, &step);
    char line[SIM_PARAMS_MAX + 2] = "";
    memset(line, 'x', SIM_PARAMS_MAX + 1);
    assert_int_equal(machine_write(file_of(false), line), -E2BIG);
    line[SIM_PARAMS_MAX] = '\0';
    assert_int_equal(machine_write(file_of(false), line), 0);
    step.params.console = TRI_NO; /* garbage of another tool's gives way to what is wanted */
    assert_applied(machine, &step);
    assert_string_equal(vgpu_of(machine)->params, "disable_vnc=1");
}

int main(int argc, char **argv)
{
    if (argc != 2 || !machine_prepare(argv[1])) {
        puts("1..0 # SKIP needs root, FUSE and mount namespaces");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_written_once_the_vgpu_is_there),
        cmocka_unit_test(a_placement_of_two_digits_stays_one),
        cmocka_unit_test(a_vgpu_that_is_there_without_them_gets_them),
        cmocka_unit_test(a_write_that_fails_fails_the_step_and_its_undo_leaves_nothing),
        cmocka_unit_test(a_running_vm_keeps_its_own),
        cmocka_unit_test(the_file_takes_a_kibibyte),
    };
    return cmocka_run_group_tests_name("vgpu_params on the simulated kernel", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The real sysfs driver, every step of it, on the simulated kernel. */
#include "test.h"

#include "await.h"
#include "driver/sysfs/bind.h"
#include "test/sim/machine.h"

#define MACHINE_NEW(iface) CLEANUP(machine_freep) struct machine *machine = machine_new(iface)

static struct host *observe(const struct machine *machine)
{
    struct host *host = host_new();
    assert_int_equal(machine->port->ops->observe(machine->port, host, NULL), 0);
    return host;
}

static const struct gpu *observed(const struct machine *machine, const struct host *host,
                                  enum fixture_gpu gpu)
{
    const struct gpu *found = host_find_gpu_addr(host, &machine->fix->gpus[gpu]->addr);
    assert_non_null(found);
    return found;
}

static void apply_kind(const struct machine *machine, enum step_kind kind, enum fixture_gpu gpu)
{
    struct step step = machine_step(machine, kind, gpu);
    assert_applied(machine, &step);
    assert_applied(machine, &step); /* idempotent */
}

static struct step vgpu_step(const struct machine *machine, enum fixture_gpu gpu, uint32_t vf,
                             const char *type)
{
    struct step step = machine_step(machine, STEP_VGPU_CREATE, gpu);
    step.device = machine->fix->gpus[gpu]->vfs[vf].addr;
    STR_SET(step.type, type);
    return step;
}

static void a_whole_gpu_goes_to_vfio_and_back(void **state)
{
    (void)state;
    MACHINE_NEW(SIM_VENDOR_VFIO);
    apply_kind(machine, STEP_BIND_VFIO, FIX_L40S);
    assert_string_equal(machine->fix->gpus[FIX_L40S]->driver, "vfio-pci");
    CLEANUP(host_freep) struct host *host = observe(machine);
    assert_string_equal(observed(machine, host, FIX_L40S)->driver, "vfio-pci");
    assert_string_equal(host->kernel, "6.8.0-60-generic");
    assert_reads("bus/pci/devices/0001:61:00.0/vfio-dev/vfio130/device/vendor", "0x10de\n");
    apply_kind(machine, STEP_BIND_NVIDIA, FIX_L40S);
    assert_string_equal(machine->fix->gpus[FIX_L40S]->driver, "nvidia");
    assert_reads("bus/pci/devices/0001:61:00.0/driver_override", "(null)\n");
    assert_reads("proc/driver/nvidia/gpus/0001:61:00.0/unbindLock", "0\n");
}

static void a_gpu_that_a_program_holds_is_not_unbound(void **state)
{
    (void)state;
    MACHINE_NEW(SIM_VENDOR_VFIO);
    sim_lock(machine->fix->host);
    STR_SET(machine->fix->gpus[FIX_T4]->holder, "dcgm");
    sim_unlock(machine->fix->host);
    struct step step = machine_step(machine, STEP_BIND_VFIO, FIX_T4);
    struct sysfs impatient = {
        .root = MACHINE, .lock_tries = 2, .holder_budget_us = SYSFS_HOLDER_BUDGET_US};
    struct error err = {0};
    assert_int_equal(bind_vfio(&impatient, &step, &err), -REASON_IN_USE);
    assert_non_null(strstr(err.hint, "DCGM"));
    assert_string_equal(machine->fix->gpus[FIX_T4]->driver, "nvidia");
}

static void an_audio_function_in_the_group_bars_passthrough(void **state)
{
    (void)state;
    MACHINE_NEW(SIM_VENDOR_VFIO);
    struct sim_host *sim = machine->fix->host;
    sim_lock(sim);
    struct sim_extra *extra = &sim->extras[sim->n_extras++];
    *extra = (struct sim_extra){.pci_vendor = 0x10de,
                                .pci_device = 0x22ba,
                                .pci_class = 0x040300,
                                .iommu_group = machine->fix->gpus[FIX_T4]->iommu_group,
                                .home_driver = "snd_hda_intel",
                                .driver = "snd_hda_intel"};
    assert_true(pci_addr_parse("0001:81:00.1", &extra->addr));
    sim_unlock(sim);
    struct step step = machine_step(machine, STEP_BIND_VFIO, FIX_T4);
    struct error err = {0};
    assert_int_equal(machine_apply(machine, &step, &err), -REASON_CONFLICT);
    assert_non_null(strstr(err.message, "snd_hda_intel"));
    CLEANUP(host_freep) struct host *host = observe(machine);
    assert_int_equal(host->gpus.n, FIX_GPUS);
    assert_int_equal(observed(machine, host, FIX_T4)->group_members.n, 1);
    const struct group_member *member = &observed(machine, host, FIX_T4)->group_members.items[0];
    assert_string_equal(member->driver, "snd_hda_intel");
    assert_true(group_member_bars(member));
    /* Bound along with the GPU it is no hindrance. */
    struct step along = machine_step(machine, STEP_COMPANION_VFIO, FIX_T4);
    along.device = extra->addr;
    STR_SET(along.driver, "snd_hda_intel");
    assert_applied(machine, &along);
    assert_applied(machine, &along);
    assert_string_equal(extra->driver, "vfio-pci");
    apply_kind(machine, STEP_BIND_VFIO, FIX_T4);
    struct step home = step_undo(&along);
    assert_applied(machine, &home);
    assert_applied(machine, &home);
    assert_string_equal(extra->driver, "snd_hda_intel");
    assert_string_equal(extra->driver_override, "");
}

static void virtual_functions_come_and_go(void **state)
{
    (void)state;
    MACHINE_NEW(SIM_VENDOR_VFIO);
    CLEANUP(host_freep) struct host *before = observe(machine);
    const struct gpu *gpu = observed(machine, before, FIX_PRO);
    assert_int_equal(gpu->vfs_total, 48);
    assert_int_equal(gpu->vfs.n, 0);
    assert_int_equal(gpu->iface, VGPU_IFACE_VENDOR_VFIO); /* foreseen */
    struct pci_addr foreseen;
    assert_true(gpu_vf_addr(gpu, 47, &foreseen));
    apply_kind(machine, STEP_SRIOV_ENABLE, FIX_PRO);
    CLEANUP(host_freep) struct host *during = observe(machine);
    gpu = observed(machine, during, FIX_PRO);
    assert_int_equal(gpu->vfs.n, 48);
    assert_int_equal(pci_addr_cmp(&gpu->vfs.items[47].addr, &foreseen), 0);
    assert_int_equal(gpu->vfs.items[0].iface, VGPU_IFACE_VENDOR_VFIO);
    struct step passthrough = machine_step(machine, STEP_BIND_VFIO, FIX_PRO);
    assert_int_equal(machine_apply(machine, &passthrough, NULL), -REASON_CONFLICT);
    apply_kind(machine, STEP_SRIOV_DISABLE, FIX_PRO);
    assert_int_equal(machine->fix->gpus[FIX_PRO]->n_vfs, 0);
    struct step none = machine_step(machine, STEP_SRIOV_ENABLE, FIX_T4);
    assert_int_equal(machine_apply(machine, &none, NULL), -REASON_UNSUPPORTED);
}

static bool lock_was_refused(void *data)
{
    struct machine *machine = data;
    sim_lock(machine->fix->host);
    bool refused = machine->fix->gpus[FIX_L40S]->n_locks_refused > 0;
    sim_unlock(machine->fix->host);
    return refused;
}

/* A monitor that lets go of the GPU once the lock was refused for it. */
static void *let_go(void *data)
{
    struct machine *machine = data;
    assert_true(await(lock_was_refused, machine));
    sim_lock(machine->fix->host);
    machine->fix->gpus[FIX_L40S]->holder[0] = '\0';
    sim_unlock(machine->fix->host);
    return NULL;
}

static void a_passing_lock_is_waited_for(void **state)
{
    (void)state;
    MACHINE_NEW(SIM_VENDOR_VFIO);
    sim_lock(machine->fix->host);
    STR_SET(machine->fix->gpus[FIX_L40S]->holder, "dcgm-exporter");
    sim_unlock(machine->fix->host);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, let_go, machine), 0);
    struct step step = machine_step(machine, STEP_SRIOV_ENABLE, FIX_L40S);
    assert_applied(machine, &step);
    pthread_join(thread, NULL);
    assert_int_equal(machine->fix->gpus[FIX_L40S]->n_vfs, 32);
}

static void a_time_sliced_vgpu_is_made_and_deleted(void **state)
{
    (void)state;
    MACHINE_NEW(SIM_VENDOR_VFIO);
    apply_kind(machine, STEP_SRIOV_ENABLE, FIX_L40S);
    struct step create = vgpu_step(machine, FIX_L40S, 3, "L40S-8Q");
    assert_applied(machine, &create);
    assert_int_equal(create.type_id, 1152);
    assert_int_equal(create.assigned_gi_id, NO_ID);
    assert_applied(machine, &create); /* idempotent */
    CLEANUP(host_freep) struct host *host = observe(machine);
    const struct gpu *gpu = observed(machine, host, FIX_L40S);
    assert_int_equal(gpu->vgpus.n, 1);
    assert_string_equal(gpu->vgpus.items[0].type, "L40S-8Q");
    assert_int_equal(pci_addr_cmp(&gpu->vgpus.items[0].vf, &create.device), 0);
    /* Equal sizes only, and one vGPU per VF. */
    struct step bigger = vgpu_step(machine, FIX_L40S, 4, "L40S-16Q");
    struct error err = {0};
    assert_int_equal(machine_apply(machine, &bigger, &err), -REASON_NO_CAPACITY);
    assert_non_null(strstr(err.hint, "L40S-8Q"));
    struct step other = vgpu_step(machine, FIX_L40S, 3, "L40S-8A");
    assert_int_equal(machine_apply(machine, &other, &err), -REASON_CONFLICT);
    struct step disable = machine_step(machine, STEP_SRIOV_DISABLE, FIX_L40S);
    assert_int_equal(machine_apply(machine, &disable, &err), -REASON_IN_USE);
    struct step delete = step_undo(&create);
    assert_applied(machine, &delete);
    assert_applied(machine, &delete);
    assert_false(machine->fix->gpus[FIX_L40S]->vfs[3].vgpu.exists);
}

static void mixed_sizes_stand_where_they_were_asked_for(void **state)
{
    (void)state;
    MACHINE_NEW(SIM_VENDOR_VFIO);
    apply_kind(machine, STEP_SRIOV_ENABLE, FIX_L40S);
    sim_lock(machine->fix->host);
    assert_int_equal(sim_set_heterogeneous(machine->fix->host, machine->fix->gpus[FIX_L40S], true),
                     0);
    sim_unlock(machine->fix->host);
    struct step large = vgpu_step(machine, FIX_L40S, 0, "L40S-16Q");
    large.placement_id = 32;
    struct step small = vgpu_step(machine, FIX_L40S, 1, "L40S-8Q");
    small.placement_id = 24;
    assert_applied(machine, &large);
    assert_applied(machine, &small);
    CLEANUP(host_freep) struct host *host = observe(machine);
    const struct gpu *gpu = observed(machine, host, FIX_L40S);
    assert_int_equal(gpu->vgpus.n, 2);
    assert_int_equal(gpu->vgpus.items[0].placement_id, 32);
    assert_int_equal(gpu->vgpus.items[1].placement_id, 24);
    /* Taken already: the driver puts it elsewhere, and reading back finds that out. */
    struct step clash = vgpu_step(machine, FIX_L40S, 2, "L40S-8Q");
    clash.placement_id = 24;
    struct error err = {0};
    assert_int_equal(machine_apply(machine, &clash, &err), -REASON_DRIVER);
    assert_non_null(strstr(err.message, "placement"));
}

static void a_mig_backed_vgpu_tells_its_gpu_instance(void **state)
{
    (void)state;
    MACHINE_NEW(SIM_VENDOR_VFIO);
    struct sim_host *sim = machine->fix->host;
    struct sim_gpu *gpu = machine->fix->gpus[FIX_PRO];
    sim_lock(sim);
    fixture_mig_on(machine->fix, gpu);
    sim_unlock(sim);
    struct step early = vgpu_step(machine, FIX_PRO, 0, "DC-1-8C");
    struct error err = {0};
    assert_int_equal(machine_apply(machine, &early, &err), -REASON_NO_CAPACITY);
    assert_non_null(strstr(err.hint, "MIG mode"));
    /* What the file itself says then (bigstack-oss/cubecos). */
    assert_int_equal(machine_write("bus/pci/devices/0000:41:00.2/nvidia/current_vgpu_type", "1557"),
                     -EIO);
    struct sim_gi *gi = NULL;
    sim_lock(sim);
    assert_int_equal(sim_gi_create(sim, gpu, fixture_find_profile(gpu, "1g.24gb+gfx"), 3, &gi), 0);
    uint32_t gi_id = gi->id;
    sim_unlock(sim);
    for (uint32_t i = 0; i < 3; i++) {
        struct step create = vgpu_step(machine, FIX_PRO, i, "DC-1-8C");
        assert_applied(machine, &create);
        assert_int_equal(create.assigned_gi_id, gi_id);
    }
    struct step fourth = vgpu_step(machine, FIX_PRO, 3, "DC-1-8C");
    assert_int_equal(machine_apply(machine, &fourth, &err), -REASON_NO_CAPACITY);
    CLEANUP(host_freep) struct host *host = observe(machine);
    const struct gpu *seen = observed(machine, host, FIX_PRO);
    assert_int_equal(seen->vgpus.n, 3);
    assert_string_equal(seen->vgpus.items[2].type, "DC-1-8C");
    assert_int_equal(seen->vgpus.items[2].gi_id, gi_id);
}

static void a_vgpu_in_use_is_not_deleted(void **state)
{
    (void)state;
    MACHINE_NEW(SIM_VENDOR_VFIO);
    apply_kind(machine, STEP_SRIOV_ENABLE, FIX_L40S);
    struct step create = vgpu_step(machine, FIX_L40S, 0, "L40S-8Q");
    assert_applied(machine, &create);
    sim_lock(machine->fix->host);
    assert_int_equal(sim_open_device(machine->fix->host, "0001:61:00.4", 4711, ""), 0);
    sim_unlock(machine->fix->host);
    struct step delete = step_undo(&create);
    struct error err = {0};
    assert_int_equal(machine_apply(machine, &delete, &err), -REASON_IN_USE);
    assert_non_null(strstr(err.message, "the kernel says that a process has 0001:61:00.4 open"));
    assert_true(machine->fix->gpus[FIX_L40S]->vfs[0].vgpu.exists);
}

/* A process of any user may have millions of files open; the kernel knows who has a group's. */
static void a_search_without_time_holds_nothing_up(void **state)
{
    (void)state;
    MACHINE_NEW(SIM_VENDOR_VFIO);
    const struct sysfs hasty = {.root = MACHINE, .lock_tries = 2};
    struct error err = {0};
    apply_kind(machine, STEP_BIND_VFIO, FIX_L40S);
    struct step home = machine_step(machine, STEP_BIND_NVIDIA, FIX_L40S);
    int fd = machine_open("dev/vfio/12", O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(bind_nvidia(&hasty, &home, &err), -REASON_IN_USE);
    assert_non_null(strstr(err.message, "the kernel says that a process has 0001:61:00.0 open"));
    close(fd);
    assert_int_equal(bind_nvidia(&hasty, &home, &err), 0);
    assert_string_equal(machine->fix->gpus[FIX_L40S]->driver, "nvidia");
}

static void after_a_reboot_everything_is_deleted_already(void **state)
{
    (void)state;
    MACHINE_NEW(SIM_VENDOR_VFIO);
    apply_kind(machine, STEP_SRIOV_ENABLE, FIX_L40S);
    struct step create = vgpu_step(machine, FIX_L40S, 0, "L40S-8Q");
    assert_applied(machine, &create);
    struct step delete = step_undo(&create);
    sim_lock(machine->fix->host);
    sim_reboot(machine->fix->host);
    sim_unlock(machine->fix->host);
    assert_applied(machine, &delete);
    struct error err = {0};
    assert_int_equal(machine_apply(machine, &create, &err), -REASON_NOT_FOUND);
    apply_kind(machine, STEP_SRIOV_DISABLE, FIX_L40S);
}

static void mdevs_are_made_and_removed(void **state)
{
    (void)state;
    MACHINE_NEW(SIM_MDEV);
    CLEANUP(host_freep) struct host *before = observe(machine);
    assert_int_equal(observed(machine, before, FIX_L40S)->iface, VGPU_IFACE_MDEV); /* foreseen */
    assert_int_equal(observed(machine, before, FIX_T4)->pf_offers.n, 2);
    apply_kind(machine, STEP_SRIOV_ENABLE, FIX_L40S);
    struct step on_vf = vgpu_step(machine, FIX_L40S, 5, "L40S-8Q");
    STR_SET(on_vf.mdev_uuid, "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001");
    struct step on_pf = machine_step(machine, STEP_VGPU_CREATE, FIX_T4);
    STR_SET(on_pf.type, "T4-8Q");
    STR_SET(on_pf.mdev_uuid, "83b8f4f2-509f-382f-3c1e-e6bfe0fa1002");
    assert_applied(machine, &on_vf);
    assert_applied(machine, &on_vf);
    assert_applied(machine, &on_pf);
    assert_int_equal(on_pf.type_id, 233);
    CLEANUP(host_freep) struct host *host = observe(machine);
    const struct gpu *gpu = observed(machine, host, FIX_L40S);
    assert_int_equal(gpu->vgpus.n, 1);
    assert_string_equal(gpu->vgpus.items[0].type, "L40S-8Q");
    assert_string_equal(gpu->vgpus.items[0].mdev_uuid, on_vf.mdev_uuid);
    assert_int_equal(pci_addr_cmp(&gpu->vgpus.items[0].vf, &on_vf.device), 0);
    assert_int_equal(observed(machine, host, FIX_T4)->vgpus.n, 1);
    struct step elsewhere = vgpu_step(machine, FIX_L40S, 6, "L40S-8Q");
    STR_SET(elsewhere.mdev_uuid, on_vf.mdev_uuid);
    assert_int_equal(machine_apply(machine, &elsewhere, NULL), -REASON_CONFLICT);
    struct step disable = machine_step(machine, STEP_SRIOV_DISABLE, FIX_L40S);
    assert_int_equal(machine_apply(machine, &disable, NULL), -REASON_IN_USE);
    struct step removal[] = {step_undo(&on_vf), step_undo(&on_pf)};
    for (size_t i = 0; i < ARRAY_SIZE(removal); i++) {
        assert_applied(machine, &removal[i]);
        assert_applied(machine, &removal[i]);
    }
    apply_kind(machine, STEP_SRIOV_DISABLE, FIX_L40S);
}

int main(int argc, char **argv)
{
    if (argc != 2 || !machine_prepare(argv[1])) {
        puts("1..0 # SKIP needs root, FUSE and mount namespaces");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_gpu_goes_to_vfio_and_back),
        cmocka_unit_test(a_gpu_that_a_program_holds_is_not_unbound),
        cmocka_unit_test(an_audio_function_in_the_group_bars_passthrough),
        cmocka_unit_test(virtual_functions_come_and_go),
        cmocka_unit_test(a_passing_lock_is_waited_for),
        cmocka_unit_test(a_time_sliced_vgpu_is_made_and_deleted),
        cmocka_unit_test(mixed_sizes_stand_where_they_were_asked_for),
        cmocka_unit_test(a_mig_backed_vgpu_tells_its_gpu_instance),
        cmocka_unit_test(a_vgpu_in_use_is_not_deleted),
        cmocka_unit_test(a_search_without_time_holds_nothing_up),
        cmocka_unit_test(after_a_reboot_everything_is_deleted_already),
        cmocka_unit_test(mdevs_are_made_and_removed),
    };
    return cmocka_run_group_tests_name("sysfs driver on the simulated kernel", tests, NULL, NULL);
}

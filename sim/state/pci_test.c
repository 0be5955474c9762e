/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <errno.h>

#include "sim/state/fixture.h"

#define FIXTURE(iface) CLEANUP(fixture_freep) struct fixture *fix = fixture_new(iface)

static struct pci_addr addr_of(const char *text)
{
    struct pci_addr addr;
    assert_true(pci_addr_parse(text, &addr));
    return addr;
}

static void to_vfio(struct fixture *fix, struct sim_gpu *gpu)
{
    assert_int_equal(sim_set_driver_override(fix->host, &gpu->addr, "vfio-pci"), 0);
    assert_int_equal(sim_unbind(fix->host, &gpu->addr, "nvidia"), 0);
    assert_int_equal(sim_drivers_probe(fix->host, &gpu->addr), 0);
    assert_string_equal(gpu->driver, "vfio-pci");
}

static void a_driver_binds_by_override_only(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_L40S];
    assert_int_equal(sim_bind(fix->host, &gpu->addr, "vfio-pci"), -ENODEV);
    assert_int_equal(sim_set_driver_override(fix->host, &gpu->addr, "vfio-pci"), 0);
    assert_int_equal(sim_bind(fix->host, &gpu->addr, "vfio-pci"), -EBUSY);
    assert_int_equal(sim_unbind(fix->host, &gpu->addr, "vfio-pci"), -ENODEV);
    assert_int_equal(sim_unbind(fix->host, &gpu->addr, "nvidia"), 0);
    assert_int_equal(sim_bind(fix->host, &gpu->addr, "nvidia"), -ENODEV);
    assert_int_equal(sim_bind(fix->host, &gpu->addr, "vfio-pci"), 0);
    assert_int_equal(sim_nvml_count(fix->host), FIX_GPUS - 1);
    assert_int_equal(sim_bind(fix->host, &gpu->addr, "nouveau"), -ENOENT);
}

static void a_probe_gives_a_freed_device_back_to_its_driver(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_L40S];
    to_vfio(fix, gpu);
    assert_int_equal(sim_drivers_probe(fix->host, &gpu->addr), 0);
    assert_string_equal(gpu->driver, "vfio-pci");
    assert_int_equal(sim_unbind(fix->host, &gpu->addr, "vfio-pci"), 0);
    assert_int_equal(sim_set_driver_override(fix->host, &gpu->addr, ""), 0);
    assert_int_equal(sim_drivers_probe(fix->host, &gpu->addr), 0);
    assert_string_equal(gpu->driver, "nvidia");
}

static void an_unknown_device_is_no_device(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct pci_addr addr = addr_of("0000:99:00.0");
    assert_int_equal(sim_bind(fix->host, &addr, "nvidia"), -ENODEV);
    assert_int_equal(sim_unbind(fix->host, &addr, "nvidia"), -ENODEV);
    assert_int_equal(sim_drivers_probe(fix->host, &addr), -ENODEV);
    assert_int_equal(sim_set_driver_override(fix->host, &addr, "x"), -ENODEV);
    assert_int_equal(sim_open_device(fix->host, "0000:99:00.0", 5, ""), -ENODEV);
    assert_int_equal(sim_open_device(fix->host, "nonsense", 5, ""), -ENODEV);
}

static void the_driver_stays_while_anything_hangs_on_it(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_L40S];
    sim_sriov(fix->host, gpu, true);
    assert_int_equal(sim_unbind(fix->host, &gpu->addr, "nvidia"), -EBUSY);
    sim_vf_set_type(fix->host, gpu, &gpu->vfs[0], 1152);
    assert_int_equal(sim_unbind(fix->host, &gpu->vfs[0].addr, "nvidia"), -EBUSY);
    assert_int_equal(sim_sriov(fix->host, gpu, false), -EBUSY);
    sim_vf_set_type(fix->host, gpu, &gpu->vfs[0], 0);
    assert_int_equal(sim_unbind(fix->host, &gpu->vfs[0].addr, "nvidia"), 0);
    assert_int_equal(sim_sriov(fix->host, gpu, false), 0);
    sim_set(fix->host, gpu, "holder", "nvidia-persistenced");
    assert_int_equal(sim_unbind(fix->host, &gpu->addr, "nvidia"), -EBUSY);
    assert_int_equal(sim_sriov(fix->host, gpu, true), -EBUSY);
}

static void virtual_functions_have_the_real_addresses(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    char bdf[BDF_SIZE];
    struct sim_gpu *pro = fix->gpus[FIX_PRO];
    sim_sriov(fix->host, pro, true);
    assert_int_equal(pro->n_vfs, 48);
    assert_string_equal(pci_addr_format(&pro->vfs[0].addr, bdf), "0000:41:00.2");
    struct sim_gpu *l40s = fix->gpus[FIX_L40S];
    sim_sriov(fix->host, l40s, true);
    assert_int_equal(l40s->n_vfs, 32);
    assert_string_equal(pci_addr_format(&l40s->vfs[0].addr, bdf), "0001:61:00.4");
    assert_string_equal(pci_addr_format(&l40s->vfs[4].addr, bdf), "0001:61:01.0");
    struct sim_gpu *owner = NULL;
    assert_ptr_equal(sim_find_vf(fix->host, &l40s->vfs[4].addr, &owner), &l40s->vfs[4]);
    assert_ptr_equal(owner, l40s);
}

static void sriov_manage_wipes_instances_and_the_mixed_flag(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *pro = fix->gpus[FIX_PRO];
    int activation = 0;
    sim_set_mig_mode(fix->host, pro, true, &activation);
    sim_gi_create(fix->host, pro, fixture_find_profile(pro, "1g.24gb+gfx"), SIM_NONE, NULL);
    assert_int_equal(sim_sriov(fix->host, pro, true), 0);
    assert_int_equal(pro->n_gis, 0);
    assert_true(pro->mig_current);
    struct sim_gpu *l40s = fix->gpus[FIX_L40S];
    sim_set_heterogeneous(fix->host, l40s, true);
    assert_int_equal(sim_sriov(fix->host, l40s, true), 0);
    assert_false(l40s->heterogeneous);
    sim_set_heterogeneous(fix->host, l40s, true);
    assert_int_equal(sim_sriov(fix->host, l40s, true), 0); /* already enabled: nothing happens */
    assert_true(l40s->heterogeneous);
}

static void a_passed_through_gpu_has_one_opener(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_L40S];
    assert_int_equal(sim_open_device(fix->host, "0001:61:00.0", 5, "a"), -ENODEV);
    to_vfio(fix, gpu);
    assert_int_equal(sim_open_device(fix->host, "0001:61:00.0", 5, "a"), 0);
    assert_int_equal(sim_open_device(fix->host, "0001:61:00.0", 5, "a"), 0);
    assert_int_equal(sim_open_device(fix->host, "0001:61:00.0", 6, "b"), -EBUSY);
    sim_close_device(fix->host, "0001:61:00.0", 6);
    assert_int_equal(gpu->opener, 5);
    sim_close_device(fix->host, "0001:61:00.0", 5);
    assert_int_equal(gpu->opener, 0);
}

/* VFIO gives a group to one process, which may have all of it; the rest goes to no driver of the
 * host meanwhile. */
static void an_audio_function_is_opened_with_its_gpu(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_L40S];
    struct sim_extra *audio = &fix->host->extras[fix->host->n_extras++];
    *audio = (struct sim_extra){
        .iommu_group = gpu->iommu_group, .home_driver = "snd_hda_intel", .driver = "vfio-pci"};
    assert_true(pci_addr_parse("0001:61:00.1", &audio->addr));
    assert_int_equal(sim_open_device(fix->host, "0001:61:00.1", 5, "a"), -EPERM);
    to_vfio(fix, gpu);
    assert_int_equal(sim_open_device(fix->host, "0001:61:00.0", 5, "a"), 0);
    assert_int_equal(sim_open_device(fix->host, "0001:61:00.1", 6, "b"), -EBUSY);
    assert_int_equal(sim_open_device(fix->host, "0001:61:00.1", 5, "a"), 0);
    assert_int_equal(audio->opener, 5);
    sim_close_device(fix->host, "0001:61:00.0", 5);
    assert_int_equal(sim_open_device(fix->host, "0001:61:00.0", 6, "b"), -EBUSY);
    assert_int_equal(sim_unbind(fix->host, &audio->addr, "vfio-pci"), 0);
    assert_int_equal(sim_bind(fix->host, &audio->addr, "snd_hda_intel"), -EBUSY);
    sim_close_device(fix->host, "0001:61:00.1", 5);
    assert_int_equal(audio->opener, 0);
    assert_int_equal(sim_open_device(fix->host, "0001:61:00.0", 6, "b"), 0);
}

static void a_gpu_unbound_under_its_opener_gets_no_driver_before_it_is_closed(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_L40S];
    to_vfio(fix, gpu);
    assert_int_equal(sim_open_device(fix->host, "0001:61:00.0", 5, "a"), 0);
    assert_int_equal(sim_unbind(fix->host, &gpu->addr, "vfio-pci"), 0);
    assert_int_equal(gpu->opener, 5);
    assert_int_equal(sim_bind(fix->host, &gpu->addr, "vfio-pci"), -EBUSY);
    assert_int_equal(sim_drivers_probe(fix->host, &gpu->addr), 0);
    assert_string_equal(gpu->driver, "");
    assert_int_equal(sim_remove(fix->host, &gpu->addr), -EBUSY);
    sim_close_device(fix->host, "0001:61:00.0", 5);
    assert_int_equal(sim_bind(fix->host, &gpu->addr, "vfio-pci"), 0);
}

static void an_override_is_kept_as_it_was_written(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_L40S];
    char longest[SIM_OVERRIDE_SIZE + 1];
    memset(longest, 'x', SIM_OVERRIDE_SIZE);
    longest[SIM_OVERRIDE_SIZE] = '\0';
    assert_int_equal(sim_set_driver_override(fix->host, &gpu->addr, longest), -EINVAL);
    assert_string_equal(gpu->driver_override, "");
    assert_int_equal(sim_set_driver_override(fix->host, &gpu->addr, " vfio-pci "), 0);
    assert_string_equal(gpu->driver_override, " vfio-pci ");
}

static void a_shared_group_must_be_free_as_a_whole(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_L40S];
    fix->host->extras[0] = (struct sim_extra){.addr = addr_of("0001:61:00.1"),
                                              .iommu_group = gpu->iommu_group,
                                              .home_driver = "snd_hda_intel",
                                              .driver = "snd_hda_intel"};
    fix->host->extras[1] = (struct sim_extra){.addr = addr_of("0001:60:00.0"),
                                              .iommu_group = gpu->iommu_group,
                                              .home_driver = "pcieport",
                                              .driver = "pcieport"};
    fix->host->n_extras = 2;
    to_vfio(fix, gpu);
    assert_int_equal(sim_open_device(fix->host, "0001:61:00.0", 5, "a"), -EPERM);
    struct pci_addr audio = fix->host->extras[0].addr;
    assert_int_equal(sim_unbind(fix->host, &audio, "snd_hda_intel"), 0);
    assert_int_equal(sim_open_device(fix->host, "0001:61:00.0", 5, "a"), 0);
}

static bool only_seven_lives(int32_t pid)
{
    return pid == 7;
}

static void a_dead_emulator_lets_go(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_L40S];
    sim_sriov(fix->host, gpu, true);
    for (uint32_t i = 0; i < 2; i++) {
        char bdf[BDF_SIZE];
        sim_vf_set_type(fix->host, gpu, &gpu->vfs[i], 1152);
        sim_open_device(fix->host, pci_addr_format(&gpu->vfs[i].addr, bdf), 7 + (int32_t)i, "vm");
    }
    sim_forget_dead(fix->host, only_seven_lives);
    assert_int_equal(gpu->vfs[0].vgpu.opener, 7);
    assert_int_equal(gpu->vfs[1].vgpu.opener, 0);
    assert_string_equal(gpu->vfs[1].vgpu.vm_uuid, "");
}

static void a_reboot_leaves_ampere_its_mig_mode_and_nothing_else(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *a100 = fix->gpus[FIX_A100];
    struct sim_gpu *pro = fix->gpus[FIX_PRO];
    struct sim_gpu *l40s = fix->gpus[FIX_L40S];
    fixture_mig_on(fix, a100);
    fixture_mig_on(fix, pro);
    sim_gi_create(fix->host, a100, fixture_find_profile(a100, "1g.5gb"), SIM_NONE, NULL);
    to_vfio(fix, l40s);
    sim_open_device(fix->host, "0001:61:00.0", 5, "a");
    sim_reboot(fix->host);
    assert_true(a100->mig_current);
    assert_int_equal(a100->n_gis, 0);
    assert_int_equal(a100->n_vfs, 0);
    assert_false(pro->mig_current || pro->mig_pending);
    assert_string_equal(l40s->driver, "nvidia");
    assert_string_equal(l40s->driver_override, "");
    assert_int_equal(l40s->opener, 0);
}

static void a_driver_reload_waits_for_vms(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *l40s = fix->gpus[FIX_L40S];
    struct sim_gpu *pro = fix->gpus[FIX_PRO];
    to_vfio(fix, l40s);
    sim_open_device(fix->host, "0001:61:00.0", 5, "a"); /* vfio-pci's, not the driver's */
    sim_sriov(fix->host, pro, true);
    sim_vf_set_type(fix->host, pro, &pro->vfs[0], 1525);
    sim_open_device(fix->host, "0000:41:00.2", 6, "b");
    assert_int_equal(sim_driver_reload(fix->host), -EBUSY);
    sim_close_device(fix->host, "0000:41:00.2", 6);
    assert_int_equal(sim_driver_reload(fix->host), 0);
    assert_int_equal(pro->n_vfs, 0);
    assert_string_equal(l40s->driver, "vfio-pci");
    assert_int_equal(l40s->opener, 5);
}

static void a_lost_gpu_fails_kernel_requests(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_L40S];
    sim_sriov(fix->host, gpu, true);
    sim_set(fix->host, gpu, "lost", "1");
    assert_int_equal(sim_vf_set_type(fix->host, gpu, &gpu->vfs[0], 1152), -EIO);
    assert_int_equal(sim_sriov(fix->host, gpu, false), -EIO);
    assert_int_equal(sim_set(fix->host, gpu, "lost", "maybe"), -EINVAL);
}

static void a_lost_gpu_returns_as_far_as_it_can(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_L40S];
    for (int returns = 0; returns < 2; returns++) {
        assert_int_equal(sim_sriov(fix->host, gpu, true), 0);
        assert_int_equal(sim_vf_set_type(fix->host, gpu, &gpu->vfs[0], 1152), 0);
        char vf[BDF_SIZE];
        pci_addr_format(&gpu->vfs[0].addr, vf);
        assert_int_equal(sim_open_device(fix->host, vf, 5, "a"), 0);
        sim_set(fix->host, gpu, "lost", returns == 1 ? "rescan" : "1");
        assert_int_equal(sim_remove(fix->host, &gpu->addr), -EBUSY);
        sim_close_device(fix->host, vf, 5);
        assert_int_equal(sim_remove(fix->host, &gpu->addr), 0);
        assert_int_equal(gpu->n_vfs, 0);
        sim_rescan(fix->host);
        assert_int_equal(gpu->removed, returns == 0);
        assert_int_equal(sim_nvml_reaches(gpu), returns == 1);
        sim_reboot(fix->host);
        assert_true(sim_nvml_reaches(gpu));
    }
}

static void a_wedged_gpu_makes_no_vgpus_until_it_is_reset(void **state)
{
    (void)state;
    FIXTURE(SIM_MDEV);
    struct sim_gpu *gpu = fix->gpus[FIX_T4];
    static const char uuid[] = "00000000-0000-4000-8000-00000000000a";
    uint32_t type = sim_type_id(gpu->model, &gpu->model->types.items[0]);
    assert_int_equal(sim_mdev_create(fix->host, &gpu->addr, type, uuid), 0);
    sim_wedge(fix->host, gpu);
    assert_int_equal(sim_mdev_remove(fix->host, uuid), -EIO);
    assert_int_equal(sim_open_device(fix->host, uuid, 5, "a"), -EIO);
    sim_set(fix->host, gpu, "wedged", "0");
    assert_int_equal(sim_mdev_remove(fix->host, uuid), 0);
    sim_wedge(fix->host, gpu);
    assert_int_equal(sim_mdev_create(fix->host, &gpu->addr, type, uuid), -EIO);
    assert_int_equal(sim_gpu_reset(fix->host, gpu), SIM_NVML_OK);
    assert_int_equal(sim_mdev_create(fix->host, &gpu->addr, type, uuid), 0);
}

static void a_driver_that_is_not_loaded_binds_nothing(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_L40S];
    assert_int_equal(sim_driver_unload(fix->host), 0);
    assert_string_equal(gpu->driver, "");
    assert_int_equal(sim_bind(fix->host, &gpu->addr, "nvidia"), -ENODEV);
    assert_int_equal(sim_drivers_probe(fix->host, &gpu->addr), 0);
    assert_string_equal(gpu->driver, "");
    sim_driver_load(fix->host);
    assert_string_equal(gpu->driver, "nvidia");
    assert_int_equal(sim_driver_unload(fix->host), 0);
    sim_reboot(fix->host);
    assert_string_equal(gpu->driver, "nvidia");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_driver_binds_by_override_only),
        cmocka_unit_test(a_probe_gives_a_freed_device_back_to_its_driver),
        cmocka_unit_test(an_unknown_device_is_no_device),
        cmocka_unit_test(the_driver_stays_while_anything_hangs_on_it),
        cmocka_unit_test(virtual_functions_have_the_real_addresses),
        cmocka_unit_test(sriov_manage_wipes_instances_and_the_mixed_flag),
        cmocka_unit_test(a_passed_through_gpu_has_one_opener),
        cmocka_unit_test(an_audio_function_is_opened_with_its_gpu),
        cmocka_unit_test(a_gpu_unbound_under_its_opener_gets_no_driver_before_it_is_closed),
        cmocka_unit_test(an_override_is_kept_as_it_was_written),
        cmocka_unit_test(a_shared_group_must_be_free_as_a_whole),
        cmocka_unit_test(a_dead_emulator_lets_go),
        cmocka_unit_test(a_reboot_leaves_ampere_its_mig_mode_and_nothing_else),
        cmocka_unit_test(a_driver_reload_waits_for_vms),
        cmocka_unit_test(a_lost_gpu_fails_kernel_requests),
        cmocka_unit_test(a_lost_gpu_returns_as_far_as_it_can),
        cmocka_unit_test(a_wedged_gpu_makes_no_vgpus_until_it_is_reset),
        cmocka_unit_test(a_driver_that_is_not_loaded_binds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

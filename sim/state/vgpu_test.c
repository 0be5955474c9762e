/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <errno.h>

#include "sim/state/fixture.h"

#define FIXTURE(iface) CLEANUP(fixture_freep) struct fixture *fix = fixture_new(iface)

#define UUID_A "00000000-0000-4000-8000-00000000000a"
#define UUID_B "00000000-0000-4000-8000-00000000000b"

static int set_type(struct fixture *fix, struct sim_gpu *gpu, uint32_t vf, uint32_t type_id)
{
    return sim_vf_set_type(fix->host, gpu, &gpu->vfs[vf], type_id);
}

static void make_gi(struct fixture *fix, struct sim_gpu *gpu, const char *profile, uint32_t start)
{
    assert_int_equal(sim_gi_create(fix->host, gpu, fixture_find_profile(gpu, profile), start, NULL),
                     SIM_NVML_OK);
}

/* Ids that the VF's creatable_vgpu_types would list, as "1 2 3". */
static const char *listed(struct fixture *fix, struct sim_gpu *gpu, uint32_t vf, char out[128])
{
    const struct cat_vgpu_type *types[64];
    uint32_t n = sim_vf_creatable(fix->host, gpu, &gpu->vfs[vf], types, ARRAY_SIZE(types));
    size_t len = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < n; i++) {
        len += (size_t)snprintf(out + len, 128 - len, "%s%u", i > 0 ? " " : "",
                                sim_type_id(gpu->model, types[i]));
    }
    return out;
}

static void equal_mode_keeps_to_one_size(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_L40S];
    char ids[128];
    assert_int_equal(sim_sriov(fix->host, gpu, true), 0);
    assert_string_equal(listed(fix, gpu, 0, ids), "1152 1154 1155 1162");
    assert_int_equal(set_type(fix, gpu, 0, 1152), 0);
    assert_string_equal(listed(fix, gpu, 0, ids), "");
    assert_string_equal(listed(fix, gpu, 1, ids), "1152 1162");
    assert_int_equal(set_type(fix, gpu, 1, 1154), -EIO);
    assert_false(gpu->vfs[1].vgpu.exists);
    assert_int_equal(set_type(fix, gpu, 1, 1162), 0);
    assert_int_equal(gpu->vfs[1].vgpu.placement_id, 8);
}

static void a_full_gpu_lists_nothing(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_L40S];
    char ids[128];
    sim_sriov(fix->host, gpu, true);
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(set_type(fix, gpu, i, 1152), 0);
    }
    assert_string_equal(listed(fix, gpu, 6, ids), "");
    assert_int_equal(set_type(fix, gpu, 6, 1152), -EIO);
}

static void mixed_mode_seats_types_by_the_table(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_L40S];
    sim_sriov(fix->host, gpu, true);
    assert_int_equal(sim_set_heterogeneous(fix->host, gpu, true), SIM_NVML_OK);
    assert_int_equal(set_type(fix, gpu, 0, 1155), 0); /* 24 at 0 */
    assert_int_equal(set_type(fix, gpu, 1, 1152), 0); /* 8 at 24: 0 and 16 are covered */
    assert_int_equal(gpu->vfs[1].vgpu.placement_id, 24);
    assert_int_equal(set_type(fix, gpu, 2, 1154), 0); /* 16 at 32 */
    assert_int_equal(gpu->vfs[2].vgpu.placement_id, 32);
    assert_int_equal(set_type(fix, gpu, 3, 1152), -EIO);
}

static void mixed_mode_is_set_before_the_first_vgpu(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_L40S];
    sim_sriov(fix->host, gpu, true);
    set_type(fix, gpu, 0, 1152);
    assert_int_equal(sim_set_heterogeneous(fix->host, gpu, true), SIM_NVML_IN_USE);
    struct sim_gpu *mig = fix->gpus[FIX_PRO];
    fixture_mig_on(fix, mig);
    assert_int_equal(sim_set_heterogeneous(fix->host, mig, true), SIM_NVML_NOT_SUPPORTED);
}

static void fixed_share_and_mixed_sizes_exclude_each_other(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_L40S];
    assert_int_equal(sim_set_scheduler(fix->host, gpu, 3), SIM_NVML_OK);
    assert_int_equal(sim_set_heterogeneous(fix->host, gpu, true), SIM_NVML_NOT_SUPPORTED);
    assert_int_equal(sim_set_scheduler(fix->host, gpu, 2), SIM_NVML_OK);
    assert_int_equal(sim_set_heterogeneous(fix->host, gpu, true), SIM_NVML_OK);
    assert_int_equal(sim_set_scheduler(fix->host, gpu, 3), SIM_NVML_NOT_SUPPORTED);
    assert_int_equal(sim_set_scheduler(fix->host, gpu, 4), SIM_NVML_INVALID_ARGUMENT);
}

static void the_scheduler_is_fixed_while_a_vgpu_exists(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_L40S];
    sim_sriov(fix->host, gpu, true);
    set_type(fix, gpu, 0, 1152);
    assert_int_equal(sim_set_scheduler(fix->host, gpu, 2), SIM_NVML_NOT_SUPPORTED);
}

static void a_wanted_placement_is_taken(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_L40S];
    sim_sriov(fix->host, gpu, true);
    sim_set_heterogeneous(fix->host, gpu, true);
    struct sim_vf *before = &gpu->vfs[0];
    assert_int_equal(sim_vf_set_params(fix->host, gpu, before, "vgpu-placement-id=40"), 0);
    assert_int_equal(set_type(fix, gpu, 0, 1152), 0);
    assert_int_equal(before->vgpu.placement_id, 40);
    struct sim_vf *after = &gpu->vfs[1];
    assert_int_equal(set_type(fix, gpu, 1, 1152), 0);
    assert_int_equal(
        sim_vf_set_params(fix->host, gpu, after, "disable_vnc=1, vgpu-placement-id=24\n"), 0);
    assert_int_equal(after->vgpu.placement_id, 24);
}

static void a_vm_with_a_bad_placement_does_not_start(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_L40S];
    sim_sriov(fix->host, gpu, true);
    sim_set_heterogeneous(fix->host, gpu, true);
    set_type(fix, gpu, 0, 1152);
    sim_vf_set_params(fix->host, gpu, &gpu->vfs[0], "vgpu-placement-id=7");
    assert_int_equal(sim_open_device(fix->host, "0001:61:00.4", 100, ""), -EINVAL);
    sim_vf_set_params(fix->host, gpu, &gpu->vfs[0], " ");
    assert_int_equal(sim_open_device(fix->host, "0001:61:00.4", 100, ""), 0);
}

static void mig_without_an_instance_gives_eio(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_PRO];
    char ids[128];
    fixture_mig_on(fix, gpu);
    assert_string_equal(listed(fix, gpu, 0, ids), "");
    assert_int_equal(set_type(fix, gpu, 0, 1557), -EIO);
    assert_int_equal(set_type(fix, gpu, 0, 1), -EINVAL);
}

static void modes_offer_their_own_types_only(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_PRO];
    sim_sriov(fix->host, gpu, true);
    assert_int_equal(set_type(fix, gpu, 0, 1557), -EIO);
    sim_sriov(fix->host, gpu, false);
    fixture_mig_on(fix, gpu);
    make_gi(fix, gpu, "1g.24gb+gfx", 0);
    assert_int_equal(set_type(fix, gpu, 0, 1525), -EIO);
}

static void only_gfx_instances_host_vgpus(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_PRO];
    fixture_mig_on(fix, gpu);
    make_gi(fix, gpu, "1g.24gb", 0);
    assert_int_equal(set_type(fix, gpu, 0, 1557), -EIO);
}

static void twelve_vgpus_share_four_instances(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_PRO];
    fixture_mig_on(fix, gpu);
    for (uint32_t i = 0; i < 4; i++) {
        make_gi(fix, gpu, "1g.24gb+gfx", 3 * i);
    }
    uint32_t per_gi[16] = {0};
    for (uint32_t i = 0; i < 12; i++) {
        assert_int_equal(set_type(fix, gpu, i, 1557), 0);
        per_gi[gpu->vfs[i].vgpu.gi_id]++;
    }
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(per_gi[gpu->gis[i].id], 3);
    }
    assert_int_equal(set_type(fix, gpu, 12, 1557), -EIO);
}

static void an_instance_keeps_to_one_size_unless_heterogeneous(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_PRO];
    char ids[128];
    fixture_mig_on(fix, gpu);
    make_gi(fix, gpu, "1g.24gb+gfx", 0);
    assert_int_equal(set_type(fix, gpu, 0, 1557), 0);
    assert_string_equal(listed(fix, gpu, 1, ids), "1555 1557 1558 1563"); /* not filtered by size */
    assert_int_equal(set_type(fix, gpu, 1, 1558), -EIO);
    assert_int_equal(set_type(fix, gpu, 1, 1555), 0); /* another series of the same size */
    struct sim_gi *gi = &gpu->gis[0];
    assert_int_equal(sim_gi_set_heterogeneous(fix->host, gpu, gi, true), SIM_NVML_IN_USE);
    set_type(fix, gpu, 0, 0);
    set_type(fix, gpu, 1, 0);
    assert_int_equal(sim_gi_set_heterogeneous(fix->host, gpu, gi, true), SIM_NVML_OK);
    assert_int_equal(set_type(fix, gpu, 0, 1558), 0);
    assert_int_equal(set_type(fix, gpu, 1, 1557), 0);
    assert_int_equal(set_type(fix, gpu, 2, 1557), -EIO);
}

static void time_slicing_in_an_instance_needs_the_hypervisor(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_PRO];
    fix->host->hypervisor_mig_timeslicing = false;
    fixture_mig_on(fix, gpu);
    make_gi(fix, gpu, "1g.24gb+gfx", 0);
    assert_int_equal(set_type(fix, gpu, 0, 1557), -EIO);
    assert_int_equal(set_type(fix, gpu, 0, 1563), 0);
    assert_int_equal(set_type(fix, gpu, 1, 1563), -EIO);
    assert_int_equal(sim_gi_set_heterogeneous(fix->host, gpu, &gpu->gis[0], true),
                     SIM_NVML_NOT_SUPPORTED);
    const struct cat_vgpu_type *types[64];
    for (uint32_t i = 0; i < sim_supported_types(fix->host, gpu, types, 64); i++) {
        assert_false(types[i]->mig_backed && types[i]->max_per_gi > 1);
    }
}

/* Which instances three vGPUs come to stand on, of two with room for each. */
static void choose(struct fixture *fix, const char *how, uint64_t seed, uint32_t ret_gis[3])
{
    struct sim_gpu *gpu = fix->gpus[FIX_PRO];
    fix->host->seed = seed;
    fix->host->choices = 0;
    assert_int_equal(sim_set(fix->host, gpu, "instance_choice", how), 0);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(set_type(fix, gpu, i, 1557), 0);
        ret_gis[i] = gpu->vfs[i].vgpu.gi_id;
    }
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(set_type(fix, gpu, i, 0), 0);
    }
}

static void the_driver_chooses_among_instances_as_is_set(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    fixture_mig_on(fix, fix->gpus[FIX_PRO]);
    make_gi(fix, fix->gpus[FIX_PRO], "1g.24gb+gfx", 0);
    make_gi(fix, fix->gpus[FIX_PRO], "1g.24gb+gfx", 3);
    uint32_t a[3];
    uint32_t b[3];
    choose(fix, "fill", 1, a);
    assert_true(a[0] == a[1] && a[1] == a[2]);
    choose(fix, "spread", 1, a);
    assert_true(a[0] != a[1] && a[0] == a[2]);
    bool differs = false;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        choose(fix, "random", seed, a);
        choose(fix, "random", seed, b);
        assert_memory_equal(a, b, sizeof(a));
        choose(fix, "random", seed + 8, b);
        differs = differs || memcmp(a, b, sizeof(a)) != 0;
    }
    assert_true(differs);
    assert_int_equal(sim_set(fix->host, fix->gpus[FIX_PRO], "instance_choice", "best"), -EINVAL);
}

static void two_gib_takes_three_units_of_a_96_gib_board(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_PRO];
    sim_sriov(fix->host, gpu, true);
    for (uint32_t i = 0; i < 32; i++) {
        assert_int_equal(set_type(fix, gpu, i, 1518), 0);
        assert_int_equal(gpu->vfs[i].vgpu.placement_id, 3 * i);
    }
    assert_int_equal(set_type(fix, gpu, 32, 1518), -EIO);
}

static void a_type_without_a_known_id_gets_a_stable_one(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    const struct gpu_model *model = fix->gpus[FIX_PRO]->model;
    const struct cat_vgpu_type *type = &model->types.items[7];
    uint32_t id = sim_type_id(model, type);
    assert_true(id >= 60000);
    assert_ptr_equal(sim_type_by_id(model, id), type);
}

static void a_vgpu_in_use_is_neither_replaced_nor_deleted(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = fix->gpus[FIX_L40S];
    sim_sriov(fix->host, gpu, true);
    set_type(fix, gpu, 0, 1152);
    assert_int_equal(set_type(fix, gpu, 0, 1152), -EBUSY);
    assert_int_equal(sim_open_device(fix->host, "0001:61:00.4", 100, "vm"), 0);
    assert_int_equal(set_type(fix, gpu, 0, 0), -EBUSY);
    assert_int_equal(sim_vf_set_params(fix->host, gpu, &gpu->vfs[0], "disable_vnc=1"), -EPERM);
    sim_close_device(fix->host, "0001:61:00.4", 100);
    assert_int_equal(set_type(fix, gpu, 0, 0), 0);
    assert_int_equal(set_type(fix, gpu, 0, 0), 0);
}

static void mdevs_live_on_virtual_functions(void **state)
{
    (void)state;
    FIXTURE(SIM_MDEV);
    struct sim_gpu *gpu = fix->gpus[FIX_L40S];
    const struct cat_vgpu_type *type_8q = sim_type_by_id(gpu->model, 1152);
    const struct cat_vgpu_type *type_16q = sim_type_by_id(gpu->model, 1154);
    assert_int_equal(sim_mdev_create(fix->host, &gpu->addr, 1152, UUID_A), -ENODEV);
    sim_sriov(fix->host, gpu, true);
    struct pci_addr vf0 = gpu->vfs[0].addr;
    struct pci_addr vf1 = gpu->vfs[1].addr;
    assert_int_equal(sim_mdev_available(fix->host, &vf0, type_8q), 1);
    assert_int_equal(sim_mdev_create(fix->host, &vf0, 1152, "nonsense"), -EINVAL);
    assert_int_equal(sim_mdev_create(fix->host, &vf0, 1, UUID_A), -ENOENT);
    assert_int_equal(sim_mdev_create(fix->host, &vf0, 1152, UUID_A), 0);
    assert_int_equal(sim_mdev_available(fix->host, &vf0, type_8q), 0);
    assert_int_equal(sim_mdev_available(fix->host, &vf1, type_8q), 1);
    assert_int_equal(sim_mdev_available(fix->host, &vf1, type_16q), 0);
    assert_int_equal(sim_mdev_create(fix->host, &vf1, 1152, UUID_A), -EEXIST);
    assert_int_equal(sim_mdev_create(fix->host, &vf0, 1152, UUID_B), -EIO);
    assert_int_equal(set_type(fix, gpu, 1, 1152), -ENODEV);
    assert_int_equal(sim_open_device(fix->host, UUID_A, 7, "vm"), 0);
    assert_int_equal(sim_mdev_remove(fix->host, UUID_A), -EBUSY);
    sim_close_device(fix->host, UUID_A, 7);
    assert_int_equal(sim_mdev_remove(fix->host, UUID_A), 0);
    assert_int_equal(sim_mdev_remove(fix->host, UUID_A), -ENODEV);
}

static void mdevs_of_a_board_without_sriov_live_on_the_pf(void **state)
{
    (void)state;
    FIXTURE(SIM_MDEV);
    struct sim_gpu *gpu = fix->gpus[FIX_T4];
    const struct cat_vgpu_type *type = sim_type_by_id(gpu->model, 233);
    assert_int_equal(sim_mdev_available(fix->host, &gpu->addr, type), 2);
    assert_int_equal(sim_mdev_create(fix->host, &gpu->addr, 233, UUID_A), 0);
    assert_int_equal(sim_mdev_available(fix->host, &gpu->addr, type), 1);
    assert_int_equal(sim_mdev_create(fix->host, &gpu->addr, 233, UUID_B), 0);
    assert_int_equal(sim_mdev_available(fix->host, &gpu->addr, type), 0);
    struct sim_vgpu *a = sim_find_mdev(fix->host, UUID_A, NULL, NULL);
    struct sim_vgpu *b = sim_find_mdev(fix->host, UUID_B, NULL, NULL);
    assert_int_not_equal(a->iommu_group, b->iommu_group);
    assert_int_equal(sim_unbind(fix->host, &gpu->addr, "nvidia"), -EBUSY);
}

static void without_the_vgpu_manager_there_are_no_types(void **state)
{
    (void)state;
    FIXTURE(SIM_VENDOR_VFIO);
    fix->host->vgpu_host = false;
    const struct cat_vgpu_type *types[64];
    assert_int_equal(sim_supported_types(fix->host, fix->gpus[FIX_L40S], types, 64), 0);
    assert_int_equal(sim_sriov(fix->host, fix->gpus[FIX_L40S], true), -ENODEV);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_mode_keeps_to_one_size),
        cmocka_unit_test(a_full_gpu_lists_nothing),
        cmocka_unit_test(mixed_mode_seats_types_by_the_table),
        cmocka_unit_test(mixed_mode_is_set_before_the_first_vgpu),
        cmocka_unit_test(fixed_share_and_mixed_sizes_exclude_each_other),
        cmocka_unit_test(the_scheduler_is_fixed_while_a_vgpu_exists),
        cmocka_unit_test(a_wanted_placement_is_taken),
        cmocka_unit_test(a_vm_with_a_bad_placement_does_not_start),
        cmocka_unit_test(mig_without_an_instance_gives_eio),
        cmocka_unit_test(modes_offer_their_own_types_only),
        cmocka_unit_test(only_gfx_instances_host_vgpus),
        cmocka_unit_test(twelve_vgpus_share_four_instances),
        cmocka_unit_test(an_instance_keeps_to_one_size_unless_heterogeneous),
        cmocka_unit_test(time_slicing_in_an_instance_needs_the_hypervisor),
        cmocka_unit_test(the_driver_chooses_among_instances_as_is_set),
        cmocka_unit_test(two_gib_takes_three_units_of_a_96_gib_board),
        cmocka_unit_test(a_type_without_a_known_id_gets_a_stable_one),
        cmocka_unit_test(a_vgpu_in_use_is_neither_replaced_nor_deleted),
        cmocka_unit_test(mdevs_live_on_virtual_functions),
        cmocka_unit_test(mdevs_of_a_board_without_sriov_live_on_the_pf),
        cmocka_unit_test(without_the_vgpu_manager_there_are_no_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

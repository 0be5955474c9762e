/* SPDX-License-Identifier: Apache-2.0 */
/* Host files: the shipped ones load, and each mistake is refused where it is. */
#include "test.h"

#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "sim/state/state.h"

static const char head[] = "name: h\ndriver: 580.105.08\nkernel: 6.8.0-60-generic\n";

struct group {
    struct catalog *catalog;
    char dir[64];
    char *path;
};

static int set_up(void **state)
{
    struct group *group = xcalloc(1, sizeof(*group));
    struct error err = {0};
    if (catalog_load(CATALOG_DIR, &group->catalog, &err) < 0) {
        print_error("%s: %s\n", err.subject, err.message);
        return -1;
    }
    STR_SET(group->dir, "/tmp/sim-host-test-XXXXXX");
    if (mkdtemp(group->dir) == NULL) {
        return -1;
    }
    group->path = xasprintf("%s/host.yaml", group->dir);
    *state = group;
    return 0;
}

static int tear_down(void **state)
{
    struct group *group = *state;
    fs_remove_tree(group->dir);
    free(group->path);
    catalog_free(group->catalog);
    free(group);
    return 0;
}

static struct sim_host *load(struct group *group, const char *text)
{
    CLEANUP_FREE char *all = xasprintf("%s%s", head, text);
    assert_int_equal(fs_write_atomic(group->path, all, strlen(all)), 0);
    struct sim_host *host = NULL;
    struct error err = {0};
    if (sim_host_load(group->path, group->catalog, &host, &err) < 0) {
        fail_msg("%s: %s: %s", text, err.subject, err.message);
    }
    return host;
}

/* The whole text must be refused with a message that holds `part`. */
static void refuse(struct group *group, const char *text, const char *part)
{
    assert_int_equal(fs_write_atomic(group->path, text, strlen(text)), 0);
    struct sim_host *host = NULL;
    struct error err = {0};
    if (sim_host_load(group->path, group->catalog, &host, &err) == 0) {
        sim_host_free(host);
        fail_msg("not refused: %s", text);
    }
    CLEANUP_FREE char *said = xasprintf("%s: %s", err.subject, err.message);
    if (strstr(said, part) == NULL) {
        fail_msg("no '%s' in '%s'", part, said);
    }
    assert_true(str_starts(err.subject, group->path));
}

static void refuse_gpus(struct group *group, const char *gpus, const char *part)
{
    CLEANUP_FREE char *text = xasprintf("%sgpus:\n%s", head, gpus);
    refuse(group, text, part);
}

static void every_shipped_host_loads(void **state)
{
    struct group *group = *state;
    CLEANUP_STRLIST struct strlist names = {0};
    assert_int_equal(fs_list(HOSTS_DIR, &names), 0);
    assert_true(names.n >= 7);
    for (size_t i = 0; i < names.n; i++) {
        CLEANUP_FREE char *path = xasprintf("%s/%s", HOSTS_DIR, names.items[i]);
        CLEANUP(sim_host_freep) struct sim_host *host = NULL;
        struct error err = {0};
        if (sim_host_load(path, group->catalog, &host, &err) < 0) {
            fail_msg("%s: %s", err.subject, err.message);
        }
        assert_true(host->n_gpus > 0);
    }
}

static void the_file_decides_what_it_says_and_the_rest_is_filled_in(void **state)
{
    struct group *group = *state;
    CLEANUP(sim_host_freep)
    struct sim_host *host = load(
        group,
        "gpus:\n"
        "  - {board: l40s, bdf: '0000:81:00.0', numa_node: 1, serial: S1, vfs: {count: 8, first: "
        "2}}\n"
        "  - {board: rtx-pro-6000-blackwell-se, bdf: '0000:41:00.0', pci_id: '0x2bb5:0x220b'}\n"
        "  - board: a100-pcie-40gb\n"
        "    bdf: '0001:41:00.0'\n"
        "    mig: true\n"
        "    reset: false\n"
        "    iommu_group: 10\n"
        "    group_members: [{bdf: '0001:42:00.1', kind: audio}]\n");
    struct sim_gpu *pro = &host->gpus[0]; /* sorted by address */
    struct sim_gpu *l40s = &host->gpus[1];
    struct sim_gpu *a100 = &host->gpus[2];
    assert_int_equal(pro->pci_subsystem, 0x220b);
    assert_int_equal(pro->vfs_total, 48);
    assert_int_equal(pro->sriov_offset, 2);
    assert_int_equal(pro->numa_node, -1);
    assert_int_equal(l40s->vfs_total, 8);
    assert_string_equal(l40s->serial, "S1");
    assert_int_equal(l40s->minor, 1);
    assert_true(a100->mig_current && a100->no_reset);
    assert_int_equal(a100->iommu_group, 10);
    assert_int_equal(a100->vfs_total, 32);
    assert_int_equal(a100->sriov_offset, 4);
    assert_int_not_equal(l40s->iommu_group, 10);
    assert_int_equal(host->extras[0].iommu_group, 10);
    assert_string_equal(host->extras[0].driver, "snd_hda_intel");
    assert_int_equal(host->iface, SIM_VENDOR_VFIO);
    assert_int_equal(sim_nvml_count(host), 3);
}

static void identities_are_stable(void **state)
{
    struct group *group = *state;
    static const char text[] = "gpus: [{board: l40s, bdf: '0000:81:00.0'}]\n";
    CLEANUP(sim_host_freep) struct sim_host *a = load(group, text);
    CLEANUP(sim_host_freep) struct sim_host *b = load(group, text);
    assert_string_equal(a->gpus[0].uuid, b->gpus[0].uuid);
    assert_string_equal(a->gpus[0].serial, b->gpus[0].serial);
    assert_true(str_starts(a->gpus[0].uuid, "GPU-"));
}

static void the_kernel_decides_the_vgpu_interface(void **state)
{
    struct group *group = *state;
    static const struct {
        const char *text;
        enum sim_iface iface;
    } rows[] = {
        {"kernel: 6.7.9\n", SIM_MDEV},
        {"kernel: 6.8.0\n", SIM_VENDOR_VFIO},
        {"kernel: 5.14.0-503.el9.x86_64\n", SIM_MDEV},
        {"kernel: 10.0.1\n", SIM_VENDOR_VFIO},
        {"kernel: 6.12.0\nvgpu_interface: mdev\n", SIM_MDEV},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_FREE char *text =
            xasprintf("name: h\ndriver: 580.105.08\n%sgpus: [{board: l40s, bdf: '0000:81:00.0'}]\n",
                      rows[i].text);
        assert_int_equal(fs_write_atomic(group->path, text, strlen(text)), 0);
        CLEANUP(sim_host_freep) struct sim_host *host = NULL;
        assert_int_equal(sim_host_load(group->path, group->catalog, &host, NULL), 0);
        assert_int_equal(host->iface, rows[i].iface);
    }
}

static void a_gpu_may_start_with_instances(void **state)
{
    struct group *group = *state;
    CLEANUP(sim_host_freep)
    struct sim_host *host = load(group, "gpus:\n"
                                        "  - board: h100-sxm5-80gb\n"
                                        "    bdf: 0000:81:00.0\n"
                                        "    uuid: GPU-11111111-2222-4333-8444-555555555555\n"
                                        "    mig: true\n"
                                        "    vfs: {enabled: true}\n"
                                        "    instances:\n"
                                        "      - {profile: 3g.40gb, start: 4, compute: [1, 2]}\n"
                                        "      - {profile: 1g.20gb, start: 0, compute: [1]}\n"
                                        "seed: 4\n"
                                        "faults: [{at: sriov-manage, errno: EBUSY, count: 1}]\n");
    struct sim_gpu *gpu = &host->gpus[0];
    assert_string_equal(gpu->uuid, "GPU-11111111-2222-4333-8444-555555555555");
    assert_true(gpu->n_vfs > 0);
    assert_int_equal(gpu->vfs[0].iommu_group, gpu->vf_group_base);
    assert_int_equal(gpu->n_gis, 2);
    assert_int_equal(gpu->gis[0].start, 4);
    assert_int_equal(gpu->gis[0].n_cis, 2);
    assert_int_equal(gpu->gis[0].cis[1].size, 2);
    assert_int_equal(gpu->gis[1].n_cis, 1);
    assert_int_equal(host->seed, 4);
    assert_int_equal(host->n_faults, 1);
}

static void what_does_not_fit_a_gpu_is_refused(void **state)
{
    struct group *group = *state;
#define H100 "  - {board: h100-sxm5-80gb, bdf: '0000:81:00.0', mig: true, instances: "
    refuse_gpus(group, H100 "[{profile: 7g.80gb}, {profile: 1g.10gb}]}\n",
                "host.yaml:5:94: gpus[0].instances[1].profile: 1g.10gb does not fit");
    refuse_gpus(group, H100 "[{profile: 3g.40gb, start: 1}]}\n", "3g.40gb can't start at 1");
    refuse_gpus(group, H100 "[{profile: 9g.40gb}]}\n", "9g.40gb");
    refuse_gpus(group, H100 "[{profile: 1g.10gb, compute: [2]}]}\n", "2 slices don't fit");
    refuse_gpus(group, H100 "[{profile: 1g.10gb, size: 1}]}\n", "unknown key \"size\"");
    refuse_gpus(
        group,
        "  - {board: h100-sxm5-80gb, bdf: '0000:81:00.0', instances: [{profile: 1g.10gb}]}\n",
        "needs `mig: true`");
    refuse_gpus(group, "  - {board: t4, bdf: '0000:81:00.0', vfs: {enabled: true}}\n", "vfs");
    refuse_gpus(group, "  - {board: t4, bdf: '0000:81:00.0', uuid: GPU-1}\n", "uuid: \"GPU-1\"");
    refuse_gpus(group, "  - {board: t4, bdf: '0000:81:00.0'}\nfaults: [{at: x}]\n",
                "host.yaml:6:11: faults[0].at: the fault does nothing");
}

static void mistakes_of_the_host_are_named(void **state)
{
    struct group *group = *state;
    static const char gpu[] = "gpus: [{board: l40s, bdf: '0000:81:00.0'}]\n";
    CLEANUP_FREE char *no_name = xasprintf("driver: a\nkernel: 6.8.0\n%s", gpu);
    refuse(group, no_name, "name: is missing");
    CLEANUP_FREE char *bad_name = xasprintf("name: a b\ndriver: a\nkernel: 6.8.0\n%s", gpu);
    refuse(group, bad_name, "\"a b\" is not a host name");
    CLEANUP_FREE char *bad_kernel = xasprintf("name: h\ndriver: a\nkernel: linux\n%s", gpu);
    refuse(group, bad_kernel, "kernel: \"linux\"");
    CLEANUP_FREE char *unknown = xasprintf("%s%svendor: x\n", head, gpu);
    refuse(group, unknown, "vendor");
    CLEANUP_FREE char *twice = xasprintf("%s%sname: x\n", head, gpu);
    refuse(group, twice, "host.yaml:5");
    refuse(group, head, "gpus: is missing");
    CLEANUP_FREE char *empty = xasprintf("%sgpus: []\n", head);
    refuse(group, empty, "gpus: is empty");
    refuse(group, "name: [\n", "host.yaml:");
}

static void mistakes_of_a_gpu_are_named(void **state)
{
    struct group *group = *state;
    refuse_gpus(group, "  - {bdf: '0000:81:00.0'}\n", "gpus[0].board: is missing");
    refuse_gpus(group, "  - {board: l40z, bdf: '0000:81:00.0'}\n", "l40s");
    refuse_gpus(group, "  - {board: l40s}\n", "gpus[0].bdf: is missing");
    refuse_gpus(group, "  - {board: l40s, bdf: '81'}\n",
                "gpus[0].bdf: \"81\" is not a PCI address");
    refuse_gpus(group, "  - {board: l40s, bdf: '0000:81:00.0', pci_id: '0x1234'}\n",
                "gpus[0].pci_id");
    refuse_gpus(group, "  - {board: l40s, bdf: '0000:81:00.0', mig: true}\n", "has no MIG");
    refuse_gpus(group, "  - {board: t4, bdf: '0000:81:00.0', vfs: {count: 4}}\n", "no SR-IOV");
    refuse_gpus(group, "  - {board: l40s, bdf: '0000:81:00.0', vfs: {count: 99}}\n",
                "gpus[0].vfs.count");
    refuse_gpus(group, "  - {board: l40s, bdf: '0000:81:00.0', speed: 3}\n",
                "unknown key \"speed\"");
    refuse_gpus(group,
                "  - {board: l40s, bdf: '0000:81:00.0', group_members: [{bdf: '0000:81:00.1', "
                "kind: radio}]}\n",
                "gpus[0].group_members[0].kind");
}

static void two_devices_at_one_address_are_refused(void **state)
{
    struct group *group = *state;
    refuse_gpus(group,
                "  - {board: l40s, bdf: '0000:81:00.0'}\n"
                "  - {board: l40s, bdf: '0000:81:00.0'}\n",
                "host.yaml:6:19: gpus[1].bdf: 0000:81:00.0 is already the address of gpus[0]");
    refuse_gpus(group,
                "  - {board: l40s, bdf: '0000:81:00.0'}\n"
                "  - {board: l40s, bdf: '0000:81:01.0'}\n",
                "is one of the virtual functions of gpus[0]");
    refuse_gpus(group,
                "  - {board: l40s, bdf: '0000:81:01.0'}\n"
                "  - {board: l40s, bdf: '0000:81:00.0'}\n",
                "overlap");
    refuse_gpus(group,
                "  - {board: l40s, bdf: '0000:81:00.0', group_members: [{bdf: '0000:81:00.0', "
                "kind: audio}]}\n",
                "already the address");
    refuse_gpus(group,
                "  - {board: l40s, bdf: '0000:81:00.0', group_members: [{bdf: '0000:80:00.0', "
                "kind: audio}, {bdf: '0000:80:00.0', kind: bridge}]}\n",
                "given twice");
    refuse_gpus(group, "  - {board: l40s, bdf: '0000:ff:1f.0'}\n", "do not fit");
}

static void a_missing_file_is_said(void **state)
{
    struct group *group = *state;
    struct sim_host *host = NULL;
    struct error err = {0};
    assert_true(sim_host_load("/nonexistent/host.yaml", group->catalog, &host, &err) < 0);
    assert_non_null(strstr(err.subject, "/nonexistent/host.yaml"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shipped_host_loads),
        cmocka_unit_test(the_file_decides_what_it_says_and_the_rest_is_filled_in),
        cmocka_unit_test(identities_are_stable),
        cmocka_unit_test(the_kernel_decides_the_vgpu_interface),
        cmocka_unit_test(a_gpu_may_start_with_instances),
        cmocka_unit_test(what_does_not_fit_a_gpu_is_refused),
        cmocka_unit_test(mistakes_of_the_host_are_named),
        cmocka_unit_test(mistakes_of_a_gpu_are_named),
        cmocka_unit_test(two_devices_at_one_address_are_refused),
        cmocka_unit_test(a_missing_file_is_said),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

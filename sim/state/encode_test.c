/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Saved states: test/golden/sim-state has them as they are written, and what is read back is
 * written the same again. CLEAVE_GOLDEN=write writes them again: what an older cleave-sim wrote
 * must still be read, so each change there needs a fallback.
 */
#include "test.h"

#include <stdlib.h>

#include "base/fs.h"
#include "base/json.h"
#include "sim/state/encode.h"
#include "sim/state/fixture.h"

#define MAX_TEXT (256 * 1024)
#define FEW_VFS 6
#define VM "11111111-2222-4333-8444-555555555555"
#define MDEV "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"

static struct fixture *few_vfs(enum sim_iface iface)
{
    struct fixture *fix = fixture_new(iface);
    for (uint32_t i = 0; i < FIX_GPUS; i++) {
        bool has = fix->gpus[i]->vfs_total > 0;
        fix->gpus[i]->vfs_total = has ? FEW_VFS : 0;
    }
    STR_SET(fix->host->boot_id, "01234567-89ab-4cde-8f01-23456789abcd");
    return fix;
}

/* What no call to the engine would leave together; each member has a value of its own. */
static void fill_flags(struct sim_gpu *gpu)
{
    STR_SET(gpu->holder, "dcgm");
    gpu->busy = 5;
    gpu->heterogeneous = true;
    gpu->scheduler_policy = 2;
    gpu->lost = true;
    gpu->returns = true;
    gpu->wedged = true;
    gpu->no_reset = true;
    gpu->choice = SIM_CHOOSE_SPREAD;
    gpu->removed = true;
    gpu->sriov_no_autoprobe = true;
    gpu->last_xid = 79;
    gpu->mig_pending = true;
    for (uint32_t i = 0; i < SIM_SETTING_COUNT; i++) {
        gpu->settings[i] = 100 + i;
    }
    gpu->corrected = (struct sim_ecc){.volatile_count = 3, .aggregate_count = 1ull << 40};
    gpu->uncorrected = (struct sim_ecc){.volatile_count = 1, .aggregate_count = 2};
}

static void fill_host(struct sim_host *host)
{
    host->driver_loads = 4;
    host->no_autoprobe = true;
    host->unloaded = true;
    host->vgpu_versions = (struct sim_version_range){.oldest = 0x20001, .newest = 0x70001};
    host->n_ids = 1;
    host->ids[0] = (struct sim_id){.driver = "vfio-pci", .vendor = 0x10de, .device = 0x22ba};
    host->n_extras = 2;
    host->extras[0] = (struct sim_extra){.driver = "vfio-pci",
                                         .driver_override = "vfio-pci",
                                         .opener = 99,
                                         .vm_uuid = VM,
                                         .removed = true};
    pci_addr_parse("0000:21:00.1", &host->extras[0].addr);
    host->extras[1] = (struct sim_extra){.driver = "snd_hda_intel"};
    pci_addr_parse("0000:41:00.1", &host->extras[1].addr);
}

/* GPU instances, vGPUs on virtual functions, a VM. */
static struct fixture *make_vendor_vfio(void)
{
    struct fixture *fix = few_vfs(SIM_VENDOR_VFIO);
    struct sim_gpu *pro = fix->gpus[FIX_PRO];
    struct sim_gpu *l40s = fix->gpus[FIX_L40S];
    fixture_mig_on(fix, pro);
    struct sim_gi *gi = NULL;
    sim_gi_create(fix->host, pro, fixture_find_profile(pro, "1g.24gb+gfx"), 3, &gi);
    sim_ci_create(fix->host, pro, gi, 0, NULL);
    gi->heterogeneous = true;
    gi->scheduler = (struct sim_gi_scheduler){
        .policy = 3, .arr = 1, .avg_factor = 30, .frequency = 480, .timeslice_ns = 2000000};
    sim_gi_create(fix->host, pro, fixture_find_profile(pro, "1g.24gb-me"), 0, &gi);
    sim_vf_set_type(fix->host, pro, &pro->vfs[5], 1557);
    sim_vf_set_params(fix->host, pro, &pro->vfs[5], "disable_vnc=1");
    sim_open_device(fix->host, "0000:41:00.7", 77, VM);
    struct pci_addr licensed;
    pci_addr_parse("0000:41:00.7", &licensed);
    sim_set_licence(fix->host, &sim_find_vf(fix->host, &licensed, NULL)->vgpu, "licensed",
                    "2030-01-01T00:00:00Z");
    sim_vf_set_params(fix->host, pro, &pro->vfs[2], "vgpu-placement-id=4");
    sim_sriov(fix->host, fix->gpus[FIX_A100], true);
    STR_SET(fix->gpus[FIX_A100]->vfs[1].driver_override, "none");
    fix->gpus[FIX_A100]->vfs[1].removed = true;
    sim_set_driver_override(fix->host, &l40s->addr, "vfio-pci");
    sim_unbind(fix->host, &l40s->addr, "nvidia");
    sim_bind(fix->host, &l40s->addr, "vfio-pci");
    sim_open_device(fix->host, "0001:61:00.0", 78, VM);
    fill_flags(fix->gpus[FIX_T4]);
    fill_host(fix->host);
    return fix;
}

/* Mediated devices on a virtual function, and on a board that has none. */
static struct fixture *make_mdev(void)
{
    struct fixture *fix = few_vfs(SIM_MDEV);
    struct sim_gpu *l40s = fix->gpus[FIX_L40S];
    struct sim_gpu *t4 = fix->gpus[FIX_T4];
    sim_sriov(fix->host, l40s, true);
    sim_set_heterogeneous(fix->host, l40s, true);
    assert_int_equal(sim_mdev_create(fix->host, &l40s->vfs[1].addr, 1152, VM), 0);
    assert_int_equal(sim_mdev_create(fix->host, &t4->addr, 232, MDEV), 0);
    assert_int_equal(sim_open_device(fix->host, MDEV, 79, VM), 0);
    return fix;
}

struct sample {
    const char *name;
    struct fixture *(*make)(void);
    enum sim_iface iface;
};
static const struct sample samples[] = {{"vendor-vfio", make_vendor_vfio, SIM_VENDOR_VFIO},
                                        {"mdev", make_mdev, SIM_MDEV}};

static char *text_of(const json_t *json)
{
    CLEANUP_FREE char *text = json_text(json);
    CLEANUP_JSON json_t *sorted = json_loads(text, JSON_DECODE_ANY, NULL);
    return yaml_text(sorted);
}

/* What a host that never had anything done to it reads, written again. */
static int read_again(const struct sample *sample, const json_t *json, json_t **ret_again,
                      struct error *err)
{
    CLEANUP(fixture_freep) struct fixture *fix = few_vfs(sample->iface);
    CLEANUP(fixture_freep) struct fixture *made = sample->make();
    fix->host->n_extras = made->host->n_extras;
    for (uint32_t i = 0; i < fix->host->n_extras; i++) {
        fix->host->extras[i].addr = made->host->extras[i].addr;
    }
    int result = sim_host_from_json(fix->host, json, "saved", err);
    *ret_again = result == 0 ? sim_host_to_json(fix->host) : NULL;
    return result;
}

static json_t *golden(const char *name)
{
    CLEANUP_FREE char *path = xasprintf("%s/%s.yaml", GOLDEN_DIR, name);
    json_t *json = NULL;
    struct error err = {0};
    if (json_read_file(path, &json, &err) < 0) {
        fail_msg("%s: %s", err.subject, err.message);
    }
    return json;
}

static void each_state_is_written_as_it_was(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
        CLEANUP(fixture_freep) struct fixture *fix = samples[i].make();
        CLEANUP_JSON json_t *json = sim_host_to_json(fix->host);
        CLEANUP_FREE char *path = xasprintf("%s/%s.yaml", GOLDEN_DIR, samples[i].name);
        CLEANUP_FREE char *got = text_of(json);
        CLEANUP_FREE char *wanted = NULL;
        size_t len = 0;
        if (str_eq(getenv("CLEAVE_GOLDEN"), "write")) {
            assert_int_equal(fs_write_atomic(path, got, strlen(got)), 0);
        }
        assert_int_equal(fs_read(path, MAX_TEXT, &wanted, &len), 0);
        assert_string_equal(got, wanted);
    }
}

static void what_is_read_back_is_written_the_same_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
        CLEANUP_JSON json_t *json = golden(samples[i].name);
        CLEANUP_JSON json_t *again = NULL;
        struct error err = {0};
        if (read_again(&samples[i], json, &again, &err) < 0) {
            fail_msg("%s: %s: %s", samples[i].name, err.subject, err.message);
        }
        CLEANUP_FREE char *was = text_of(json);
        CLEANUP_FREE char *is = text_of(again);
        assert_string_equal(is, was);
    }
}

static const char *const mangled[][3] = {
    {"name: fixture", "name: other",
     "host.name: the state belongs to host \"other\", not to \"fixture\""},
    {"board: pro", "board: b200", "host.gpus[1].bdf: the state belongs to another host"},
    {"bdf: 0001:61:00.0", "bdf: 0001:62:00.0",
     "host.gpus[2].bdf: the state belongs to another host"},
    {"- bdf: 0000:41:00.1\n  driver: snd_hda_intel", "",
     "host.extras: the state belongs to another host: the host file has 2, not 1"},
    {"name: 1g.24gb-me", "name: 9g.24gb",
     "gpus[1].gis[1].profile: the catalog has no such profile"},
    {"type: DC-1-8C", "type: DC-9C", "gpus[1].vfs[5].vgpu.type: the catalog has no vGPU type"},
    {"instance_choice: spread", "instance_choice: sprad", "did you mean \"spread\"?"},
    {"opener: 77", "opener: -77", "gpus[1].vfs[5].vgpu.opener: is -77"},
    {"volatile: 3", "volatle: 3", "gpus[3].corrected.volatile: is missing"},
    {"last_xid: 79", "last_xjd: 79", "host.gpus[3]: unknown key \"last_xjd\""},
    {"- 2000000", "- -1", "gpus[1].gis[0].scheduler: is out of range"},
    {"persistence: 100", "persistense: 100", "host.gpus[3].settings: unknown key"},
};

static void a_mangled_state_is_refused_by_path(void **state)
{
    (void)state;
    CLEANUP_JSON json_t *whole = golden("vendor-vfio");
    CLEANUP_FREE char *text = text_of(whole);
    for (size_t i = 0; i < ARRAY_SIZE(mangled); i++) {
        const char *at = strstr(text, mangled[i][0]);
        assert_non_null(at);
        CLEANUP_FREE char *changed = xasprintf("%.*s%s%s", (int)(at - text), text, mangled[i][1],
                                               at + strlen(mangled[i][0]));
        CLEANUP_JSON json_t *json = NULL;
        CLEANUP_JSON json_t *again = NULL;
        struct error err = {0};
        assert_int_equal(yaml_read(changed, strlen(changed), "saved", &json, &err), 0);
        assert_true(read_again(&samples[0], json, &again, &err) < 0);
        if (strstr(err.message, mangled[i][2]) == NULL) {
            fail_msg("%s: %s", mangled[i][1], err.message);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_state_is_written_as_it_was),
        cmocka_unit_test(what_is_read_back_is_written_the_same_again),
        cmocka_unit_test(a_mangled_state_is_refused_by_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

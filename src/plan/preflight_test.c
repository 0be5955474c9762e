/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of migrations, over the real catalog and rules and two made-up hosts. */
#include "plan/preflight.h"

#include <stdio.h>

#include "base/str.h"
#include "model/host_derive.h"
#include "test.h"

#define L40S 0x26b9
#define L40S_SUB 0x1851
#define A100 0x20f1
#define A100_SUB 0x145f

static struct catalog *catalog;
static struct rules *rules;

struct side {
    struct host *host;
    struct claims claims;
    struct gpu_records records;
};

struct fixture {
    struct side source, target;
    struct migration_offer *offer;
    struct checks checks;
    struct plan *plan;
};

static struct planner planner_of(const struct side *side)
{
    return (struct planner){.catalog = catalog,
                            .rules = rules,
                            .host = side->host,
                            .claims = &side->claims,
                            .records = &side->records};
}

static struct gpu *add_gpu(struct side *side, uint8_t bus, uint32_t id, uint32_t subsystem)
{
    struct pci_addr addr = {.bus = bus};
    struct gpu *gpu = host_add_gpu(side->host, &addr);
    gpu->pci_id = id;
    gpu->pci_subsystem_id = subsystem;
    gpu->index = 0;
    gpu->vfs_total = 16;
    gpu->vfs_enabled = 16;
    gpu->vf_offset = 4;
    gpu->vf_stride = 1;
    gpu->iface = VGPU_IFACE_VENDOR_VFIO;
    gpu->ecc = TRI_YES;
    gpu->nvlinks_known = true;
    STR_SET(gpu->driver, "nvidia");
    STR_SET(gpu->name, id == L40S ? "NVIDIA L40S" : "NVIDIA A100");
    gpu->mig_capable = id == L40S ? TRI_NO : TRI_YES;
    for (uint8_t i = 0; i < 4; i++) {
        struct vf *vf = vec_push(&gpu->vfs);
        vf->addr = (struct pci_addr){.bus = bus, .device = 0, .function = (uint8_t)(4 + i)};
        vf->iface = VGPU_IFACE_VENDOR_VFIO;
    }
    return gpu;
}

static void side_open(struct side *side, const char *name)
{
    side->host = host_new();
    STR_SET(side->host->name, name);
    STR_SET(side->host->driver_version, "570.1");
    STR_SET(side->host->libvirt_version, "11.3.0");
    STR_SET(side->host->qemu_version, "9.0.0");
    STR_SET(side->host->kernel, "6.8.0");
    STR_SET(side->host->os, "ubuntu 24.04");
    STR_SET(side->host->cpu_arch, "x86_64");
    STR_SET(side->host->cpu_vendor, "Intel");
    STR_SET(side->host->cpu_model, "Cascadelake-Server");
}

static void open_fixture(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    side_open(&f->source, "alpha");
    side_open(&f->target, "beta");
    struct gpu *gpu = add_gpu(&f->source, 0x41, L40S, L40S_SUB);
    struct vgpu *vgpu = vec_push(&gpu->vgpus);
    vgpu->vf = gpu->vfs.items[0].addr;
    vgpu->gi_id = vgpu->placement_id = NO_ID;
    vgpu->params_known = true;
    STR_SET(vgpu->type, "L40S-8Q");
    struct claim *claim = vec_push(&f->source.claims);
    STR_SET(claim->name, "a");
    STR_SET(claim->tenant, "default");
    STR_SET(claim->vm, "web1");
    STR_SET(claim->spec.type, "L40S-8Q");
    claim->spec.mode = CLAIM_TIME_SLICED;
    claim->spec.start = NO_ID;
    claim->state = CLAIM_BOUND;
    claim->assigned = (struct assignment){.set = true,
                                          .gpu = gpu->addr,
                                          .device = vgpu->vf,
                                          .gi_id = NO_ID,
                                          .start = NO_ID,
                                          .size = NO_ID,
                                          .type_id = NO_ID,
                                          .placement_id = NO_ID};
    struct vm *vm = vec_push(&f->source.host->vms);
    STR_SET(vm->name, "web1");
    STR_SET(vm->uuid, "11111111-1111-4111-8111-111111111111");
    vm->state = VM_RUNNING;
    struct vm_device *device = vec_push(&vm->devices);
    device->addr = vgpu->vf;
    device->live = true;
}

static void close_fixture(struct fixture *f)
{
    struct side *sides[] = {&f->source, &f->target};
    for (size_t i = 0; i < ARRAY_SIZE(sides); i++) {
        host_free(sides[i]->host);
        vec_done(&sides[i]->claims);
    }
    migration_offer_free(f->offer);
    vec_done(&f->checks);
    plan_free(f->plan);
}

static void no_uuid(char out[37])
{
    snprintf(out, 37, "22222222-2222-4222-8222-222222222222");
}

static void ask(struct fixture *f, const struct nvml_answers *answers)
{
    static const struct nvml_answers none;
    const struct plan_request request = {.author = "t", .reason = "t", .new_uuid = no_uuid};
    struct planner source = planner_of(&f->source);
    struct planner target = planner_of(&f->target);
    struct error err = {0};
    host_derive(f->source.host);
    host_derive(f->target.host);
    if (preflight_offer(&source, &f->source.host->vms.items[0], &f->offer, &err) != 0) {
        fail_msg("%s", err.message);
    }
    preflight_target(&target, f->offer, answers == NULL ? &none : answers, &request, &f->plan,
                     &f->checks);
}

static const struct check *find(const struct fixture *f, const char *rule)
{
    for (vec_each(&f->checks, check)) {
        if (str_eq(check->rule, rule)) {
            return check;
        }
    }
    fail_msg("rule %s was not asked", rule);
    return NULL;
}

#define WITH_FIXTURE(f)                                                                            \
    CLEANUP(close_fixture) struct fixture f;                                                       \
    open_fixture(&f)

static void two_equal_hosts_allow_it_and_the_target_has_a_plan(void **state)
{
    (void)state;
    WITH_FIXTURE(f);
    add_gpu(&f.target, 0x81, L40S, L40S_SUB);
    ask(&f, NULL);
    const struct check *refusal = checks_refusal(&f.checks, false);
    if (refusal != NULL) {
        fail_msg("%s: %s", refusal->rule, refusal->message);
    }
    assert_non_null(f.plan);
    assert_int_equal(f.plan->claims.n, 1);
    assert_string_equal(f.plan->claims.items[0].claim.vm, "");
    assert_string_equal(f.plan->claims.items[0].claim.spec.gpu, "");
    assert_int_equal(find(&f, "migration-room")->result, CHECK_OK);
}

static void what_nvml_says_counts_more_than_versions(void **state)
{
    (void)state;
    static const struct {
        const char *word, *rule;
        enum check_result result;
    } rows[] = {
        {"live", "migration-nvml-compatible", CHECK_OK},
        {"live", "migration-same-driver", CHECK_OK},
        {"cold", "migration-nvml-compatible", CHECK_FAILED},
        {"", "migration-nvml-compatible", CHECK_UNKNOWN},
        {"", "migration-same-driver", CHECK_OK}, /* Ubuntu's hosts may differ */
        {"", "migration-driver-differs", CHECK_WARNING},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        WITH_FIXTURE(f);
        struct gpu *gpu = add_gpu(&f.target, 0x81, L40S, L40S_SUB);
        STR_SET(f.target.host->driver_version, "570.2");
        struct nvml_answers answers = {0};
        struct nvml_answer *answer = vec_push(&answers);
        answer->gpu = gpu->addr;
        STR_SET(answer->word, rows[i].word);
        ask(&f, &answers);
        vec_done(&answers);
        if (find(&f, rows[i].rule)->result != rows[i].result) {
            fail_msg("row %zu: %s", i, check_result_name(find(&f, rows[i].rule)->result));
        }
    }
}

static void another_board_is_named_next_to_ours(void **state)
{
    (void)state;
    WITH_FIXTURE(f);
    add_gpu(&f.target, 0x81, A100, A100_SUB);
    ask(&f, NULL);
    const struct check *check = checks_refusal(&f.checks, false);
    assert_non_null(check);
    assert_string_equal(check->rule, "migration-same-board");
    assert_string_equal(check->source, "NVIDIA L40S");
    assert_string_equal(check->target, "NVIDIA A100");
    assert_non_null(check->document);
    assert_null(f.plan);
}

static void the_gpu_that_breaks_no_rule_is_chosen(void **state)
{
    (void)state;
    WITH_FIXTURE(f);
    add_gpu(&f.target, 0x21, A100, A100_SUB);
    add_gpu(&f.target, 0x41, L40S, L40S_SUB)->ecc = TRI_NO;
    struct pci_addr right = add_gpu(&f.target, 0x61, L40S, L40S_SUB)->addr;
    ask(&f, NULL);
    assert_null(checks_refusal(&f.checks, false));
    assert_int_equal(pci_addr_cmp(&f.plan->claims.items[0].claim.assigned.gpu, &right), 0);
}

static void a_cordoned_gpu_is_no_room(void **state)
{
    (void)state;
    WITH_FIXTURE(f);
    const struct gpu *gpu = add_gpu(&f.target, 0x81, L40S, L40S_SUB);
    struct gpu_record record = gpu_record_of(gpu);
    record.cordon.set = true;
    *vec_push(&f.target.records) = record;
    ask(&f, NULL);
    vec_done(&f.target.records);
    const struct check *check = checks_refusal(&f.checks, false);
    assert_non_null(check);
    assert_string_equal(check->rule, "migration-room");
    assert_non_null(strstr(check->message, "cordon"));
}

static void what_is_unknown_is_reported_and_blocks_only_when_strict(void **state)
{
    (void)state;
    WITH_FIXTURE(f);
    add_gpu(&f.target, 0x81, L40S, L40S_SUB)->ecc = TRI_UNKNOWN;
    ask(&f, NULL);
    assert_int_equal(find(&f, "migration-same-ecc")->result, CHECK_UNKNOWN);
    assert_non_null(strstr(find(&f, "migration-same-ecc")->message, "target.ecc"));
    assert_null(checks_refusal(&f.checks, false));
    assert_non_null(checks_refusal(&f.checks, true));
}

static void what_the_source_can_tell_alone_needs_no_target(void **state)
{
    (void)state;
    static const struct {
        const char *params;
        const char *rule;
    } rows[] = {
        {"frame_rate_limiter=0, enable_uvm=1", "migration-without-uvm"},
        {"enable_debugging=1", "migration-without-debugging"},
        {"enable_uvm=0, enable_profiling=1", "migration-without-profiling"},
        {"enable_uvm=0", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        WITH_FIXTURE(f);
        STR_SET(f.source.host->gpus.items[0].vgpus.items[0].params, rows[i].params);
        struct planner source = planner_of(&f.source);
        assert_int_equal(preflight_offer(&source, &f.source.host->vms.items[0], &f.offer, NULL), 0);
        preflight_source(rules, f.offer, &f.checks);
        const struct check *check = checks_refusal(&f.checks, false);
        assert_string_equal(check == NULL ? "none" : check->rule,
                            rows[i].rule == NULL ? "none" : rows[i].rule);
    }
}

static void a_device_that_no_claim_gave_is_refused_and_named(void **state)
{
    (void)state;
    WITH_FIXTURE(f);
    struct vm_device *device = vec_push(&f.source.host->vms.items[0].devices);
    device->addr = (struct pci_addr){.bus = 0x99};
    device->live = true;
    add_gpu(&f.target, 0x81, L40S, L40S_SUB);
    ask(&f, NULL);
    const struct check *check = checks_refusal(&f.checks, false);
    assert_non_null(check);
    assert_string_equal(check->rule, "migration-claimed-devices-only");
    assert_non_null(strstr(check->message, "0000:99:00.0"));
}

static void names_that_are_taken_are_refused(void **state)
{
    (void)state;
    WITH_FIXTURE(f);
    add_gpu(&f.target, 0x81, L40S, L40S_SUB);
    struct claim *claim = vec_push(&f.target.claims);
    STR_SET(claim->name, "a");
    struct vm *vm = vec_push(&f.target.host->vms);
    STR_SET(vm->name, "web1");
    ask(&f, NULL);
    assert_int_equal(find(&f, "migration-vm-name-free")->result, CHECK_FAILED);
    assert_int_equal(find(&f, "migration-claim-name-free")->result, CHECK_FAILED);
}

static void an_older_libvirt_is_worth_a_warning(void **state)
{
    (void)state;
    WITH_FIXTURE(f);
    add_gpu(&f.target, 0x81, L40S, L40S_SUB);
    STR_SET(f.target.host->libvirt_version, "11.0.10");
    ask(&f, NULL);
    assert_int_equal(find(&f, "migration-libvirt-not-older")->result, CHECK_WARNING);
    assert_null(checks_refusal(&f.checks, false));
}

static void an_offer_reads_back_as_it_was_written(void **state)
{
    (void)state;
    WITH_FIXTURE(f);
    add_gpu(&f.target, 0x81, L40S, L40S_SUB);
    ask(&f, NULL);
    STR_SET(f.offer->id, "33333333-3333-4333-8333-333333333333");
    STR_SET(f.offer->claims[0].metadata, "AAAA");
    CLEANUP_JSON json_t *json = migration_offer_to_json(f.offer);
    CLEANUP(migration_offer_freep) struct migration_offer *back = NULL;
    struct error err = {0};
    if (migration_offer_from_json(json, &back, &err) != 0) {
        fail_msg("%s: %s", err.subject, err.message);
    }
    CLEANUP_JSON json_t *again = migration_offer_to_json(back);
    assert_true(json_equal(json, again));
}

static int load(void **state)
{
    (void)state;
    return catalog_load_default(&catalog, NULL) | rules_load_default(&rules, NULL);
}

static int unload(void **state)
{
    (void)state;
    rules_free(rules);
    catalog_free(catalog);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_equal_hosts_allow_it_and_the_target_has_a_plan),
        cmocka_unit_test(what_nvml_says_counts_more_than_versions),
        cmocka_unit_test(another_board_is_named_next_to_ours),
        cmocka_unit_test(the_gpu_that_breaks_no_rule_is_chosen),
        cmocka_unit_test(a_cordoned_gpu_is_no_room),
        cmocka_unit_test(what_is_unknown_is_reported_and_blocks_only_when_strict),
        cmocka_unit_test(what_the_source_can_tell_alone_needs_no_target),
        cmocka_unit_test(a_device_that_no_claim_gave_is_refused_and_named),
        cmocka_unit_test(names_that_are_taken_are_refused),
        cmocka_unit_test(an_older_libvirt_is_worth_a_warning),
        cmocka_unit_test(an_offer_reads_back_as_it_was_written),
    };
    return cmocka_run_group_tests_name("preflight", tests, load, unload);
}

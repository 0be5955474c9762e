/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that warn: what a host, its GPUs and their guests are like, and what is said of them; and
 * what a plan says of the claims that it brings. The facts are read from the objects here, where
 * the cases of test/rules state them. */
#include "test.h"

#include "plan/admit.h"
#include "plan/host_warnings.h"
#include "plan/planner_fixture.h"
#include "plan/rule_warnings.h"

#define VM_UUID "11111111-2222-3333-4444-555555555555"

static void nothing(struct host *host, struct gpu *a100)
{
    (void)host;
    (void)a100;
}

static void old_driver(struct host *host, struct gpu *a100)
{
    (void)a100;
    STR_SET(host->driver_version, "535.261.03");
}

static void open_modules(struct host *host, struct gpu *a100)
{
    host->open_modules = TRI_YES;
    a100->board.vgpu_host = BOARD_VGPU_YES;
}

static void proprietary_modules(struct host *host, struct gpu *a100)
{
    (void)a100;
    host->open_modules = TRI_NO;
}

static void ecc_waits(struct host *host, struct gpu *a100)
{
    (void)host;
    a100->ecc = TRI_YES;
    a100->ecc_pending = TRI_NO;
}

static void mig_waits(struct host *host, struct gpu *a100)
{
    (void)host;
    a100->mig_capable = TRI_YES;
    a100->mig_pending = !a100->mig_enabled;
}

static void one_process(struct host *host, struct gpu *a100)
{
    (void)host;
    a100->mig_capable = TRI_YES;
    a100->mig_enabled = a100->mig_pending = true;
    a100->exclusive_process = TRI_YES;
}

static void no_reset(struct host *host, struct gpu *a100)
{
    (void)host;
    a100->reset_methods[0] = '\0';
}

static void shared_group(struct host *host, struct gpu *a100)
{
    (void)host;
    struct group_member *member = vec_push(&a100->group_members);
    member->addr = (struct pci_addr){.bus = 0x62};
    STR_SET(member->driver, "ixgbe");
    a100->iommu_group = 7;
}

static void links_down(struct host *host, struct gpu *a100)
{
    host->functions_known = true;
    host->nvswitches = 4;
    a100->mig_capable = TRI_YES;
    a100->nvlinks_known = true;
}

static void new_kernel(struct host *host, struct gpu *a100)
{
    STR_SET(host->kernel, "6.8.0-60-generic");
    STR_SET(host->driver_version, "535.261.03");
    a100->vfs_total = 16;
    a100->iface = VGPU_IFACE_VENDOR_VFIO;
}

static void add_guest(struct host *host, struct gpu *a100, const char *driver)
{
    STR_SET(host->driver_version, "580.105.06");
    struct gpu_guest *guest = vec_push(&a100->guests);
    STR_SET(guest->vm_uuid, VM_UUID);
    STR_SET(guest->driver, driver);
}

static void newer_guest(struct host *host, struct gpu *a100)
{
    add_guest(host, a100, "595.58.03");
}

static void older_guest(struct host *host, struct gpu *a100)
{
    add_guest(host, a100, "550.127.05");
}

static void fitting_guest(struct host *host, struct gpu *a100)
{
    add_guest(host, a100, "535.261.03"); /* of the long-term branch before */
}

/* "rule rule ", in the order of the answer. */
static void name_rules(const json_t *list, struct strbuf *out)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *warning = json_array_get(list, i);
        strbuf_addf(out, "%s ", json_string_value(json_object_get(warning, "rule")));
        assert_null(strstr(json_string_value(json_object_get(warning, "text")), "unknown"));
    }
}

static void what_a_host_is_like_is_what_is_said_of_it(void **state)
{
    struct fixture *f = *state;
    static const struct {
        void (*change)(struct host *host, struct gpu *a100);
        const char *rules;
    } rows[] = {
        {nothing, ""},
        {old_driver, "driver-branch-ended "},
        {open_modules, "open-modules-vgpu-before-ada "},
        {proprietary_modules, "open-modules-required "},
        {ecc_waits, "ecc-change-pending "},
        {mig_waits, "mig-change-pending "},
        {one_process, "mig-without-exclusive-process "},
        {no_reset, "gpu-without-reset "},
        {shared_group, "iommu-group-shared "},
        {links_down, "nvswitch-without-links "},
        {new_kernel, "driver-branch-ended vendor-vfio-needs-vgpu-17 "},
        {newer_guest, "guest-driver-newer "},
        {older_guest, "guest-driver-older "},
        {fitting_guest, ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct planner planner = planner_now(f);
        STR_SET(f->host->driver_version, "580.105.06");
        STR_SET(f->host->kernel, "5.15.0");
        for (vec_each(&f->host->gpus, gpu)) {
            STR_SET(gpu->driver, "nvidia");
            STR_SET(gpu->reset_methods, "bus");
        }
        rows[i].change(f->host, host_find_gpu(f->host, "0000:61:00.0"));
        CLEANUP_JSON json_t *list = host_warnings(&planner);
        CLEANUP_STRBUF struct strbuf rules = {0};
        name_rules(list, &rules);
        assert_string_equal(strbuf_str(&rules), rows[i].rules);
    }
}

static void a_rule_is_said_once_of_all_gpus(void **state)
{
    struct fixture *f = *state;
    struct planner planner = planner_now(f);
    for (vec_each(&f->host->gpus, gpu)) {
        STR_SET(gpu->driver, "nvidia");
        gpu->reset_methods[0] = '\0';
    }
    CLEANUP_JSON json_t *list = host_warnings(&planner);
    assert_int_equal(json_array_size(list), 1);
    const json_t *warning = json_array_get(list, 0);
    assert_string_equal(json_string_value(json_object_get(warning, "gpu")), "0000:41:00.0");
    assert_int_equal(json_integer_value(json_object_get(warning, "others")), f->host->gpus.n - 1);
}

static void a_plan_warns_of_the_claims_that_it_brings(void **state)
{
    struct fixture *f = *state;
    struct claim claim = make("win", "vm1", "L40S-8C");
    claim.spec.guest = GUEST_WINDOWS;
    CLEANUP(plan_freep) struct plan *plan = NULL;
    assert_int_equal(build(f, &claim, 1, NULL, 0, &plan), 0);
    assert_int_equal(plan->warnings.n, 1);
    assert_string_equal(plan->warnings.items[0].claim, "win");
    assert_non_null(strstr(plan->warnings.items[0].text, "(rule c-series-windows-is-tcc)"));
    struct claim other = make("lin", "vm2", "L40S-8C");
    CLEANUP(plan_freep) struct plan *quiet = NULL;
    assert_int_equal(build(f, &other, 1, NULL, 0, &quiet), 0);
    assert_int_equal(quiet->warnings.n, 0);
}

/* ---- claims ---- */

static void old_driver_for_mig(struct host *host, struct gpu *gpu)
{
    STR_SET(host->driver_version, "450.51.06");
    gpu->mig_capable = TRI_YES;
}

static void old_driver_with_mig(struct host *host, struct gpu *gpu)
{
    old_driver_for_mig(host, gpu);
    gpu->mig_enabled = true;
}

static void no_functions(struct host *host, struct gpu *gpu)
{
    (void)host;
    gpu->vfs_total = 0;
    gpu->iface = VGPU_IFACE_NONE;
}

static void equal_sizes(struct host *host, struct gpu *gpu)
{
    (void)host;
    gpu->board.mixed_sizes = BOARD_NO;
}

static void confidential(struct host *host, struct gpu *gpu)
{
    (void)gpu;
    host->confidential = TRI_YES;
}

static void a_claim_meets_the_limits_of_its_board(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *gpu, *type;
        bool mixed;
        void (*change)(struct host *host, struct gpu *gpu);
        const char *rule; /* "": it is admitted */
    } rows[] = {
        {"0000:61:00.0", "A100-1-5C", false, nothing, ""},
        {"0000:61:00.0", "A100-1-5C", false, old_driver_for_mig, "mig-needs-driver-a100"},
        {"0000:61:00.0", "A100-1-5C", false, old_driver_with_mig, ""},
        {"0000:81:00.0", "L40S-8Q", false, no_functions, "vgpu-needs-sriov"},
        {"0000:81:00.0", "L40S-8Q", true, nothing, ""},
        {"0000:81:00.0", "L40S-8Q", true, equal_sizes, "mixed-sizes-not-reported"},
        {"0000:81:00.0", "L40S-8Q", false, confidential, "confidential-gpu-has-no-vgpu"},
        {"0000:41:00.0", "DC-1-8C", false, nothing, ""},
        {"0000:41:00.0", "DC-1-8C", true, nothing, "mixed-sizes-of-an-instance"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct planner planner = planner_now(f);
        struct gpu *gpu = host_find_gpu(f->host, rows[i].gpu);
        struct claim claim = make("a", "vm1", rows[i].type);
        struct admitted admitted;
        struct error err = {0};
        claim.spec.mixed = rows[i].mixed;
        STR_SET(f->host->driver_version, "580.105.06");
        rows[i].change(f->host, gpu);
        (void)admit_on_gpu(&planner, &claim, gpu, &admitted, &err);
        if (!str_eq(err.rule, rows[i].rule)) {
            fail_msg("row %zu: \"%s\", not \"%s\": %s", i, err.rule, rows[i].rule, err.message);
        }
        assert_null(strstr(err.message, "unknown"));
    }
}

static void two_claims_of_a_vm_are_warned_of_together_once(void **state)
{
    struct fixture *f = *state;
    struct claim claims[] = {make("a", "vm1", "L40S-8Q"), make("b", "vm1", "L40S-8Q"),
                             make("c", "vm2", "L40S-8Q")};
    CLEANUP(plan_freep) struct plan *plan = NULL;
    assert_int_equal(build(f, claims, ARRAY_SIZE(claims), NULL, 0, &plan), 0);
    assert_int_equal(plan->warnings.n, 0);
    struct planner planner = planner_now(f);
    host_find_gpu(f->host, "0000:81:00.0")->iface = VGPU_IFACE_MDEV;
    rule_warnings_note(&planner, plan);
    assert_int_equal(plan->warnings.n, 1);
    assert_non_null(strstr(plan->warnings.items[0].text, "(rule several-vgpus-on-one-gpu)"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_a_host_is_like_is_what_is_said_of_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_rule_is_said_once_of_all_gpus, setup, teardown),
        cmocka_unit_test_setup_teardown(a_claim_meets_the_limits_of_its_board, setup, teardown),
        cmocka_unit_test_setup_teardown(two_claims_of_a_vm_are_warned_of_together_once, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_plan_warns_of_the_claims_that_it_brings, setup, teardown),
    };
    return cmocka_run_group_tests_name("plan: warnings", tests, NULL, NULL);
}

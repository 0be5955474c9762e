/* SPDX-License-Identifier: Apache-2.0 */
/* What a dry run says, the run does; and what a run says is about what was asked. */
#include "manager/manager.h"

#include <string.h>

#include "base/str.h"
#include "mhost_fixture.h"
#include "state/state.h"
#include "test.h"
#include "vm/power.h"

/* ---- a claim that was without its device before ---- */

static void take_vgpus(struct fake_host *host)
{
    fake_lock();
    memset(host->gpus[0].vfs, 0, sizeof(host->gpus[0].vfs)); /* by another tool, or a fault */
    fake_unlock();
}

static const struct plan *latest(struct mhost *mhost, struct plan **ret_plans)
{
    struct plan **plans = NULL;
    size_t n = 0;
    struct error err = {0};
    assert_int_equal(ledger_load_plans(mhost->manager->ledger, 1, false, &plans, &n, &err), 0);
    assert_int_equal(n, 1);
    *ret_plans = plans[0];
    free(plans);
    return *ret_plans;
}

static void a_claim_that_lacked_its_device_before_is_a_warning(void **state)
{
    struct mhost_fixture *f = *state;
    struct mhost *mhost = &f->mhost;
    assert_int_equal(mhost_create(mhost, "{\"name\": \"a\", \"type\": \"A100-2-10C\"}", NULL), 0);
    assert_true(mhost_settle(mhost));
    take_vgpus(&f->host);
    assert_int_equal(mhost_create(mhost, "{\"name\": \"b\", \"type\": \"A100-1-5C\"}", NULL), 0);
    assert_true(mhost_settle(mhost));
    assert_string_equal(mhost_claim_state(mhost, "b"), "bound");
    CLEANUP(plan_freep) struct plan *plan = NULL;
    latest(mhost, &plan);
    assert_string_equal(plan->reason, "claim create b");
    assert_string_equal(plan->problem, "");
    assert_int_equal(plan->warnings.n, 1);
    assert_string_equal(plan->warnings.items[0].claim, "a");
    assert_non_null(strstr(plan->warnings.items[0].text, "cleave host restore"));

    /* Its own deletion is about it: that succeeds, and warns of none. */
    assert_int_equal(mhost_delete(mhost, "a", NULL), 0);
    assert_true(mhost_settle(mhost));
    CLEANUP(plan_freep) struct plan *deletion = NULL;
    latest(mhost, &deletion);
    assert_string_equal(deletion->problem, "");
    assert_int_equal(deletion->warnings.n, 0);
}

static void a_dry_run_warns_of_the_same_claim(void **state)
{
    struct mhost_fixture *f = *state;
    struct mhost *mhost = &f->mhost;
    assert_int_equal(mhost_create(mhost, "{\"name\": \"a\", \"type\": \"A100-2-10C\"}", NULL), 0);
    assert_true(mhost_settle(mhost));
    take_vgpus(&f->host);
    struct answer answer = {0};
    json_t *body = json_pack("{s:s, s:s}", "name", "b", "type", "A100-1-5C");
    mhost_ask(mhost, VERB_CREATE_CLAIM, &answer, .json = body, .dry_run = true);
    json_decref(body);
    assert_true(mhost_wait(mhost, &answer));
    const json_t *plan = json_object_get(answer.body, "plan");
    const json_t *warning = json_array_get(json_object_get(plan, "warnings"), 0);
    assert_string_equal(json_string_value(json_object_get(warning, "claim")), "a");
    answer_done(&answer);
}

/* ---- several names: each is judged behind those before it ---- */

static json_t *steps_of(const struct answer *answer)
{
    return json_object_get(json_object_get(answer->body, "plan"), "steps");
}

static size_t count_steps(const struct answer *answer, const char *kind)
{
    const json_t *steps = steps_of(answer);
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *step = json_array_get(steps, i);
        n += str_eq(json_string_value(json_object_get(step, "kind")), kind);
    }
    return n;
}

static void foresee_delete(struct mhost *mhost, const char *name, const char *behind,
                           struct answer *answer)
{
    *answer = (struct answer){0};
    mhost_ask(mhost, VERB_DELETE_CLAIM, answer, .target = name, .dry_run = true, .behind = behind);
    assert_true(mhost_wait(mhost, answer));
}

static void the_last_of_several_deletions_takes_the_instance(void **state)
{
    struct mhost_fixture *f = *state;
    struct mhost *mhost = &f->mhost;
    struct answer answer;
    assert_int_equal(mhost_create(mhost, "{\"name\": \"a\", \"type\": \"DC-1-8C\"}", NULL), 0);
    assert_int_equal(mhost_create(mhost, "{\"name\": \"b\", \"type\": \"DC-1-8C\"}", NULL), 0);
    assert_true(mhost_settle(mhost));
    assert_int_equal(fake_host_count_gis(&f->host), 1);
    struct fake_host before = f->host;
    foresee_delete(mhost, "b", "a", &answer);
    assert_int_equal(count_steps(&answer, "vgpu-delete"), 1);
    assert_int_equal(count_steps(&answer, "gi-destroy"), 1);
    answer_done(&answer);
    foresee_delete(mhost, "b", "nothing-of-that-name", &answer); /* is passed over */
    assert_int_equal(count_steps(&answer, "gi-destroy"), 0);
    answer_done(&answer);
    foresee_delete(mhost, "b", "a/b", &answer);
    assert_int_equal(answer.err.reason, REASON_NOT_FOUND);
    answer_done(&answer);
    /* Nothing was changed, and nothing of what was foreseen is left. */
    assert_true(fake_host_same(&before, &f->host));
    assert_string_equal(mhost_claim_state(mhost, "a"), "bound");
    assert_string_equal(mhost_claim_state(mhost, "b"), "bound");
    assert_int_equal(mhost_delete(mhost, "a", NULL), 0);
    assert_int_equal(mhost_delete(mhost, "b", NULL), 0);
    assert_true(mhost_settle(mhost));
    assert_int_equal(fake_host_count_gis(&f->host), 0);
}

static void foresee_start(struct mhost *mhost, const char *vm, const char *behind,
                          struct answer *answer)
{
    *answer = (struct answer){0};
    if (behind == NULL) {
        mhost_ask(mhost, VERB_START_VM, answer, .target = vm, .dry_run = true);
    } else {
        mhost_ask(mhost, VERB_START_VM, answer, .target = vm, .dry_run = true, .behind = behind);
    }
    assert_true(mhost_wait(mhost, answer));
}

static void a_vm_that_starts_behind_another_finds_the_gpu_taken(void **state)
{
    struct mhost_fixture *f = *state;
    struct mhost *mhost = &f->mhost;
    struct answer answer;
    static const char *const claims[] = {
        "{\"name\": \"a\", \"mode\": \"passthrough\", \"gpu\": \"" MHOST_L40S
        "\", \"vm\": \"web1\", "
        "\"hold\": \"on-demand\"}",
        "{\"name\": \"b\", \"mode\": \"passthrough\", \"gpu\": \"" MHOST_L40S
        "\", \"vm\": \"web2\", "
        "\"hold\": \"on-demand\"}"};
    assert_int_equal(mhost_create(mhost, claims[0], NULL), 0);
    assert_int_equal(mhost_create(mhost, claims[1], NULL), 0);
    assert_true(mhost_settle(mhost));
    foresee_start(mhost, "web1", NULL, &answer);
    assert_int_equal(answer.err.reason, REASON_NONE);
    answer_done(&answer);
    foresee_start(mhost, "web2", NULL, &answer);
    assert_int_equal(answer.err.reason, REASON_NONE);
    answer_done(&answer);
    foresee_start(mhost, "web2", "web1", &answer);
    assert_int_not_equal(answer.err.reason, REASON_NONE);
    enum reason foreseen = answer.err.reason;
    answer_done(&answer);
    foresee_start(mhost, "web1", "web1", &answer);
    assert_int_equal(answer.err.reason, REASON_CONFLICT); /* it runs already, then */
    answer_done(&answer);

    answer = (struct answer){0};
    mhost_ask(mhost, VERB_START_VM, &answer, .target = "web1");
    assert_true(mhost_wait(mhost, &answer));
    assert_int_equal(answer.err.reason, REASON_NONE);
    answer_done(&answer);
    answer = (struct answer){0};
    mhost_ask(mhost, VERB_START_VM, &answer, .target = "web2");
    assert_true(mhost_wait(mhost, &answer));
    assert_int_equal(answer.err.reason, foreseen);
    answer_done(&answer);
}

/* ---- what libvirt would refuse, or do wrongly ---- */

/* Asks what a VM that has the one device needs to start. */
static int needs_of(struct mhost *mhost, const char *name, const struct vm_device *device,
                    struct error *err)
{
    CLEANUP(needs_done) struct missing_devices needs = {0};
    struct vm vm = {.state = VM_SHUT_OFF};
    STR_SET(vm.name, name);
    *vec_push(&vm.devices) = *device;
    *err = (struct error){0};
    int r = power_needs(mhost->manager, &vm, &needs, err);
    vec_done(&vm.devices);
    return r;
}

static void a_function_that_libvirt_would_rebind_is_refused(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    struct error err;
    assert_int_equal(mhost_create(mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\"}", NULL), 0);
    assert_true(mhost_settle(mhost));
    mhost_look(mhost);
    const struct claim *claim = claims_find(&mhost->manager->claims, "a");
    struct gpu *gpu = host_find_gpu_addr(mhost->manager->host, &claim->assigned.gpu);
    gpu->iface = VGPU_IFACE_VENDOR_VFIO;
    struct vm_device device = {.addr = claim->assigned.device, .persistent = true};
    assert_int_equal(needs_of(mhost, "web1", &device, &err), 0);
    device.managed = true;
    assert_int_equal(needs_of(mhost, "web1", &device, &err), -REASON_CONFLICT);
    assert_non_null(strstr(err.message, "managed='yes'"));
    assert_non_null(strstr(err.hint, "managed='no'"));
    device.addr = gpu->addr; /* the whole GPU is to be managed */
    assert_int_equal(needs_of(mhost, "web1", &device, &err), 0);
}

static void a_device_of_a_group_that_another_vm_runs_with_is_refused(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    struct error err;
    mhost_look(mhost);
    struct gpu *gpu = host_find_gpu(mhost->manager->host, MHOST_L40S);
    struct vm_device device = {.addr = gpu->addr, .persistent = true};
    device.addr.function = 1;
    gpu->iommu_group = 7;
    vec_push(&gpu->group_members)->addr = device.addr;
    assert_int_equal(needs_of(mhost, "web1", &device, &err), 0);
    STR_SET(gpu->holder, "web2");
    assert_int_equal(needs_of(mhost, "web1", &device, &err), -REASON_IN_USE);
    assert_non_null(strstr(err.message, "web2"));
    assert_int_equal(needs_of(mhost, "web2", &device, &err), 0); /* it goes with its own */
}

/* As `virsh managedsave` does; and what an upgrade that changes the interface of vGPUs leaves. */
static void save_vm(struct mhost_fixture *f, const char *vm, bool mdevs)
{
    fake_lock();
    struct fake_vm *it = fake_host_vm(&f->host, vm);
    it->saved = true;
    it->saved_mdevs = mdevs;
    fake_unlock();
}

static void expect_start(struct mhost *mhost, const char *vm, bool dry_run, enum reason reason,
                         const char *words, const char *hint)
{
    struct answer answer = {0};
    mhost_ask(mhost, VERB_START_VM, &answer, .target = vm, .dry_run = dry_run);
    assert_true(mhost_wait(mhost, &answer));
    if (answer.err.reason != reason || strstr(answer.err.message, words) == NULL ||
        strstr(answer.err.hint, hint) == NULL) {
        fail_msg("%d: \"%s\" (%s)", (int)answer.err.reason, answer.err.message, answer.err.hint);
    }
    answer_done(&answer);
}

static void a_saved_vm_whose_devices_kind_changed_starts_in_no_way(void **state)
{
    struct mhost_fixture *f = *state;
    struct mhost *mhost = &f->mhost;
    assert_int_equal(
        mhost_create(mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\", \"vm\": \"web1\"}", NULL), 0);
    assert_int_equal(mhost_create(mhost,
                                  "{\"name\": \"b\", \"type\": \"L40S-8Q\", \"vm\": \"web2\", "
                                  "\"hold\": \"on-demand\"}",
                                  NULL),
                     0);
    assert_true(mhost_settle(mhost));
    save_vm(f, "web1", true);
    save_vm(f, "web2", true);
    for (int dry = 1; dry >= 0; dry--) {
        expect_start(mhost, "web1", dry != 0, REASON_UNSUPPORTED, "claim \"a\"",
                     "managedsave-remove web1");
        expect_start(mhost, "web2", dry != 0, REASON_UNSUPPORTED, "claim \"b\"",
                     "managedsave-remove web2");
        assert_string_equal(mhost_claim_state(mhost, "b"), "pending"); /* nothing was drawn */
    }
    struct answer refused = {0};
    assert_int_not_equal(mhost_delete(mhost, "a", &refused), 0);
    assert_null(strstr(refused.err.hint, "vm start"));
    assert_non_null(strstr(refused.err.hint, "managedsave-remove web1"));
    answer_done(&refused);
    save_vm(f, "web1", false);
    expect_start(mhost, "web1", true, REASON_NONE, "", "");
    expect_start(mhost, "web1", false, REASON_NONE, "", "");
}

static void a_saved_vm_with_what_is_not_its_own_is_refused(void **state)
{
    struct mhost_fixture *f = *state;
    struct mhost *mhost = &f->mhost;
    assert_int_equal(
        mhost_create(mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\", \"vm\": \"web1\"}", NULL), 0);
    assert_true(mhost_settle(mhost));
    fake_lock();
    STR_SET(fake_host_vm(&f->host, "web1")->claims[0], "");
    fake_unlock();
    save_vm(f, "web1", true); /* by hand, and not there any more */
    for (int dry = 1; dry >= 0; dry--) {
        expect_start(mhost, "web1", dry != 0, REASON_CONFLICT,
                     "its saved state names " FAKE_SAVED_MDEV, "managedsave-remove web1");
    }
}

static void expect_delete(struct mhost *mhost, const char *vm, bool dry_run, enum reason reason)
{
    struct answer answer = {0};
    mhost_ask(mhost, VERB_DELETE_VM, &answer, .target = vm, .dry_run = dry_run);
    assert_true(mhost_wait(mhost, &answer));
    assert_int_equal(answer.err.reason, reason);
    answer_done(&answer);
}

static void what_libvirt_keeps_of_a_vm_refuses_its_deletion_in_a_dry_run_too(void **state)
{
    struct mhost_fixture *f = *state;
    save_vm(f, "web1", false);
    for (int dry = 1; dry >= 0; dry--) {
        expect_delete(&f->mhost, "web1", dry != 0, REASON_IN_USE);
        assert_non_null(fake_host_vm(&f->host, "web1"));
    }
    expect_delete(&f->mhost, "web2", true, REASON_NONE);
    assert_non_null(fake_host_vm(&f->host, "web2"));
    expect_delete(&f->mhost, "web2", false, REASON_NONE);
    assert_null(fake_host_vm(&f->host, "web2"));
}

static void expect_create(struct mhost_fixture *f, const char *template, bool dry_run,
                          enum reason reason, const char *words)
{
    struct answer answer = {0};
    CLEANUP_JSON json_t *body = json_pack("{s:s, s:s}", "name", "new", "template", template);
    mhost_ask(&f->mhost, VERB_CREATE_VM, &answer, .json = body, .dry_run = dry_run);
    assert_true(mhost_wait(&f->mhost, &answer));
    assert_int_equal(answer.err.reason, reason);
    assert_non_null(strstr(answer.err.message, words));
    const json_t *unchecked = json_object_get(answer.body, "notChecked");
    assert_int_equal(json_array_size(unchecked), dry_run && reason == REASON_NONE ? 1 : 0);
    answer_done(&answer);
}

static void a_template_that_is_refused_is_refused_in_a_dry_run_too(void **state)
{
    struct mhost_fixture *f = *state;
    for (int dry = 1; dry >= 0; dry--) {
        expect_create(f, "not a domain", dry != 0, REASON_INVALID, "no domain");
        assert_null(fake_host_vm(&f->host, "new"));
    }
    expect_create(f, "<domain/>", true, REASON_NONE, "");
    assert_null(fake_host_vm(&f->host, "new"));
    expect_create(f, "<domain/>", false, REASON_NONE, "");
    assert_non_null(fake_host_vm(&f->host, "new"));
}

static void a_site_takes_out_what_a_definition_has_for_others(void **state)
{
    struct mhost_fixture *f = *state;
    struct mhost *mhost = &f->mhost;
    fake_lock();
    struct fake_vm *vm = fake_host_vm(&f->host, "web1");
    STR_SET(vm->claims[0], "of-another-host");
    assert_true(pci_addr_parse("0000:99:00.4", &vm->devices[0]));
    vm->n_devices = 1;
    fake_unlock();
    assert_int_equal(mhost_apply(mhost,
                                 "{\"name\": \"lab\", \"claims\": [{\"name\": \"a\", \"type\": "
                                 "\"L40S-8Q\", \"vm\": \"web1\"}]}",
                                 NULL),
                     0);
    assert_true(mhost_settle(mhost));
    assert_int_equal(vm->n_devices, 1);
    assert_string_equal(vm->claims[0], "a");
}

static void an_index_is_kept_as_the_gpu_that_it_means_now(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    mhost_look(mhost);
    const struct gpu *gpu = host_find_gpu(mhost->manager->host, "2");
    assert_non_null(gpu);
    char uuid[GPU_UUID_SIZE];
    STR_SET(uuid, gpu->uuid);
    assert_int_equal(
        mhost_create(mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\", \"gpu\": \"2\"}", NULL), 0);
    assert_string_equal(claims_find(&mhost->manager->claims, "a")->spec.gpu, uuid);
    assert_true(mhost_settle(mhost));
    assert_string_equal(mhost_claim_state(mhost, "a"), "bound");
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, mhost_fixture_setup, mhost_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_claim_that_lacked_its_device_before_is_a_warning),
        TEST(a_dry_run_warns_of_the_same_claim),
        TEST(the_last_of_several_deletions_takes_the_instance),
        TEST(a_vm_that_starts_behind_another_finds_the_gpu_taken),
        TEST(a_function_that_libvirt_would_rebind_is_refused),
        TEST(a_device_of_a_group_that_another_vm_runs_with_is_refused),
        TEST(a_saved_vm_whose_devices_kind_changed_starts_in_no_way),
        TEST(a_saved_vm_with_what_is_not_its_own_is_refused),
        TEST(what_libvirt_keeps_of_a_vm_refuses_its_deletion_in_a_dry_run_too),
        TEST(a_template_that_is_refused_is_refused_in_a_dry_run_too),
        TEST(a_site_takes_out_what_a_definition_has_for_others),
        TEST(an_index_is_kept_as_the_gpu_that_it_means_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that people put into definitions: what a VM's start would fail with is said by its dry
 * run, and by the start before it does anything. */
#include <string.h>

#include "base/str.h"
#include "mhost_fixture.h"
#include "state/state.h"
#include "test.h"

static void name_by_hand(struct mhost_fixture *f, const char *vm, const char *device)
{
    struct fake_vm *it = fake_host_vm(&f->host, vm);
    fake_lock();
    assert_true(pci_addr_parse(device, &it->devices[it->n_devices]));
    it->claims[it->n_devices][0] = '\0';
    it->n_devices++;
    fake_unlock();
}

static enum reason start(struct mhost *mhost, const char *vm, bool dry_run, struct error *ret_err)
{
    struct answer answer = {0};
    mhost_ask(mhost, VERB_START_VM, &answer, .target = vm, .dry_run = dry_run);
    assert_true(mhost_wait(mhost, &answer));
    *ret_err = answer.err;
    answer_done(&answer);
    return ret_err->reason;
}

/* The dry run and the start say the same, and the VM stays off. */
static void refuses(struct mhost_fixture *f, const char *vm, enum reason reason, const char *words)
{
    for (int dry = 1; dry >= 0; dry--) {
        struct error err = {0};
        if (start(&f->mhost, vm, dry != 0, &err) != reason || strstr(err.message, words) == NULL) {
            fail_msg("%s: %d: \"%s\"", words, (int)err.reason, err.message);
        }
        assert_non_null(strstr(err.message, vm));
        assert_string_not_equal(err.hint, "");
        assert_false(fake_host_vm(&f->host, vm)->running);
    }
}

static void allows(struct mhost_fixture *f, const char *vm)
{
    struct error err = {0};
    for (int dry = 1; dry >= 0; dry--) {
        if (start(&f->mhost, vm, dry != 0, &err) != REASON_NONE) {
            fail_msg("%s", err.message);
        }
    }
    assert_true(fake_host_vm(&f->host, vm)->running);
}

static void what_libvirt_would_refuse_is_refused_by_the_dry_run(void **state)
{
    struct mhost_fixture *f = *state;
    name_by_hand(f, "web1", "0000:99:00.0");
    refuses(f, "web1", REASON_CONFLICT, "0000:99:00.0, an address that no PCI device");
    name_by_hand(f, "web2", "0000:81:00.4");
    refuses(f, "web2", REASON_CONFLICT,
            "0000:81:00.4, a virtual function of GPU 0000:81:00.0 that");
    name_by_hand(f, "web4", MHOST_RTX);
    refuses(f, "web4", REASON_CONFLICT,
            "without managed='yes', and its driver on the host is nvidia");
}

static void a_gpu_that_is_shared_out_is_named_with_what_frees_it(void **state)
{
    struct mhost_fixture *f = *state;
    fake_lock();
    f->host.gpus[2].vfs_enabled = f->host.gpus[2].vfs_total;
    fake_unlock();
    name_by_hand(f, "web1", MHOST_L40S);
    fake_lock();
    fake_host_vm(&f->host, "web1")->managed = true;
    fake_unlock();
    refuses(f, "web1", REASON_CONFLICT, "whose virtual functions are on");
    fake_lock();
    f->host.gpus[2].vfs_enabled = 0;
    fake_unlock();
    struct answer answer = {0};
    mhost_ask(&f->mhost, VERB_START_VM, &answer, .target = "web1", .dry_run = true);
    assert_true(mhost_wait(&f->mhost, &answer));
    assert_int_equal(json_array_size(json_object_get(answer.body, "notChecked")), 1);
    answer_done(&answer);
}

static void the_second_of_two_devices_is_judged_too(void **state)
{
    struct mhost_fixture *f = *state;
    fake_lock();
    STR_SET(f->host.gpus[2].driver, "vfio-pci");
    fake_unlock();
    name_by_hand(f, "web1", MHOST_L40S);
    name_by_hand(f, "web1", "0001:81:00.0");
    refuses(f, "web1", REASON_CONFLICT, "0001:81:00.0, an address that no PCI device");
}

static void a_function_without_a_vgpu_is_refused_and_one_with_it_is_not(void **state)
{
    struct mhost_fixture *f = *state;
    assert_int_equal(mhost_create(&f->mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\"}", NULL), 0);
    assert_true(mhost_settle(&f->mhost));
    name_by_hand(f, "web1", "0000:81:00.5");
    refuses(f, "web1", REASON_CONFLICT,
            "0000:81:00.5, a virtual function of GPU 0000:81:00.0 without a vGPU");
    fake_lock(); /* by another tool */
    f->host.gpus[2].vfs[1] = f->host.gpus[2].vfs[0];
    fake_unlock();
    allows(f, "web1");
}

static void what_is_of_another_vm_is_refused(void **state)
{
    struct mhost_fixture *f = *state;
    assert_int_equal(
        mhost_create(&f->mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\", \"vm\": \"web2\"}", NULL),
        0);
    assert_true(mhost_settle(&f->mhost));
    name_by_hand(f, "web1", "0000:81:00.4");
    refuses(f, "web1", REASON_IN_USE, "0000:81:00.4, which belongs to claim \"a\" of VM \"web2\"");
    fake_lock();
    STR_SET(f->host.gpus[0].driver, "vfio-pci");
    fake_unlock();
    name_by_hand(f, "web3", MHOST_A100);
    name_by_hand(f, "web4", MHOST_A100);
    allows(f, "web3");
    refuses(f, "web4", REASON_IN_USE, MHOST_A100 ", and VM \"web3\" runs with that device");
}

/* Its own claims are put right by the start. */
static void a_claim_s_own_device_is_no_device_by_hand(void **state)
{
    struct mhost_fixture *f = *state;
    assert_int_equal(
        mhost_create(&f->mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\", \"vm\": \"web1\"}", NULL),
        0);
    assert_true(mhost_settle(&f->mhost));
    fake_lock();
    memset(f->host.gpus[2].vfs, 0, sizeof(f->host.gpus[2].vfs)); /* made again by the start */
    fake_unlock();
    allows(f, "web1");
}

static void what_can_t_be_read_refuses_nothing(void **state)
{
    struct mhost_fixture *f = *state;
    fake_lock();
    f->host.gpus[2].blind = true;
    fake_unlock();
    name_by_hand(f, "web1", "0000:81:00.0");
    allows(f, "web1");
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, mhost_fixture_setup, mhost_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_libvirt_would_refuse_is_refused_by_the_dry_run),
        TEST(a_gpu_that_is_shared_out_is_named_with_what_frees_it),
        TEST(the_second_of_two_devices_is_judged_too),
        TEST(a_function_without_a_vgpu_is_refused_and_one_with_it_is_not),
        TEST(what_is_of_another_vm_is_refused),
        TEST(a_claim_s_own_device_is_no_device_by_hand),
        TEST(what_can_t_be_read_refuses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

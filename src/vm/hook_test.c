/* SPDX-License-Identifier: Apache-2.0 */
/* What libvirt's hook makes and gives back as VMs go on and off (hooked.h). */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "await.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "hooked.h"
#include "state/state.h"
#include "test.h"
#include "watch/looks.h"

static void an_on_demand_claim_holds_nothing_while_its_vm_is_off(void **state)
{
    struct mhost_fixture *f = *state;
    hooked_create(&f->mhost, ON_DEMAND("a", "web1"));
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "pending");
    assert_int_equal(fake_host_count_vgpus(&f->host), 0);
    assert_int_equal(fake_host_vm(&f->host, "web1")->n_devices, 1);
    assert_int_equal(hooked_start(&f->mhost, "web1"), 0);
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "bound");
    assert_int_equal(fake_host_count_vgpus(&f->host), 1);
    assert_int_equal(hooked_stop(&f->mhost, "web1"), 0);
    assert_true(mhost_settle(&f->mhost));
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "pending");
    assert_int_equal(fake_host_count_vgpus(&f->host), 0);
    assert_int_equal(fake_host_vm(&f->host, "web1")->n_devices, 1);
}

static void the_hook_draws_what_is_named_and_calling_it_twice_changes_nothing(void **state)
{
    struct mhost_fixture *f = *state;
    hooked_create(&f->mhost, ON_DEMAND("a", "web1"));
    struct pci_addr named = fake_host_vm(&f->host, "web1")->devices[0];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(hooked_ask(&f->mhost, "web1", "prepare", NULL), 0);
        assert_string_equal(mhost_claim_state(&f->mhost, "a"), "bound");
    }
    assert_int_equal(
        pci_addr_cmp(&claims_find(&f->mhost.manager->claims, "a")->assigned.device, &named), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(hooked_ask(&f->mhost, "web1", "release", NULL), 0);
    }
    assert_true(mhost_settle(&f->mhost));
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "pending");
    assert_int_equal(fake_host_count_vgpus(&f->host), 0);
}

static void who_moves_a_vm_by_libvirt_alone_is_shown_how_to_move_it(void **state)
{
    struct mhost_fixture *f = *state;
    struct error err = {0};
    struct fake_vm *vm = fake_host_vm(&f->host, "web1");
    vm->n_devices = 1;
    vm->devices[0] = (struct pci_addr){.bus = 0x77, .function = 4};
    STR_SET(vm->claims[0], "elsewhere");
    assert_int_equal(hooked_ask(&f->mhost, "web1", "prepare", &err), -REASON_NOT_FOUND);
    assert_non_null(strstr(err.hint, "`cleave gc`"));
    assert_int_equal(hooked_ask(&f->mhost, "web1", "migrate", NULL), 0);
    assert_int_equal(hooked_ask(&f->mhost, "web1", "prepare", &err), -REASON_NOT_FOUND);
    assert_non_null(strstr(err.message, "can't migrate to this host by libvirt alone"));
    assert_non_null(strstr(err.hint, "`cleave vm migrate web1 qemu+ssh://"));
    assert_int_equal(hooked_ask(&f->mhost, "web1", "restore", NULL), 0);
    assert_int_equal(hooked_ask(&f->mhost, "web1", "prepare", &err), -REASON_NOT_FOUND);
    assert_non_null(strstr(err.hint, "`virsh save-image-edit FILE`"));
    assert_null(strstr(err.hint, "`cleave gc`"));
    vm->saved = true; /* not a file: `virsh managedsave` */
    mhost_look(&f->mhost);
    assert_int_equal(hooked_ask(&f->mhost, "web1", "restore", NULL), 0);
    assert_int_equal(hooked_ask(&f->mhost, "web1", "prepare", &err), -REASON_NOT_FOUND);
    assert_non_null(strstr(err.hint, "`virsh managedsave-remove web1`"));
    vm->saved = false;
    mhost_look(&f->mhost);
    /* The VM is reported once: its next start is one like any other. */
    assert_int_equal(hooked_ask(&f->mhost, "web1", "prepare", &err), -REASON_NOT_FOUND);
    assert_non_null(strstr(err.hint, "`cleave gc`"));
}

static void a_saved_vm_keeps_its_device(void **state)
{
    struct mhost_fixture *f = *state;
    struct fake_vm *vm = fake_host_vm(&f->host, "web1");
    hooked_create(&f->mhost, ON_DEMAND("a", "web1"));
    assert_int_equal(hooked_start(&f->mhost, "web1"), 0);
    vm->saved = true; /* `virsh managedsave` */
    vm->running = false;
    mhost_look(&f->mhost);
    assert_true(mhost_settle(&f->mhost));
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "bound");
    struct answer answer = {0};
    mhost_ask(&f->mhost, VERB_DELETE_CLAIM, &answer, .target = "a");
    assert_true(mhost_wait(&f->mhost, &answer));
    assert_int_equal(answer.err.reason, REASON_IN_USE);
    assert_non_null(strstr(answer.err.hint, "managedsave-remove web1"));
    answer_done(&answer);
    vm->saved = false; /* `virsh managedsave-remove` */
    mhost_look(&f->mhost);
    assert_true(mhost_settle(&f->mhost));
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "pending");
}

/* libvirt's hook says how it ended. */
static void release_saved(struct mhost *mhost, const char *vm)
{
    struct answer answer = {0};
    CLEANUP_FREE char *xml = xasprintf("<domain><name>%s</name></domain>", vm);
    CLEANUP_JSON json_t *body =
        json_pack("{s:s, s:s, s:s, s:s, s:s}", "domain", vm, "operation", "release", "subOperation",
                  "end", "extra", "saved", "xml", xml);
    mhost_ask(mhost, VERB_RUN_HOOK, &answer, .json = body);
    assert_true(answer.there);
    answer_done(&answer);
}

static void mark(void *data)
{
    atomic_store((atomic_bool *)data, true);
}

static bool is_marked(void *data)
{
    return atomic_load((atomic_bool *)data);
}

static void marked(void *data)
{
    (void)data; /* on the loop, later */
}

/* A look that began while the VM ran ends after libvirt said that it is off: what that look has
 * tells neither that it is off nor that it is saved. */
static void a_look_from_before_the_save_gives_nothing_back(void **state)
{
    struct mhost_fixture *f = *state;
    struct answer look = {.mhost = &f->mhost};
    atomic_bool has_looked = false;
    hooked_create(&f->mhost, ON_DEMAND("a", "web1"));
    assert_int_equal(hooked_start(&f->mhost, "web1"), 0);
    mhost_ask(&f->mhost, VERB_LIST_VMS, &look);
    /* What the worker does next, it does when it has looked. The loop doesn't run meanwhile. */
    looks_ask_guests(f->mhost.manager, mark, marked, &has_looked);
    assert_true(await(is_marked, &has_looked));
    fake_lock();
    struct fake_vm *vm = fake_host_vm(&f->host, "web1");
    vm->saved = true;
    vm->running = false;
    fake_unlock();
    release_saved(&f->mhost, "web1");
    assert_true(mhost_wait(&f->mhost, &look));
    answer_done(&look);
    hooked_look(&f->mhost);
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "bound");
}

static void a_claim_is_not_deleted_while_its_vm_may_be_saved(void **state)
{
    struct mhost_fixture *f = *state;
    struct answer deleted = {.mhost = &f->mhost};
    hooked_create(&f->mhost, ON_DEMAND("a", "web1"));
    assert_int_equal(hooked_start(&f->mhost, "web1"), 0);
    mhost_ask(&f->mhost, VERB_DELETE_CLAIM, &deleted, .target = "a");
    release_saved(&f->mhost, "web1"); /* during the look that the change waits for */
    assert_true(mhost_wait(&f->mhost, &deleted));
    assert_int_equal(deleted.err.reason, REASON_IN_USE);
    assert_non_null(strstr(deleted.err.message, "VM \"web1\" was just saved"));
    assert_non_null(strstr(deleted.err.hint, "try again"));
    answer_done(&deleted);
    assert_true(mhost_settle(&f->mhost));
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "bound");
}

/* Of a file libvirt knows nothing: the next look tells so. */
static void a_vm_that_was_saved_to_a_file_gives_its_device_back(void **state)
{
    struct mhost_fixture *f = *state;
    hooked_create(&f->mhost, ON_DEMAND("a", "web1"));
    assert_int_equal(hooked_start(&f->mhost, "web1"), 0);
    fake_lock();
    fake_host_vm(&f->host, "web1")->running = false;
    fake_unlock();
    release_saved(&f->mhost, "web1");
    hooked_look(&f->mhost);
    assert_true(mhost_settle(&f->mhost));
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "pending");
}

static void assert_start_is_refused(struct mhost *mhost, const char *vm, bool dry_run,
                                    enum reason reason, const char *why, const char *hint)
{
    struct answer answer = {0};
    mhost_look(mhost);
    mhost_ask(mhost, VERB_START_VM, &answer, .target = vm, .dry_run = dry_run);
    assert_true(mhost_wait(mhost, &answer));
    assert_int_equal(answer.err.reason, reason);
    assert_non_null(strstr(answer.err.message, why));
    assert_non_null(strstr(answer.err.hint, hint));
    answer_done(&answer);
}

static void a_clones_devices_go_when_it_gets_its_own(void **state)
{
    struct mhost_fixture *f = *state;
    struct fake_vm *clone = fake_host_vm(&f->host, "web2");
    hooked_create(&f->mhost, "{\"name\": \"k1\", \"type\": \"A100-2-10C\", \"vm\": \"web1\"}");
    clone->n_devices = 1;
    clone->devices[0] = fake_host_vm(&f->host, "web1")->devices[0];
    STR_SET(clone->claims[0], "k1");
    for (int dry_run = 0; dry_run < 2; dry_run++) {
        assert_start_is_refused(&f->mhost, "web2", dry_run == 1, REASON_IN_USE,
                                "for claim \"k1\" of VM \"web1\"", "`cleave gc`");
    }
    assert_int_equal(clone->n_devices, 1); /* only a plan that can be shown takes it out */
    hooked_create(&f->mhost, "{\"name\": \"k2\", \"type\": \"A100-2-10C\", \"vm\": \"web2\"}");
    assert_int_equal(clone->n_devices, 1);
    assert_string_equal(clone->claims[0], "k2");
    assert_int_equal(hooked_start(&f->mhost, "web2"), 0);
    assert_int_equal(hooked_start(&f->mhost, "web1"), 0);
    assert_string_equal(fake_host_vm(&f->host, "web1")->claims[0], "k1");
}

/* Whichever call fails: the VM does not start, and the next attempt makes all. */
static void a_lost_device_is_made_again_at_the_second_attempt_at_the_latest(void **state)
{
    struct mhost_fixture *f = *state;
    hooked_create(&f->mhost, "{\"name\": \"a\", \"type\": \"A100-2-10C\", \"vm\": \"web1\"}");
    struct pci_addr was = claims_find(&f->mhost.manager->claims, "a")->assigned.device;
    for (unsigned k = 1; k < 30; k++) {
        fake_host_forget(&f->host);
        f->mhost.faults.calls = 0;
        f->mhost.faults.at = k;
        f->mhost.faults.kind = FAULT_FAIL_AFTER;
        int first = hooked_ask(&f->mhost, "web1", "prepare", NULL);
        f->mhost.faults.kind = FAULT_NONE;
        assert_true(mhost_settle(&f->mhost));
        if (first != 0) {
            assert_int_equal(hooked_ask(&f->mhost, "web1", "release", NULL), 0);
            assert_int_equal(hooked_ask(&f->mhost, "web1", "prepare", NULL), 0);
        }
        assert_int_equal(hooked_ask(&f->mhost, "web1", "release", NULL), 0);
        assert_true(mhost_settle(&f->mhost));
        assert_string_equal(mhost_claim_state(&f->mhost, "a"), "bound");
        assert_int_equal(
            pci_addr_cmp(&claims_find(&f->mhost.manager->claims, "a")->assigned.device, &was), 0);
        mhost_assert_sound(&f->mhost);
    }
}

static bool is_given_back(void *data)
{
    return str_eq(mhost_claim_state(data, "a"), "pending");
}

static void a_device_that_cant_be_given_back_yet_holds_nothing_else_up(void **state)
{
    struct mhost_fixture *f = *state;
    struct fake_gpu *l40s = &f->host.gpus[2];
    hooked_create(&f->mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\", \"vm\": \"web1\", "
                             "\"hold\": \"on-demand\"}");
    assert_int_equal(hooked_start(&f->mhost, "web1"), 0);
    l40s->wedged = true;
    assert_int_equal(hooked_stop(&f->mhost, "web1"), 0);
    assert_true(mhost_settle(&f->mhost));
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "bound");
    for (int i = 0; i < 3; i++) { /* each looks at the VMs, and sees one that has to give back */
        hooked_create(&f->mhost, "{\"name\": \"b\", \"type\": \"A100-2-10C\"}");
        assert_int_equal(mhost_delete(&f->mhost, "b", NULL), 0);
        assert_true(mhost_settle(&f->mhost));
    }
    l40s->wedged = false;
    assert_true(mhost_wait_until(&f->mhost, is_given_back, &f->mhost));
}

static void a_claim_that_never_was_bound_keeps_no_vm_from_starting(void **state)
{
    struct mhost_fixture *f = *state;
    struct error err = {0};
    hooked_create(&f->mhost, "{\"name\": \"ok\", \"type\": \"A100-2-10C\", \"vm\": \"web1\"}");
    for (unsigned at = 3; at < 60 && claims_find(&f->mhost.manager->claims, "extra") == NULL;
         at++) {
        f->mhost.faults.kind = FAULT_FAIL_BEFORE;
        f->mhost.faults.calls = 0;
        f->mhost.faults.at = at;
        (void)mhost_create(
            &f->mhost, "{\"name\": \"extra\", \"type\": \"A100-2-10C\", \"vm\": \"web1\"}", NULL);
        assert_true(mhost_settle(&f->mhost));
        f->mhost.faults.kind = FAULT_NONE;
        if (str_eq(mhost_claim_state(&f->mhost, "extra"), "bound")) {
            assert_int_equal(mhost_delete(&f->mhost, "extra", NULL), 0);
            assert_true(mhost_settle(&f->mhost));
        }
    }
    assert_string_equal(mhost_claim_state(&f->mhost, "extra"), "failed");
    assert_int_equal(hooked_ask(&f->mhost, "web1", "prepare", &err), 0);
    char said[ERROR_TEXT_SIZE];
    assert_int_equal(mhost_count_events(&f->mhost, "vm-lacks-claim", "vm/web1", said), 1);
    assert_non_null(strstr(said, "extra"));
    assert_int_equal(hooked_ask(&f->mhost, "web1", "release", NULL), 0);
    /* One that had its device, and whose release failed half-way, does. */
    struct claim *had = claims_find(&f->mhost.manager->claims, "extra");
    had->was_bound = true;
    assert_int_equal(hooked_ask(&f->mhost, "web1", "prepare", &err), -REASON_CONFLICT);
}

static void a_draw_that_fails_leaves_the_claim_pending_and_says_why(void **state)
{
    struct mhost_fixture *f = *state;
    struct error err = {0};
    hooked_create(&f->mhost, ON_DEMAND("a", "web1"));
    f->mhost.faults.kind = FAULT_FAIL_BEFORE;
    f->mhost.faults.only = FAULT_STEPS;
    f->mhost.faults.calls = 0;
    f->mhost.faults.at = 1;
    assert_int_equal(hooked_ask(&f->mhost, "web1", "prepare", &err), -REASON_DRIVER);
    f->mhost.faults.kind = FAULT_NONE;
    assert_non_null(strstr(err.message, "a fault was injected"));
    assert_true(mhost_settle(&f->mhost));
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "pending");
    assert_int_equal(fake_host_count_vgpus(&f->host), 0);
    assert_int_equal(hooked_ask(&f->mhost, "web1", "prepare", NULL), 0);
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "bound");
}

static void a_vm_that_dies_without_a_hook_gives_its_device_back(void **state)
{
    struct mhost_fixture *f = *state;
    hooked_create(&f->mhost, ON_DEMAND("a", "web1"));
    assert_int_equal(hooked_start(&f->mhost, "web1"), 0);
    hooked_look(&f->mhost);
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "bound");
    fake_host_vm(&f->host, "web1")->running = false;
    hooked_look(&f->mhost);
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "pending");
    assert_int_equal(fake_host_count_vgpus(&f->host), 0);
}

/* On-demand claims of two VMs whose names, as long as can be, differ in the last letter. */
static void vms_with_long_names_get_what_is_theirs(void **state)
{
    struct mhost_fixture *f = *state;
    char names[2][VM_NAME_SIZE];
    for (size_t i = 0; i < 2; i++) {
        memset(names[i], 'v', VM_NAME_SIZE - 2);
        names[i][VM_NAME_SIZE - 2] = (char)('1' + i);
        names[i][VM_NAME_SIZE - 1] = '\0';
        assert_non_null(fake_host_add_vm(&f->host, names[i]));
        CLEANUP_FREE char *claim =
            xasprintf("{\"name\": \"c%zu\", \"type\": \"A100-2-10C\", \"vm\": \"%s\", "
                      "\"hold\": \"on-demand\"}",
                      i + 1, names[i]);
        hooked_create(&f->mhost, claim);
    }
    assert_int_equal(hooked_start(&f->mhost, names[1]), 0);
    assert_true(mhost_settle(&f->mhost));
    assert_string_equal(mhost_claim_state(&f->mhost, "c1"), "pending");
    assert_string_equal(mhost_claim_state(&f->mhost, "c2"), "bound");
    struct fake_vm *off = fake_host_vm(&f->host, names[0]);
    STR_SET(off->claims[0], "c2"); /* a clone of the other: refused, with what to do */
    off->devices[0] = fake_host_vm(&f->host, names[1])->devices[0];
    struct error err = {0};
    assert_int_equal(hooked_ask(&f->mhost, names[0], "prepare", &err), -REASON_IN_USE);
    assert_non_null(strstr(err.message, names[1]));
    assert_non_null(strstr(err.hint, names[0]));
}

static void a_renamed_vm_keeps_its_claims(void **state)
{
    struct mhost_fixture *f = *state;
    hooked_create(&f->mhost, "{\"name\": \"a\", \"type\": \"A100-2-10C\", \"vm\": \"web1\"}");
    STR_SET(fake_host_vm(&f->host, "web1")->name, "shop");
    hooked_look(&f->mhost);
    assert_string_equal(claims_find(&f->mhost.manager->claims, "a")->vm, "shop");
    assert_int_equal(hooked_start(&f->mhost, "shop"), 0);
    mhost_assert_sound(&f->mhost);
}

static void claims_of_a_vm_that_is_gone_go_after_a_while(void **state)
{
    struct mhost_fixture *f = *state;
    mhost_stop(&f->mhost);
    f->mhost.vm_grace_us = 1000;
    assert_int_equal(mhost_start(&f->mhost), 0);
    hooked_create(&f->mhost, "{\"name\": \"a\", \"type\": \"A100-2-10C\", \"vm\": \"web1\"}");
    *fake_host_vm(&f->host, "web1") = (struct fake_vm){0};
    hooked_look(&f->mhost);
    for (int i = 0; i < 100 && f->mhost.manager->claims.n > 0; i++) {
        hooked_look(&f->mhost);
    }
    assert_int_equal(f->mhost.manager->claims.n, 0);
    assert_int_equal(fake_host_count_vgpus(&f->host), 0);
    mhost_assert_sound(&f->mhost);
}

static void a_vm_whose_claim_was_released_does_not_start_without_its_gpu(void **state)
{
    struct mhost_fixture *f = *state;
    struct fake_vm *vm = fake_host_vm(&f->host, "web1");
    mhost_stop(&f->mhost);
    f->mhost.vm_grace_us = 1000;
    assert_int_equal(mhost_start(&f->mhost), 0);
    hooked_create(&f->mhost, "{\"name\": \"a\", \"type\": \"A100-2-10C\", \"vm\": \"web1\"}");
    struct fake_vm was = *vm;
    *vm = (struct fake_vm){0}; /* `virsh undefine`, and later `virsh define` of what it was */
    for (int i = 0; i < 100 && f->mhost.manager->claims.n > 0; i++) {
        hooked_look(&f->mhost);
    }
    assert_int_equal(f->mhost.manager->claims.n, 0);
    *vm = was;
    for (int dry_run = 0; dry_run < 2; dry_run++) {
        assert_start_is_refused(&f->mhost, "web1", dry_run == 1, REASON_NOT_FOUND,
                                "for claim \"a\", which does not exist any more",
                                "`cleave claim restore a`");
    }
    assert_false(vm->running);
    assert_int_equal(vm->n_devices, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_on_demand_claim_holds_nothing_while_its_vm_is_off,
                                        hooked_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(
            the_hook_draws_what_is_named_and_calling_it_twice_changes_nothing, hooked_setup,
            mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(
            a_lost_device_is_made_again_at_the_second_attempt_at_the_latest, hooked_setup,
            mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_device_that_cant_be_given_back_yet_holds_nothing_else_up,
                                        hooked_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_claim_that_never_was_bound_keeps_no_vm_from_starting,
                                        hooked_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_draw_that_fails_leaves_the_claim_pending_and_says_why,
                                        hooked_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_vm_that_dies_without_a_hook_gives_its_device_back,
                                        hooked_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(vms_with_long_names_get_what_is_theirs, hooked_setup,
                                        mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_renamed_vm_keeps_its_claims, hooked_setup,
                                        mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(claims_of_a_vm_that_is_gone_go_after_a_while, hooked_setup,
                                        mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(who_moves_a_vm_by_libvirt_alone_is_shown_how_to_move_it,
                                        hooked_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_look_from_before_the_save_gives_nothing_back,
                                        hooked_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_claim_is_not_deleted_while_its_vm_may_be_saved,
                                        hooked_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_vm_that_was_saved_to_a_file_gives_its_device_back,
                                        hooked_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_saved_vm_keeps_its_device, hooked_setup,
                                        mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(
            a_vm_whose_claim_was_released_does_not_start_without_its_gpu, hooked_setup,
            mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_clones_devices_go_when_it_gets_its_own, hooked_setup,
                                        mhost_fixture_teardown),
    };
    return cmocka_run_group_tests_name("hook", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Claims whose VMs are not there: released on evidence that a VM was undefined, else kept. */
#include <string.h>

#include "base/str.h"
#include "mhost_fixture.h"
#include "state/state.h"
#include "test.h"

static void start_with_grace(struct mhost *mhost, uint64_t grace_us)
{
    mhost_stop(mhost);
    mhost->vm_grace_us = grace_us;
    assert_int_equal(mhost_start(mhost), 0);
    mhost_look(mhost);
}

static void create(struct mhost *mhost, const char *json)
{
    struct answer answer = {0};
    assert_int_equal(mhost_create(mhost, json, &answer), 0);
    answer_done(&answer);
    assert_true(mhost_settle(mhost));
}

static void undefine(struct mhost_fixture *f, const char *vm)
{
    *fake_host_vm(&f->host, vm) = (struct fake_vm){0};
}

static void look_often(struct mhost *mhost)
{
    for (int i = 0; i < 20; i++) {
        mhost_look(mhost);
    }
}

static void wait_released(struct mhost *mhost, size_t n_left)
{
    for (int i = 0; i < 2000 && mhost->manager->claims.n > n_left; i++) {
        mhost_look(mhost);
    }
    assert_int_equal(mhost->manager->claims.n, n_left);
    assert_true(mhost_settle(mhost));
}

static void fixture_claims(struct mhost_fixture *f, uint64_t grace_us)
{
    start_with_grace(&f->mhost, grace_us);
    create(&f->mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\", \"vm\": \"web1\"}");
    create(&f->mhost, "{\"name\": \"b\", \"type\": \"L40S-8Q\", \"vm\": \"web2\"}");
}

static json_t *show(struct mhost *mhost, const char *claim)
{
    struct answer answer = {0};
    mhost_ask(mhost, VERB_GET_CLAIM, &answer, .target = claim);
    assert_true(mhost_wait(mhost, &answer));
    assert_non_null(answer.body);
    return answer.body;
}

static void assert_held(struct mhost *mhost, const char *claim, const char *why)
{
    assert_string_equal(mhost_claim_state(mhost, claim), "bound");
    CLEANUP_JSON json_t *json = show(mhost, claim);
    const char *problem = json_string_value(json_object_get(json, "problem"));
    assert_non_null(problem);
    assert_non_null(strstr(problem, why));
    assert_null(json_object_get(json, "releaseAt"));
    struct answer answer = {0};
    mhost_ask(mhost, VERB_COLLECT_GARBAGE, &answer);
    assert_true(mhost_wait(mhost, &answer));
    assert_int_equal(json_array_size(json_object_get(answer.body, "garbage")), 0);
    answer_done(&answer);
    answer = (struct answer){0};
    mhost_ask(mhost, VERB_GET_HOST, &answer);
    assert_true(mhost_wait(mhost, &answer));
    assert_true(json_array_size(json_object_get(answer.body, "heldClaims")) > 0);
    answer_done(&answer);
    assert_string_equal(mhost_claim_state(mhost, claim), "bound");
}

static void of_a_libvirt_that_came_up_without_a_vm_nothing_is_released(void **state)
{
    struct mhost_fixture *f = *state;
    fixture_claims(f, 1000);
    struct fake_vm *place = fake_host_vm(&f->host, "web1");
    struct fake_vm web1 = *place;
    undefine(f, "web1");
    f->host.libvirt_starts++;
    look_often(&f->mhost);
    assert_held(&f->mhost, "a", "libvirt has not had the VM");
    assert_int_equal(mhost_count_events(&f->mhost, "claim-vm-missing", "claim/a", NULL), 1);
    assert_int_equal(mhost_count_events(&f->mhost, "claim-vm-missing", NULL, NULL), 1);
    *place = web1;
    mhost_look(&f->mhost);
    CLEANUP_JSON json_t *json = show(&f->mhost, "a");
    assert_true(json_is_null(json_object_get(json, "problem")));
    mhost_assert_sound(&f->mhost);
}

static void when_all_vms_vanish_at_once_nothing_is_released(void **state)
{
    struct mhost_fixture *f = *state;
    fixture_claims(f, 1000);
    memset(f->host.vms, 0, sizeof(f->host.vms));
    look_often(&f->mhost);
    assert_held(&f->mhost, "a", "vanished at once");
    assert_held(&f->mhost, "b", "vanished at once");
    assert_int_equal(fake_host_count_vgpus(&f->host), 2);
}

static void tell_end(struct mhost_fixture *f, const char *uuid, bool undefined, bool stopped)
{
    struct vm_end *end = &f->host.ends[f->host.n_ends++];
    *end = (struct vm_end){.undefined = undefined, .stopped = stopped};
    STR_SET(end->uuid, uuid);
}

/* Libvirt's event is evidence where a look is none. */
static void vms_that_libvirt_says_were_undefined_release_theirs(void **state)
{
    struct mhost_fixture *f = *state;
    fixture_claims(f, 1000);
    char uuid[40];
    STR_SET(uuid, fake_host_vm(&f->host, "web1")->uuid);
    memset(f->host.vms, 0, sizeof(f->host.vms));
    tell_end(f, uuid, true, false);
    wait_released(&f->mhost, 1);
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), ""); /* web1's */
    assert_held(&f->mhost, "b", "vanished at once");
    assert_int_equal(fake_host_count_vgpus(&f->host), 1);
}

static void an_event_that_comes_after_the_look_still_counts(void **state)
{
    struct mhost_fixture *f = *state;
    fixture_claims(f, 1000);
    char uuid[40];
    STR_SET(uuid, fake_host_vm(&f->host, "web1")->uuid);
    memset(f->host.vms, 0, sizeof(f->host.vms));
    look_often(&f->mhost);
    assert_held(&f->mhost, "a", "vanished at once");
    tell_end(f, uuid, true, false);
    wait_released(&f->mhost, 1);
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "");
    assert_held(&f->mhost, "b", "vanished at once");
}

/* One with a definition that stopped is off; that it is gone needs more. */
static void that_a_vm_stopped_is_no_word_on_its_definition(void **state)
{
    struct mhost_fixture *f = *state;
    fixture_claims(f, 1000);
    char uuid[40];
    STR_SET(uuid, fake_host_vm(&f->host, "web1")->uuid);
    memset(f->host.vms, 0, sizeof(f->host.vms));
    tell_end(f, uuid, false, true);
    look_often(&f->mhost);
    assert_held(&f->mhost, "a", "vanished at once");
}

static void a_vm_that_is_there_keeps_its_claim_whatever_an_event_said(void **state)
{
    struct mhost_fixture *f = *state;
    fixture_claims(f, 1000);
    tell_end(f, fake_host_vm(&f->host, "web1")->uuid, true, true);
    look_often(&f->mhost);
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "bound");
    assert_int_equal(mhost_count_events(&f->mhost, "claim-orphaned", NULL, NULL), 0);
    mhost_assert_sound(&f->mhost);
}

static void a_cleaved_that_starts_over_an_empty_libvirt_releases_nothing(void **state)
{
    struct mhost_fixture *f = *state;
    fixture_claims(f, 1000);
    memset(f->host.vms, 0, sizeof(f->host.vms));
    for (int i = 0; i < 3; i++) {
        start_with_grace(&f->mhost, 1000);
        look_often(&f->mhost);
        assert_held(&f->mhost, "a", "libvirt has not had the VM");
    }
    assert_int_equal(fake_host_count_vgpus(&f->host), 2);
}

static void a_vm_that_was_there_and_is_gone_releases_its_claim_and_says_when(void **state)
{
    struct mhost_fixture *f = *state;
    fixture_claims(f, 3600000000);
    undefine(f, "web1");
    mhost_look(&f->mhost);
    CLEANUP_JSON json_t *json = show(&f->mhost, "a");
    assert_true(json_is_string(json_object_get(json, "releaseAt")));
    assert_non_null(strstr(json_string_value(json_object_get(json, "problem")), "web1"));
    /* Another cleaved, another libvirt: it was seen to go all the same. */
    f->host.libvirt_starts++;
    start_with_grace(&f->mhost, 3600000000);
    CLEANUP_JSON json_t *again = show(&f->mhost, "a");
    assert_true(json_is_string(json_object_get(again, "releaseAt")));
    start_with_grace(&f->mhost, 1000);
    wait_released(&f->mhost, 1);
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "");
    assert_string_equal(mhost_claim_state(&f->mhost, "b"), "bound");
    mhost_assert_sound(&f->mhost);
}

static void a_vm_that_is_back_in_time_keeps_its_claim(void **state)
{
    struct mhost_fixture *f = *state;
    fixture_claims(f, 3600000000);
    struct fake_vm *place = fake_host_vm(&f->host, "web1");
    struct fake_vm web1 = *place;
    undefine(f, "web1");
    mhost_look(&f->mhost);
    *place = web1;
    mhost_look(&f->mhost);
    assert_int_equal(claims_find(&f->mhost.manager->claims, "a")->vm_gone_us, 0);
    start_with_grace(&f->mhost, 1000);
    look_often(&f->mhost);
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "bound");
    mhost_assert_sound(&f->mhost);
}

static int restore(struct mhost *mhost, const char *claim, struct answer *answer)
{
    mhost_ask(mhost, VERB_RESTORE_CLAIM, answer, .target = claim);
    assert_true(mhost_wait(mhost, answer));
    assert_true(mhost_settle(mhost));
    return answer->err.reason == REASON_NONE ? 0 : -(int)answer->err.reason;
}

static void a_released_claim_is_brought_back_for_a_vm_that_was_defined_again(void **state)
{
    struct mhost_fixture *f = *state;
    fixture_claims(f, 1000);
    create(&f->mhost, "{\"name\": \"d\", \"type\": \"L40S-8Q\", \"vm\": \"web1\","
                      " \"hold\": \"on-demand\"}");
    struct fake_vm *place = fake_host_vm(&f->host, "web1");
    struct fake_vm web1 = *place;
    struct claim before = *claims_find(&f->mhost.manager->claims, "a");
    undefine(f, "web1");
    wait_released(&f->mhost, 1);
    struct answer answer = {0};
    /* Not before its VM is there, nor a claim that never was. */
    assert_int_equal(restore(&f->mhost, "a", &answer), -REASON_NOT_FOUND);
    answer_done(&answer);
    answer = (struct answer){0};
    assert_int_equal(restore(&f->mhost, "zz", &answer), -REASON_NOT_FOUND);
    answer_done(&answer);
    web1.n_devices = 0; /* as a tool that knows nothing of cleave defines it */
    *place = web1;
    mhost_look(&f->mhost);
    const char *const names[] = {"a", "d"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        answer = (struct answer){0};
        assert_int_equal(restore(&f->mhost, names[i], &answer), 0);
        answer_done(&answer);
    }
    const struct claim *after = claims_find(&f->mhost.manager->claims, "a");
    assert_int_equal(after->state, CLAIM_BOUND);
    assert_string_equal(after->spec.type, before.spec.type);
    assert_string_equal(after->spec.gpu, before.spec.gpu);
    assert_int_equal(pci_addr_cmp(&after->assigned.device, &before.assigned.device), 0);
    assert_string_equal(mhost_claim_state(&f->mhost, "d"), "pending");
    assert_int_equal(place->n_devices, 2);
    mhost_assert_sound(&f->mhost);
    answer = (struct answer){0};
    assert_int_equal(restore(&f->mhost, "a", &answer), -REASON_CONFLICT);
    answer_done(&answer);
    answer = (struct answer){0};
    mhost_ask(&f->mhost, VERB_LIST_RELEASED, &answer);
    assert_int_equal(json_array_size(json_object_get(answer.body, "released")), 0);
    answer_done(&answer);
}

static void a_definition_that_still_names_the_device_is_right_again(void **state)
{
    struct mhost_fixture *f = *state;
    fixture_claims(f, 1000);
    struct fake_vm *place = fake_host_vm(&f->host, "web1");
    struct fake_vm web1 = *place;
    undefine(f, "web1");
    wait_released(&f->mhost, 1);
    /* Its place is taken meanwhile. */
    create(&f->mhost, "{\"name\": \"c\", \"type\": \"L40S-8Q\", \"vm\": \"web3\"}");
    *place = web1;
    mhost_look(&f->mhost);
    struct answer answer = {0};
    assert_int_equal(restore(&f->mhost, "a", &answer), 0);
    answer_done(&answer);
    assert_int_equal(place->n_devices, 1);
    mhost_assert_sound(&f->mhost);
}

static void it_comes_back_with_the_very_device_that_the_definition_names(void **state)
{
    struct mhost_fixture *f = *state;
    fixture_claims(f, 1000);
    create(&f->mhost, "{\"name\": \"w\", \"mode\": \"passthrough\", \"vm\": \"web1\","
                      " \"gpu\": \"" MHOST_A100 "\"}");
    struct fake_vm *place = fake_host_vm(&f->host, "web1");
    struct fake_vm web1 = *place;
    undefine(f, "web1");
    wait_released(&f->mhost, 1);
    *place = web1;
    mhost_look(&f->mhost);
    const char *const names[] = {"a", "w"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct answer answer = {0};
        assert_int_equal(restore(&f->mhost, names[i], &answer), 0);
        answer_done(&answer);
    }
    assert_int_equal(place->n_devices, 2);
    assert_memory_equal(place->devices, web1.devices, sizeof(web1.devices));
    mhost_assert_sound(&f->mhost);
}

static const char *claim_uuid(struct mhost_fixture *f)
{
    return claims_find(&f->mhost.manager->claims, "a")->vm_uuid;
}

static const char *claim_uuid_before(struct mhost_fixture *f)
{
    return claims_find(&f->mhost.manager->claims, "a")->vm_uuid_before;
}

#define OTHER_UUID "0badcafe-0000-4000-8000-000000000001"
#define THIRD_UUID "0badcafe-0000-4000-8000-000000000002"

static void a_definition_over_the_same_vm_is_no_end(void **state)
{
    struct mhost_fixture *f = *state;
    fixture_claims(f, 1000);
    fake_host_vm(&f->host, "web1")->n_devices = 0;
    look_often(&f->mhost);
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "bound");
    assert_string_equal(claim_uuid(f), fake_host_vm(&f->host, "web1")->uuid);
    assert_int_equal(mhost_count_events(&f->mhost, "claim-adopted", NULL, NULL), 0);
}

/* Seen between, reported by an event, or neither: the same libvirt had the one and has the other.
 */
static void a_vm_defined_again_gets_the_claim_and_its_end_releases_it(void **state)
{
    enum { SEEN, REPORTED, NEITHER, WAYS };
    struct mhost_fixture *f = *state;
    fixture_claims(f, 1000);
    struct fake_vm *place = fake_host_vm(&f->host, "web1");
    struct fake_vm web1 = *place;
    for (int way = SEEN; way < WAYS; way++) {
        f->mhost.manager->config.vm_grace_us = 3600000000;
        undefine(f, "web1");
        if (way == SEEN) {
            mhost_look(&f->mhost);
        } else if (way == REPORTED) {
            f->host.libvirt_starts++; /* of another connection: a look alone says nothing */
            tell_end(f, claim_uuid(f), true, false);
        }
        *place = web1;
        str_print(place->uuid, sizeof(place->uuid), "0badcafe-0000-4000-8000-0000000001%02d", way);
        mhost_look(&f->mhost);
        assert_string_equal(mhost_claim_state(&f->mhost, "a"), "bound");
        assert_string_equal(claim_uuid(f), place->uuid);
        assert_string_equal(claim_uuid_before(f), "");
        assert_int_equal(mhost_count_events(&f->mhost, "claim-adopted", "claim/a", NULL), way + 1);
    }
    f->mhost.manager->config.vm_grace_us = 1000;
    undefine(f, "web1");
    wait_released(&f->mhost, 1);
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "");
}

/* Libvirt came up without web1, and another VM gets its name. */
static struct fake_vm *foreign_comes(struct mhost_fixture *f, struct fake_vm *ret_web1)
{
    struct fake_vm *place = fake_host_vm(&f->host, "web1");
    *ret_web1 = *place;
    undefine(f, "web1");
    f->host.libvirt_starts++;
    look_often(&f->mhost);
    *place = *ret_web1;
    place->n_devices = 0;
    STR_SET(place->uuid, OTHER_UUID);
    mhost_look(&f->mhost);
    assert_true(mhost_settle(&f->mhost));
    assert_string_equal(claim_uuid(f), OTHER_UUID);
    assert_string_equal(claim_uuid_before(f), ret_web1->uuid);
    assert_int_equal(mhost_count_events(&f->mhost, "claim-adopted", "claim/a", NULL), 1);
    return place;
}

static void the_end_of_a_foreign_vm_of_that_name_releases_nothing(void **state)
{
    struct mhost_fixture *f = *state;
    struct fake_vm web1;
    fixture_claims(f, 1000);
    struct fake_vm *place = foreign_comes(f, &web1);
    tell_end(f, OTHER_UUID, true, false);
    undefine(f, "web1");
    look_often(&f->mhost);
    assert_held(&f->mhost, "a", "cleaved did not see the end of its VM");
    start_with_grace(&f->mhost, 1000); /* remembered */
    look_often(&f->mhost);
    assert_held(&f->mhost, "a", "cleaved did not see the end of its VM");
    *place = web1;
    STR_SET(place->uuid, THIRD_UUID); /* nor that of the next one */
    mhost_look(&f->mhost);
    undefine(f, "web1");
    look_often(&f->mhost);
    assert_held(&f->mhost, "a", "cleaved did not see the end of its VM");
    *place = web1; /* its own */
    look_often(&f->mhost);
    assert_string_equal(claim_uuid(f), web1.uuid);
    assert_string_equal(claim_uuid_before(f), "");
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "bound");
    undefine(f, "web1");
    wait_released(&f->mhost, 1);
}

static void when_its_own_is_reported_to_be_undefined_the_claim_is_the_others(void **state)
{
    struct mhost_fixture *f = *state;
    struct fake_vm web1;
    fixture_claims(f, 1000);
    (void)foreign_comes(f, &web1);
    tell_end(f, web1.uuid, true, false);
    look_often(&f->mhost);
    assert_string_equal(claim_uuid_before(f), "");
    assert_string_equal(mhost_claim_state(&f->mhost, "a"), "bound");
    undefine(f, "web1");
    wait_released(&f->mhost, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_definition_over_the_same_vm_is_no_end,
                                        mhost_fixture_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_vm_defined_again_gets_the_claim_and_its_end_releases_it,
                                        mhost_fixture_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(the_end_of_a_foreign_vm_of_that_name_releases_nothing,
                                        mhost_fixture_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(
            when_its_own_is_reported_to_be_undefined_the_claim_is_the_others, mhost_fixture_setup,
            mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(of_a_libvirt_that_came_up_without_a_vm_nothing_is_released,
                                        mhost_fixture_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(when_all_vms_vanish_at_once_nothing_is_released,
                                        mhost_fixture_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(vms_that_libvirt_says_were_undefined_release_theirs,
                                        mhost_fixture_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(an_event_that_comes_after_the_look_still_counts,
                                        mhost_fixture_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(that_a_vm_stopped_is_no_word_on_its_definition,
                                        mhost_fixture_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_vm_that_is_there_keeps_its_claim_whatever_an_event_said,
                                        mhost_fixture_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(
            a_cleaved_that_starts_over_an_empty_libvirt_releases_nothing, mhost_fixture_setup,
            mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(
            a_vm_that_was_there_and_is_gone_releases_its_claim_and_says_when, mhost_fixture_setup,
            mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(
            a_released_claim_is_brought_back_for_a_vm_that_was_defined_again, mhost_fixture_setup,
            mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_definition_that_still_names_the_device_is_right_again,
                                        mhost_fixture_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(
            it_comes_back_with_the_very_device_that_the_definition_names, mhost_fixture_setup,
            mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_vm_that_is_back_in_time_keeps_its_claim,
                                        mhost_fixture_setup, mhost_fixture_teardown),
    };
    return cmocka_run_group_tests_name("lifecycle", tests, NULL, NULL);
}

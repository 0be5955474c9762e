/* SPDX-License-Identifier: Apache-2.0 */
/* VMs that change without cleaved: libvirt's events, and what is listed in between. */
#include "base/str.h"
#include "mhost_fixture.h"
#include "state/state.h"
#include "test.h"
#include "watch/gone.h"
#include "watch/looks.h"
#include "watch/vm_events.h"

#define MINUTE_US UINT64_C(60000000)

/* Web1 has the claim "a", and web2 "b". */
static struct mhost *open_with_claims(void **state, uint64_t grace_us)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    mhost_stop(mhost);
    mhost->vm_grace_us = grace_us;
    assert_int_equal(mhost_start(mhost), 0);
    mhost_look(mhost);
    assert_int_equal(
        mhost_create(mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\", \"vm\": \"web1\"}", NULL), 0);
    assert_int_equal(
        mhost_create(mhost, "{\"name\": \"b\", \"type\": \"L40S-8Q\", \"vm\": \"web2\"}", NULL), 0);
    assert_true(mhost_settle(mhost));
    return mhost;
}

/* As virsh does. */
static void undefine(struct mhost *mhost, const char *vm)
{
    fake_lock();
    struct fake_host *host = mhost->host;
    struct vm_end *end = &host->ends[host->n_ends++];
    *end = (struct vm_end){.undefined = true};
    STR_SET(end->uuid, fake_host_vm(host, vm)->uuid);
    *fake_host_vm(host, vm) = (struct fake_vm){0};
    fake_unlock();
}

static bool is_gone(void *data)
{
    return gone_find(((struct mhost *)data)->manager, "a") != NULL;
}

static bool is_released(void *data)
{
    return ((struct mhost *)data)->manager->claims.n == 1;
}

static void many_events_begin_one_look_at_the_guests(void **state)
{
    struct mhost *mhost = open_with_claims(state, MINUTE_US);
    uint64_t guests = looks_begun(mhost->manager, SOURCE_GUESTS);
    uint64_t hardware = looks_begun(mhost->manager, SOURCE_HARDWARE);
    undefine(mhost, "web1");
    for (int i = 0; i < 100; i++) {
        fake_guest_report(mhost->fake_watch);
    }
    assert_true(mhost_wait_until(mhost, is_gone, mhost));
    assert_int_equal(looks_begun(mhost->manager, SOURCE_GUESTS), guests + 1);
    assert_int_equal(looks_begun(mhost->manager, SOURCE_HARDWARE), hardware);
    mhost_assert_sound(mhost);
}

/* Neither a clock nor a question makes cleaved look here. */
static void an_event_releases_the_claims_of_a_vm_that_is_gone(void **state)
{
    struct mhost *mhost = open_with_claims(state, 1000);
    undefine(mhost, "web1");
    fake_guest_report(mhost->fake_watch);
    assert_true(mhost_wait_until(mhost, is_released, mhost));
    assert_true(mhost_settle(mhost));
    mhost_assert_sound(mhost);
}

static void an_event_at_the_end_does_nothing(void **state)
{
    struct mhost *mhost = open_with_claims(state, MINUTE_US);
    fake_guest_report(mhost->fake_watch);
    mhost_stop(mhost);
    fake_guest_report(mhost->fake_watch);
    assert_int_equal(mhost_start(mhost), 0);
    assert_true(mhost_settle(mhost));
}

static void claims_are_shown_as_their_vms_are_now(void **state)
{
    static const enum verb_id verbs[] = {VERB_LIST_CLAIMS, VERB_GET_CLAIM};
    struct mhost *mhost = open_with_claims(state, MINUTE_US);
    undefine(mhost, "web1");
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        struct answer answer = {0};
        mhost_ask(mhost, verbs[i], &answer, .target = "a");
        assert_true(mhost_wait(mhost, &answer));
        const json_t *list = json_object_get(answer.body, "claims");
        const json_t *claim = list != NULL ? json_array_get(list, 0) : answer.body;
        assert_non_null(json_object_get(claim, "releaseAt"));
        assert_non_null(answer_text(&answer, "observedAt"));
        assert_true(json_is_null(json_object_get(answer.body, "late")));
        answer_done(&answer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(many_events_begin_one_look_at_the_guests,
                                        mhost_fixture_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(an_event_releases_the_claims_of_a_vm_that_is_gone,
                                        mhost_fixture_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(an_event_at_the_end_does_nothing, mhost_fixture_setup,
                                        mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(claims_are_shown_as_their_vms_are_now, mhost_fixture_setup,
                                        mhost_fixture_teardown),
    };
    return cmocka_run_group_tests_name("vm events", tests, NULL, NULL);
}

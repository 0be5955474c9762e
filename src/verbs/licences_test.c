/* SPDX-License-Identifier: Apache-2.0 */
/* Pools of licences and the ledger of use, over a host in memory. */
#include "base/json.h"
#include "base/str.h"
#include "mhost_fixture.h"
#include "state/licence_book.h"
#include "state/state.h"
#include "test.h"

#define CLAIM(name) "{\"name\": \"" name "\", \"vm\": \"" name "\", \"type\": \"L40S-8Q\"}"

static void set_pool(struct mhost *mhost, uint32_t count, const char *policy)
{
    struct answer answer = {0};
    CLEANUP_JSON json_t *body =
        json_pack("{s:I, s:s}", "count", (json_int_t)count, "policy", policy);
    mhost_ask(mhost, VERB_SET_LICENCE_POOL, &answer, .target = "vws", .json = body);
    assert_true(mhost_wait(mhost, &answer));
    assert_int_equal(answer.err.reason, REASON_NONE);
    answer_done(&answer);
}

static struct licence_count count(struct mhost *mhost)
{
    struct licence_room room;
    licence_book_count(mhost->manager, true, &room);
    struct licence_count counted = room.tally.counts[LICENCE_VWS];
    licence_room_done(&room);
    return counted;
}

static void switch_vm(struct mhost *mhost, enum verb_id verb, const char *vm)
{
    struct answer answer = {0};
    CLEANUP_JSON json_t *body = verb == VERB_STOP_VM ? json_pack("{s:b}", "force", true) : NULL;
    mhost_ask(mhost, verb, &answer, .target = vm, .json = body);
    assert_true(mhost_wait(mhost, &answer));
    assert_int_equal(answer.err.reason, REASON_NONE);
    answer_done(&answer);
    mhost_look(mhost);
    assert_true(mhost_wait_stored(mhost));
}

static void a_pool_refuses_what_is_beyond_it_and_warns_by_policy(void **state)
{
    struct mhost_fixture *f = *state;
    struct answer answer = {0};
    set_pool(&f->mhost, 1, "refuse");
    assert_int_equal(mhost_create(&f->mhost, CLAIM("web1"), NULL), 0);
    assert_int_equal(mhost_create(&f->mhost, CLAIM("web2"), NULL), -REASON_NO_LICENCE);
    assert_int_equal(count(&f->mhost).reserved, 1);
    set_pool(&f->mhost, 1, "warn");
    assert_int_equal(mhost_create(&f->mhost, CLAIM("web2"), &answer), 0);
    answer_done(&answer);
    assert_int_equal(count(&f->mhost).reserved, 2);
    assert_int_equal(mhost_count_events(&f->mhost, "licence-exceeded", "licence/vWS", NULL), 1);
}

/* Both are asked for before either is answered. */
static void two_claims_at_once_do_not_both_get_the_last_licence(void **state)
{
    struct mhost_fixture *f = *state;
    static const char *const claims[] = {CLAIM("web1"), CLAIM("web2")};
    struct answer answers[2] = {{0}};
    json_t *bodies[2] = {NULL, NULL};
    unsigned refused = 0;
    set_pool(&f->mhost, 1, "refuse");
    for (size_t i = 0; i < 2; i++) {
        bodies[i] = json_loads(claims[i], 0, NULL);
        mhost_ask(&f->mhost, VERB_CREATE_CLAIM, &answers[i], .json = bodies[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        assert_true(mhost_wait(&f->mhost, &answers[i]));
        refused += answers[i].err.reason == REASON_NO_LICENCE;
        answer_done(&answers[i]);
        json_decref(bodies[i]);
    }
    assert_int_equal(refused, 1);
    assert_true(mhost_settle(&f->mhost));
    assert_int_equal(count(&f->mhost).reserved, 1);
}

static void a_vm_that_has_its_claim_starts_beyond_the_pool(void **state)
{
    struct mhost_fixture *f = *state;
    assert_int_equal(mhost_create(&f->mhost, CLAIM("web1"), NULL), 0);
    assert_true(mhost_settle(&f->mhost));
    set_pool(&f->mhost, 0, "refuse");
    switch_vm(&f->mhost, VERB_START_VM, "web1");
    assert_int_equal(count(&f->mhost).in_use, 1);
}

/* What a boot means is known after the first look: those before it are not noted. */
static void look_at_vms(struct mhost *mhost)
{
    for (unsigned i = 0; i < 8 && !mhost->manager->licences->looked; i++) {
        struct answer answer = {0};
        mhost_ask(mhost, VERB_LIST_VMS, &answer);
        assert_true(mhost_wait(mhost, &answer));
        answer_done(&answer);
        assert_true(mhost_settle(mhost));
        assert_true(mhost_wait_stored(mhost));
    }
    assert_true(mhost->manager->licences->looked);
}

static void a_record_lives_as_long_as_its_vm_runs_over_restarts_too(void **state)
{
    struct mhost_fixture *f = *state;
    assert_int_equal(mhost_create(&f->mhost, CLAIM("web1"), NULL), 0);
    assert_true(mhost_settle(&f->mhost));
    switch_vm(&f->mhost, VERB_START_VM, "web1");
    const struct licence_uses *uses = &f->mhost.manager->licences->uses;
    assert_int_equal(uses->n, 1);
    assert_int_equal(uses->items[0].until_us, 0);
    uint64_t from_us = uses->items[0].from_us;
    mhost_stop(&f->mhost);
    assert_int_equal(mhost_start(&f->mhost), 0);
    look_at_vms(&f->mhost);
    uses = &f->mhost.manager->licences->uses;
    assert_int_equal(uses->n, 1);
    assert_int_equal(uses->items[0].from_us, from_us);
    switch_vm(&f->mhost, VERB_STOP_VM, "web1");
    uses = &f->mhost.manager->licences->uses;
    assert_int_equal(uses->n, 1);
    assert_true(uses->items[0].until_us >= from_us);
    assert_false(uses->items[0].end_unknown);
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, mhost_fixture_setup, mhost_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_pool_refuses_what_is_beyond_it_and_warns_by_policy),
        TEST(two_claims_at_once_do_not_both_get_the_last_licence),
        TEST(a_vm_that_has_its_claim_starts_beyond_the_pool),
        TEST(a_record_lives_as_long_as_its_vm_runs_over_restarts_too),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}

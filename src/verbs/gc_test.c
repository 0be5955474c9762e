/* SPDX-License-Identifier: Apache-2.0 */
/* Garbage, and how cleave knows what is its own. */
#include "base/str.h"
#include "mhost_fixture.h"
#include "state/state.h"
#include "test.h"

static void create(struct mhost *mhost, const char *json)
{
    assert_int_equal(mhost_create(mhost, json, NULL), 0);
    assert_true(mhost_settle(mhost));
}

static json_t *garbage(struct mhost *mhost)
{
    struct answer answer = {0};
    mhost_ask(mhost, VERB_LIST_GARBAGE, &answer);
    assert_true(mhost_wait(mhost, &answer));
    return answer.body;
}

static size_t count(const json_t *lists, const char *key)
{
    return json_array_size(json_object_get(lists, key));
}

static void gc_touches_only_what_cleave_made_and_no_one_needs(void **state)
{
    struct mhost_fixture *f = *state;
    create(&f->mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\", \"vm\": \"web1\"}");
    /* Someone else's, next to it. */
    f->host.gpus[2].vfs[9] = f->host.gpus[2].vfs[0];
    json_t *lists = garbage(&f->mhost);
    assert_int_equal(count(lists, "garbage"), 0);
    assert_int_equal(count(lists, "kept"), 1);
    json_decref(lists);
    /* The claim is lost. */
    mhost_stop(&f->mhost);
    mhost_lose_claim(&f->mhost, "a");
    assert_int_equal(mhost_start(&f->mhost), 0);
    lists = garbage(&f->mhost);
    assert_int_equal(count(lists, "garbage"), 2); /* the vGPU, and what web1 has of it */
    assert_int_equal(count(lists, "kept"), 1);
    json_decref(lists);
    struct answer answer = {0};
    mhost_ask(&f->mhost, VERB_COLLECT_GARBAGE, &answer);
    assert_true(mhost_wait(&f->mhost, &answer));
    assert_int_equal(count(answer.body, "garbage"), 2);
    answer_done(&answer);
    assert_true(mhost_settle(&f->mhost));
    assert_int_equal(fake_host_count_vgpus(&f->host), 1);
    assert_int_equal(fake_host_vm(&f->host, "web1")->n_devices, 0);
    lists = garbage(&f->mhost);
    assert_int_equal(count(lists, "garbage"), 0);
    json_decref(lists);
}

/* A vGPU whose claim is lost from the store. */
static void lose_claim(struct mhost_fixture *f, const char *claim)
{
    mhost_stop(&f->mhost);
    mhost_lose_claim(&f->mhost, claim);
    assert_int_equal(mhost_start(&f->mhost), 0);
    mhost_look(&f->mhost);
}

static void what_cleave_made_is_known_without_the_plans(void **state)
{
    struct mhost_fixture *f = *state;
    create(&f->mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\"}");
    create(&f->mhost, "{\"name\": \"g\", \"profile\": \"1g.5gb\"}");
    /* The store keeps the latest plans only: these are no longer among them. */
    mhost_stop(&f->mhost);
    mhost_lose_steps(&f->mhost);
    assert_int_equal(mhost_start(&f->mhost), 0);
    lose_claim(f, "a");
    lose_claim(f, "g");
    json_t *lists = garbage(&f->mhost);
    assert_int_equal(count(lists, "garbage"), 2);
    assert_int_equal(count(lists, "kept"), 0);
    json_decref(lists);
}

static void an_older_store_is_read_once_for_what_cleave_made(void **state)
{
    struct mhost_fixture *f = *state;
    create(&f->mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\"}");
    mhost_stop(&f->mhost);
    mhost_lose_made(&f->mhost);
    assert_int_equal(mhost_start(&f->mhost), 0);
    lose_claim(f, "a");
    json_t *lists = garbage(&f->mhost);
    assert_int_equal(count(lists, "garbage"), 1);
    json_decref(lists);
}

static void what_another_puts_in_the_place_of_ours_is_not_ours(void **state)
{
    struct mhost_fixture *f = *state;
    create(&f->mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\"}");
    struct fake_vf *vf = &f->host.gpus[2].vfs[0];
    struct fake_vf was = *vf;
    assert_string_equal(was.type, "L40S-8Q");
    *vf = (struct fake_vf){0};
    mhost_look(&f->mhost);
    *vf = was;
    mhost_look(&f->mhost);
    lose_claim(f, "a");
    json_t *lists = garbage(&f->mhost);
    assert_int_equal(count(lists, "garbage"), 0);
    assert_int_equal(count(lists, "kept"), 1);
    json_decref(lists);
}

/* Deletion is refused, no drift is reported, and nothing cleave made is forgotten. */
static void check_unseen(struct mhost_fixture *f, const char *claim, const char *gpu)
{
    struct mhost *mhost = &f->mhost;
    struct fake_host before = f->host;
    mhost_look(mhost);
    mhost_look(mhost);
    struct answer answer = {0};
    assert_int_equal(mhost_delete(mhost, claim, &answer), -REASON_UNAVAILABLE);
    answer_done(&answer);
    answer = (struct answer){0};
    json_t *body = json_pack("{s:s}", "mode", "idle");
    mhost_ask(mhost, VERB_SET_GPU_MODE, &answer, .target = gpu, .json = body);
    json_decref(body);
    assert_true(mhost_wait(mhost, &answer));
    assert_int_not_equal(answer.err.reason, REASON_NONE);
    answer_done(&answer);
    assert_true(mhost_settle(mhost));
    assert_string_equal(mhost_claim_state(mhost, claim), "bound");
    assert_true(fake_host_same(&before, &f->host));
}

static void what_cannot_be_read_is_not_gone(void **state)
{
    struct mhost_fixture *f = *state;
    create(&f->mhost, "{\"name\": \"v\", \"type\": \"L40S-8Q\"}");
    create(&f->mhost, "{\"name\": \"i\", \"type\": \"A100-2-10C\"}");
    f->host.gpus[2].blind = true;
    check_unseen(f, "v", MHOST_L40S);
    f->host.gpus[2].blind = false;
    f->host.mismatch = true;
    check_unseen(f, "i", MHOST_A100);
    f->host.mismatch = false;
    mhost_look(&f->mhost);
    mhost_look(&f->mhost);
    assert_int_equal(mhost_count_events(&f->mhost, "gpu-changed", "gpu/" MHOST_L40S, NULL), 0);
    assert_int_equal(mhost_count_events(&f->mhost, "gpu-changed", "gpu/" MHOST_A100, NULL), 0);
    /* The claims are lost, and what they held is known to be cleave's all the same. */
    lose_claim(f, "v");
    lose_claim(f, "i");
    json_t *lists = garbage(&f->mhost);
    assert_int_equal(count(lists, "kept"), 0);
    assert_true(count(lists, "garbage") >= 3); /* two vGPUs and an instance */
    json_decref(lists);
}

/* What another tool took away while it could not be seen, and put in its place, is that tool's. */
static void what_went_unseen_is_forgotten_once_it_is_seen(void **state)
{
    struct mhost_fixture *f = *state;
    create(&f->mhost, "{\"name\": \"v\", \"type\": \"L40S-8Q\"}");
    struct fake_vf was = f->host.gpus[2].vfs[0];
    f->host.gpus[2].blind = true;
    mhost_look(&f->mhost);
    f->host.gpus[2].vfs[0] = (struct fake_vf){0};
    f->host.gpus[2].blind = false;
    mhost_look(&f->mhost);
    f->host.gpus[2].vfs[0] = was;
    lose_claim(f, "v");
    json_t *lists = garbage(&f->mhost);
    assert_int_equal(count(lists, "garbage"), 0);
    assert_int_equal(count(lists, "kept"), 1);
    json_decref(lists);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(gc_touches_only_what_cleave_made_and_no_one_needs,
                                        mhost_fixture_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(what_cleave_made_is_known_without_the_plans,
                                        mhost_fixture_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(an_older_store_is_read_once_for_what_cleave_made,
                                        mhost_fixture_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_is_not_gone, mhost_fixture_setup,
                                        mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(what_went_unseen_is_forgotten_once_it_is_seen,
                                        mhost_fixture_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(what_another_puts_in_the_place_of_ours_is_not_ours,
                                        mhost_fixture_setup, mhost_fixture_teardown),
    };
    return cmocka_run_group_tests_name("gc", tests, NULL, NULL);
}

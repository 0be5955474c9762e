/* SPDX-License-Identifier: Apache-2.0 */
/* Garbage, and how cleave knows what is its own. */
#include "base/str.h"
#include "lab_fixture.h"
#include "state/state.h"
#include "test.h"

static void create(struct lab *lab, const char *json)
{
    assert_int_equal(lab_create(lab, json, NULL), 0);
    assert_true(lab_settle(lab));
}

static json_t *garbage(struct lab *lab)
{
    struct answer answer = {0};
    lab_ask(lab, VERB_LIST_GARBAGE, &answer);
    assert_true(lab_wait(lab, &answer));
    return answer.body;
}

static size_t count(const json_t *lists, const char *key)
{
    return json_array_size(json_object_get(lists, key));
}

static void gc_touches_only_what_cleave_made_and_no_one_needs(void **state)
{
    struct lab_fixture *f = *state;
    create(&f->lab, "{\"name\": \"a\", \"type\": \"L40S-8Q\", \"vm\": \"web1\"}");
    /* Someone else's, next to it. */
    f->host.gpus[2].vfs[9] = f->host.gpus[2].vfs[0];
    json_t *lists = garbage(&f->lab);
    assert_int_equal(count(lists, "garbage"), 0);
    assert_int_equal(count(lists, "kept"), 1);
    json_decref(lists);
    /* The claim is lost. */
    lab_stop(&f->lab);
    lab_lose_claim(&f->lab, "a");
    assert_int_equal(lab_start(&f->lab), 0);
    lists = garbage(&f->lab);
    assert_int_equal(count(lists, "garbage"), 2); /* the vGPU, and what web1 has of it */
    assert_int_equal(count(lists, "kept"), 1);
    json_decref(lists);
    struct answer answer = {0};
    lab_ask(&f->lab, VERB_COLLECT_GARBAGE, &answer);
    assert_true(lab_wait(&f->lab, &answer));
    assert_int_equal(count(answer.body, "garbage"), 2);
    answer_done(&answer);
    assert_true(lab_settle(&f->lab));
    assert_int_equal(fake_host_count_vgpus(&f->host), 1);
    assert_int_equal(fake_host_vm(&f->host, "web1")->n_devices, 0);
    lists = garbage(&f->lab);
    assert_int_equal(count(lists, "garbage"), 0);
    json_decref(lists);
}

/* A vGPU whose claim is lost from the store. */
static void lose_claim(struct lab_fixture *f, const char *claim)
{
    lab_stop(&f->lab);
    lab_lose_claim(&f->lab, claim);
    assert_int_equal(lab_start(&f->lab), 0);
    lab_look(&f->lab);
}

static void what_cleave_made_is_known_without_the_plans(void **state)
{
    struct lab_fixture *f = *state;
    create(&f->lab, "{\"name\": \"a\", \"type\": \"L40S-8Q\"}");
    create(&f->lab, "{\"name\": \"g\", \"profile\": \"1g.5gb\"}");
    /* The store keeps the latest plans only: these are no longer among them. */
    lab_stop(&f->lab);
    lab_lose_steps(&f->lab);
    assert_int_equal(lab_start(&f->lab), 0);
    lose_claim(f, "a");
    lose_claim(f, "g");
    json_t *lists = garbage(&f->lab);
    assert_int_equal(count(lists, "garbage"), 2);
    assert_int_equal(count(lists, "kept"), 0);
    json_decref(lists);
}

static void an_older_store_is_read_once_for_what_cleave_made(void **state)
{
    struct lab_fixture *f = *state;
    create(&f->lab, "{\"name\": \"a\", \"type\": \"L40S-8Q\"}");
    lab_stop(&f->lab);
    lab_lose_made(&f->lab);
    assert_int_equal(lab_start(&f->lab), 0);
    lose_claim(f, "a");
    json_t *lists = garbage(&f->lab);
    assert_int_equal(count(lists, "garbage"), 1);
    json_decref(lists);
}

static void what_another_puts_in_the_place_of_ours_is_not_ours(void **state)
{
    struct lab_fixture *f = *state;
    create(&f->lab, "{\"name\": \"a\", \"type\": \"L40S-8Q\"}");
    struct fake_vf *vf = &f->host.gpus[2].vfs[0];
    struct fake_vf was = *vf;
    assert_string_equal(was.type, "L40S-8Q");
    *vf = (struct fake_vf){0};
    lab_look(&f->lab);
    *vf = was;
    lab_look(&f->lab);
    lose_claim(f, "a");
    json_t *lists = garbage(&f->lab);
    assert_int_equal(count(lists, "garbage"), 0);
    assert_int_equal(count(lists, "kept"), 1);
    json_decref(lists);
}

/* Deletion is refused, no drift is reported, and nothing cleave made is forgotten. */
static void check_unseen(struct lab_fixture *f, const char *claim, const char *gpu)
{
    struct lab *lab = &f->lab;
    struct fake_host before = f->host;
    lab_look(lab);
    lab_look(lab);
    struct answer answer = {0};
    assert_int_equal(lab_delete(lab, claim, &answer), -REASON_UNAVAILABLE);
    answer_done(&answer);
    answer = (struct answer){0};
    json_t *body = json_pack("{s:s}", "mode", "idle");
    lab_ask(lab, VERB_SET_GPU_MODE, &answer, .target = gpu, .json = body);
    json_decref(body);
    assert_true(lab_wait(lab, &answer));
    assert_int_not_equal(answer.err.reason, REASON_NONE);
    answer_done(&answer);
    assert_true(lab_settle(lab));
    assert_string_equal(lab_claim_state(lab, claim), "bound");
    assert_true(fake_host_same(&before, &f->host));
}

static void what_cannot_be_read_is_not_gone(void **state)
{
    struct lab_fixture *f = *state;
    create(&f->lab, "{\"name\": \"v\", \"type\": \"L40S-8Q\"}");
    create(&f->lab, "{\"name\": \"i\", \"type\": \"A100-2-10C\"}");
    f->host.gpus[2].blind = true;
    check_unseen(f, "v", LAB_L40S);
    f->host.gpus[2].blind = false;
    f->host.mismatch = true;
    check_unseen(f, "i", LAB_A100);
    f->host.mismatch = false;
    lab_look(&f->lab);
    lab_look(&f->lab);
    assert_int_equal(lab_count_events(&f->lab, "gpu-changed", "gpu/" LAB_L40S, NULL), 0);
    assert_int_equal(lab_count_events(&f->lab, "gpu-changed", "gpu/" LAB_A100, NULL), 0);
    /* The claims are lost, and what they held is known to be cleave's all the same. */
    lose_claim(f, "v");
    lose_claim(f, "i");
    json_t *lists = garbage(&f->lab);
    assert_int_equal(count(lists, "kept"), 0);
    assert_true(count(lists, "garbage") >= 3); /* two vGPUs and an instance */
    json_decref(lists);
}

/* What another tool took away while it could not be seen, and put in its place, is that tool's. */
static void what_went_unseen_is_forgotten_once_it_is_seen(void **state)
{
    struct lab_fixture *f = *state;
    create(&f->lab, "{\"name\": \"v\", \"type\": \"L40S-8Q\"}");
    struct fake_vf was = f->host.gpus[2].vfs[0];
    f->host.gpus[2].blind = true;
    lab_look(&f->lab);
    f->host.gpus[2].vfs[0] = (struct fake_vf){0};
    f->host.gpus[2].blind = false;
    lab_look(&f->lab);
    f->host.gpus[2].vfs[0] = was;
    lose_claim(f, "v");
    json_t *lists = garbage(&f->lab);
    assert_int_equal(count(lists, "garbage"), 0);
    assert_int_equal(count(lists, "kept"), 1);
    json_decref(lists);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(gc_touches_only_what_cleave_made_and_no_one_needs,
                                        lab_fixture_setup, lab_fixture_teardown),
        cmocka_unit_test_setup_teardown(what_cleave_made_is_known_without_the_plans,
                                        lab_fixture_setup, lab_fixture_teardown),
        cmocka_unit_test_setup_teardown(an_older_store_is_read_once_for_what_cleave_made,
                                        lab_fixture_setup, lab_fixture_teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_is_not_gone, lab_fixture_setup,
                                        lab_fixture_teardown),
        cmocka_unit_test_setup_teardown(what_went_unseen_is_forgotten_once_it_is_seen,
                                        lab_fixture_setup, lab_fixture_teardown),
        cmocka_unit_test_setup_teardown(what_another_puts_in_the_place_of_ours_is_not_ours,
                                        lab_fixture_setup, lab_fixture_teardown),
    };
    return cmocka_run_group_tests_name("gc", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Other tools' vGPUs in the places of claims, and next to them, over a host in memory. */
#include <string.h>

#include "base/str.h"
#include "mhost_fixture.h"
#include "state/state.h"
#include "test.h"
#include "watch/claim_view.h"
#include "watch/intruders.h"

static void create(struct mhost *mhost, const char *json)
{
    assert_int_equal(mhost_create(mhost, json, NULL), 0);
    assert_true(mhost_settle(mhost));
    mhost_look(mhost);
}

/* The claim's problem as the API shows it; "": none. */
static void read_problem(struct mhost *mhost, const char *name, char text[ERROR_TEXT_SIZE])
{
    mhost_look(mhost);
    CLEANUP_JSON json_t *view =
        claim_view(mhost->manager, claims_find(&mhost->manager->claims, name));
    const char *problem = json_string_value(json_object_get(view, "problem"));
    str_copy(text, ERROR_TEXT_SIZE, problem == NULL ? "" : problem);
}

static void assert_problem(struct mhost *mhost, const char *name, const char *part)
{
    char text[ERROR_TEXT_SIZE];
    read_problem(mhost, name, text);
    if (part == NULL ? text[0] != '\0' : strstr(text, part) == NULL) {
        fail_msg("problem of %s: \"%s\", not \"%s\"", name, text, part == NULL ? "" : part);
    }
}

static size_t count_intruders(struct mhost *mhost)
{
    CLEANUP_JSON json_t *list = intruders_list(mhost->manager);
    return json_array_size(list);
}

/* Another tool takes the vGPU away and, once cleave has seen that or not, makes the like again. */
static void make_again(struct mhost_fixture *f, bool seen)
{
    struct fake_vf *vf = &f->host.gpus[2].vfs[0];
    struct fake_vf was = *vf;
    assert_true(vf->type[0] != '\0');
    *vf = (struct fake_vf){0};
    if (seen) {
        mhost_look(&f->mhost);
    }
    *vf = was;
    vf->birth = was.birth + 1;
}

static void assert_replaced(struct mhost_fixture *f)
{
    assert_problem(&f->mhost, "a", "L40S-8Q at 0000:81:00.4, which cleave did not make");
    assert_int_equal(mhost_count_events(&f->mhost, "claim-conflict", "claim/a", NULL), 1);
    assert_int_equal(count_intruders(&f->mhost), 1);
    struct answer answer = {0};
    mhost_ask(&f->mhost, VERB_START_VM, &answer, .target = "web1");
    assert_true(mhost_wait(&f->mhost, &answer));
    assert_int_equal(answer.err.reason, REASON_CONFLICT);
    answer_done(&answer);
    /* The claim goes, and that vGPU stays. */
    assert_int_equal(mhost_delete(&f->mhost, "a", NULL), 0);
    assert_true(mhost_settle(&f->mhost));
    assert_int_equal(fake_host_count_vgpus(&f->host), 1);
}

static void one_of_the_same_type_is_not_the_claim_s_once_its_place_was_seen_empty(void **state)
{
    struct mhost_fixture *f = *state;
    create(&f->mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\", \"vm\": \"web1\"}");
    assert_problem(&f->mhost, "a", NULL);
    make_again(f, true);
    assert_replaced(f);
}

static void one_of_the_same_type_is_not_the_claim_s_when_its_birth_is_another(void **state)
{
    struct mhost_fixture *f = *state;
    create(&f->mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\", \"vm\": \"web1\"}");
    f->host.gpus[2].vfs[0].birth = 7;
    assert_problem(&f->mhost, "a", NULL); /* now it is known */
    make_again(f, false);
    assert_replaced(f);
}

static void one_that_was_made_while_cleaved_was_off_is_not_the_claim_s(void **state)
{
    struct mhost_fixture *f = *state;
    create(&f->mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\", \"vm\": \"web1\"}");
    f->host.gpus[2].vfs[0].birth = 7;
    assert_problem(&f->mhost, "a", NULL);
    mhost_stop(&f->mhost);
    make_again(f, false);
    assert_int_equal(mhost_start(&f->mhost), 0);
    assert_true(mhost_settle(&f->mhost));
    assert_replaced(f);
}

static void a_restart_alone_takes_nothing_for_another_tool_s(void **state)
{
    struct mhost_fixture *f = *state;
    create(&f->mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\", \"vm\": \"web1\"}");
    f->host.gpus[2].vfs[0].birth = 7;
    assert_problem(&f->mhost, "a", NULL);
    mhost_stop(&f->mhost);
    assert_int_equal(mhost_start(&f->mhost), 0);
    assert_problem(&f->mhost, "a", NULL);
    mhost_assert_sound(&f->mhost);
}

/* The record of an older cleaved begins with what its claims hold. */
static void an_upgrade_takes_nothing_for_another_tool_s(void **state)
{
    struct mhost_fixture *f = *state;
    create(&f->mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\", \"vm\": \"web1\"}");
    mhost_stop(&f->mhost);
    mhost_lose_made(&f->mhost);
    mhost_lose_steps(&f->mhost); /* as of plans that are no longer kept */
    assert_int_equal(mhost_start(&f->mhost), 0);
    assert_problem(&f->mhost, "a", NULL);
    assert_int_equal(mhost_delete(&f->mhost, "a", NULL), 0);
    assert_true(mhost_settle(&f->mhost));
    assert_int_equal(fake_host_count_vgpus(&f->host), 0);
}

/* Another tool's vGPU, like the one on function 0, on the same GPU instance. */
static struct fake_vf *intrude(struct mhost_fixture *f)
{
    struct fake_gpu *gpu = &f->host.gpus[1];
    gpu->vfs[5] = gpu->vfs[0];
    return &gpu->vfs[5];
}

static void a_claim_that_has_its_instance_no_longer_to_itself_says_so(void **state)
{
    struct mhost_fixture *f = *state;
    create(&f->mhost, "{\"name\": \"a\", \"type\": \"DC-1-24Q\", \"mode\": \"mig-backed\", "
                      "\"vm\": \"web1\"}");
    assert_problem(&f->mhost, "a", NULL);
    struct fake_vf *other = intrude(f);
    assert_problem(&f->mhost, "a", "DC-1-24Q at 0000:61:01.1, which no claim owns");
    assert_problem(&f->mhost, "a", "its exclusive GPU instance");
    char text[ERROR_TEXT_SIZE] = "";
    assert_int_equal(mhost_count_events(&f->mhost, "claim-conflict", "claim/a", text), 1);
    assert_non_null(strstr(text, "0000:61:01.1"));
    assert_int_equal(count_intruders(&f->mhost), 1);
    *other = (struct fake_vf){0};
    assert_problem(&f->mhost, "a", NULL);
    assert_int_equal(mhost_count_events(&f->mhost, "claim-conflict-ended", "claim/a", NULL), 1);
    (void)intrude(f);
    assert_problem(&f->mhost, "a", "its exclusive GPU instance");
    assert_int_equal(mhost_count_events(&f->mhost, "claim-conflict", "claim/a", NULL), 2);
    assert_int_equal(mhost_delete(&f->mhost, "a", NULL), 0);
    assert_true(mhost_settle(&f->mhost));
    assert_int_equal(fake_host_count_vgpus(&f->host), 1);
}

static void a_claim_that_shares_says_nothing_of_one_more(void **state)
{
    struct mhost_fixture *f = *state;
    create(&f->mhost, "{\"name\": \"a\", \"type\": \"DC-1-8Q\", \"mode\": "
                      "\"time-sliced-mig-backed\", \"vm\": \"web1\"}");
    (void)intrude(f);
    assert_problem(&f->mhost, "a", NULL);
    assert_int_equal(count_intruders(&f->mhost), 0);
}

static uint32_t instance_of(struct mhost_fixture *f, const char *claim)
{
    return claims_find(&f->mhost.manager->claims, claim)->assigned.start;
}

static void a_shared_claim_does_not_join_an_instance_with_another_tool_s_vgpu(void **state)
{
    struct mhost_fixture *f = *state;
    const char *like = "\"type\": \"DC-1-8Q\", \"mode\": \"time-sliced-mig-backed\"}";
    char json[256];
    str_print(json, sizeof(json), "{\"name\": \"a\", %s", like);
    create(&f->mhost, json);
    str_print(json, sizeof(json), "{\"name\": \"b\", %s", like);
    create(&f->mhost, json);
    assert_int_equal(instance_of(f, "a"), instance_of(f, "b"));
    assert_int_equal(mhost_delete(&f->mhost, "b", NULL), 0);
    assert_true(mhost_settle(&f->mhost));
    (void)intrude(f);
    mhost_look(&f->mhost);
    create(&f->mhost, json);
    assert_int_not_equal(instance_of(f, "a"), instance_of(f, "b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            one_of_the_same_type_is_not_the_claim_s_once_its_place_was_seen_empty,
            mhost_fixture_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(
            one_of_the_same_type_is_not_the_claim_s_when_its_birth_is_another, mhost_fixture_setup,
            mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(one_that_was_made_while_cleaved_was_off_is_not_the_claim_s,
                                        mhost_fixture_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_restart_alone_takes_nothing_for_another_tool_s,
                                        mhost_fixture_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(an_upgrade_takes_nothing_for_another_tool_s,
                                        mhost_fixture_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_claim_that_has_its_instance_no_longer_to_itself_says_so,
                                        mhost_fixture_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_claim_that_shares_says_nothing_of_one_more,
                                        mhost_fixture_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(
            a_shared_claim_does_not_join_an_instance_with_another_tool_s_vgpu, mhost_fixture_setup,
            mhost_fixture_teardown),
    };
    return cmocka_run_group_tests_name("intruders", tests, NULL, NULL);
}

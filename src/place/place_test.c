/* SPDX-License-Identifier: Apache-2.0 */
#include "place/place.h"

#include "place/preference.h"
#include "test.h"

/* Candidates by number: what each scores, and why it can't serve. */
struct scene {
    struct place_score scores[8];
    bool none[8]; /* no candidate */
    enum reason reasons[8];
    uint32_t judged[16];
    size_t n_judged;
};

static bool score(void *data, uint32_t candidate, struct place_score *ret_score)
{
    const struct scene *scene = data;
    *ret_score = scene->scores[candidate];
    return !scene->none[candidate];
}

static int judge(void *data, const struct place_entry *entry, struct error *err)
{
    struct scene *scene = data;
    scene->judged[scene->n_judged++] = entry->candidate;
    return scene->reasons[entry->candidate] == REASON_NONE
               ? 0
               : error_set(err, scene->reasons[entry->candidate], "gpu", "candidate %u can't",
                           entry->candidate);
}

static int rank_by_number(void *data, const struct place_entry *entry)
{
    (void)data;
    return (int)entry->candidate;
}

static struct place_question ask(struct scene *scene, uint32_t n)
{
    return (struct place_question){.n = n, .score = score, .judge = judge, .data = scene};
}

static void the_lowest_score_that_can_serve_is_chosen(void **state)
{
    (void)state;
    struct scene scene = {.scores = {{{1}}, {{0, 7}}, {{0, 3, 9}}, {{0, 3, 9, 0, 1}}},
                          .reasons = {[2] = REASON_CONFLICT}};
    const struct place_question question = ask(&scene, 4);
    struct place_answer answer;
    assert_int_equal(place_choose(&question, &answer), 0);
    assert_int_equal(answer.chosen, 3);
    assert_int_equal(answer.n, 4);
    assert_int_equal(answer.n_turned_down, 1);
    assert_int_equal(answer.items[0].candidate, 2);
    assert_int_equal(answer.items[0].reason, REASON_CONFLICT);
    assert_int_equal(scene.n_judged, 2); /* the others were not asked */
    place_answer_done(&answer);
}

static void equal_candidates_are_judged_by_number_and_some_are_none(void **state)
{
    (void)state;
    struct scene scene = {.none = {true}, .reasons = {[1] = REASON_RULE, [2] = REASON_CONFLICT}};
    const struct place_question question = ask(&scene, 5);
    struct place_answer answer;
    assert_int_equal(place_choose(&question, &answer), 0);
    assert_int_equal(answer.chosen, 3);
    assert_int_equal(answer.n, 4);
    assert_int_equal(scene.judged[0], 1);
    assert_int_equal(scene.judged[1], 2);
    place_answer_done(&answer);
}

static void the_most_telling_refusal_is_the_answers(void **state)
{
    (void)state;
    struct scene scene = {.reasons = {REASON_NOT_FOUND, REASON_NO_CAPACITY, REASON_NO_CAPACITY}};
    struct place_question question = ask(&scene, 3);
    struct place_answer answer;
    struct error why = {0};
    assert_int_equal(place_choose(&question, &answer), -REASON_NO_CAPACITY);
    assert_int_equal(answer.chosen, PLACE_NONE);
    assert_int_equal(answer.n_turned_down, 3);
    size_t telling = place_most_telling(&question, &answer);
    place_why(&question, &answer.items[telling], &why);
    assert_int_equal(why.reason, REASON_NO_CAPACITY);
    assert_string_equal(why.message, "candidate 1 can't");
    place_answer_done(&answer);
    question.rank = rank_by_number;
    assert_int_equal(place_choose(&question, &answer), -REASON_NO_CAPACITY);
    assert_int_equal(place_most_telling(&question, &answer), 2);
    place_answer_done(&answer);
}

static void without_candidates_there_is_none(void **state)
{
    (void)state;
    struct scene scene = {.none = {true, true}};
    const struct place_question nothing = ask(&scene, 0);
    const struct place_question no_candidates = ask(&scene, 2);
    assert_int_equal(place_choose(&nothing, NULL), -REASON_NOT_FOUND);
    assert_int_equal(place_choose(&no_candidates, NULL), -REASON_NOT_FOUND);
    assert_int_equal(scene.n_judged, 0);
}

/* Each is preferred to the next. */
static void gpus_in_use_go_before_idle_ones(void **state)
{
    (void)state;
    static const struct preference order[] = {
        {PREFERENCE_RESERVED, 0, 0},   {PREFERENCE_BY_HAND, 0, 0},
        {PREFERENCE_RIGHT_MODE, 3, 0}, {PREFERENCE_RIGHT_MODE, 1, 0},
        {PREFERENCE_IDLE, 0, 1},       {PREFERENCE_IDLE, 0, 2},
        {PREFERENCE_IDLE, 1, 2},       {PREFERENCE_OTHER_MODE, 1, 0},
        {PREFERENCE_OTHER_MODE, 2, 0}, {PREFERENCE_TAKES_OTHERS, 0, 0},
        {PREFERENCE_SPOKEN_FOR, 0, 0},
    };
    for (size_t i = 1; i < ARRAY_SIZE(order); i++) {
        struct scene scene = {0};
        preference_score(&order[i], scene.scores[0].keys);
        preference_score(&order[i - 1], scene.scores[1].keys);
        const struct place_question question = ask(&scene, 2);
        struct place_answer answer;
        assert_int_equal(place_choose(&question, &answer), 0);
        assert_int_equal(answer.chosen, 1);
        place_answer_done(&answer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lowest_score_that_can_serve_is_chosen),
        cmocka_unit_test(equal_candidates_are_judged_by_number_and_some_are_none),
        cmocka_unit_test(the_most_telling_refusal_is_the_answers),
        cmocka_unit_test(without_candidates_there_is_none),
        cmocka_unit_test(gpus_in_use_go_before_idle_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

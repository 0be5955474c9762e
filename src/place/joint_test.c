/* SPDX-License-Identifier: Apache-2.0 */
#include "place/joint.h"

#include <string.h>

#include "base/mem.h"
#include "test.h"

#define KINDS 4
#define PIECES 6
#define BINS 4
#define ROUNDS 2000

/* Bins with two resources and pairs of pieces that can't be together: all that is smaller than what
 * one holds it holds, too. */
struct scene {
    uint32_t seed;
    struct joint_kind kinds[KINDS];
    uint32_t pieces[PIECES];
    uint32_t needs[PIECES][2];
    bool apart[PIECES][PIECES];
    uint32_t classes[BINS];
    uint32_t room[BINS][2]; /* by class */
    struct joint_question question;
    bool picky; /* accepts only what leaves bin 0 empty */
};

static uint32_t draw(struct scene *scene, uint32_t below)
{
    scene->seed = scene->seed * 1664525U + 1013904223U;
    return (scene->seed >> 8) % below;
}

static bool holds(void *data, uint32_t bin, const uint16_t *counts)
{
    const struct scene *scene = data;
    uint32_t sums[2] = {0};
    for (uint32_t p = 0; p < scene->question.n_pieces; p++) {
        sums[0] += counts[p] * scene->needs[p][0];
        sums[1] += counts[p] * scene->needs[p][1];
        for (uint32_t q = 0; q < scene->question.n_pieces; q++) {
            if (counts[p] > 0 && counts[q] > 0 && scene->apart[p][q]) {
                return false;
            }
        }
    }
    const uint32_t *room = scene->room[scene->classes[bin]];
    return sums[0] <= room[0] && sums[1] <= room[1];
}

static bool accepts(void *data, const uint16_t *counts)
{
    const struct scene *scene = data;
    for (uint32_t p = 0; scene->picky && p < scene->question.n_pieces; p++) {
        if (counts[p] > 0) {
            return false;
        }
    }
    return true;
}

static void draw_scene(struct scene *scene)
{
    uint32_t n_kinds = 1 + draw(scene, KINDS);
    uint32_t n_pieces = n_kinds + draw(scene, PIECES - n_kinds + 1);
    uint32_t n_bins = 1 + draw(scene, BINS);
    for (uint32_t p = 0; p < n_pieces; p++) {
        scene->pieces[p] = p < n_kinds ? p : draw(scene, n_kinds);
        scene->needs[p][0] = 1 + draw(scene, 4);
        scene->needs[p][1] = draw(scene, 4);
    }
    for (uint32_t p = 0; p < n_pieces; p++) {
        for (uint32_t q = 0; q < p; q++) {
            scene->apart[p][q] = scene->apart[q][p] = draw(scene, 5) == 0;
        }
    }
    for (uint32_t k = 0; k < n_kinds; k++) {
        uint32_t size = UINT32_MAX;
        for (uint32_t p = 0; p < n_pieces; p++) {
            bool less = scene->pieces[p] == k && scene->needs[p][0] < size;
            size = less ? scene->needs[p][0] : size;
        }
        scene->kinds[k] = (struct joint_kind){.n = 1 + draw(scene, 3), .size = size};
    }
    for (uint32_t b = 0; b < n_bins; b++) {
        scene->classes[b] = draw(scene, n_bins);
        scene->room[b][0] = 2 + draw(scene, 7);
        scene->room[b][1] = 2 + draw(scene, 7);
    }
    scene->question = (struct joint_question){.kinds = scene->kinds,
                                              .n_kinds = n_kinds,
                                              .pieces = scene->pieces,
                                              .n_pieces = n_pieces,
                                              .classes = scene->classes,
                                              .n_bins = n_bins,
                                              .holds = holds,
                                              .accepts = accepts,
                                              .data = scene,
                                              .max_judged = UINT64_MAX,
                                              .max_steps = UINT64_MAX};
}

/* ---- every distribution, item by item ---- */

struct slow {
    struct scene *scene;
    uint16_t counts[BINS][PIECES];
    uint32_t most; /* items that were served together */
    bool skips;    /* may an item be left out? */
};

static bool serve_slowly(struct slow *slow, uint32_t kind, uint32_t item, uint32_t served)
{
    const struct joint_question *question = &slow->scene->question;
    if (kind == question->n_kinds) {
        slow->most = served > slow->most ? served : slow->most;
        return !slow->skips;
    }
    if (item == question->kinds[kind].n) {
        return serve_slowly(slow, kind + 1, 0, served);
    }
    for (uint32_t b = slow->scene->picky ? 1 : 0; b < question->n_bins; b++) {
        for (uint32_t p = 0; p < question->n_pieces; p++) {
            if (question->pieces[p] != kind) {
                continue;
            }
            slow->counts[b][p]++;
            bool done = holds(slow->scene, b, slow->counts[b]) &&
                        serve_slowly(slow, kind, item + 1, served + 1);
            slow->counts[b][p]--;
            if (done) {
                return true;
            }
        }
    }
    return slow->skips && serve_slowly(slow, kind, item + 1, served);
}

static void check_answer(struct scene *scene, const struct joint_answer *answer)
{
    const struct joint_question *question = &scene->question;
    uint32_t served[KINDS] = {0};
    for (uint32_t b = 0; b < question->n_bins; b++) {
        const uint16_t *counts = answer->counts + (size_t)b * question->n_pieces;
        assert_true(holds(scene, b, counts));
        for (uint32_t p = 0; p < question->n_pieces; p++) {
            served[question->pieces[p]] += counts[p];
        }
    }
    for (uint32_t k = 0; k < question->n_kinds; k++) {
        assert_int_equal(served[k], question->kinds[k].n);
    }
    assert_true(accepts(scene, answer->counts));
}

static void it_finds_a_distribution_if_there_is_one(void **state)
{
    (void)state;
    unsigned n[3] = {0};
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct scene scene = {.seed = round * 7919U + 1, .picky = round % 5 == 0};
        struct joint_answer answer;
        draw_scene(&scene);
        joint_choose(&scene.question, &answer);
        struct slow slow = {.scene = &scene};
        bool right = serve_slowly(&slow, 0, 0, 0);
        if (answer.verdict == JOINT_FOUND) {
            check_answer(&scene, &answer);
        } else {
            assert_null(answer.counts);
        }
        bool undecided = scene.picky && answer.verdict == JOINT_UNDECIDED;
        assert_true(undecided || answer.verdict == (right ? JOINT_FOUND : JOINT_NONE));
        n[answer.verdict]++;
        joint_answer_done(&answer);
    }
    assert_true(n[JOINT_FOUND] > ROUNDS / 5 && n[JOINT_NONE] > ROUNDS / 5);
}

static void its_bound_is_never_below_what_can_be_served(void **state)
{
    (void)state;
    unsigned n_tight = 0;
    for (uint32_t round = 0; round < ROUNDS / 10; round++) {
        struct scene scene = {.seed = round * 104729U + 5};
        struct joint_answer answer;
        draw_scene(&scene);
        for (uint32_t k = 0; k < scene.question.n_kinds; k++) {
            scene.kinds[k].n = 1 + scene.kinds[k].n % 2;
        }
        joint_choose(&scene.question, &answer);
        struct slow slow = {.scene = &scene, .skips = true};
        (void)serve_slowly(&slow, 0, 0, 0);
        assert_true(answer.at_most >= slow.most);
        n_tight += answer.at_most == slow.most;
        joint_answer_done(&answer);
    }
    assert_true(n_tight > ROUNDS / 40);
}

static void out_of_work_it_is_undecided(void **state)
{
    (void)state;
    struct scene scene = {.seed = 3};
    struct joint_answer answer;
    draw_scene(&scene);
    scene.question.max_judged = 0;
    joint_choose(&scene.question, &answer);
    assert_int_equal(answer.verdict, JOINT_UNDECIDED);
    assert_int_equal(answer.n_judged, 0);
    joint_answer_done(&answer);
    scene.question.max_judged = UINT64_MAX;
    scene.question.max_steps = 0;
    joint_choose(&scene.question, &answer);
    assert_int_not_equal(answer.verdict, JOINT_FOUND);
    joint_answer_done(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_finds_a_distribution_if_there_is_one),
        cmocka_unit_test(its_bound_is_never_below_what_can_be_served),
        cmocka_unit_test(out_of_work_it_is_undecided),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "model/vgpu_share.h"

#include <string.h>

#include "base/unknown.h"
#include "test.h"

#define N_TURNS 840 /* divides by 1 to 8 */

/* A slow model: the scheduler gives turns, one after the other, to vGPUs that all want each of
 * them. Returns how many this one is sure to get of N_TURNS. */
static uint32_t play(const struct share_question *q, uint32_t others)
{
    uint32_t mine = 0;
    uint32_t seats = q->policy == SCHEDULER_FIXED_SHARE ? q->most : others + 1;
    for (uint32_t turn = 0; turn < N_TURNS; turn++) {
        mine += turn % seats == 0; /* a seat without a vGPU leaves its turn unused */
    }
    return mine;
}

static void a_share_is_what_turns_by_turns_give(void **state)
{
    (void)state;
    for (uint32_t most = 1; most <= 8; most++) {
        for (uint32_t others = 0; others < most; others++) {
            for (unsigned runs = 0; runs < 2; runs++) {
                for (int policy = SCHEDULER_EQUAL_SHARE; policy <= SCHEDULER_FIXED_SHARE;
                     policy++) {
                    struct share_question q = {.policy = (enum scheduler_policy)policy,
                                               .whole = SHARE_OF_INSTANCE,
                                               .most = most,
                                               .running = others + runs,
                                               .runs = runs != 0};
                    struct vgpu_share share = vgpu_share_of(&q);
                    assert_int_equal(share.kind, SHARE_PART);
                    assert_int_equal(share.whole, SHARE_OF_INSTANCE);
                    uint32_t expected = most == 1 ? N_TURNS : play(&q, others);
                    assert_int_equal(N_TURNS / share.parts, expected);
                }
            }
        }
    }
}

/* All that run, and can run, get no more than all of it together. */
static void shares_add_up_to_no_more_than_the_whole(void **state)
{
    (void)state;
    for (uint32_t most = 1; most <= 8; most++) {
        for (uint32_t running = 1; running <= most; running++) {
            for (int policy = SCHEDULER_EQUAL_SHARE; policy <= SCHEDULER_FIXED_SHARE; policy++) {
                struct share_question q = {.policy = (enum scheduler_policy)policy,
                                           .most = most,
                                           .running = running,
                                           .runs = true};
                struct vgpu_share share = vgpu_share_of(&q);
                assert_true(most == 1 || running <= share.parts);
                assert_true(policy != SCHEDULER_FIXED_SHARE || share.parts == most);
            }
        }
    }
}

static void what_is_not_known_stays_unknown(void **state)
{
    (void)state;
    static const struct {
        struct share_question question;
        enum share_kind kind;
        const char *text;
    } rows[] = {
        {{.policy = SCHEDULER_UNKNOWN, .most = 4, .running = 1}, SHARE_UNKNOWN, ""},
        {{.policy = SCHEDULER_FIXED_SHARE, .most = NO_ID, .running = 1}, SHARE_UNKNOWN, ""},
        {{.policy = SCHEDULER_FIXED_SHARE, .most = 0, .running = 1}, SHARE_UNKNOWN, ""},
        {{.policy = SCHEDULER_EQUAL_SHARE, .most = 4, .running = NO_ID}, SHARE_UNKNOWN, ""},
        {{.policy = SCHEDULER_EQUAL_SHARE, .most = NO_ID, .running = 1},
         SHARE_PART,
         "1/2 of the GPU"},
        {{.policy = SCHEDULER_EQUAL_SHARE, .most = 4, .running = 0, .runs = true},
         SHARE_PART,
         "all of the GPU"},
        {{.policy = SCHEDULER_BEST_EFFORT, .most = 4, .running = NO_ID},
         SHARE_NONE,
         "none guaranteed"},
        {{.policy = SCHEDULER_UNKNOWN, .most = 1, .running = NO_ID, .whole = SHARE_OF_INSTANCE},
         SHARE_PART,
         "all of its instance"},
        {{.policy = SCHEDULER_FIXED_SHARE, .most = 6, .running = 1, .runs = true},
         SHARE_PART,
         "1/6 of the GPU"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[VGPU_SHARE_TEXT_SIZE];
        struct vgpu_share share = vgpu_share_of(&rows[i].question);
        vgpu_share_text(&share, text);
        if (share.kind != rows[i].kind || strcmp(text, rows[i].text) != 0) {
            fail_msg("row %zu: \"%s\" instead of \"%s\"", i, text, rows[i].text);
        }
    }
}

static void only_a_fixed_share_or_no_neighbour_is_predictable(void **state)
{
    (void)state;
    for (int policy = SCHEDULER_UNKNOWN; policy < SCHEDULER_POLICY_COUNT; policy++) {
        enum scheduler_policy p = (enum scheduler_policy)policy;
        assert_true(vgpu_share_is_predictable(p, 1));
        assert_int_equal(vgpu_share_is_predictable(p, 4), p == SCHEDULER_FIXED_SHARE);
        assert_int_equal(vgpu_share_is_predictable(p, NO_ID), p == SCHEDULER_FIXED_SHARE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_share_is_what_turns_by_turns_give),
        cmocka_unit_test(shares_add_up_to_no_more_than_the_whole),
        cmocka_unit_test(what_is_not_known_stays_unknown),
        cmocka_unit_test(only_a_fixed_share_or_no_neighbour_is_predictable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

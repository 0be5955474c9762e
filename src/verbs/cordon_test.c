/* SPDX-License-Identifier: Apache-2.0 */
/* Cordons by hand, over a host in memory. */
#include "base/json.h"
#include "base/str.h"
#include "mhost_fixture.h"
#include "state/state.h"
#include "test.h"

static const struct gpu_record *record(struct mhost *mhost, const char *bdf)
{
    struct pci_addr addr;
    assert_true(pci_addr_parse(bdf, &addr));
    return gpu_records_find_addr(&mhost->manager->gpu_records, &addr);
}

static void a_cordon_is_stored_and_taken_back(void **state)
{
    struct mhost_fixture *f = *state;
    struct answer answer = {0};
    CLEANUP_JSON json_t *body = json_pack("{s:s}", "reason", "fan");
    mhost_ask(&f->mhost, VERB_CORDON_GPU, &answer, .target = MHOST_L40S, .json = body);
    assert_true(mhost_wait(&f->mhost, &answer));
    assert_string_equal(answer_text(&answer, "cordoned.reason"), "fan");
    answer_done(&answer);
    mhost_stop(&f->mhost);
    assert_int_equal(mhost_start(&f->mhost), 0);
    assert_true(record(&f->mhost, MHOST_L40S)->cordon.set);
    struct answer again = {0};
    mhost_ask(&f->mhost, VERB_UNCORDON_GPU, &again, .target = MHOST_L40S);
    assert_true(mhost_wait(&f->mhost, &again));
    answer_done(&again);
    assert_false(record(&f->mhost, MHOST_L40S)->cordon.set);
}

static void a_cordon_keeps_its_reason_until_another_is_given(void **state)
{
    struct mhost_fixture *f = *state;
    static const struct {
        const char *given, *kept; /* NULL: none is given */
    } rows[] = {{NULL, ""}, {"fan", "fan"}, {NULL, "fan"}, {"dust", "dust"}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct answer answer = {0};
        CLEANUP_JSON json_t *body =
            rows[i].given == NULL ? NULL : json_pack("{s:s}", "reason", rows[i].given);
        mhost_ask(&f->mhost, VERB_CORDON_GPU, &answer, .target = MHOST_L40S, .json = body);
        assert_true(mhost_wait(&f->mhost, &answer));
        answer_done(&answer);
        assert_string_equal(record(&f->mhost, MHOST_L40S)->cordon.why, rows[i].kept);
    }
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, mhost_fixture_setup, mhost_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_cordon_is_stored_and_taken_back),
        TEST(a_cordon_keeps_its_reason_until_another_is_given),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}

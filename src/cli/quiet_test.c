/* SPDX-License-Identifier: Apache-2.0 */
/* What --quiet leaves out, and what --verbose adds. */
#include "answered.h"
#include "base/str.h"
#include "listings.h"

#define PLAN(state)                                                                                \
    "{\"plan\":{\"id\":\"7d0f3c1e-2b41\",\"state\":\"" state "\",\"steps\":[{\"state\":\"done\","  \
    "\"text\":\"create vGPU L40S-8Q\"}],\"claims\":[]},\"claims\":[{\"name\":\"a\"}]}"
#define DONE                                                                                       \
    "{\"id\":\"7d0f3c1e-2b41\",\"state\":\"done\",\"steps\":[{\"state\":\"done\",\"text\":"        \
    "\"create vGPU L40S-8Q\"}],\"claims\":[]}"
#define CLAIMS "{\"claims\":[{\"name\":\"a\",\"state\":\"bound\"}]}"

static void a_quiet_list_is_its_names(void **state)
{
    (void)state;
    answers = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(listing_answers); i++) {
        const char *command = listing_answers[i].command;
        CLEANUP_FREE char *quiet = xasprintf("%s -q", command);
        CLEANUP_FREE char *names = xasprintf("%s -o name", command);
        answer = listing_answers[i].reply;
        if (strstr(command, " list") == NULL) {
            continue;
        }
        CLEANUP_FREE char *got = answered_output(quiet, ANSWERED_BOTH);
        CLEANUP_FREE char *wanted = answered_output(names, ANSWERED_BOTH);
        if (!str_eq(got, wanted) || strstr(got, "error: ") != NULL) {
            fail_msg("%s: \"%s\"", quiet, got);
        }
    }
}

static void a_quiet_change_says_nothing_where_it_is_well(void **state)
{
    (void)state;
    static const char *const replies[] = {PLAN("running"), DONE, CLAIMS, NULL};
    static const char *const planned[] = {PLAN("planned"), NULL};
    answers = replies;
    CLEANUP_FREE char *loud = answered_output("claim create a --type L40S-8Q", ANSWERED_BOTH);
    assert_non_null(strstr(loud, "[1/1] done"));
    assert_non_null(strstr(loud, "1 step done"));
    static const char *const lines[] = {"claim create a --type L40S-8Q -q",
                                        "--quiet claim create a --type L40S-8Q",
                                        "claim create a --type L40S-8Q --no-wait -q"};
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        answers = replies;
        CLEANUP_FREE char *quiet = answered_output(lines[i], ANSWERED_BOTH);
        assert_string_equal(quiet, "");
    }
    answers = planned;
    CLEANUP_FREE char *dry = answered_output("claim delete a --dry-run -q", ANSWERED_BOTH);
    assert_string_equal(dry, "");
    answers = replies;
    CLEANUP_FREE char *json =
        answered_output("claim create a --type L40S-8Q -q -o json", ANSWERED_BOTH);
    assert_true(str_starts(json, "{"));
}

static void errors_are_never_quiet(void **state)
{
    (void)state;
    static const char *const failed[] = {"{\"plan\":{\"id\":\"7d0f3c1e\",\"state\":\"failed\","
                                         "\"problem\":\"it broke\",\"steps\":[]},\"claims\":[]}",
                                         NULL};
    struct error err = {0};
    answers = failed;
    CLEANUP_FREE char *said = answered_output("claim delete a -q", ANSWERED_BOTH);
    assert_non_null(strstr(said, "error: the plan is failed: it broke"));
    assert_int_equal(answered_run("gpu show 0 -q", &err), -REASON_INVALID);
    assert_non_null(strstr(err.message, "no option -q"));
}

static void verbose_shows_each_request_on_standard_error(void **state)
{
    (void)state;
    static const char *const replies[] = {PLAN("running"), DONE, CLAIMS, NULL};
    answers = replies;
    CLEANUP_FREE char *both = answered_output("claim create a --type L40S-8Q -v", ANSWERED_BOTH);
    const char *at = both;
    static const char *const wanted[] = {"> POST /v1/claims {",
                                         "\"L40S-8Q\"}\n",
                                         "< ok, ",
                                         "> GET /v1/plans/7d0f3c1e-2b41\n",
                                         "< ok, ",
                                         "> GET /v1/claims\n",
                                         "< ok, "};
    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
        at = strstr(at, wanted[i]);
        if (at == NULL) {
            fail_msg("no \"%s\" in its place:\n%s", wanted[i], both);
        }
        at += strlen(wanted[i]);
    }
    answers = replies;
    CLEANUP_FREE char *out = answered_output("claim create a --type L40S-8Q -v", ANSWERED_STDOUT);
    assert_null(strstr(out, "> POST"));
    static const char *const broken[] = {"no JSON", NULL};
    answers = broken;
    CLEANUP_FREE char *bad = answered_output("-v gpu list", ANSWERED_BOTH);
    assert_non_null(strstr(bad, "< invalid-argument, "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quiet_list_is_its_names),
        cmocka_unit_test(a_quiet_change_says_nothing_where_it_is_well),
        cmocka_unit_test(errors_are_never_quiet),
        cmocka_unit_test(verbose_shows_each_request_on_standard_error),
    };
    return cmocka_run_group_tests_name("quiet", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences of cleaved have their times in this time zone, and nothing else is another. */
#include "cli/local_times.h"
#include <stdlib.h>
#include <time.h>

#include "answered.h"

static void each_time_of_a_sentence_is_local(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", ""},
        {"no time at all", "no time at all"},
        {"gone since 2026-11-21T05:30:12Z: wait", "gone since 2026-11-21 07:30:12 XYZ: wait"},
        {"released at 2026-11-21T05:30:12.123456Z", "released at 2026-11-21 07:30:12 XYZ"},
        {"from 2026-12-31T23:00:00Z to 2027-01-01T00:00:00Z.",
         "from 2027-01-01 01:00:00 XYZ to 2027-01-01 02:00:00 XYZ."},
        {"(2026-11-21T05:30:12Z)", "(2026-11-21 07:30:12 XYZ)"},
        {"claim \"2026-11-21T05:30:12Zoe\" x", "claim \"2026-11-21T05:30:12Zoe\" x"},
        {"vm x2026-11-21T05:30:12Z", "vm x2026-11-21T05:30:12Z"},
        {"on 2026-11-21", "on 2026-11-21"},
        {"at 2026-11-31T05:30:12Z", "at 2026-11-31T05:30:12Z"}, /* no such day */
        {"GPU 0000:41:00.0 Z", "GPU 0000:41:00.0 Z"},
        {"ä 2026-11-21T05:30:12Z ü", "ä 2026-11-21 07:30:12 XYZ ü"},
    };
    setenv("TZ", "XYZ-2", 1);
    tzset();
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_STRBUF struct strbuf out = {0};
        struct error err = {0};
        local_times_add(rows[i][0], &out);
        assert_string_equal(strbuf_str(&out), rows[i][1]);
        error_set(&err, REASON_INVALID, "", "%s", rows[i][0]);
        error_hint(&err, "%s", rows[i][0]);
        local_times_in_error(&err);
        assert_string_equal(err.message, rows[i][1]);
        assert_string_equal(err.hint, rows[i][1]);
    }
}

static void values_of_an_answer_stay(void **state)
{
    (void)state;
    CLEANUP_JSON json_t *json =
        json_loads("{\"createdAt\":\"2026-11-21T05:30:12Z\",\"n\":3,\"list\":[{\"problem\":\"since "
                   "2026-11-21T05:30:12Z\"},null,true],\"to\":\"a Z\"}",
                   0, NULL);
    CLEANUP_JSON json_t *wanted =
        json_loads("{\"createdAt\":\"2026-11-21T05:30:12Z\",\"n\":3,\"list\":[{\"problem\":\"since "
                   "2026-11-21 07:30:12 XYZ\"},null,true],\"to\":\"a Z\"}",
                   0, NULL);
    setenv("TZ", "XYZ-2", 1);
    tzset();
    local_times_in_answer(json);
    assert_true(json_equal(json, wanted));
}

#define CLAIMS                                                                                     \
    "{\"claims\":[{\"name\":\"a\",\"state\":\"bound\",\"createdAt\":\"2026-11-21T05:30:12Z\","     \
    "\"problem\":\"its VM \\\"a\\\" is gone: it will be released at 2026-11-21T05:30:12.0Z\"}],"   \
    "\"late\":\"libvirt has not answered since 2026-11-21T05:30:12Z (3 s): VMs are as "            \
    "before\",\"observedAt\":\"2026-11-21T05:30:10Z\"}"

static void people_get_local_times_and_programs_the_apis_own(void **state)
{
    (void)state;
    answer = CLAIMS;
    CLEANUP_FREE char *table = answered_output("claim list", ANSWERED_BOTH);
    assert_null(strstr(table, "T05:30"));
    assert_non_null(strstr(table, "released at 2026-11-21 05:30:12 UTC"));
    assert_non_null(strstr(table, "not answered since 2026-11-21 05:30:12 UTC"));
    CLEANUP_FREE char *json = answered_output("claim list -o json", ANSWERED_STDOUT);
    assert_non_null(strstr(json, "released at 2026-11-21T05:30:12.0Z"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_time_of_a_sentence_is_local),
        cmocka_unit_test(values_of_an_answer_stay),
        cmocka_unit_test(people_get_local_times_and_programs_the_apis_own),
    };
    return cmocka_run_group_tests_name("local times", tests, NULL, NULL);
}

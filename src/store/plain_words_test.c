/* SPDX-License-Identifier: Apache-2.0 */
#include "store/plain_words.h"

#include "base/json.h"
#include "base/mem.h"
#include "test.h"

static void check(const char *old, const char *now)
{
    CLEANUP_JSON json_t *document = json_loads(old, 0, NULL);
    CLEANUP_JSON json_t *wanted = json_loads(now, 0, NULL);
    assert_non_null(document);
    assert_non_null(wanted);
    plain_words(document);
    if (!json_equal(document, wanted)) {
        CLEANUP_FREE char *text = json_text(document);
        fail_msg("%s became %s", old, text);
    }
    plain_words(document); /* of today already */
    assert_true(json_equal(document, wanted));
}

static void keys_are_renamed(void **state)
{
    (void)state;
    check("{\"name\": \"a\", \"got\": {\"gpu\": \"0000:41:00.0\"}, \"named\": null}",
          "{\"name\": \"a\", \"assigned\": {\"gpu\": \"0000:41:00.0\"}, \"reserved\": null}");
    check("{\"gotGpuInstance\": 3, \"gotUuid\": \"MIG-1\"}",
          "{\"assignedGpuInstance\": 3, \"assignedUuid\": \"MIG-1\"}");
    check("{\"settled\": null, \"settledBy\": null}",
          "{\"resolution\": null, \"resolvedBy\": null}");
}

static void words_are_renamed_where_they_are_that_kind_of_word(void **state)
{
    (void)state;
    check("{\"settled\": \"away\", \"state\": \"done\"}",
          "{\"resolution\": \"target\", \"state\": \"done\"}");
    check("{\"settled\": \"here\", \"board\": \"here\"}",
          "{\"resolution\": \"source\", \"board\": \"here\"}");
    check("{\"kind\": \"vm-arrived-there\", \"message\": \"claim-parked\"}",
          "{\"kind\": \"migration-switched\", \"message\": \"claim-parked\"}");
    check("{\"kind\": \"claim-bound\"}", "{\"kind\": \"claim-bound\"}");
}

static void claims_within_a_plan_are_renamed_too(void **state)
{
    (void)state;
    check("{\"claims\": [{\"verb\": \"park\", \"claim\": {\"got\": null, \"named\": null}}]}",
          "{\"claims\": [{\"verb\": \"deallocate\","
          " \"claim\": {\"assigned\": null, \"reserved\": null}}]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_renamed),
        cmocka_unit_test(words_are_renamed_where_they_are_that_kind_of_word),
        cmocka_unit_test(claims_within_a_plan_are_renamed_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

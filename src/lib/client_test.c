/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/client.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "lib/reply_json.h"
#include "test.h"

static void names_are_escaped(void **state)
{
    (void)state;
    char *path = client_path("/v1/gpus/", "0000:41:00.0", "/mode");
    assert_string_equal(path, "/v1/gpus/0000:41:00.0/mode");
    free(path);
    path = client_path("/v1/claims/", "a/b ?%\xc3\xa4", "");
    assert_string_equal(path, "/v1/claims/a%2Fb%20%3F%25%C3%A4");
    free(path);
}

static void a_problem_becomes_the_error_it_was(void **state)
{
    (void)state;
    static const char text[] =
        "{\"type\":\"about:blank\",\"status\":422,\"reason\":\"rule-violated\","
        "\"detail\":\"no\",\"subject\":\"claim/a\",\"rule\":\"r1\","
        "\"hint\":\"do\"}";
    json_t *json = reply_parse(text, strlen(text));
    assert_non_null(json);
    struct error err = {0};
    assert_int_equal(reply_problem(json, 422, &err), -REASON_RULE);
    assert_string_equal(err.message, "no");
    assert_string_equal(err.subject, "claim/a");
    assert_string_equal(err.rule, "r1");
    assert_string_equal(err.hint, "do");
    json_decref(json);
}

static void an_unknown_problem_is_internal(void **state)
{
    (void)state;
    json_t *json = reply_parse("{}", 2);
    struct error err = {0};
    assert_int_equal(reply_problem(json, 500, &err), -REASON_INTERNAL);
    assert_non_null(strstr(err.message, "500"));
    json_decref(json);
}

static void what_is_no_object_is_no_reply(void **state)
{
    (void)state;
    assert_null(reply_parse("[1]", 3));
    assert_null(reply_parse("<html>", 6));
    assert_null(reply_parse("", 0));
}

static void a_missing_daemon_is_named(void **state)
{
    (void)state;
    struct client *client = client_new("/nonexistent/cleaved.sock");
    json_t *json = NULL;
    struct error err = {0};
    assert_int_equal(client_call(client, "GET", "/v1/host", NULL, &json, &err),
                     -REASON_UNAVAILABLE);
    assert_string_equal(err.message, "cleaved does not answer on /nonexistent/cleaved.sock");
    assert_non_null(strstr(err.hint, "--socket"));
    client_free(client);
}

static void a_path_that_is_too_long_is_refused(void **state)
{
    (void)state;
    char path[200];
    memset(path, 'a', sizeof(path));
    path[sizeof(path) - 1] = '\0';
    struct client *client = client_new(path);
    json_t *json = NULL;
    struct error err = {0};
    assert_int_equal(client_call(client, "GET", "/v1/host", NULL, &json, &err), -REASON_INVALID);
    client_free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_escaped),
        cmocka_unit_test(a_problem_becomes_the_error_it_was),
        cmocka_unit_test(an_unknown_problem_is_internal),
        cmocka_unit_test(what_is_no_object_is_no_reply),
        cmocka_unit_test(a_missing_daemon_is_named),
        cmocka_unit_test(a_path_that_is_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

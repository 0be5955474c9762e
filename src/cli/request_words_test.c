/* SPDX-License-Identifier: Apache-2.0 */
/* Errors name what was typed, and no member of a request. */
#include "cli/request_words.h"

#include <string.h>

#include "base/str.h"
#include "cli/commands.h"
#include "test.h"

static const struct command *find(const char *object, const char *name)
{
    for (size_t i = 0; i < commands_count(); i++) {
        if (str_eq(commands_at(i)->object, object) && str_eq(commands_at(i)->name, name)) {
            return commands_at(i);
        }
    }
    fail_msg("no command %s %s", object, name);
    return NULL;
}

static void members_of_a_request_are_named_as_they_are_typed(void **state)
{
    (void)state;
    static const struct {
        const char *object, *name, *subject, *message, *wanted;
    } rows[] = {
        {"claim", "create", "request body", "guest: \"beos\" is not a known value",
         "--guest: \"beos\" is not a known value"},
        {"claim", "create", "request body", "moveIdle: must be true or false",
         "--move-idle: must be true or false"},
        {"claim", "create", "request body", "name: \"ä b\" is not a name",
         "NAME: \"ä b\" is not a name"},
        {"claim", "create", "request body", "a claim needs a name", "a claim needs a name"},
        {"claim", "create", "request body", "start: is 99, must be from 0 to 31",
         "start: is 99, must be from 0 to 31"}, /* part of --profile */
        {"gpu", "mode", "request body", "mode: \"turbo\" is not a known value",
         "MODE: \"turbo\" is not a known value"},
        {"gpu", "scheduler", "request body", "sliceNs: is 1, must be from 2 to 3",
         "--slice: is 1, must be from 2 to 3"},
        {"gpu", "scheduler", "request body", "policy: \"x\" is not a known value",
         "POLICY: \"x\" is not a known value"},
        {"vm", "migrate", "request body: migrateUri", "it has no host",
         "--migrate-uri: it has no host"},
        {"event", "list", "query limit", "limit must be a number from 1 to 1000, not \"x\"",
         "--limit must be a number from 1 to 1000, not \"x\""},
        {"operation", "list", "query kind", "no operation has the kind \"x\"",
         "no operation has the kind \"x\""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct error err = {0};
        error_set(&err, REASON_INVALID, rows[i].subject, "%s", rows[i].message);
        request_words_replace(find(rows[i].object, rows[i].name), &err);
        assert_string_equal(err.subject, "");
        assert_string_equal(err.message, rows[i].wanted);
    }
}

static void other_errors_stay(void **state)
{
    (void)state;
    static const char *const subjects[] = {"", "claim/guest", "site.yaml:3", "gpu/0"};
    for (size_t i = 0; i < ARRAY_SIZE(subjects); i++) {
        struct error err = {0};
        error_set(&err, REASON_CONFLICT, subjects[i], "guest: it is there");
        request_words_replace(find("claim", "create"), &err);
        assert_string_equal(err.subject, subjects[i]);
        assert_string_equal(err.message, "guest: it is there");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_of_a_request_are_named_as_they_are_typed),
        cmocka_unit_test(other_errors_stay),
    };
    return cmocka_run_group_tests_name("request words", tests, NULL, NULL);
}

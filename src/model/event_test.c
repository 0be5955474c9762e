/* SPDX-License-Identifier: Apache-2.0 */
/* The table of event kinds, api/openapi.yaml and docs/events.md say the same. CLEAVE_GOLDEN=write
 * writes the latter. */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"
#include "model/event.h"
#include "test.h"

#define DOCS SOURCE_ROOT "/docs/events.md"
#define OPENAPI SOURCE_ROOT "/api/openapi.yaml"
#define MAX_TEXT 65536

static const char docs_head[] =
    "# Events\n"
    "\n"
    "`cleave event list` shows what happened on a host, and who did it. `--kind` takes one of the\n"
    "kinds below, and `--subject` the object: `vm/web1`, or `vm` for all of its kind. An event\n"
    "without an author is what cleaved saw: another program, the driver or the hardware did it.\n"
    "\n"
    "| kind | what happened |\n"
    "|---|---|\n";

static void each_kind_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (size_t i = EVENT_NONE + 1; i < EVENT_KIND_COUNT; i++) {
        const char *name = event_kind_name((enum event_kind)i);
        enum event_kind found = EVENT_NONE;
        assert_true(event_kind_find(name, &found));
        assert_int_equal(found, i); /* so no earlier row has it */
        if (strlen(name) >= EVENT_KIND_SIZE) {
            fail_msg("%s does not fit an event", name);
        }
        if (i > EVENT_NONE + 1 && strcmp(event_kind_name((enum event_kind)(i - 1)), name) > 0) {
            fail_msg("%s is not in its place", name);
        }
    }
    enum event_kind found = EVENT_NONE;
    assert_false(event_kind_find("", &found));
    assert_false(event_kind_find(NULL, &found));
    assert_string_equal(event_kind_nearest("claim-bond"), "claim-bound");
}

static void openapi_yaml_has_the_same_kinds(void **state)
{
    (void)state;
    CLEANUP_JSON json_t *openapi = NULL;
    assert_int_equal(json_read_file(OPENAPI, &openapi, NULL), 0);
    json_t *schemas = json_object_get(json_object_get(openapi, "components"), "schemas");
    json_t *words = json_object_get(json_object_get(schemas, "EventKind"), "enum");
    assert_int_equal(json_array_size(words), EVENT_KIND_COUNT - 1);
    for (size_t i = 0; i < json_array_size(words); i++) {
        const char *name = event_kind_name((enum event_kind)(EVENT_NONE + 1 + i));
        assert_string_equal(json_string_value(json_array_get(words, i)), name);
    }
}

static void docs_have_the_same_kinds(void **state)
{
    (void)state;
    CLEANUP_STRBUF struct strbuf wanted = {0};
    strbuf_addf(&wanted, "%s", docs_head);
    for (size_t i = EVENT_NONE + 1; i < EVENT_KIND_COUNT; i++) {
        strbuf_addf(&wanted, "| `%s` | %s |\n", event_kind_name((enum event_kind)i),
                    event_kind_text((enum event_kind)i));
    }
    if (str_eq(getenv("CLEAVE_GOLDEN"), "write")) {
        assert_int_equal(fs_write_atomic(DOCS, strbuf_str(&wanted), wanted.len), 0);
    }
    CLEANUP_FREE char *there = NULL;
    size_t len = 0;
    assert_int_equal(fs_read(DOCS, MAX_TEXT, &there, &len), 0);
    assert_string_equal(there, strbuf_str(&wanted));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_has_a_name_of_its_own),
        cmocka_unit_test(openapi_yaml_has_the_same_kinds),
        cmocka_unit_test(docs_have_the_same_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

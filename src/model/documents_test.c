/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents as the API shows and the store keeps them: test/golden/documents has them, and what is
 * read back is written the same again. CLEAVE_GOLDEN=write writes them again: a change there is one
 * of the API, or needs a migration of the store.
 */
#include "model/documents_fixture.h"

#include <stdlib.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"
#include "model/claim.h"
#include "test.h"

#define MAX_TEXT (256 * 1024)

/* With its keys in order. */
static char *text_of(const json_t *json)
{
    CLEANUP_FREE char *text = json_text(json);
    CLEANUP_JSON json_t *sorted = json_loads(text, JSON_DECODE_ANY, NULL);
    return yaml_text(sorted);
}

static void each_document_is_what_it_was(void **state)
{
    (void)state;
    CLEANUP(documents_done) struct documents all = documents_make();
    bool write = str_eq(getenv("CLEAVE_GOLDEN"), "write");
    for (vec_each(&all, document)) {
        CLEANUP_FREE char *path = xasprintf("%s/%s.yaml", GOLDEN_DIR, document->name);
        CLEANUP_FREE char *got = text_of(document->json);
        CLEANUP_FREE char *wanted = NULL;
        size_t len = 0;
        if (write) {
            assert_int_equal(fs_write_atomic(path, got, strlen(got)), 0);
        }
        assert_int_equal(fs_read(path, MAX_TEXT, &wanted, &len), 0);
        assert_string_equal(got, wanted);
    }
}

static void what_is_read_back_is_written_the_same_again(void **state)
{
    (void)state;
    CLEANUP(documents_done) struct documents all = documents_make();
    for (vec_each(&all, document)) {
        if (document->again == NULL || document->is_request) {
            continue;
        }
        struct error err = {0};
        CLEANUP_JSON json_t *again = document->again(document->json, &err);
        if (again == NULL) {
            fail_msg("%s: %s: %s", document->name, err.subject, err.message);
        }
        CLEANUP_FREE char *was = json_text(document->json);
        CLEANUP_FREE char *is = json_text(again);
        assert_string_equal(is, was);
    }
}

static void a_request_is_read(void **state)
{
    (void)state;
    CLEANUP(documents_done) struct documents all = documents_make();
    for (vec_each(&all, document)) {
        const char *key = NULL;
        json_t *value = NULL;
        struct error err = {0};
        if (!document->is_request) {
            continue;
        }
        CLEANUP_JSON json_t *again = document->again(document->json, &err);
        assert_non_null(again);
        json_object_foreach(document->json, key, value)
        {
            if (!json_equal(json_object_get(again, key), value)) {
                fail_msg("%s: \"%s\" was lost", document->name, key);
            }
        }
    }
}

/* What the hint says to write is taken: it leads to no other error. */
static void a_number_in_a_claim_is_named_with_what_is_right(void **state)
{
    (void)state;
    static const struct {
        const char *claim, *hint;
    } rows[] = {
        {"{\"name\":\"a\",\"gpu\":0}", "0000:41:00.0"},
        {"{\"name\":\"a\",\"gpu\":true}", "0000:41:00.0"},
        {"{\"name\":\"a\",\"type\":8}", "`cleave profile list`"},
        {"{\"name\":\"a\",\"profile\":19}", "`cleave profile list`"},
        {"{\"name\":\"a\",\"vm\":7}", "vm: \"7\""},
        {"{\"name\":5}", "name: \"5\""},
        {"{\"name\":\"a\",\"tenant\":1}", "tenant: \"1\""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_JSON json_t *json = json_loads(rows[i].claim, 0, NULL);
        struct claim claim;
        struct error err = {0};
        assert_int_equal(claim_from_json(json, "test", "", &claim, &err), -REASON_INVALID);
        if (strstr(err.hint, rows[i].hint) == NULL || strstr(err.hint, "gpu: \"0\"") != NULL) {
            fail_msg("%s: %s", rows[i].claim, err.hint);
        }
    }
}

/* The parameter would be written over what the need asks for. */
static void a_claim_that_contradicts_its_need_is_refused(void **state)
{
    (void)state;
    static const char *const needs[] = {"{\"unifiedMemory\":true}", "{\"unifiedMemory\":false}"};
    for (size_t i = 0; i < ARRAY_SIZE(needs); i++) {
        CLEANUP_JSON json_t *json =
            json_pack("{s:s, s:o, s:{s:b}}", "name", "a", "need", json_loads(needs[i], 0, NULL),
                      "params", "unifiedMemory", 0);
        struct claim claim;
        struct error err = {0};
        int r = claim_from_json(json, "test", "", &claim, &err);
        assert_int_equal(r, i == 0 ? -REASON_INVALID : 0);
        if (i == 0) {
            assert_non_null(strstr(err.message, "contradicts \"params\""));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_document_is_what_it_was),
        cmocka_unit_test(what_is_read_back_is_written_the_same_again),
        cmocka_unit_test(a_request_is_read),
        cmocka_unit_test(a_number_in_a_claim_is_named_with_what_is_right),
        cmocka_unit_test(a_claim_that_contradicts_its_need_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

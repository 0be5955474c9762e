/* SPDX-License-Identifier: Apache-2.0 */
/* A stored record of a wrong form is named with the way out, of whatever kind it is: no start
 * passes over it, and none crashes. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/vec.h"
#include "ledger/ledger.h"
#include "mhost_fixture.h"
#include "state/state.h"
#include "test.h"

enum reading {
    READ_AT_START,   /* the start is refused */
    READ_ON_REQUEST, /* the list that has it is refused */
};

#define OPEN(kind) "open:" kind ":000000009000:7e2c4a16-0000-4000-8000-000000000001"

/* A record per kind and reader; ids are those that its kind has. */
static const struct row {
    enum record_kind kind;
    const char *id;
    enum reading reader;
} rows[] = {
    {RECORD_CLAIM, "x", READ_AT_START},
    {RECORD_GPU, "0000:41:00.0", READ_AT_START},
    {RECORD_HOST, "boards", READ_AT_START},
    {RECORD_HOST, "boot", READ_AT_START},
    {RECORD_HOST, "made", READ_AT_START},
    {RECORD_HOST, "vms", READ_AT_START},
    {RECORD_MADE, "vgpu:x", READ_AT_START},
    {RECORD_OPERATION, OPEN("plan"), READ_AT_START},
    {RECORD_OPERATION, OPEN("migration"), READ_AT_START},
    {RECORD_OPERATION, OPEN("incoming"), READ_AT_START},
    {RECORD_OPERATION, OPEN("drain"), READ_AT_START},
    {RECORD_RELEASED, "x", READ_AT_START},
    {RECORD_LICENCE_POOL, "vWS", READ_AT_START},
    {RECORD_LICENCE_USE, "00000000000000000001", READ_AT_START},
    {RECORD_LICENCE_MONTH, "2026-11", READ_AT_START},
    {RECORD_EVENT, "00000000000000009000", READ_ON_REQUEST},
};

static const char *const texts[] = {
    "[]",
    "[{}]",
    "{}",
    "null",
    "true",
    "\"text\"",
    "",
    "{",
    "{\"bootId\": \"",
    "1",
    "1e999",
    "99999999999999999999999999",
    "{\"bootId\": 99999999999999999999999999}",
    "{\"bootId\": 7, \"complete\": 7, \"kind\": 7, \"boards\": 7, \"claim\": 7, \"name\": 7}",
    "{\"bootId\": [], \"complete\": [], \"kind\": [], \"boards\": {}, \"claim\": [], \"name\": []}",
};

static void change(struct mhost *mhost, const struct row *row, const char *text)
{
    CLEANUP(batch_done) struct batch batch = {0};
    if (text != NULL) {
        batch_put(&batch, row->kind, row->id, xstrdup(text), VERSION_ANY);
    } else {
        batch_delete(&batch, row->kind, row->id, VERSION_ANY);
    }
    assert_int_equal(mhost->store->ops->commit(mhost->store, &batch, NULL), 0);
}

static void assert_named(const struct error *err, const struct row *row)
{
    char name[160];
    snprintf(name, sizeof(name), "%s \"%s\"", record_kind_name(row->kind), row->id);
    assert_int_equal(err->reason, REASON_INTERNAL);
    assert_non_null(strstr(err->message, name));
    assert_non_null(strstr(err->message, "is damaged"));
}

static void assert_request_fails(struct mhost *mhost, const struct row *row)
{
    struct event *events = NULL;
    size_t n = 0;
    struct error err = {0};
    assert_int_equal(mhost_start(mhost), 0);
    assert_int_equal(ledger_load_events(mhost->manager->ledger, 0, 10000, &events, &n, &err),
                     -REASON_INTERNAL);
    assert_null(events);
    assert_named(&err, row);
}

static void a_record_of_a_wrong_form_is_named(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        for (size_t t = 0; t < ARRAY_SIZE(texts); t++) {
            print_message("# %s %s: %s\n", record_kind_name(rows[i].kind), rows[i].id, texts[t]);
            mhost_stop(mhost);
            change(mhost, &rows[i], texts[t]);
            if (rows[i].reader == READ_AT_START) {
                assert_int_equal(mhost_start(mhost), -REASON_INTERNAL);
                assert_named(&mhost->start_err, &rows[i]);
            } else {
                assert_request_fails(mhost, &rows[i]);
                mhost_stop(mhost);
            }
            change(mhost, &rows[i], NULL);
            assert_int_equal(mhost_start(mhost), 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_record_of_a_wrong_form_is_named, mhost_fixture_setup,
                                        mhost_fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

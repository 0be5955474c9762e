/* SPDX-License-Identifier: Apache-2.0 */
/* A beginning that is one identifier's alone stands for it, wherever one is named. */
#include "base/str.h"
#include "mhost_fixture.h"
#include "state/state.h"
#include "test.h"

static enum reason show(struct mhost *mhost, enum verb_id verb, const char *id, char ret_hint[512])
{
    struct answer answer = {0};
    mhost_ask(mhost, verb, &answer, .target = id);
    assert_true(mhost_wait(mhost, &answer));
    enum reason reason = answer.err.reason;
    (void)str_copy(ret_hint, 512, answer.err.hint);
    answer_done(&answer);
    return reason;
}

static struct operation_entries *stored_plans(const struct manager *m)
{
    return &m->ledger->operations.kinds[OPERATION_KIND_PLAN];
}

/* Makes plans until two begin alike in `len` characters, which sixteen hexadecimal digits soon do.
 */
static const char *make_twins(struct mhost *mhost, size_t len, char ret_begin[8])
{
    const struct operation_entries *log = stored_plans(mhost->manager);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(mhost_create(mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\"}", NULL), 0);
        assert_true(mhost_settle(mhost));
        assert_int_equal(mhost_delete(mhost, "a", NULL), 0);
        assert_true(mhost_settle(mhost));
        for (size_t k = 0; k + 1 < log->n; k++) {
            if (strncmp(log->items[k].id, log->items[log->n - 1].id, len) == 0) {
                str_print(ret_begin, 8, "%.*s", (int)len, log->items[k].id);
                return log->items[k].id;
            }
        }
    }
    fail_msg("no two plans begin alike");
    return NULL;
}

static void a_beginning_of_four_characters_is_enough(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    char hint[512];
    char begin[8];
    assert_int_equal(mhost_create(mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\"}", NULL), 0);
    assert_true(mhost_settle(mhost));
    const char *id = stored_plans(mhost->manager)->items[0].id;
    static const enum verb_id verbs[] = {VERB_GET_PLAN, VERB_GET_OPERATION};
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        for (size_t len = 1; len <= strlen(id); len++) {
            char text[40];
            str_print(text, sizeof(text), "%.*s", (int)len, id);
            assert_int_equal(show(mhost, verbs[i], text, hint),
                             len < 4 ? REASON_NOT_FOUND : REASON_NONE);
        }
    }
    str_print(begin, sizeof(begin), "%.3s%c", id, id[3] == '0' ? '1' : '0');
    assert_int_equal(show(mhost, VERB_GET_PLAN, begin, hint), REASON_NOT_FOUND);
    assert_int_equal(show(mhost, VERB_GET_MIGRATION, id, hint), REASON_NOT_FOUND);
}

/* The rule is the same for each length; with one character two plans soon begin alike. */
static void a_beginning_of_several_names_them(void **state)
{
    struct mhost *mhost = &((struct mhost_fixture *)*state)->mhost;
    struct manager *m = mhost->manager;
    char begin[8];
    char found[TARGET_ID_SIZE];
    struct error err = {0};
    const char *id = make_twins(mhost, 1, begin);
    struct operation_entry *last = &stored_plans(m)->items[stored_plans(m)->n - 1];
    STR_SET(last->id, id); /* all but the last character */
    last->id[35] = last->id[35] == '0' ? '1' : '0';
    str_print(begin, sizeof(begin), "%.6s", id);
    assert_int_equal(m->service.find_target(m, verb_of(VERB_GET_PLAN), begin, found, &err),
                     -REASON_INVALID);
    assert_non_null(strstr(err.hint, id));
    assert_non_null(strstr(err.hint, last->id));
    assert_int_equal(m->service.find_target(m, verb_of(VERB_GET_PLAN), id, found, &err), 0);
    assert_string_equal(found, id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_beginning_of_four_characters_is_enough,
                                        mhost_fixture_setup, mhost_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_beginning_of_several_names_them, mhost_fixture_setup,
                                        mhost_fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What the options of lists do: sort, leave out, watch, and the pages of events. */
#include <locale.h>
#include <stdlib.h>

#include "answered.h"
#include "base/str.h"

#define VMS                                                                                        \
    "{\"vms\":[{\"name\":\"b10\",\"state\":\"running\",\"memoryKib\":2097152},"                    \
    "{\"name\":\"b9\",\"state\":\"shut-off\",\"memoryKib\":524288},"                               \
    "{\"name\":\"a\",\"state\":\"running\",\"memoryKib\":null}]}"

/* No test waits. */
int __wrap_nanosleep(const struct timespec *pause, struct timespec *left);
int __wrap_nanosleep(const struct timespec *pause UNUSED, struct timespec *left UNUSED)
{
    return 0;
}

static char *run(const char *line, const char *const *replies)
{
    answers = replies;
    answered_calls[0] = '\0';
    answered_n_calls = 0;
    return answered_output(line, ANSWERED_STDOUT);
}

static void prints(const char *line, const char *const *replies, const char *wanted)
{
    CLEANUP_FREE char *text = run(line, replies);
    if (strcmp(text, wanted) != 0) {
        fail_msg("%s:\n%s\nnot:\n%s", line, text, wanted);
    }
}

static void lists_are_sorted_by_what_a_column_means(void **state)
{
    (void)state;
    static const char *const replies[] = {VMS, "{\"claims\":[]}", NULL};
    prints("vm list -o name", replies, "b10\nb9\na\n");
    prints("vm list -o name --sort vm", replies, "a\nb9\nb10\n");
    prints("vm list -o name --sort=-vm", replies, "b10\nb9\na\n");
    prints("vm list -o name --sort MEMORY", replies, "b9\nb10\na\n"); /* what isn't known is last */
    prints("vm list -o name --sort=-memory", replies, "b10\nb9\na\n");
    prints("vm list -o name --sort state", replies, "b10\na\nb9\n"); /* the rest as it came */
    struct error err = {0};
    answers = replies;
    assert_int_equal(answered_run("vm list --sort size", &err), -REASON_INVALID);
    assert_non_null(strstr(err.hint, "MEMORY"));
}

static void titles_are_left_out(void **state)
{
    (void)state;
    static const char *const rules[] = {"{\"rules\":[{\"id\":\"a\",\"statement\":\"b\"}]}", NULL};
    prints("rule list", rules, "RULE STATEMENT VERSIONS SOURCE\na    b         all      -\n");
    prints("rule list --no-headers", rules, "a b all -\n");
}

static void a_watched_list_shows_what_changes(void **state)
{
    (void)state;
    static const char *const replies[] = {
        "{\"plans\":[{\"id\":\"1\",\"state\":\"running\"},{\"id\":\"2\",\"state\":\"done\"}]}",
        "{\"plans\":[{\"id\":\"1\",\"state\":\"running\"},{\"id\":\"2\",\"state\":\"done\"}]}",
        "{\"plans\":[{\"id\":\"1\",\"state\":\"done\"},{\"id\":\"2\",\"state\":\"done\"}]}",
        "{\"plans\":[{\"id\":\"3\",\"state\":\"running\"},{\"id\":\"1\",\"state\":\"done\"}]}",
        "no answer: it ends",
        NULL};
    prints("plan list --watch -o name", replies, "1\n2\n1\n3\n");
    prints("plan list -w --no-headers", replies,
           "1 running 0/0 - - -\n2 done    0/0 - - -\n1 done 0/0 - - -\n3 running 0/0 - - -\n");
}

static void a_watched_list_names_the_columns_of_what_changed(void **state)
{
    (void)state;
    static const char *const replies[] = {"{\"plans\":[{\"id\":\"1\",\"state\":\"running\"}]}",
                                          "{\"plans\":[{\"id\":\"1\",\"state\":\"done\"}]}",
                                          "no answer: it ends", NULL};
    setenv("COLUMNS", "80", 1); /* as a terminal: columns that find no room are left out */
    prints("plan list -w", replies,
           "PLAN STATE   STEPS MADE BY FOR\n1    running   0/0 -    -  -\n"
           "PLAN STATE STEPS MADE BY FOR\n1    done    0/0 -    -  -\n");
    unsetenv("COLUMNS");
    prints("plan list -w", replies,
           "PLAN STATE   STEPS MADE BY FOR\n1    running   0/0 -    -  -\n1 done 0/0 - - -\n");
}

#define EVENT(number) "{\"seq\":" #number ",\"kind\":\"boot\"}"
#define EVENTS(events, next) "{\"events\":[" events "],\"last\":9,\"next\":" next "}"

static void events_are_fetched_page_by_page(void **state)
{
    (void)state;
    static const char *const newest[] = {EVENTS(EVENT(8) "," EVENT(9), "8"),
                                         EVENTS(EVENT(6) "," EVENT(7), "6"), EVENTS("", "3"),
                                         EVENTS(EVENT(2), "null"), NULL};
    prints("event list -o name --limit 5", newest, "2\n6\n7\n8\n9\n");
    assert_string_equal(answered_calls, "GET /v1/events?limit=5&newest=true, "
                                        "GET /v1/events?limit=3&newest=true&before=8, "
                                        "GET /v1/events?limit=1&newest=true&before=6, "
                                        "GET /v1/events?limit=1&newest=true&before=3");
    prints("event list -o name --limit 4", newest, "6\n7\n8\n9\n");
    prints("event list -o name --kind a&b --subject vm/x", newest, "2\n6\n7\n8\n9\n");
    assert_non_null(strstr(answered_calls, "limit=50&newest=true&kind=a%26b&subject=vm%2Fx"));
    static const char *const first[] = {EVENTS(EVENT(2) "," EVENT(3), "3"),
                                        EVENTS(EVENT(4), "null"), NULL};
    prints("event list -o name --after 1", first, "2\n3\n4\n");
    assert_string_equal(answered_calls, "GET /v1/events?limit=1000&newest=false&after=1, "
                                        "GET /v1/events?limit=1000&newest=false&after=3");
}

static void new_events_are_shown_once(void **state)
{
    (void)state;
    static const char *const replies[] = {EVENTS(EVENT(8) "," EVENT(9), "8"),
                                          EVENTS("", "null"),
                                          EVENTS(EVENT(10) "," EVENT(11), "null"),
                                          "{\"events\":[],\"last\":11,\"next\":null}",
                                          "no answer: it ends",
                                          NULL};
    prints("event list -f -o name --limit 2", replies, "8\n9\n10\n11\n");
    assert_non_null(strstr(answered_calls, "newest=false&after=9, "));
}

#define LONG_EVENT                                                                                 \
    "{\"seq\":1000,\"kind\":\"claim-allocation-failed\",\"subject\":\"claim/a-long-one\","         \
    "\"author\":\"root\",\"message\":\"no GPU\",\"time\":\"2026-01-02T03:04:05Z\"}"

/* An event looks the same whichever others come with it. */
static void followed_events_have_one_layout(void **state)
{
    (void)state;
    static const char *const replies[] = {
        EVENTS(EVENT(8), "8"),     EVENTS("", "null"),   EVENTS(EVENT(9) "," LONG_EVENT, "null"),
        EVENTS(EVENT(10), "null"), "no answer: it ends", NULL};
    static const char *const one[] = {EVENTS(LONG_EVENT, "8"), EVENTS("", "null"),
                                      "no answer: it ends", NULL};
    prints("event list -f --limit 1", replies,
           "8 - boot - - \n9 - boot - - \n1000 2026-01-02 03:04:05 UTC claim-allocation-failed "
           "claim/a-long-one root no GPU\n10 - boot - - \n");
    static const char *const widths[] = {"40", "80", "200"};
    for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
        setenv("COLUMNS", widths[i], 1);
        CLEANUP_FREE char *alone = run("event list -f --limit 1", one);
        CLEANUP_FREE char *among = run("event list -f --limit 1", replies);
        if (alone[0] == '\0' || strstr(among, alone) == NULL) {
            fail_msg("at %s columns: %s\nnot in: %s", widths[i], alone, among);
        }
    }
    unsetenv("COLUMNS");
}

int main(void)
{
    (void)setlocale(LC_ALL, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_sorted_by_what_a_column_means),
        cmocka_unit_test(titles_are_left_out),
        cmocka_unit_test(a_watched_list_shows_what_changes),
        cmocka_unit_test(a_watched_list_names_the_columns_of_what_changed),
        cmocka_unit_test(events_are_fetched_page_by_page),
        cmocka_unit_test(new_events_are_shown_once),
        cmocka_unit_test(followed_events_have_one_layout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

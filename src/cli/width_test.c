/* SPDX-License-Identifier: Apache-2.0 */
/* No listing is wider than the terminal, whatever is in it, and what is needed to act is there. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#include "answered.h"
#include "base/mem.h"
#include "cli/text.h"
#include "listings.h"
#include "test.h"

static char *listed(const struct listing_answer *listing, const char *more, const char *columns)
{
    CLEANUP_FREE char *line = xasprintf("%s%s", listing->command, more);
    answer = listing->reply;
    if (columns == NULL) {
        unsetenv("COLUMNS");
    } else {
        setenv("COLUMNS", columns, 1);
    }
    return answered_output(line, ANSWERED_STDOUT);
}

static void assert_width(const char *command, const char *text, size_t width)
{
    CLEANUP_FREE char *copy = xstrdup(text);
    char *rest = copy;
    assert_true(text[0] != '\0');
    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
        if (text_width(line) > width) {
            fail_msg("%s: %zu columns, not %zu:\n%s", command, text_width(line), width, text);
        }
    }
}

static void assert_words(const struct listing_answer *listing, const char *text)
{
    CLEANUP_FREE char *words = xstrdup(listing->whole);
    char *rest = words;
    for (char *word = strsep(&rest, " "); word != NULL; word = strsep(&rest, " ")) {
        if (strstr(text, word) == NULL) {
            fail_msg("%s lacks \"%s\":\n%s", listing->command, word, text);
        }
    }
}

static void no_listing_is_wider_than_the_terminal(void **state)
{
    (void)state;
    static const size_t widths[] = {60, 72, 80, 100, 132, 200};
    for (size_t i = 0; i < ARRAY_SIZE(listing_answers); i++) {
        for (size_t k = 0; k < ARRAY_SIZE(widths); k++) {
            CLEANUP_FREE char *columns = xasprintf("%zu", widths[k]);
            CLEANUP_FREE char *text = listed(&listing_answers[i], "", columns);
            assert_width(listing_answers[i].command, text, widths[k]);
        }
    }
}

#define MIG_GPU                                                                                    \
    "{\"address\":\"0000:41:00.0\",\"mode\":\"mig\",\"uuid\":\"GPU-" UUID "\",\"gpuInstances\":["  \
    "{\"id\":3,\"profile\":\"1g.24gb+gfx\",\"start\":0,\"size\":3,\"computeInstances\":0},"        \
    "{\"id\":5,\"profile\":\"2g.48gb\",\"start\":6,\"size\":6,\"computeInstances\":3}],"           \
    "\"vgpus\":[{\"type\":\"NVIDIA RTX PRO 6000 Blackwell "                                        \
    "DC-1-24C\",\"gpuInstance\":3,\"vm\":\"" VM "\"}]}"
#define SHARED_GPU                                                                                 \
    "{\"address\":\"0000:41:00.0\",\"mode\":\"time-sliced\",\"uuid\":\"GPU-" UUID "\",\"vgpus\":[" \
    "{\"type\":\"NVIDIA L40S-8Q\",\"vm\":\"web1\"},{\"type\":\"NVIDIA L40S-8Q\",\"vm\":\"" VM      \
    "\"}]}"
#define SHARED_TYPES                                                                               \
    "{\"models\":[{\"memoryMib\":49152}],\"types\":[{\"name\":\"NVIDIA "                           \
    "L40S-8Q\",\"framebufferMib\":"                                                                \
    "8192}]}"

/* What commands print that list nothing: sentences, fields and pictures. */
static void no_answer_is_wider_than_the_terminal(void **state)
{
    (void)state;
    static const struct {
        const char *command;
        const char *replies[4];
        const char *words; /* are all there */
    } rows[] = {
        {"gpu cordon 0000:41:00.0", {"{\"address\":\"0000:41:00.0\"}"}, "cordoned: claims"},
        {"gpu cordon 0000:41:00.0 --dry-run", {"{\"address\":\"0000:41:00.0\"}"}, "would"},
        {"gpu uncordon 0000:41:00.0", {"{\"address\":\"0000:41:00.0\"}"}, "open:"},
        {"gpu show 0",
         {MIG_GPU, "{\"models\":[{\"memorySlices\":12}]}", "{\"claims\":[]}"},
         "1g.24gb+gfx 2g.48gb DC-1-24C free compute build"},
        {"gpu show 0", {SHARED_GPU, SHARED_TYPES, "{\"claims\":[]}"}, "L40S-8Q web1 free 32 build"},
        {"claim show a",
         {"{\"name\":\"a\",\"vm\":\"web1\",\"reserved\":{\"device\":\"0000:41:00.5\",\"mdevUuid\":"
          "\"" UUID "\"}}"},
         "definition web1"},
        {"host drain",
         {"{\"drain\":{\"state\":\"done\",\"finishedAt\":\"" TIME "\",\"vms\":[]}}"},
         "done. undrain`."},
        {"host undrain", {"{}"}, "claims"},
    };
    static const size_t widths[] = {40, 60, 72, 80, 200};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        for (size_t k = 0; k < ARRAY_SIZE(widths); k++) {
            answers = rows[i].replies;
            CLEANUP_FREE char *columns = xasprintf("%zu", widths[k]);
            setenv("COLUMNS", columns, 1);
            CLEANUP_FREE char *text = answered_output(rows[i].command, ANSWERED_STDOUT);
            struct listing_answer wanted = {rows[i].command, NULL, rows[i].words};
            assert_width(rows[i].command, text, widths[k]);
            assert_words(&wanted, text);
        }
    }
    answers = NULL;
}

static void what_is_needed_to_act_stays_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(listing_answers); i++) {
        static const char *const widths[] = {"80", "100", "200"};
        for (size_t k = 0; k < ARRAY_SIZE(widths); k++) {
            CLEANUP_FREE char *text = listed(&listing_answers[i], "", widths[k]);
            assert_words(&listing_answers[i], text);
        }
    }
}

static void a_wide_table_is_what_a_pipe_gets(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(listing_answers); i++) {
        CLEANUP_FREE char *piped = listed(&listing_answers[i], "", NULL);
        CLEANUP_FREE char *wide = listed(&listing_answers[i], " -o wide", "40");
        CLEANUP_FREE char *roomy = listed(&listing_answers[i], "", "2000");
        assert_string_equal(piped, wide);
        assert_string_equal(piped, roomy);
        assert_words(&listing_answers[i], piped);
    }
}

static void everything_listed_is_json_too(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(listing_answers); i++) {
        CLEANUP_FREE char *text = listed(&listing_answers[i], " -o json", "40");
        CLEANUP_JSON json_t *json = NULL;
        CLEANUP_JSON json_t *wanted = NULL;
        struct error err = {0};
        assert_int_equal(json_read(text, strlen(text), "test", &json, &err), 0);
        assert_int_equal(json_read(answer, strlen(answer), "test", &wanted, &err), 0);
        assert_true(json_equal(json, wanted));
    }
}

static void assert_help_width(const char *command)
{
    CLEANUP_FREE char *line = xasprintf("%s --help", command);
    CLEANUP_FREE char *text = answered_output(line, ANSWERED_STDOUT);
    assert_width(command, text, 80);
}

static void help_fits_everywhere(void **state)
{
    (void)state;
    size_t n = commands_count();
    for (size_t i = 0; i < n; i++) {
        if (commands_at(i)->name != NULL || commands_at(i)->run != NULL) {
            assert_help_width(commands_at(i)->object);
        }
        if (commands_at(i)->name != NULL && commands_at(i)->run != NULL) {
            CLEANUP_FREE char *command =
                xasprintf("%s %s", commands_at(i)->object, commands_at(i)->name);
            assert_help_width(command);
        }
    }
    CLEANUP_FREE char *all = answered_output("--help", ANSWERED_STDOUT);
    assert_width("--help", all, 80);
    static const char *const own_words[] = {"layout check", "dial", "hook qemu"};
    for (size_t i = 0; i < ARRAY_SIZE(own_words); i++) {
        assert_help_width(own_words[i]);
    }
}

static void wraps(const char *text, size_t width, const char *wanted)
{
    CLEANUP_STRBUF struct strbuf out = {0};
    text_wrap(text, width, "|", &out);
    assert_string_equal(strbuf_str(&out), wanted);
}

static void shortens(const char *text, size_t width, const char *wanted)
{
    CLEANUP_STRBUF struct strbuf out = {0};
    text_shorten(text, width, &out);
    assert_string_equal(strbuf_str(&out), wanted);
}

static void texts_are_broken_between_characters(void **state)
{
    (void)state;
    wraps("", 4, "");
    wraps("ab cd", 5, "ab cd");
    wraps("ab cd", 4, "ab|cd");
    wraps("ab cdefghij k", 4, "ab|cdef|ghij|k");
    wraps("a  b", 4, "a  b");
    wraps("äö üß", 4, "äö|üß");
    wraps("日本語", 4, "日本|語");
    shortens("abcdefghij", 10, "abcdefghij");
    shortens("abcdefghij", 7, "abc…hij");
    shortens("abcdefghij", 6, "abc…ij");
    shortens("äöüßäöüß", 5, "äö…üß");
    shortens("日本語日本語", 7, "日…語");
    shortens("abc", 2, "ab");
    assert_int_equal(text_width("日本"), 4);
    assert_int_equal(text_width("a\xff"), 5); /* "a\xff", as the table writes it */
}

int main(void)
{
    (void)setlocale(LC_ALL, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_listing_is_wider_than_the_terminal),
        cmocka_unit_test(no_answer_is_wider_than_the_terminal),
        cmocka_unit_test(what_is_needed_to_act_stays_whole),
        cmocka_unit_test(a_wide_table_is_what_a_pipe_gets),
        cmocka_unit_test(everything_listed_is_json_too),
        cmocka_unit_test(help_fits_everywhere),
        cmocka_unit_test(texts_are_broken_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Each command that a message names can be typed: it is read here by the table of commands, out of
 * the string literals of all sources, and out of the manuals. In messages a command stands in
 * backquotes, so that people see where it ends, and this test does. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/args.h"
#include "test.h"

#define MAX_WORDS 24
#define FILE_LIMIT (4u << 20)

struct place {
    const char *path;
    unsigned line;
    unsigned *checked; /* counts commands, so that a test that reads nothing fails */
};

/* A word of which only these are right, besides one that the message fills in. */
static const struct {
    const char *object;
    const char *name;
    size_t arg;
    const char *words[5];
} choices[] = {
    {"gpu", "mode", 1, {"idle", "passthrough", "time-sliced", "mig", NULL}},
    {"gpu", "scheduler", 1, {"best-effort", "equal-share", "fixed-share", NULL}},
};

static bool is_placeholder(const char *word)
{
    size_t capitals = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_");
    return strchr(word, '%') != NULL || str_starts(word, "…") || str_starts(word, "$") ||
           str_starts(word, "<") || word[capitals] == '\0';
}

static bool is_choice(const struct arguments *arguments)
{
    for (size_t i = 0; i < ARRAY_SIZE(choices); i++) {
        if (!str_eq(arguments->command->object, choices[i].object) ||
            !str_eq(arguments->command->name, choices[i].name) ||
            choices[i].arg >= arguments->n_args) {
            continue;
        }
        const char *word = arguments->args[choices[i].arg];
        bool known = is_placeholder(word);
        for (size_t w = 0; choices[i].words[w] != NULL; w++) {
            known = known || str_eq(word, choices[i].words[w]);
        }
        if (!known) {
            return false;
        }
    }
    return true;
}

/* "vm stop" alone speaks of the command; with words behind it they must be those that it takes. */
static int parse(char **argv, size_t n, struct args *ret_args, struct error *err)
{
    struct cli cli = {0};
    int result = args_parse((int)n, argv, &cli, ret_args, err);
    bool named = result != 0 && strstr(err->message, "\" needs ") != NULL;
    for (size_t i = 0; named && result != 0 && i < COMMAND_MAX_ARGS; i++) {
        argv[n++] = (char *)"%s";
        result = args_parse((int)n, argv, &cli, ret_args, err);
    }
    return result;
}

static void check_command(const char *command, const struct place *place)
{
    CLEANUP_FREE char *copy = xstrdup(command);
    const char *words[MAX_WORDS];
    char *argv[2 * MAX_WORDS] = {(char *)"cleave"};
    size_t n = 0;
    char *rest = copy;
    for (char *word = strsep(&rest, " \n"); word != NULL; word = strsep(&rest, " \n")) {
        if (word[0] != '\0' && !str_eq(word, "…") && !str_eq(word, "...")) {
            assert_true(n < MAX_WORDS);
            argv[n + 1] = word;
            words[n++] = word;
        }
    }
    if (n == 0 || words[0][0] == '%') {
        return;
    }
    struct args args = {0};
    struct error err = {0};
    (*place->checked)++;
    if (parse(argv, n + 1, &args, &err) != 0) {
        fail_msg("%s:%u: `cleave %s`: %s", place->path, place->line, command, err.message);
    }
    if (args.arguments.command == NULL && !str_starts(words[n - 1], "-")) {
        fail_msg("%s:%u: `cleave %s` is no whole command", place->path, place->line, command);
    }
    if (args.arguments.command != NULL && args.arguments.n_args > 0 &&
        !is_choice(&args.arguments)) {
        fail_msg("%s:%u: `cleave %s`: a word that it does not take", place->path, place->line,
                 command);
    }
}

/* Where a command begins in a text: behind "cleave " that is a word. */
static const char *find_command(const char *text)
{
    for (const char *at = text; (at = strstr(at, "cleave ")) != NULL; at += strlen("cleave ")) {
        bool filled = at - text > 1 && at[-1] == 's' && at[-2] == '%';
        if (at == text || filled || strchr(" \"(\n`:", at[-1]) != NULL) {
            return at + strlen("cleave ");
        }
    }
    return NULL;
}

static bool is_object(const char *word)
{
    size_t len = strcspn(word, " ,.;:\"'`)\n");
    size_t n = commands_count();
    for (size_t i = 0; i < n; i++) {
        if (strlen(commands_at(i)->object) == len &&
            strncmp(commands_at(i)->object, word, len) == 0) {
            return true;
        }
    }
    return word[0] == '%' && strstr(word, "--help") != NULL;
}

/* One message: its odd parts between backquotes are code. */
static void check_message(const char *message, const struct place *place)
{
    CLEANUP_FREE char *copy = xstrdup(message);
    char *rest = copy;
    bool code = false;
    for (char *part = strsep(&rest, "`"); part != NULL; part = strsep(&rest, "`"), code = !code) {
        const char *command = find_command(part);
        if (command == NULL) {
            continue;
        }
        if (code && rest == NULL) {
            fail_msg("%s:%u: \"%s\": the command has no end", place->path, place->line, message);
        }
        if (code) {
            check_command(command, place);
        } else if (is_object(command) && strstr(message, "sage: ") == NULL) {
            fail_msg("%s:%u: \"%s\": write `cleave …`", place->path, place->line, message);
        }
    }
}

/* Behind a literal: where the one that the compiler joins to it begins, or NULL. A conversion's
 * macro (PRIu64) may stand between. */
static const char *find_joined(const char *at)
{
    for (;;) {
        at += strspn(at, " \t\n\\");
        if (str_starts(at, "PRI")) {
            at += strspn(at, "PRIdiouxXMAX0123456789");
        } else if (str_starts(at, "/*")) {
            const char *end = strstr(at, "*/");
            at = end == NULL ? at + strlen(at) : end + 2;
        } else {
            return *at == '"' ? at : NULL;
        }
    }
}

/* Adds what the literal at `at` says; returns where it ends, its quote included. */
static const char *add_literal(const char *at, struct strbuf *out)
{
    for (at++; *at != '\0' && *at != '"'; at++) {
        if (*at == '\\' && at[1] != '\0') {
            at++;
            strbuf_addn(out, *at == 'n' ? "\n" : at, 1);
        } else {
            strbuf_addn(out, at, 1);
        }
    }
    return *at == '"' ? at + 1 : at;
}

static void check_source(const char *text, struct place *place)
{
    const char *counted = text;
    for (const char *at = text; *at != '\0';) {
        if (str_starts(at, "/*")) {
            const char *end = strstr(at, "*/");
            at = end == NULL ? at + strlen(at) : end + 2;
        } else if (str_starts(at, "#include")) {
            at += strcspn(at, "\n");
        } else if (*at == '\'') {
            at += at[1] == '\\' ? 4 : 3;
        } else if (*at == '"') {
            for (; counted < at; counted++) {
                place->line += *counted == '\n';
            }
            CLEANUP_STRBUF struct strbuf message = {0};
            const char *next = at;
            while (next != NULL) {
                at = add_literal(next, &message);
                next = find_joined(at);
            }
            check_message(strbuf_str(&message), place);
        } else {
            at++;
        }
    }
}

static void check_paragraph(const struct strbuf *paragraph, const struct place *place)
{
    CLEANUP_FREE char *copy = xstrdup(strbuf_str(paragraph));
    char *rest = copy;
    bool code = false;
    for (char *part = strsep(&rest, "`"); part != NULL; part = strsep(&rest, "`"), code = !code) {
        if (code && rest != NULL && str_starts(part, "cleave ")) {
            check_command(part + strlen("cleave "), place);
        }
    }
}

/* Of a manual or a file of rules: `cleave …` in prose; a span may go on in the next line. */
static void check_manual(char *text, struct place *place)
{
    bool block = false;
    char *rest = text;
    CLEANUP_STRBUF struct strbuf paragraph = {0};
    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
        place->line++;
        bool fence = str_starts(line, "```");
        if (!block && !fence && line[0] != '\0') {
            strbuf_addf(&paragraph, "%s ", line);
            continue;
        }
        block = block != fence;
        check_paragraph(&paragraph, place);
        strbuf_done(&paragraph);
    }
    check_paragraph(&paragraph, place);
}

static void read_all(const char *root, const char *folder, unsigned *checked)
{
    CLEANUP_FREE char *path = xasprintf("%s/%s", root, folder);
    struct dirent **entries = NULL;
    int n = scandir(path, &entries, NULL, alphasort);
    assert_true(n >= 0);
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        CLEANUP_FREE char *below = xasprintf("%s/%s", folder, name);
        CLEANUP_FREE char *file = xasprintf("%s/%s", root, below);
        struct place place = {below, 1, checked};
        bool source = (str_ends(name, ".c") && !str_ends(name, "_test.c")) || str_ends(name, ".h");
        bool manual = str_ends(name, ".md") || str_ends(name, ".yaml");
        if (name[0] != '.' && entries[i]->d_type == DT_DIR) {
            read_all(root, below, checked);
        } else if (source || manual) {
            char *text = NULL;
            assert_int_equal(fs_read(file, FILE_LIMIT, &text, NULL), 0);
            if (source) {
                check_source(text, &place);
            } else {
                place.line = 0;
                check_manual(text, &place);
            }
            free(text);
        }
        free(entries[i]);
    }
    free(entries);
}

static void commands_in_messages_can_be_typed(void **state)
{
    (void)state;
    unsigned checked = 0;
    read_all(getenv("CLEAVE_SOURCE"), "src", &checked);
    read_all(getenv("CLEAVE_SOURCE"), "sim", &checked);
    read_all(getenv("CLEAVE_SOURCE"), "data", &checked);
    assert_true(checked > 100);
}

static void commands_in_manuals_can_be_typed(void **state)
{
    (void)state;
    unsigned checked = 0;
    read_all(getenv("CLEAVE_SOURCE"), "docs", &checked);
    assert_true(checked > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_in_messages_can_be_typed),
        cmocka_unit_test(commands_in_manuals_can_be_typed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

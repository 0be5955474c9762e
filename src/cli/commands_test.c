/* SPDX-License-Identifier: Apache-2.0 */
/* Invariants of the table of commands. */
#include "cli/commands.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/args.h"
#include "test.h"

static void every_command_can_run(void **state)
{
    (void)state;
    size_t n = commands_count();
    for (size_t i = 0; i < n; i++) {
        if ((commands_at(i)->run == NULL) == (commands_at(i)->run_raw == NULL) ||
            commands_at(i)->help == NULL) {
            fail_msg("%s %s", commands_at(i)->object, commands_at(i)->name);
        }
        assert_true(commands_at(i)->n_args <= COMMAND_MAX_ARGS);
        assert_true(commands_at(i)->n_options <= COMMAND_MAX_OPTIONS);
        assert_true(commands_at(i)->changes || !commands_at(i)->waits);
        assert_true(commands_at(i)->lists == (commands_at(i)->listing != NULL));
    }
}

/* "list claims": a verb in lower case, and no sentence. */
static void help_says_what_a_command_does(void **state)
{
    (void)state;
    static const char *const verbs[] = {
        "allow",   "ask",    "cancel", "check", "connect", "create",   "define", "delete",
        "end",     "follow", "keep",   "list",  "make",    "migrate",  "remove", "reset",
        "restore", "say",    "set",    "show",  "start",   "undefine", "write",
    };
    size_t n = commands_count();
    for (size_t i = 0; i < n; i++) {
        const char *help = commands_at(i)->help;
        size_t len = strcspn(help, " ");
        bool is_verb = false;
        for (size_t k = 0; k < ARRAY_SIZE(verbs); k++) {
            is_verb = is_verb || (strlen(verbs[k]) == len && str_starts(help, verbs[k]));
        }
        if (!is_verb || str_ends(help, ".")) {
            fail_msg("%s %s: %s", commands_at(i)->object, commands_at(i)->name, help);
        }
    }
}

static void commands_of_an_object_stand_together(void **state)
{
    (void)state;
    size_t n = commands_count();
    for (size_t i = 1; i < n; i++) {
        for (size_t j = 0; j + 1 < i; j++) {
            if (str_eq(commands_at(j)->object, commands_at(i)->object) &&
                !str_eq(commands_at(i - 1)->object, commands_at(i)->object)) {
                fail_msg("%s", commands_at(i)->object);
            }
        }
    }
}

static void no_command_is_there_twice(void **state)
{
    (void)state;
    size_t n = commands_count();
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            if (str_eq(commands_at(i)->object, commands_at(j)->object) &&
                str_eq(commands_at(i)->name, commands_at(j)->name)) {
                fail_msg("%s %s", commands_at(i)->object, commands_at(i)->name);
            }
        }
    }
}

static void options_have_names_of_their_own(void **state)
{
    (void)state;
    size_t n = commands_count();
    size_t n_global = 0;
    const struct command_option *global = commands_global_options(&n_global);
    for (size_t i = 0; i < n; i++) {
        for (size_t o = 0; o < commands_at(i)->n_options; o++) {
            const struct command_option *option = &commands_at(i)->options[o];
            assert_non_null(option->name);
            for (size_t g = 0; g < n_global; g++) {
                if (str_eq(option->name, global[g].name) ||
                    (option->letter != 0 && option->letter == global[g].letter)) {
                    fail_msg("%s %s --%s", commands_at(i)->object, commands_at(i)->name,
                             option->name);
                }
            }
        }
    }
}

/* A word in double quotes is one word, as a shell takes it; what goes to or comes from files is the
 * shell's. */
static int split(char *line, char **argv)
{
    int argc = 0;
    for (char *rest = line; rest != NULL && *rest != '<' && *rest != '>';) {
        bool quoted = *rest == '"';
        rest += quoted;
        argv[argc++] = strsep(&rest, quoted ? "\"" : " ");
        rest += quoted && rest != NULL && *rest == ' ';
        rest = rest != NULL && *rest == '\0' ? NULL : rest;
    }
    return argc;
}

static void an_example_is_split_as_by_a_shell(void **state)
{
    (void)state;
    static const struct {
        char line[40];
        int argc;
        const char *last;
    } rows[] = {{"a bc", 2, "bc"},
                {"a \"b c\"", 2, "b c"},
                {"a \"b c\" d", 3, "d"},
                {"a b > file", 2, "b"},
                {"a \"\"", 2, ""}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char line[sizeof(rows[i].line)];
        char *argv[8] = {NULL};
        STR_SET(line, rows[i].line);
        if (split(line, argv) != rows[i].argc || !str_eq(argv[rows[i].argc - 1], rows[i].last)) {
            fail_msg("%s", rows[i].line);
        }
    }
}

static void check_example(const struct command *command, const char *example)
{
    char line[160];
    char *argv[24] = {NULL};
    struct cli cli = {0};
    struct args args = {0};
    struct error err = {0};
    snprintf(line, sizeof(line), "cleave %s", example);
    int argc = split(line, argv);
    if (args_parse(argc, argv, &cli, &args, &err) != 0) {
        fail_msg("cleave %s: %s", example, err.message);
    }
    if (args.arguments.command != command) {
        fail_msg("cleave %s is an example of another command", example);
    }
}

static void every_command_has_examples_that_can_be_typed(void **state)
{
    (void)state;
    size_t n = commands_count();
    for (size_t i = 0; i < n; i++) {
        const struct command *command = commands_at(i);
        if (command->examples[0] == NULL) {
            fail_msg("%s %s has no example", command->object, command->name);
        }
        for (size_t k = 0; k < COMMAND_MAX_EXAMPLES && command->examples[k] != NULL; k++) {
            check_example(command, command->examples[k]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_can_run),
        cmocka_unit_test(help_says_what_a_command_does),
        cmocka_unit_test(commands_of_an_object_stand_together),
        cmocka_unit_test(an_example_is_split_as_by_a_shell),
        cmocka_unit_test(no_command_is_there_twice),
        cmocka_unit_test(options_have_names_of_their_own),
        cmocka_unit_test(every_command_has_examples_that_can_be_typed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

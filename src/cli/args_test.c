/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "test.h"

#define MAX_WORDS 16

struct parsed {
    int result;
    struct cli cli;
    struct args args;
    struct error err;
};

/* "claim create a --vm b" as the shell would hand it over. */
static struct parsed parse(const char *line, char *storage, size_t size)
{
    char *argv[MAX_WORDS + 1] = {"cleave"};
    int argc = 1;
    assert_true(str_copy(storage, size, line));
    char *rest = storage;
    while (rest != NULL && rest[0] != '\0') {
        assert_true(argc < MAX_WORDS);
        argv[argc++] = strsep(&rest, " ");
    }
    struct parsed parsed = {0};
    parsed.result = args_parse(argc, argv, &parsed.cli, &parsed.args, &parsed.err);
    return parsed;
}

/* Of the option with that name; NULL: it was not given. */
static const char *value_of(const struct parsed *p, const char *option)
{
    const struct command *command = p->args.arguments.command;
    for (size_t i = 0; i < command->n_options; i++) {
        if (str_eq(command->options[i].name, option)) {
            return p->args.arguments.values[i];
        }
    }
    fail_msg("%s %s has no option %s", command->object, command->name, option);
    return NULL;
}

#define PARSE(line)                                                                                \
    char storage[256];                                                                             \
    struct parsed p = parse(line, storage, sizeof(storage))

static void a_command_with_words_and_options_is_read(void **state)
{
    (void)state;
    PARSE("claim create web1 --type DC-1-8C --vm=web1 --mixed -o json --dry-run");
    assert_int_equal(p.result, 0);
    assert_string_equal(p.args.arguments.command->name, "create");
    assert_string_equal(p.args.arguments.args[0], "web1");
    assert_string_equal(value_of(&p, "type"), "DC-1-8C");
    assert_string_equal(value_of(&p, "vm"), "web1");
    assert_non_null(value_of(&p, "mixed"));
    assert_null(value_of(&p, "migratable"));
    assert_int_equal(p.cli.output, OUTPUT_JSON);
    assert_true(p.cli.dry_run);
}

static void options_may_stand_before_the_command(void **state)
{
    (void)state;
    PARSE("--socket /tmp/s --output yaml gpu show 0");
    assert_int_equal(p.result, 0);
    assert_string_equal(p.cli.socket, "/tmp/s");
    assert_int_equal(p.cli.output, OUTPUT_YAML);
    assert_string_equal(p.args.arguments.args[0], "0");
}

static void help_is_a_command_too(void **state)
{
    (void)state;
    PARSE("help");
    assert_int_equal(p.result, 0);
    assert_int_equal(p.args.want, ARGS_HELP);
    assert_null(p.args.object);
    p = parse("help gpu", storage, sizeof(storage));
    assert_int_equal(p.args.want, ARGS_HELP);
    assert_string_equal(p.args.object, "gpu");
    p = parse("help gpu show", storage, sizeof(storage));
    assert_int_equal(p.args.want, ARGS_HELP);
    assert_string_equal(p.args.arguments.command->name, "show");
    p = parse("help layout check", storage, sizeof(storage));
    assert_int_equal(p.args.want, ARGS_HELP);
    assert_int_equal(parse("help gpu shw", storage, sizeof(storage)).result, -REASON_INVALID);
    assert_int_equal(parse("help gpu show 0", storage, sizeof(storage)).result, -REASON_INVALID);
}

static void options_and_words_may_be_mixed(void **state)
{
    (void)state;
    PARSE("gpu mode --dry-run 0 -o json mig");
    assert_int_equal(p.result, 0);
    assert_string_equal(p.args.arguments.args[0], "0");
    assert_string_equal(p.args.arguments.args[1], "mig");
    assert_true(p.cli.dry_run);
}

static void a_command_for_many_takes_any_number_of_names(void **state)
{
    (void)state;
    PARSE("vm stop a b --now c");
    assert_int_equal(p.result, 0);
    assert_int_equal(p.args.arguments.n_names, 3);
    assert_string_equal(p.args.arguments.args[0], "a");
    char none[] = "vm stop --now";
    char copy[sizeof(none)];
    struct parsed without = parse(none, copy, sizeof(copy));
    assert_int_equal(without.result, -REASON_INVALID);
}

static void a_command_without_an_object_is_read(void **state)
{
    (void)state;
    PARSE("apply -f site.yaml --no-wait");
    assert_int_equal(p.result, 0);
    assert_string_equal(p.args.arguments.command->object, "apply");
    assert_string_equal(value_of(&p, "file"), "site.yaml");
    assert_true(p.cli.no_wait);
}

static void the_socket_comes_from_the_environment_unless_named(void **state)
{
    (void)state;
    setenv("CLEAVE_SOCKET", "/env/s", 1);
    PARSE("host show");
    assert_string_equal(p.cli.socket, "/env/s");
    unsetenv("CLEAVE_SOCKET");
    p = parse("host show", storage, sizeof(storage));
    assert_string_equal(p.cli.socket, CLIENT_DEFAULT_SOCKET);
}

static void layout_check_gets_its_words_untouched(void **state)
{
    (void)state;
    PARSE("layout check --gpu a100-40gb 3g.20gb=3");
    assert_int_equal(p.result, 0);
    assert_non_null(p.args.arguments.command->run_raw);
    assert_int_equal(p.args.rest, 3);
}

static void help_knows_what_it_is_about(void **state)
{
    (void)state;
    PARSE("");
    assert_int_equal(p.args.want, ARGS_HELP);
    p = parse("gpu", storage, sizeof(storage));
    assert_int_equal(p.args.want, ARGS_HELP);
    assert_string_equal(p.args.object, "gpu");
    p = parse("--help gpu list", storage, sizeof(storage));
    assert_int_equal(p.args.want, ARGS_HELP);
    assert_string_equal(p.args.arguments.command->name, "list");
    p = parse("claim create -h", storage, sizeof(storage));
    assert_int_equal(p.args.want, ARGS_HELP);
    assert_string_equal(p.args.arguments.command->name, "create");
}

static void refuses(const char *line, const char *message, const char *hint)
{
    char storage[256];
    struct parsed p = parse(line, storage, sizeof(storage));
    if (p.result != -REASON_INVALID) {
        fail_msg("\"%s\" was accepted", line);
    }
    if (strstr(p.err.message, message) == NULL || strstr(p.err.hint, hint) == NULL) {
        fail_msg("\"%s\": \"%s\" / \"%s\"", line, p.err.message, p.err.hint);
    }
}

static void unknown_words_name_the_nearest(void **state)
{
    (void)state;
    refuses("gpus list", "no command \"gpus\"", "\"gpu\"");
    refuses("claim createe x", "no command \"claim createe\"", "\"claim create\"");
    refuses("vm frobnicate", "vm frobnicate", "there are: list, ");
    refuses("claim create x --tpye y", "--tpye", "--type");
    refuses("gpu list -o xml", "xml", "table, wide, name, csv, json or yaml");
    refuses("gpu show 0 -o name", "-o name", "json");
    refuses("gpu show 0 --sort mode", "--sort", "");
    refuses("--no-headers gpu show 0", "--no-headers", "");
    refuses("list", "\"list\"", "gpu list");
    refuses("show web1", "\"show\"", "claim show");
}

/* Nothing that changes a host is proposed to who may have meant to look at it. */
static void a_look_is_never_turned_into_a_change(void **state)
{
    (void)state;
    static const char *const looks[] = {"shw",   "sow",     "status", "stat",    "state", "view",
                                        "info",  "top",     "cat",    "log",     "logs",  "ps",
                                        "stats", "inspect", "dump",   "monitor", "edit",  "lst",
                                        "check", "print",   "find",   "count"};
    size_t n = commands_count();
    for (size_t i = 0; i < n; i++) {
        const struct command *change = commands_at(i);
        for (size_t k = 0; change->changes && change->name != NULL && k < ARRAY_SIZE(looks); k++) {
            char line[64];
            char storage[64];
            char meant[64];
            snprintf(line, sizeof(line), "%s %s", change->object, looks[k]);
            snprintf(meant, sizeof(meant), "mean \"%s %s\"", change->object, change->name);
            struct parsed p = parse(line, storage, sizeof(storage));
            if (strstr(p.err.hint, meant) != NULL) {
                fail_msg("%s: %s", line, p.err.hint);
            }
        }
    }
    refuses("vm starrt x", "vm starrt", "\"vm start\"");
    refuses("vm dlete x", "vm dlete", "\"vm delete\"");
    refuses("vm sto x", "vm sto", "\"vm stop\"");
    refuses("claim remove x", "claim remove", "\"claim delete\"");
}

static void other_tools_words_are_known(void **state)
{
    (void)state;
    static const struct {
        const char *line, *object, *name;
    } rows[] = {{"claim ls", "claim", "list"},      {"vm rm a", "vm", "delete"},
                {"claim get a", "claim", "show"},   {"claim get", "claim", "list"},
                {"profile get", "profile", "list"}, {"host get", "host", "show"}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char storage[64];
        struct parsed p = parse(rows[i].line, storage, sizeof(storage));
        assert_int_equal(p.result, 0);
        assert_string_equal(p.args.arguments.command->object, rows[i].object);
        assert_string_equal(p.args.arguments.command->name, rows[i].name);
    }
    char storage[64];
    assert_int_equal(parse("version", storage, sizeof(storage)).args.want, ARGS_VERSION);
    assert_int_equal(parse("-V", storage, sizeof(storage)).args.want, ARGS_VERSION);
}

/* "" would pass for an option that was left out, which is another wish. */
static void an_empty_value_is_refused(void **state)
{
    (void)state;
    size_t n = commands_count();
    for (size_t i = 0; i < n; i++) {
        for (size_t o = 0; commands_at(i)->run_raw == NULL && o < commands_at(i)->n_options; o++) {
            const struct command_option *option = &commands_at(i)->options[o];
            char line[128];
            snprintf(line, sizeof(line), "%s%s%s --%s=", commands_at(i)->object,
                     commands_at(i)->name == NULL ? "" : " ",
                     commands_at(i)->name == NULL ? "" : commands_at(i)->name, option->name);
            if (option->value != NULL) {
                refuses(line, "needs a value, and this one is empty", "leave the option out");
            }
        }
    }
}

/* The first would be dropped without a word. */
static void an_option_with_two_values_is_refused(void **state)
{
    (void)state;
    refuses("apply -f a.yaml -f b.yaml", "--file is given twice", "once for each");
    refuses("claim create a --vm v1 --vm v2", "\"v1\" and \"v2\"", "once");
    PARSE("claim create a --vm v1 --vm v1 --mixed --mixed");
    assert_int_equal(p.result, 0);
}

static void options_are_not_abbreviated(void **state)
{
    (void)state;
    refuses("claim create x --migrat", "--migrat", "--migratable");
    refuses("--sock /tmp/x gpu list", "no option --sock here", "--socket");
    refuses("claim create x --typ y", "no option --typ here", "--type");
    refuses("claim create x --typ=y", "no option --typ here", "--type");
    refuses("advise --mem 20G", "no option --mem here", "--memory");
    refuses("advise --mem=20G", "no option --mem here", "--memory");
}

static void options_of_other_commands_are_refused(void **state)
{
    (void)state;
    refuses("gpu list --dry-run", "--dry-run", "");
    refuses("--dry-run gpu list", "--dry-run", "");
    refuses("vm start x --no-wait", "--no-wait", "");
    refuses("gpu list --vm x", "--vm", "");
    refuses("gpu list -x", "-x", "");
}

static void the_number_of_words_is_checked(void **state)
{
    (void)state;
    refuses("gpu show", "GPU", "gpu show --help");
    refuses("gpu list x", "no further words", "");
    refuses("gpu list x", "\"x\" is too much", "");
    refuses("gpu mode 0", "needs GPU MODE", "");
    refuses("apply site.yaml", "\"site.yaml\" is too much", "`cleave apply -f site.yaml`");
    refuses("claim create x --type", "--type needs a value", "");
    refuses("gpu list -o", "-o needs a value", "");
    refuses("claim create x --type --dry-run", "--type needs a value, but --dry-run looks like",
            "--type=--dry-run");
    refuses("gpu cordon 0 --reason --dry-run", "--dry-run looks like", "--reason=--dry-run");
    refuses("gpu cordon 0 --reason -o json", "-o looks like", "--reason=-o");
    refuses("apply -f --dry-run", "--dry-run looks like", "-f--dry-run");
}

static void no_option_takes_an_option_for_its_value(void **state)
{
    (void)state;
    size_t n = commands_count();
    size_t n_checked = 0;
    for (size_t v = 0; v < n; v++) {
        for (size_t i = 0; i < commands_at(v)->n_options; i++) {
            if (commands_at(v)->options[i].value == NULL) {
                continue;
            }
            static const char *const words[] = {"--dry-run", "--no-wait", "--dry-rnu", "--", "-o"};
            for (size_t w = 0; w < ARRAY_SIZE(words); w++) {
                char line[200];
                (void)snprintf(line, sizeof(line), "%s%s%s a --%s %s", commands_at(v)->object,
                               commands_at(v)->name == NULL ? "" : " ",
                               commands_at(v)->name == NULL ? "" : commands_at(v)->name,
                               commands_at(v)->options[i].name, words[w]);
                refuses(line, "looks like an option", words[w]);
                n_checked++;
            }
        }
    }
    assert_true(n_checked > 50);
}

static void a_change_takes_each_name_once(void **state)
{
    (void)state;
    refuses("claim delete a b a", "\"a\" is given twice", "once");
    refuses("vm stop a a", "\"a\" is given twice", "once");
    PARSE("vm lint a a");
    assert_int_equal(p.result, 0);
}

static void a_single_dash_is_a_value(void **state)
{
    (void)state;
    PARSE("apply -f -");
    assert_int_equal(p.result, 0);
    assert_string_equal(value_of(&p, "file"), "-");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_with_words_and_options_is_read),
        cmocka_unit_test(options_may_stand_before_the_command),
        cmocka_unit_test(help_is_a_command_too),
        cmocka_unit_test(options_and_words_may_be_mixed),
        cmocka_unit_test(a_command_for_many_takes_any_number_of_names),
        cmocka_unit_test(a_command_without_an_object_is_read),
        cmocka_unit_test(the_socket_comes_from_the_environment_unless_named),
        cmocka_unit_test(layout_check_gets_its_words_untouched),
        cmocka_unit_test(help_knows_what_it_is_about),
        cmocka_unit_test(unknown_words_name_the_nearest),
        cmocka_unit_test(a_look_is_never_turned_into_a_change),
        cmocka_unit_test(other_tools_words_are_known),
        cmocka_unit_test(an_empty_value_is_refused),
        cmocka_unit_test(an_option_with_two_values_is_refused),
        cmocka_unit_test(options_are_not_abbreviated),
        cmocka_unit_test(options_of_other_commands_are_refused),
        cmocka_unit_test(the_number_of_words_is_checked),
        cmocka_unit_test(no_option_takes_an_option_for_its_value),
        cmocka_unit_test(a_change_takes_each_name_once),
        cmocka_unit_test(a_single_dash_is_a_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/args.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "cli/option.h"
#include "cli/suggest.h"

#define MAX_LONG (COMMAND_MAX_OPTIONS + 24) /* own and global ones */
#define FIRST_GLOBAL 256
#define FIRST_OWN 512

/* For the build, packagers and shells; not in help. */
enum { HIDDEN_MAN = 1024, HIDDEN_SCRIPT, HIDDEN_COMPLETE };

struct long_options {
    struct option items[MAX_LONG];
    size_t n;
    char letters[32];
};

static void add_long(struct long_options *options, const struct command_option *option, int value)
{
    options->items[options->n++] = (struct option){
        .name = option->name,
        .has_arg = option->value != NULL ? required_argument : no_argument,
        .val = value,
    };
    size_t len = strlen(options->letters);
    if (option->letter != 0 && len + 3 < sizeof(options->letters)) {
        options->letters[len] = option->letter;
        options->letters[len + 1] = option->value != NULL ? ':' : '\0';
    }
}

/* Before the command is known ("+": stop at the first word), or all that the command takes. */
static void make_long(struct long_options *options, const struct command *command)
{
    *options = (struct long_options){0};
    STR_SET(options->letters, command == NULL ? "+:" : ":");
    size_t n = 0;
    const struct command_option *global = commands_global_options(&n);
    for (size_t i = 0; i < n; i++) {
        if (command == NULL || commands_takes(command, (enum global_option)i)) {
            add_long(options, &global[i], FIRST_GLOBAL + (int)i);
        }
    }
    if (command == NULL) {
        options->items[options->n++] = (struct option){.name = "generate-man", .val = HIDDEN_MAN};
        options->items[options->n++] = (struct option){
            .name = "generate-completion", .has_arg = required_argument, .val = HIDDEN_SCRIPT};
        options->items[options->n++] = (struct option){.name = "complete", .val = HIDDEN_COMPLETE};
        return;
    }
    for (size_t i = 0; i < command->n_options; i++) {
        add_long(options, &command->options[i], FIRST_OWN + (int)i);
    }
}

static int take_global_option(enum global_option option, const char *value, struct cli *cli,
                              struct args *args, struct error *err)
{
    switch (option) {
    case G_HELP:
        args->want = ARGS_HELP;
        return 0;
    case G_OUTPUT:
        return cli_set_output(cli, value, err);
    case G_SOCKET:
        cli->socket = value;
        return 0;
    case G_VERSION:
        args->want = ARGS_VERSION;
        return 0;
    case G_DRY_RUN:
        cli->dry_run = true;
        return 0;
    case G_NO_WAIT:
        cli->no_wait = true;
        return 0;
    case G_NO_HEADERS:
        cli->no_headers = true;
        return 0;
    case G_SORT:
        return option_take_once("--sort", value, &cli->sort, err);
    case G_WATCH:
        cli->watch = true;
        return 0;
    case G_QUIET:
        cli->quiet = true;
        return 0;
    case G_VERBOSE:
        cli->verbose = true;
        return 0;
    case G_COUNT:
        return 0;
    }
    return 0;
}

/* The word of the long option that getopt has just read, which may be the one before its value. */
static const char *long_option_word(char *const *argv, const struct option *option)
{
    bool apart = option->has_arg == required_argument && optarg == argv[optind - 1];
    return argv[apart ? optind - 2 : optind - 1];
}

/* getopt_long() takes any unambiguous beginning; scripts that rely on it break with each new
 * option. */
static bool is_abbreviated(const char *word, const struct option *option)
{
    size_t len = strcspn(word + 2, "=");
    return strlen(option->name) != len || strncmp(word + 2, option->name, len) != 0;
}

/* Of "--mem=20G" the option. The nearest by letters, or else the one that begins so: `begun`. */
static int unknown_option(const char *typed, const char *begun, const struct long_options *options,
                          struct error *err)
{
    const char *names[MAX_LONG];
    char word[64];
    str_print(word, sizeof(word), "%.*s", (int)strcspn(typed, "="), typed);
    for (size_t i = 0; i < options->n; i++) {
        names[i] = options->items[i].name;
    }
    error_set(err, REASON_INVALID, "", "there is no option %s here", word);
    const char *nearest = begun != NULL            ? begun
                          : str_starts(word, "--") ? str_nearest(word + 2, names, options->n)
                                                   : NULL;
    if (nearest != NULL) {
        error_hint(err, "did you mean --%s?", nearest);
    } else {
        error_hint(err, "--help lists the options");
    }
    return -REASON_INVALID;
}

static int bad_option(int code, char *const *argv, const struct long_options *options,
                      struct error *err)
{
    char word[64];
    if (optopt > 0 && optopt < FIRST_GLOBAL) {
        snprintf(word, sizeof(word), "-%c", optopt);
    } else {
        str_copy(word, sizeof(word), argv[optind - 1]);
    }
    if (code == ':') {
        return error_set(err, REASON_INVALID, "", "option %s needs a value", word);
    }
    return unknown_option(word, NULL, options, err);
}

static int take_command_option(const struct command *command, size_t option, const char *value,
                               struct arguments *arguments, struct error *err)
{
    if (value != NULL && value[0] == '\0') { /* "" would pass for one that was left out */
        error_set(err, REASON_INVALID, "", "option --%s needs a value, and this one is empty",
                  command->options[option].name);
        error_hint(err, "leave the option out, or give it a value");
        return -REASON_INVALID;
    }
    if ((command->repeats & REPEATS(option)) == 0) {
        char typed[64];
        str_print(typed, sizeof(typed), "--%s", command->options[option].name);
        return option_take_once(typed, value == NULL ? "" : value, &arguments->values[option], err);
    }
    arguments->values[option] = value == NULL ? "" : value;
    if (arguments->n_repeated == WORDS_MAX_REPEATED) {
        return error_set(err, REASON_INVALID, "", "--%s can be given %d times at most",
                         command->options[option].name, WORDS_MAX_REPEATED);
    }
    arguments->repeated[arguments->n_repeated].option = option;
    arguments->repeated[arguments->n_repeated++].value = arguments->values[option];
    return 0;
}

/* getopt takes the next word for a value, whatever it is: "--reason --dry-run" would change things,
 * and so would "--reason --dry-rnu". */
static bool is_option_word(const char *word, const struct long_options *options)
{
    bool letter = word[0] == '-' && word[1] != '\0' && word[1] != ':' && word[2] == '\0' &&
                  strchr(options->letters, word[1]) != NULL;
    return str_starts(word, "--") || letter;
}

static int check_value(char *const *argv, const struct long_options *options, struct error *err)
{
    if (optarg == NULL || optarg != argv[optind - 1] || !is_option_word(optarg, options)) {
        return 0;
    }
    const char *option = argv[optind - 2];
    error_set(err, REASON_INVALID, "", "option %s needs a value, but %s looks like an option",
              option, optarg);
    error_hint(err, "if that is the value: %s%s%s", option, str_starts(option, "--") ? "=" : "",
               optarg);
    return -REASON_INVALID;
}

/* The value in struct option of the option with that letter, which getopt has found among them. */
static int option_of_letter(const struct command *command, int letter)
{
    size_t n = 0;
    const struct command_option *global = commands_global_options(&n);
    for (size_t i = 0; command != NULL && i < command->n_options; i++) {
        if (command->options[i].letter == letter) {
            return FIRST_OWN + (int)i;
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (global[i].letter == letter) {
            return FIRST_GLOBAL + (int)i;
        }
    }
    return FIRST_GLOBAL + G_HELP;
}

/* Reads options up to the next word that is none (command NULL), or all. argv[0] is skipped; optind
 * is left behind what was read. */
static int read_options(int argc, char **argv, const struct command *command, struct cli *cli,
                        struct args *args, struct error *err)
{
    struct long_options options;
    make_long(&options, command);
    opterr = 0;
    optind = 0; /* GNU getopt: begin again */
    int index = -1;
    int code = 0;
    while ((code = getopt_long(argc, argv, options.letters, options.items, &index)) != -1) {
        int result = 0;
        if (code == '?' || code == ':') {
            return bad_option(code, argv, &options, err);
        }
        const struct option *read = index >= 0 ? &options.items[index] : NULL;
        const char *word = read != NULL ? long_option_word(argv, read) : NULL;
        if (read != NULL && is_abbreviated(word, read)) {
            return unknown_option(word, read->name, &options, err);
        }
        result = check_value(argv, &options, err);
        if (result != 0) {
            return result;
        }
        int named = code < FIRST_GLOBAL ? option_of_letter(command, code) : code;
        if (named >= HIDDEN_MAN) {
            static const enum args_want wants[] = {ARGS_MAN, ARGS_SCRIPT, ARGS_COMPLETE};
            args->want = wants[named - HIDDEN_MAN];
            args->shell = optarg;
        } else if (named >= FIRST_OWN) {
            result = take_command_option(command, (size_t)(named - FIRST_OWN), optarg,
                                         &args->arguments, err);
        } else {
            result = take_global_option((enum global_option)(named - FIRST_GLOBAL), optarg, cli,
                                        args, err);
        }
        if (result != 0) {
            return result;
        }
        index = -1;
    }
    return 0;
}

static const struct command *command_named(const char *object, const char *name)
{
    size_t n = commands_count();
    for (size_t i = 0; i < n; i++) {
        if (str_eq(commands_at(i)->object, object) && str_eq(commands_at(i)->name, name)) {
            return commands_at(i);
        }
    }
    return NULL;
}

/* Words that other tools have for the same; NULL: `name` is none of them. */
static const struct command *find_alias(const char *object, const char *name, bool more_words)
{
    static const struct {
        const char *alias;
        const char *names[2]; /* the first that the object has */
    } aliases[] = {{"ls", {"list"}}, {"rm", {"delete"}}, {"get", {"show", "list"}}};
    const struct command *found = NULL;
    for (size_t i = 0; name != NULL && i < ARRAY_SIZE(aliases); i++) {
        for (size_t k = 0; found == NULL && k < 2 && str_eq(aliases[i].alias, name); k++) {
            found = command_named(object, aliases[i].names[k]);
            /* "get" alone is of all of them */
            found = found != NULL && found->n_args > 0 && k == 0 && !more_words &&
                            command_named(object, aliases[i].names[1]) != NULL
                        ? NULL
                        : found;
        }
    }
    return found;
}

/* Sets arguments.command; leaves it NULL if only an object was given, which asks for help. */
static int find_command(int argc, char **argv, struct args *args, struct error *err)
{
    const char *object = commands_object(argv[args->rest]);
    const char *name = args->rest + 1 < argc ? argv[args->rest + 1] : NULL;
    const char *next = args->rest + 2 < argc ? argv[args->rest + 2] : NULL;
    size_t n = commands_count();
    for (size_t i = 0; i < n; i++) {
        int words = 0;
        if (!str_eq(commands_at(i)->object, object)) {
            continue;
        }
        args->object = commands_at(i)->object;
        if (commands_is_named(commands_at(i), name, next, &words)) {
            args->arguments.command = commands_at(i);
            args->rest += 1 + words;
            return 0;
        }
    }
    if (args->object == NULL) {
        return suggest_command(NULL, object, err);
    }
    args->arguments.command = find_alias(args->object, name, args->rest + 2 < argc);
    if (args->arguments.command != NULL) {
        args->rest += 2;
        return 0;
    }
    if (name == NULL || str_eq(name, "--help") || str_eq(name, "-h")) {
        args->want = ARGS_HELP;
        return 0;
    }
    return suggest_command(object, name, err);
}

/* The second time it would meet what the first one did, which no dry run shows. */
static int check_twice(const struct command *command, char *const *names, size_t n,
                       struct error *err)
{
    for (size_t i = 0; command->each && command->changes && i < n; i++) {
        for (size_t k = 0; k < i; k++) {
            if (str_eq(names[i], names[k])) {
                error_set(err, REASON_INVALID, "", "\"%s\" is given twice", names[i]);
                error_hint(err, "give each name once");
                return -REASON_INVALID;
            }
        }
    }
    return 0;
}

/* A file is often named without its option. */
static const struct command_option *file_option(const struct command *command)
{
    for (size_t i = 0; i < command->n_options; i++) {
        if (str_eq(command->options[i].value, "FILE") && command->options[i].letter != 0) {
            return &command->options[i];
        }
    }
    return NULL;
}

static int refuse_count(const struct command *command, char *const *words, size_t n,
                        struct error *err)
{
    const char *name = command->name == NULL ? "" : command->name;
    const char *space = command->name == NULL ? "" : " ";
    const struct command_option *file = file_option(command);
    if (n < command->n_args) {
        error_set(err, REASON_INVALID, "", "\"%s%s%s\" needs %s", command->object, space, name,
                  command->args);
    } else {
        error_set(err, REASON_INVALID, "", "\"%s%s%s\" takes %s, and \"%s\" is too much",
                  command->object, space, name,
                  command->n_args == 0 ? "no further words" : command->args,
                  words[command->n_args]);
    }
    if (file != NULL && n == command->n_args + 1) {
        error_hint(err, "did you mean `cleave %s%s%s -%c %s`?", command->object, space, name,
                   file->letter, SHELL_ARG(words[command->n_args]));
    } else {
        error_hint(err, "`cleave %s%s%s --help` shows how", command->object, space, name);
    }
    return -REASON_INVALID;
}

static int take_args(int argc, char **argv, struct args *args, struct error *err)
{
    const struct command *command = args->arguments.command;
    size_t n = (size_t)(argc - optind);
    bool fits = command->each ? n > 0 : n == command->n_args;
    if (!fits) {
        return refuse_count(command, argv + optind, n, err);
    }
    for (size_t i = 0; i < n; i++) {
        const char *word = argv[optind + (int)i];
        if (word[0] == '\0') {
            return error_set(err, REASON_INVALID, "", "a word is empty: %s", command->args);
        }
        if (i < COMMAND_MAX_ARGS) {
            args->arguments.args[i] = word;
        }
    }
    int result = check_twice(command, argv + optind, n, err);
    if (result != 0) {
        return result;
    }
    args->arguments.n_args = command->n_args;
    args->arguments.names = argv + optind;
    args->arguments.n_names = n;
    return 0;
}

/* Options that were typed before the command may be none of its. */
static int check_early_options(const struct cli *cli, const struct command *command,
                               struct error *err)
{
    const bool given[G_COUNT] = {
        [G_DRY_RUN] = cli->dry_run,   [G_NO_WAIT] = cli->no_wait, [G_NO_HEADERS] = cli->no_headers,
        [G_SORT] = cli->sort != NULL, [G_WATCH] = cli->watch,     [G_QUIET] = cli->quiet,
    };
    size_t n = 0;
    const struct command_option *global = commands_global_options(&n);
    for (size_t i = 0; i < n; i++) {
        if (given[i] && !commands_takes(command, (enum global_option)i)) {
            return error_set(err, REASON_INVALID, "", "\"%s%s%s\" takes no --%s", command->object,
                             command->name == NULL ? "" : " ",
                             command->name == NULL ? "" : command->name, global[i].name);
        }
    }
    if ((cli->output == OUTPUT_NAME || cli->output == OUTPUT_CSV) && !command->lists) {
        error_set(err, REASON_INVALID, "", "-o %s is for lists",
                  cli->output == OUTPUT_NAME ? "name" : "csv");
        error_hint(err, "use table, wide, json or yaml");
        return -REASON_INVALID;
    }
    return 0;
}

/* "help", "help OBJECT", "help OBJECT COMMAND": as with --help behind them. */
static int parse_help(int argc, char **argv, struct args *args, struct error *err)
{
    args->want = ARGS_HELP;
    args->rest++;
    int result = args->rest < argc ? find_command(argc, argv, args, err) : 0;
    if (result == 0 && args->arguments.command != NULL && args->rest < argc) {
        result = error_set(err, REASON_INVALID, "", "\"help\" takes one command, and no \"%s\"",
                           argv[args->rest]);
    }
    return result;
}

/* The words behind the command. */
static int parse_rest(int argc, char **argv, struct cli *cli, struct args *args, struct error *err)
{
    const struct command *command = args->arguments.command;
    int result = check_early_options(cli, command, err);
    if (result != 0 || command->run_raw != NULL) {
        return result;
    }
    int skip = args->rest - 1;
    result = read_options(argc - skip, argv + skip, command, cli, args, err);
    result = result != 0 ? result : check_early_options(cli, command, err);
    if (result == 0 && args->want == ARGS_RUN) {
        result = take_args(argc - skip, argv + skip, args, err);
    }
    return result;
}

int args_parse(int argc, char **argv, struct cli *cli, struct args *ret_args, struct error *err)
{
    struct args args = {0};
    const char *socket = getenv("CLEAVE_SOCKET");
    cli->socket = socket != NULL && socket[0] != '\0' ? socket : CLIENT_DEFAULT_SOCKET;
    int result = read_options(argc, argv, NULL, cli, &args, err);
    args.rest = optind;
    if (result == 0 && args.want == ARGS_COMPLETE) {
        *ret_args = args;
        return 0;
    }
    if (result == 0 && args.rest == argc && args.want == ARGS_RUN) {
        args.want = ARGS_HELP;
    }
    bool help = args.rest < argc && str_eq(argv[args.rest], "help");
    if (args.rest + 1 == argc && str_eq(argv[args.rest], "version")) {
        args.want = ARGS_VERSION;
    }
    if (result == 0 && help) {
        result = parse_help(argc, argv, &args, err);
    } else if (result == 0 && args.rest < argc && args.want != ARGS_VERSION) {
        result = find_command(argc, argv, &args, err);
    }
    if (result == 0 && !help && args.arguments.command != NULL) {
        result = parse_rest(argc, argv, cli, &args, err);
    }
    if (result == 0) {
        *ret_args = args;
    }
    return result;
}

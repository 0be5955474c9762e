/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/completion.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "catalog/catalog.h"
#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/rule_files.h"
#include "cli/view.h"
#include "model/event.h"

#define TIMEOUT_S 2 /* who types waits for it */
#define FILES ":files\n"

/* The line so far. */
struct line {
    const char *object;
    const char *name; /* the first word of a name that has two; NULL: none yet */
    const struct command *command;
    size_t n_args;
    const struct command_option *option; /* whose value comes next; NULL: none's */
    const char *current;                 /* what is typed of the word that is looked for */
    const char *before;                  /* and what stands before that in its word: "--type=" */
    size_t before_len;
};

/* Where the values of an argument or option come from. */
struct source {
    const char *object; /* NULL: of any command */
    const char *name;   /* NULL: of any command of the object */
    const char *word;   /* as the table of commands calls it */
    const char *fixed;  /* the values, with blanks between; NULL: cleaved has them */
    const char *url;
    const char *array;                      /* of the answer */
    const char *value;                      /* in each element; "a|b": both */
    const char *meaning;                    /* likewise; NULL: none */
    void (*print)(const struct line *line); /* instead of all these */
};

static void print_columns(const struct line *line);
static void print_event_kinds(const struct line *line);
static void print_models(const struct line *line);
static void print_rules(const struct line *line);
static void print_soft_rules(const struct line *line);

/* The first that fits counts. */
static const struct source sources[] = {
    {"vm", "create", "NAME", .fixed = ""},
    {"claim", "create", "NAME", .fixed = ""},
    {"claim", "restore", "NAME", .url = "/v1/released-claims", .array = "released",
     .value = "claim.name", .meaning = "reason"},
    {"claim", NULL, "NAME", .url = "/v1/claims", .array = "claims", .value = "name",
     .meaning = "state"},
    {"vm", NULL, "NAME", .url = "/v1/vms", .array = "vms", .value = "name", .meaning = "state"},
    {NULL, NULL, "VM", .url = "/v1/vms", .array = "vms", .value = "name", .meaning = "state"},
    {NULL, NULL, "GPU", .url = "/v1/gpus", .array = "gpus", .value = "address", .meaning = "name"},
    {"rule", "show", "ID", .print = print_rules},
    {NULL, NULL, "RULE=REASON", .print = print_soft_rules},
    {NULL, NULL, "RELEASE", .fixed = "17 18 19 20 driver= libvirt= qemu= kernel= guest-driver="},
    {"plan", NULL, "ID", .url = "/v1/plans", .array = "plans", .value = "id", .meaning = "reason"},
    {"migration", NULL, "ID", .url = "/v1/migrations", .array = "migrations", .value = "id",
     .meaning = "request.vm"},
    {"operation", NULL, "ID", .url = "/v1/operations", .array = "operations", .value = "id",
     .meaning = "text"},
    {NULL, NULL, "TYPE", .url = "/v1/profiles", .array = "types", .value = "name",
     .meaning = "model"},
    {NULL, NULL, "PROFILE[@START]", .url = "/v1/profiles", .array = "profiles", .value = "name",
     .meaning = "model"},
    {"licence", "iso", "PRODUCT", .fixed = "vWS vCS vApps"}, /* FeatureType, not what is licensed */
    {"licence", "cloud-init", "PRODUCT", .fixed = "vWS vCS"},
    {"licence", NULL, "PRODUCT", .url = "/v1/licences", .array = "licences", .value = "product"},
    {"licence", NULL, "POLICY", .fixed = "warn refuse"},
    {"gpu", NULL, "MODE", .fixed = "idle passthrough time-sliced mig"},
    {NULL, NULL, "MODE",
     .fixed = "passthrough time-sliced mig-backed time-sliced-mig-backed gpu-instance"},
    {NULL, NULL, "POLICY", .fixed = "best-effort equal-share fixed-share"},
    {NULL, NULL, "FORMAT", .fixed = "table wide name csv json yaml"},
    {NULL, NULL, "OS", .fixed = "linux windows"},
    {"operation", NULL, "STATE", .fixed = "waiting running cancelling done failed cancelled"},
    {"operation", NULL, "KIND",
     .fixed = "plan migration incoming drain restoration release give-back"},
    {"event", NULL, "KIND", .print = print_event_kinds},
    {NULL, NULL, "COLUMN", .print = print_columns},
    {NULL, NULL, "MODEL", .print = print_models},
    {NULL, NULL, "SUBJECT", .fixed = "host claim/ vm/ gpu/ plan/ migration/ licence/"},
    {NULL, NULL, "FILE", .fixed = FILES},
    {NULL, NULL, "TOKENFILE", .fixed = FILES},
    {NULL, NULL, "PATH", .fixed = FILES},
};

static void print_candidate(const struct line *line, const char *value, const char *meaning)
{
    if (str_starts(value, line->current)) {
        printf("%.*s%s%s%s\n", (int)line->before_len, line->before, value,
               meaning == NULL ? "" : "\t", meaning == NULL ? "" : meaning);
    }
}

/* ---- the line ---- */

static bool has_option(const struct command *command, size_t i)
{
    return command == NULL || commands_takes(command, (enum global_option)i);
}

static bool is_option(const struct command_option *option, const char *word)
{
    bool letter = word[0] == '-' && word[1] == option->letter && word[1] != '\0' && word[2] == '\0';
    return letter || (str_starts(word, "--") && str_eq(word + 2, option->name));
}

static const struct command_option *find_option(const struct command *command, const char *word)
{
    size_t n = 0;
    const struct command_option *global = commands_global_options(&n);
    for (size_t i = 0; i < n; i++) {
        if (has_option(command, i) && is_option(&global[i], word)) {
            return &global[i];
        }
    }
    for (size_t i = 0; command != NULL && i < command->n_options; i++) {
        if (is_option(&command->options[i], word)) {
            return &command->options[i];
        }
    }
    return NULL;
}

static void take_word(struct line *line, const char *word)
{
    size_t n = commands_count();
    if (line->command != NULL) {
        line->n_args++;
        return;
    }
    for (size_t i = 0; i < n && line->command == NULL; i++) {
        const struct command *command = commands_at(i);
        bool alone = command->name == NULL && line->object == NULL && str_eq(command->object, word);
        int words = 0;
        bool named = line->object != NULL && command->name != NULL &&
                     str_eq(command->object, line->object) &&
                     (line->name == NULL ? commands_is_named(command, word, NULL, &words)
                                         : commands_is_named(command, line->name, word, &words));
        line->command = alone || named ? command : NULL;
    }
    line->name = line->object != NULL && line->command == NULL ? word : line->name;
    line->object = line->object == NULL ? commands_object(word) : line->object;
}

static struct line read_line(struct cli *cli, char *const *words, size_t n)
{
    struct line line = {.current = words[n - 1]};
    for (size_t i = 0; i + 1 < n; i++) {
        if (line.option != NULL) {
            cli->socket = str_eq(line.option->name, "socket") ? words[i] : cli->socket;
            line.option = NULL;
        } else if (words[i][0] == '-' && words[i][1] != '\0') {
            const struct command_option *option = find_option(line.command, words[i]);
            line.option = option != NULL && option->value != NULL ? option : NULL;
        } else if (i > 0 || !str_eq(words[i], "help")) {
            take_word(&line, words[i]);
        }
    }
    return line;
}

/* ---- candidates ---- */

static void print_fixed(const struct line *line, const char *values)
{
    char copy[160];
    STR_SET(copy, values);
    char *rest = copy;
    while (rest != NULL && rest[0] != '\0') {
        print_candidate(line, strsep(&rest, " "), NULL);
    }
}

/* A type may be called by its last word alone: "L40S-8Q". Boards have types in common. */
static void print_answer(struct cli *cli, const struct line *line, const struct source *source)
{
    CLEANUP_JSON json_t *answer = NULL;
    CLEANUP_JSON json_t *said = json_object();
    cli->timeout_s = TIMEOUT_S;
    if (cli_get(cli, source->url, &answer, NULL) != 0) {
        return;
    }
    const json_t *items = view_at(answer, source->array);
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        const char *value = view_text(item, source->value, "");
        const char *meaning =
            source->meaning == NULL ? NULL : view_text(item, source->meaning, NULL);
        value = str_eq(source->word, "TYPE") ? view_last_word(value) : value;
        if (value[0] != '\0' && json_object_get(said, value) == NULL) {
            print_candidate(line, value, meaning);
            json_object_set_new(said, value, json_true());
        }
    }
}

/* "per-gpu" for the column "PER GPU", and "-per-gpu" for the greatest first. */
static void print_columns(const struct line *line)
{
    const struct listing *listing = line->command == NULL ? NULL : line->command->listing;
    bool descending = line->current[0] == '-';
    for (size_t i = 0; listing != NULL && i < listing->n_columns; i++) {
        char name[64];
        str_print(name, sizeof(name), "%s%s", descending ? "-" : "", listing->columns[i].title);
        for (char *c = name; *c != '\0'; c++) {
            *c = *c == ' ' ? '-' : (char)tolower((unsigned char)*c);
        }
        print_candidate(line, name, NULL);
    }
}

static void print_event_kinds(const struct line *line)
{
    for (int kind = EVENT_NONE + 1; kind < EVENT_KIND_COUNT; kind++) {
        print_candidate(line, event_kind_name((enum event_kind)kind),
                        event_kind_text((enum event_kind)kind));
    }
}

/* The models of the catalog, with no daemon. */
static void print_models(const struct line *line)
{
    CLEANUP(catalog_freep) struct catalog *catalog = NULL;
    size_t n = catalog_load_default(&catalog, NULL) == 0 ? catalog_count(catalog) : 0;
    for (size_t i = 0; i < n; i++) {
        print_candidate(line, catalog_at(catalog, i)->key, catalog_at(catalog, i)->name);
    }
}

/* The rules of the files of this machine, with no daemon. One limit may have several. */
static void print_rule_ids(const struct line *line, bool soft, const char *end)
{
    CLEANUP_JSON json_t *answer = NULL;
    CLEANUP_JSON json_t *said = json_object();
    const json_t *rules =
        rule_files_list(NULL, &answer, NULL) == 0 ? view_at(answer, "rules") : NULL;
    for (size_t i = 0; i < json_array_size(rules); i++) {
        const json_t *rule = json_array_get(rules, i);
        const char *id = view_text(rule, "id", "");
        if ((!soft || view_true(rule, "soft")) && json_object_get(said, id) == NULL) {
            char value[64];
            str_print(value, sizeof(value), "%s%s", id, end);
            print_candidate(line, value, view_text(rule, "statement", NULL));
            json_object_set_new(said, id, json_true());
        }
    }
}

static void print_rules(const struct line *line)
{
    print_rule_ids(line, false, "");
}

/* Of those a claim may override; its reason comes next. */
static void print_soft_rules(const struct line *line)
{
    print_rule_ids(line, true, "=");
}

static void print_values(struct cli *cli, const struct line *line, const char *word)
{
    const struct command *command = line->command;
    for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
        const struct source *source = &sources[i];
        bool object =
            source->object == NULL || (command != NULL && str_eq(source->object, command->object));
        bool name =
            source->name == NULL || (command != NULL && str_eq(source->name, command->name));
        if (!object || !name || !str_eq(source->word, word)) {
            continue;
        }
        if (source->print != NULL) {
            source->print(line);
        } else if (source->fixed == NULL) {
            print_answer(cli, line, source);
        } else if (str_eq(source->fixed, FILES)) {
            fputs(FILES, stdout);
        } else {
            print_fixed(line, source->fixed);
        }
        return;
    }
}

static void print_option_name(const struct line *line, const struct command_option *option)
{
    char name[64];
    str_print(name, sizeof(name), "--%s", option->name);
    print_candidate(line, name, option->help);
}

static void print_options(const struct line *line)
{
    size_t n = 0;
    const struct command_option *global = commands_global_options(&n);
    for (size_t i = 0; line->command != NULL && i < line->command->n_options; i++) {
        print_option_name(line, &line->command->options[i]);
    }
    for (size_t i = 0; i < n; i++) {
        if (has_option(line->command, i)) {
            print_option_name(line, &global[i]);
        }
    }
}

static void print_objects(const struct line *line)
{
    size_t n = commands_count();
    for (size_t i = 0; i < n; i++) {
        const struct command *command = commands_at(i);
        bool first = i == 0 || !str_eq(command->object, commands_at(i - 1)->object);
        if (first && !command->hidden) {
            print_candidate(line, command->object, command->name == NULL ? command->help : NULL);
        }
    }
    print_candidate(line, "help", "show how a command is used");
    print_candidate(line, "version", "print the version");
}

/* One word at a time of a name that has two. */
static void print_command(const struct line *line, const struct command *command)
{
    const char *blank = strchr(command->name, ' ');
    CLEANUP_FREE char *first =
        xasprintf("%.*s", blank != NULL ? (int)(blank - command->name) : 0, command->name);
    if (line->name != NULL && blank != NULL && str_eq(first, line->name)) {
        print_candidate(line, blank + 1, command->help);
    } else if (line->name == NULL) {
        print_candidate(line, blank != NULL ? first : command->name,
                        blank != NULL ? NULL : command->help);
    }
}

static void print_commands(const struct line *line)
{
    size_t n = commands_count();
    for (size_t i = 0; i < n; i++) {
        const struct command *command = commands_at(i);
        if (str_eq(command->object, line->object) && command->name != NULL) {
            print_command(line, command);
        }
    }
}

/* What the table calls the argument: "GPU" and "MODE" of "GPU MODE", "NAME" of "NAME...". */
static void print_argument(struct cli *cli, const struct line *line)
{
    const struct command *command = line->command;
    char copy[64];
    STR_SET(copy, command->args == NULL ? "" : command->args);
    char *rest = copy;
    char *word = strsep(&rest, " ");
    for (size_t i = 0; i < line->n_args && word != NULL && !command->each; i++) {
        word = strsep(&rest, " ");
    }
    if (command->run_raw != NULL) {
        fputs(FILES, stdout);
    } else if (word != NULL && word[0] != '\0' && word[0] != '-') {
        word[strcspn(word, ".")] = '\0';
        print_values(cli, line, word);
    }
}

/* "--type=L40" is an option, and the beginning of its value. */
static void split_value(struct line *line)
{
    const char *equals = strchr(line->current, '=');
    if (line->option != NULL || !str_starts(line->current, "--") || equals == NULL) {
        return;
    }
    CLEANUP_FREE char *name = xasprintf("%.*s", (int)(equals - line->current), line->current);
    const struct command_option *option = find_option(line->command, name);
    if (option != NULL && option->value != NULL) {
        line->option = option;
        line->before = line->current;
        line->before_len = (size_t)(equals + 1 - line->current);
        line->current = equals + 1;
    }
}

void completion_print(struct cli *cli, char *const *words, size_t n)
{
    static char empty[] = "";
    char *const none[] = {empty};
    struct line line = n == 0 ? read_line(cli, none, 1) : read_line(cli, words, n);
    line.before = "";
    split_value(&line);
    if (line.option != NULL) {
        print_values(cli, &line, line.option->value);
    } else if (line.current[0] == '-') {
        print_options(&line);
    } else if (line.command != NULL) {
        print_argument(cli, &line);
    } else if (line.object != NULL) {
        print_commands(&line);
    } else {
        print_objects(&line);
    }
}

/* ---- scripts ---- */

/* A blank goes behind a word but for "vm/" and "RULE=", which go on. bash gives ":" to the
 * completed words, where addresses of PCI have some, and "=" (bash's manual, COMP_WORDBREAKS): what
 * is before the last one is taken off again. */
static const char bash_script[] =
    "# SPDX-License-Identifier: Apache-2.0\n"
    "# bash completion for cleave\n"
    "_cleave() {\n"
    "    local line=${COMP_LINE:0:COMP_POINT} found=() words=() word value prefix\n"
    "    read -ra words <<<\"$line\"\n"
    "    [[ $line == *[[:space:]] ]] && words+=(\"\")\n"
    "    word=${words[-1]}\n"
    "    mapfile -t found < <(\"${words[0]}\" --complete -- \"${words[@]:1}\" 2>/dev/null)\n"
    "    COMPREPLY=()\n"
    "    if [[ ${found[0]-} == :files ]]; then\n"
    "        compopt -o filenames 2>/dev/null\n"
    "        [[ $word == --*=* ]] && word=${word#*=}\n"
    "        mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
    "        return\n"
    "    fi\n"
    "    prefix=\"\"\n"
    "    [[ $word == *[:=]* && $COMP_WORDBREAKS == *:* ]] && prefix=${word%\"${word##*[:=]}\"}\n"
    "    for value in \"${found[@]}\"; do\n"
    "        value=${value%%$'\\t'*}\n"
    "        [[ $value == *[/=] ]] && compopt -o nospace 2>/dev/null\n"
    "        COMPREPLY+=(\"${value#\"$prefix\"}\")\n"
    "    done\n"
    "}\n"
    "complete -F _cleave cleave\n";

static const char zsh_script[] =
    "#compdef cleave\n"
    "# SPDX-License-Identifier: Apache-2.0\n"
    "# zsh completion for cleave\n"
    "_cleave() {\n"
    "    local -a found values end\n"
    "    local line\n"
    "    found=(\"${(@f)$(\"${words[1]}\" --complete -- \"${(@)words[2,CURRENT]}\" "
    "2>/dev/null)}\")\n"
    "    if [[ ${found[1]} == :files ]]; then\n"
    "        compset -P '--*='\n"
    "        _files\n"
    "        return\n"
    "    fi\n"
    "    for line in \"${found[@]}\"; do\n"
    "        [[ -n $line ]] && values+=(\"${${line//:/\\\\:}/$'\\t'/:}\")\n"
    "    done\n"
    "    [[ ${found[1]%%$'\\t'*} == *[/=] ]] && end=(-S '')\n"
    "    _describe cleave values $end\n"
    "}\n"
    "if [[ ${funcstack[1]} == _cleave ]]; then\n"
    "    _cleave \"$@\"\n"
    "else\n"
    "    compdef _cleave cleave\n"
    "fi\n";

static const char fish_script[] =
    "# SPDX-License-Identifier: Apache-2.0\n"
    "# fish completion for cleave\n"
    "function __cleave_complete\n"
    "    set -l words (commandline -opc) (commandline -ct)\n"
    "    set -l found ($words[1] --complete -- $words[2..-1] 2>/dev/null)\n"
    "    if test \"$found[1]\" = :files\n"
    "        set -l word (commandline -ct)\n"
    "        set -l option (string match -r -- '^--[^=]*=' $word)\n"
    "        for path in (__fish_complete_path (string replace -- \"$option\" '' $word))\n"
    "            printf '%s\\n' \"$option$path\"\n"
    "        end\n"
    "    else if test (count $found) -gt 0\n"
    "        printf '%s\\n' $found\n"
    "    end\n"
    "end\n"
    "complete -c cleave -f -a '(__cleave_complete)'\n";

int completion_print_script(const char *shell, struct error *err)
{
    static const struct {
        const char *shell, *script;
    } scripts[] = {{"bash", bash_script}, {"fish", fish_script}, {"zsh", zsh_script}};
    for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
        if (str_eq(scripts[i].shell, shell)) {
            fputs(scripts[i].script, stdout);
            return 0;
        }
    }
    error_set(err, REASON_INVALID, "", "there is no completion for the shell \"%s\"", shell);
    error_hint(err, "bash, fish or zsh");
    return -REASON_INVALID;
}

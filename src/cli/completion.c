/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/completion.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/view.h"

#define TIMEOUT_S 2 /* who types waits for it */
#define FILES ":files\n"

/* Where the values of an argument or option come from. */
struct source {
    const char *object; /* NULL: of any command */
    const char *name;   /* NULL: of any command of the object */
    const char *word;   /* as the table of commands calls it */
    const char *fixed;  /* the values, with blanks between; NULL: cleaved has them */
    const char *url;
    const char *array;   /* of the answer */
    const char *value;   /* in each element; "a|b": both */
    const char *meaning; /* likewise; NULL: none */
};

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
    {"plan", NULL, "ID", .url = "/v1/plans", .array = "plans", .value = "id", .meaning = "reason"},
    {"migration", NULL, "ID", .url = "/v1/migrations", .array = "migrations", .value = "id",
     .meaning = "request.vm"},
    {"operation", NULL, "ID", .url = "/v1/operations", .array = "operations", .value = "id",
     .meaning = "text"},
    {NULL, NULL, "TYPE", .url = "/v1/profiles", .array = "types", .value = "name",
     .meaning = "model"},
    {NULL, NULL, "PROFILE[@START]", .url = "/v1/profiles", .array = "profiles", .value = "name",
     .meaning = "model"},
    {"gpu", NULL, "MODE", .fixed = "idle passthrough time-sliced mig"},
    {NULL, NULL, "MODE",
     .fixed = "passthrough time-sliced mig-backed time-sliced-mig-backed gpu-instance"},
    {NULL, NULL, "POLICY", .fixed = "best-effort equal-share fixed-share"},
    {NULL, NULL, "FORMAT", .fixed = "table wide name json yaml"},
    {NULL, NULL, "OS", .fixed = "linux windows"},
    {"operation", NULL, "STATE", .fixed = "waiting running cancelling done failed cancelled"},
    {"operation", NULL, "KIND",
     .fixed = "plan migration incoming drain restoration release give-back"},
    {NULL, NULL, "SUBJECT", .fixed = "host claim/ vm/ gpu/ plan/ migration/"},
    {NULL, NULL, "FILE", .fixed = FILES},
    {NULL, NULL, "PATH", .fixed = FILES},
};

/* The line so far. */
struct line {
    const char *object;
    const struct command *command;
    size_t n_args;
    const struct command_option *option; /* whose value comes next; NULL: none's */
    const char *current;                 /* what is typed of the word that is looked for */
};

static void print_candidate(const char *value, const char *meaning, const char *typed)
{
    if (str_starts(value, typed)) {
        printf("%s%s%s\n", value, meaning == NULL ? "" : "\t", meaning == NULL ? "" : meaning);
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
        bool named = str_eq(command->object, line->object) && str_eq(command->name, word);
        line->command = alone || named ? command : NULL;
    }
    line->object = line->object == NULL ? word : line->object;
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

static void print_fixed(const char *values, const char *typed)
{
    char copy[160];
    STR_SET(copy, values);
    char *rest = copy;
    while (rest != NULL && rest[0] != '\0') {
        print_candidate(strsep(&rest, " "), NULL, typed);
    }
}

/* A type may be called by its last word alone: "L40S-8Q". */
static void print_answer(struct cli *cli, const struct source *source, const char *typed)
{
    CLEANUP_JSON json_t *answer = NULL;
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
        print_candidate(str_eq(source->word, "TYPE") ? view_last_word(value) : value, meaning,
                        typed);
    }
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
        if (source->fixed == NULL) {
            print_answer(cli, source, line->current);
        } else if (str_eq(source->fixed, FILES)) {
            fputs(FILES, stdout);
        } else {
            print_fixed(source->fixed, line->current);
        }
        return;
    }
}

static void print_option_name(const struct command_option *option, const char *typed)
{
    char name[64];
    str_print(name, sizeof(name), "--%s", option->name);
    print_candidate(name, option->help, typed);
}

static void print_options(const struct line *line)
{
    size_t n = 0;
    const struct command_option *global = commands_global_options(&n);
    for (size_t i = 0; line->command != NULL && i < line->command->n_options; i++) {
        print_option_name(&line->command->options[i], line->current);
    }
    for (size_t i = 0; i < n; i++) {
        if (has_option(line->command, i)) {
            print_option_name(&global[i], line->current);
        }
    }
}

static void print_objects(const char *typed)
{
    size_t n = commands_count();
    for (size_t i = 0; i < n; i++) {
        const struct command *command = commands_at(i);
        bool first = i == 0 || !str_eq(command->object, commands_at(i - 1)->object);
        if (first && !command->hidden) {
            print_candidate(command->object, command->name == NULL ? command->help : NULL, typed);
        }
    }
    print_candidate("help", "show how a command is used", typed);
    print_candidate("version", "print the version", typed);
}

static void print_commands(const struct line *line)
{
    size_t n = commands_count();
    for (size_t i = 0; i < n; i++) {
        const struct command *command = commands_at(i);
        if (str_eq(command->object, line->object) && command->name != NULL) {
            print_candidate(command->name, command->help, line->current);
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

void completion_print(struct cli *cli, char *const *words, size_t n)
{
    static char empty[] = "";
    char *const none[] = {empty};
    const struct line line = n == 0 ? read_line(cli, none, 1) : read_line(cli, words, n);
    if (line.option != NULL) {
        print_values(cli, &line, line.option->value);
    } else if (line.current[0] == '-') {
        print_options(&line);
    } else if (line.command != NULL) {
        print_argument(cli, &line);
    } else if (line.object != NULL) {
        print_commands(&line);
    } else {
        print_objects(line.current);
    }
}

/* ---- scripts ---- */

/* A blank goes behind a word but for "vm/", which goes on. bash gives ":" to the completed words,
 * where addresses of PCI have some (bash's manual, COMP_WORDBREAKS): what is before the last one is
 * taken off again. */
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
    "        mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
    "        return\n"
    "    fi\n"
    "    prefix=\"\"\n"
    "    [[ $word == *:* && $COMP_WORDBREAKS == *:* ]] && prefix=${word%\"${word##*:}\"}\n"
    "    for value in \"${found[@]}\"; do\n"
    "        value=${value%%$'\\t'*}\n"
    "        [[ $value == */ ]] && compopt -o nospace 2>/dev/null\n"
    "        COMPREPLY+=(\"${value#\"$prefix\"}\")\n"
    "    done\n"
    "}\n"
    "complete -F _cleave cleave\n";

static const char zsh_script[] =
    "#compdef cleave\n"
    "# SPDX-License-Identifier: Apache-2.0\n"
    "# zsh completion for cleave\n"
    "_cleave() {\n"
    "    local -a found values\n"
    "    local line\n"
    "    found=(\"${(@f)$(\"${words[1]}\" --complete -- \"${(@)words[2,CURRENT]}\" "
    "2>/dev/null)}\")\n"
    "    if [[ ${found[1]} == :files ]]; then\n"
    "        _files\n"
    "        return\n"
    "    fi\n"
    "    for line in \"${found[@]}\"; do\n"
    "        [[ -n $line ]] && values+=(\"${${line//:/\\\\:}/$'\\t'/:}\")\n"
    "    done\n"
    "    _describe cleave values\n"
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
    "        __fish_complete_path (commandline -ct)\n"
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

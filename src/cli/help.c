/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help.h"

#include <stdio.h>

#include "base/exit_status.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/exit_statuses.h"
#include "cli/text.h"

#define COLUMN 28
/* What every terminal has. */
#define WIDTH ((size_t)80)

static const char tables_help[] =
    "On a terminal a table is as wide as the terminal at most: long texts take several lines, what "
    "only describes is shortened, and then the columns that matter least are left out. -o wide "
    "shows everything, one line a row, and so does output into a file or a pipe, unless COLUMNS "
    "is set.";

static void command_text(const struct command *command, char *out, size_t size)
{
    snprintf(out, size, "%s%s%s%s%s", command->object, command->name == NULL ? "" : " ",
             command->name == NULL ? "" : command->name, command->args == NULL ? "" : " ",
             command->args == NULL ? "" : command->args);
}

static void option_text(const struct command_option *option, char *out, size_t size)
{
    char letter[8] = "";
    if (option->letter != 0) {
        snprintf(letter, sizeof(letter), "-%c, ", option->letter);
    }
    snprintf(out, size, "%s--%s%s%s", letter, option->name, option->value == NULL ? "" : " ",
             option->value == NULL ? "" : option->value);
}

/* Prints `text` behind what has `used` columns, from column `from` on. */
static void print_behind(size_t used, size_t from, const char *text)
{
    CLEANUP_STRBUF struct strbuf lines = {0};
    CLEANUP_FREE char *between = xasprintf("\n%*s", (int)from, "");
    text_wrap(text, WIDTH - from, between, &lines);
    if (used >= from && from > 0) {
        printf("%s", between);
    } else if (from > 0) {
        printf("%*s", (int)(from - used), "");
    }
    printf("%s\n", strbuf_str(&lines));
}

static void print_option(const struct command_option *option)
{
    char text[64];
    option_text(option, text, sizeof(text));
    printf("  %s", text);
    print_behind(strlen(text) + 2, COLUMN + 2, option->help);
}

static void print_examples(const struct command *command)
{
    for (size_t i = 0; i < COMMAND_MAX_EXAMPLES && command->examples[i] != NULL; i++) {
        printf("%s  cleave %s\n", i == 0 ? "\nexamples:\n" : "", command->examples[i]);
    }
}

static void print_command(const struct command *command)
{
    char text[64];
    command_text(command, text, sizeof(text));
    printf("Usage: cleave %s [OPTION]...\n\n", text);
    print_behind(0, 0, command->help);
    printf("\noptions:\n");
    for (size_t i = 0; i < command->n_options; i++) {
        print_option(&command->options[i]);
    }
    size_t n = 0;
    const struct command_option *global = commands_global_options(&n);
    for (size_t i = 0; i < n; i++) {
        if (i != G_VERSION && commands_takes(command, (enum global_option)i)) {
            print_option(&global[i]);
        }
    }
    exit_statuses_print(command->statuses);
    print_examples(command);
}

static void print_commands(const char *object)
{
    size_t n = commands_count();
    for (size_t i = 0; i < n; i++) {
        bool wanted =
            object == NULL ? !commands_at(i)->hidden : str_eq(object, commands_at(i)->object);
        if (wanted) {
            char text[64];
            command_text(commands_at(i), text, sizeof(text));
            printf("  %s", text);
            print_behind(strlen(text) + 2, COLUMN + 2, commands_at(i)->help);
        }
    }
}

void help_print(const char *object, const struct command *command)
{
    if (command != NULL) {
        print_command(command);
        return;
    }
    if (object != NULL) {
        printf("Usage: cleave %s COMMAND [OPTION]...\n\n", object);
        print_commands(object);
        return;
    }
    printf("Usage: cleave OBJECT COMMAND [WORD]... [OPTION]...\n\n"
           "Gives virtual machines a GPU or a part of one.\n\n"
           "commands:\n");
    print_commands(NULL);
    printf("\noptions:\n");
    size_t n = 0;
    const struct command_option *global = commands_global_options(&n);
    for (size_t i = 0; i < n; i++) {
        print_option(&global[i]);
    }
    printf("\n");
    print_behind(0, 0, tables_help);
    exit_statuses_print_all();
    printf("\n\"cleave help OBJECT COMMAND\" says more about one command.\n");
}

/* ---- manual page ---- */

/* roff reads a leading dot or quote, and every hyphen and backslash, in its own way. */
static void print_roff(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '-') {
            fputs("\\-", stdout);
        } else if (*c == '\\') {
            fputs("\\e", stdout);
        } else {
            fputc(*c, stdout);
        }
    }
}

static void print_roff_item(const char *term, const char *text)
{
    printf(".TP\n.B ");
    print_roff(term);
    fputc('\n', stdout);
    print_roff(text);
    fputc('\n', stdout);
}

static void print_roff_options(const struct command_option *options, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char text[64];
        option_text(&options[i], text, sizeof(text));
        print_roff_item(text, options[i].help);
    }
}

static void print_roff_status(int status, const char *text)
{
    char number[8];
    snprintf(number, sizeof(number), "%d", status);
    print_roff_item(number, text);
}

static void print_roff_examples(void)
{
    size_t n = commands_count();
    printf(".SH EXAMPLES\n.nf\n");
    for (size_t i = 0; i < n; i++) {
        const struct command *command = commands_at(i);
        for (size_t k = 0; k < COMMAND_MAX_EXAMPLES && command->examples[k] != NULL; k++) {
            print_roff("cleave ");
            print_roff(command->examples[k]);
            fputc('\n', stdout);
        }
    }
    printf(".fi\n");
}

/* Its options, and what exit statuses mean of it. */
static void print_roff_details(const struct command *command)
{
    const struct command_status *status = command->statuses;
    if (command->n_options == 0 && status == NULL) {
        return;
    }
    printf(".RS\n");
    print_roff_options(command->options, command->n_options);
    for (; status != NULL && status->text != NULL; status++) {
        char term[24];
        snprintf(term, sizeof(term), "exit status %d", status->status);
        print_roff_item(term, status->text);
    }
    printf(".RE\n");
}

void help_print_man(void)
{
    size_t n = commands_count();
    printf(".\\\" SPDX-License-Identifier: Apache-2.0\n"
           ".TH CLEAVE 1 \"\" \"cleave " CLEAVE_VERSION "\"\n"
           ".SH NAME\ncleave \\- give virtual machines a GPU or a part of one\n"
           ".SH SYNOPSIS\n.B cleave\n.I OBJECT COMMAND\n[\\fIWORD\\fR]... [\\fIOPTION\\fR]...\n"
           ".SH COMMANDS\n");
    for (size_t i = 0; i < n; i++) {
        char text[64];
        command_text(commands_at(i), text, sizeof(text));
        print_roff_item(text, commands_at(i)->help);
        print_roff_details(commands_at(i));
    }
    printf(".SH OPTIONS\n");
    const struct command_option *global = commands_global_options(&n);
    print_roff_options(global, n);
    printf(".SH EXIT STATUS\n");
    struct exit_status_row row;
    for (size_t i = 0; exit_status_row(i, &row); i++) {
        print_roff_status(row.status, row.text);
    }
    print_roff_examples();
    printf(".SH WIDE TABLES\n");
    print_roff(tables_help);
    printf("\n.SH ENVIRONMENT\n");
    print_roff_item("COLUMNS", "how wide tables may be, on a terminal or not");
    print_roff_item("TZ", "the time zone of times in tables; in JSON and YAML they are UTC");
    print_roff_item("CLEAVE_SOCKET", "cleaved's socket, unless --socket names it");
    printf(".SH FILES\n");
    print_roff_item(CLIENT_DEFAULT_SOCKET, "where cleaved answers");
}

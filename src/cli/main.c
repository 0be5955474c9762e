/* SPDX-License-Identifier: Apache-2.0 */
/* cleave: the command line of cleaved. */
#include <locale.h>
#include <stdio.h>

#include "base/exit_status.h"
#include "base/str.h"
#include "cli/args.h"
#include "cli/completion.h"
#include "cli/help.h"
#include "cli/request_words.h"
#include "cli/wait_notice.h"

static int run_one(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    int result = arguments->command->run(cli, arguments, err);
    if (result != 0) {
        request_words_replace(arguments->command, err);
    }
    return result;
}

/* Once per name. One that fails is reported, and stops none of the others. */
static int run_each(struct cli *cli, const struct arguments *arguments)
{
    int code = 0;
    CLEANUP_STRBUF struct strbuf behind = {0};
    for (size_t i = 0; i < arguments->n_names; i++) {
        struct arguments one = *arguments;
        struct error err = {0};
        one.args[0] = arguments->names[i];
        cli->behind =
            arguments->command->in_order && cli->dry_run && i > 0 ? strbuf_str(&behind) : NULL;
        if (run_one(cli, &one, &err) != 0) {
            int failed = cli_report(&err);
            code = code == 0 ? failed : code;
        }
        (void)fflush(stdout); /* in the order of events, also in a pipe */
        strbuf_addf(&behind, "%s%s", i == 0 ? "" : "/", arguments->names[i]);
    }
    cli->behind = NULL;
    return code;
}

static int run(int argc, char **argv, struct cli *cli, const struct args *args)
{
    const struct command *command = args->arguments.command;
    struct error err = {0};
    switch (args->want) {
    case ARGS_HELP:
        if (command != NULL && command->run_raw != NULL) {
            char *words[] = {argv[args->rest - 1], (char[]){"--help"}, NULL};
            return command->run_raw(2, words);
        }
        help_print(args->object, command);
        return 0;
    case ARGS_VERSION:
        printf("cleave %s\n", CLEAVE_VERSION);
        return 0;
    case ARGS_MAN:
        help_print_man();
        return 0;
    case ARGS_SCRIPT:
        return completion_print_script(args->shell, &err) == 0 ? 0 : cli_report(&err);
    case ARGS_COMPLETE:
        completion_print(cli, &argv[args->rest], (size_t)(argc - args->rest));
        return 0;
    case ARGS_RUN:
        break;
    }
    if (command->run_raw != NULL) {
        return command->run_raw(argc - args->rest + 1, argv + args->rest - 1);
    }
    cli_begin(cli, command->lists);
    if (command->each) {
        return run_each(cli, &args->arguments);
    }
    return run_one(cli, &args->arguments, &err) == 0 ? 0 : cli_report(&err);
}

int main(int argc, char **argv)
{
    setlocale(LC_ALL, "");
    struct cli cli = {0};
    struct args args = {0};
    struct error err = {0};
    int code = 0;
    if (args_parse(argc, argv, &cli, &args, &err) != 0) {
        code = cli_report(&err);
    } else {
        code = run(argc, argv, &cli, &args);
    }
    client_free(cli.client);
    wait_notice_free(cli.wait_notice);
    return exit_status_written("cleave", code);
}

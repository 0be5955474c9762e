/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of the CLI without a cleaved, in tests whose linker puts client_call() of this file in
 * the place of the real one (--wrap): each call is answered with `answer`, or with one of `answers`
 * after the other where they are set. */
#ifndef TEST_LIB_ANSWERED_H
#define TEST_LIB_ANSWERED_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/args.h"
#include "cli/help.h"
#include "cli/wait_notice.h"
#include "test.h"

#define ANSWERED_MAX_WORDS 32

static const char *answer;
static const char *const *answers UNUSED;   /* ends with NULL, before which the last one stays */
static unsigned answered_interrupts UNUSED; /* bit N: Ctrl-C is typed during call N, from 0 */
static unsigned answered_n_calls UNUSED;
static char answered_calls[1024]; /* "POST /v1/x, GET /v1/y": what was called */

int __wrap_client_call(struct client *client, const char *method, const char *path,
                       const json_t *body, json_t **ret_json, struct error *err);
int __wrap_client_call(struct client *client UNUSED, const char *method, const char *path,
                       const json_t *body UNUSED, json_t **ret_json, struct error *err)
{
    size_t len = strlen(answered_calls);
    snprintf(answered_calls + len, sizeof(answered_calls) - len, "%s%s %s", len == 0 ? "" : ", ",
             method, path);
    unsigned number = answered_n_calls++;
    if (number < 32 && (answered_interrupts >> number & 1) != 0) {
        (void)raise(SIGINT);
    }
    const char *text = answers != NULL ? *answers : answer;
    answers += answers != NULL && answers[1] != NULL ? 1 : 0;
    return json_read(text, strlen(text), "test", ret_json, err);
}

/* Runs what stands behind "cleave " on a command line, cut at its blanks. */
static inline int answered_run(const char *line, struct error *err)
{
    CLEANUP_FREE char *text = xasprintf("cleave %s", line);
    char *rest = text;
    (void)setenv("TZ", "UTC", 1);
    tzset();
    char *argv[ANSWERED_MAX_WORDS] = {NULL};
    int argc = 0;
    struct cli cli = {0};
    struct args args = {0};
    while (rest != NULL) {
        assert_true(argc < ANSWERED_MAX_WORDS);
        argv[argc++] = strsep(&rest, " ");
    }
    int r = args_parse(argc, argv, &cli, &args, err);
    if (r == 0 && args.want == ARGS_HELP) {
        help_print(args.object, args.arguments.command);
    } else if (r == 0 && args.arguments.command->run_raw != NULL) {
        r = args.arguments.command->run_raw(argc - args.rest + 1, argv + args.rest - 1);
    } else if (r == 0) {
        cli_begin(&cli, args.arguments.command->lists);
        r = args.arguments.command->run(&cli, &args.arguments, err);
    }
    client_free(cli.client);
    wait_notice_free(cli.wait_notice);
    return r;
}

enum answered_streams { ANSWERED_STDOUT, ANSWERED_BOTH };

/* What the command writes to standard output, or to that and standard error as they come, with the
 * error that it ends with. The caller frees. */
static inline char *answered_output(const char *line, enum answered_streams streams)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    (void)fflush(stdout);
    int out = dup(STDOUT_FILENO);
    int errors = dup(STDERR_FILENO);
    assert_int_equal(dup2(fileno(file), STDOUT_FILENO), STDOUT_FILENO);
    if (streams == ANSWERED_BOTH) {
        assert_int_equal(dup2(fileno(file), STDERR_FILENO), STDERR_FILENO);
    }
    struct error err = {0};
    int r = answered_run(line, &err);
    (void)fflush(stdout);
    if (r != 0 && err.reason != REASON_NONE) {
        fprintf(stderr, "error: %s\n", err.message);
    }
    dup2(out, STDOUT_FILENO);
    dup2(errors, STDERR_FILENO);
    close(out);
    close(errors);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    rewind(file);
    char *text = xcalloc((size_t)size + 1, 1);
    assert_int_equal(fread(text, 1, (size_t)size, file), size);
    (void)fclose(file);
    return text;
}

#endif

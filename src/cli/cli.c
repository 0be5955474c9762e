/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/local_times.h"
#include "cli/prose.h"
#include "cli/screen.h"
#include "cli/view.h"
#include "cli/wait_notice.h"

/* A request target has 2048 bytes at most (api/openapi.yaml). */
#define MAX_BEHIND 1500
#define MAX_SHOWN_BODY 400

/* "> POST /v1/claims {"name": …}": a VM's definition may be long. */
static void say_request(const char *method, const char *path, const json_t *body)
{
    CLEANUP_FREE char *text = body == NULL ? NULL : json_text(body);
    size_t len = text == NULL ? 0 : strlen(text);
    fprintf(stderr, "> %s %s%s%.*s%s\n", method, path, len > 0 ? " " : "", MAX_SHOWN_BODY,
            len > 0 ? text : "", len > MAX_SHOWN_BODY ? "…" : "");
}

static void say_answer(int result, uint64_t took_us)
{
    fprintf(stderr, "< %s, %llu ms\n", result == 0 ? "ok" : reason_name((enum reason) - result),
            (unsigned long long)(took_us / 1000));
}

static int send_request(struct cli *cli, const char *method, const char *path, const json_t *body,
                        json_t **ret_json, struct error *err)
{
    if (cli->client == NULL) {
        cli->client = client_new(cli->socket);
        cli->wait_notice = cli->quiet ? NULL : wait_notice_new(cli->socket, cli->client);
    }
    client_set_timeout(cli->client, cli->timeout_s != 0 ? cli->timeout_s : CLIENT_TIMEOUT_S);
    wait_notice_begin(cli->wait_notice, cli->waits_for);
    uint64_t began_us = clock_monotonic_us();
    if (cli->verbose) {
        say_request(method, path, body);
    }
    int result = client_call(cli->client, method, path, body, ret_json, err);
    wait_notice_end(cli->wait_notice);
    if (cli->verbose) {
        say_answer(result, clock_monotonic_us() - began_us);
    }
    if (result != 0) {
        local_times_in_error(err);
    } else if (cli->output == OUTPUT_TABLE) {
        local_times_in_answer(*ret_json);
    }
    return result;
}

int cli_get(struct cli *cli, const char *path, json_t **ret_json, struct error *err)
{
    int result = send_request(cli, "GET", path, NULL, ret_json, err);
    const char *late = result == 0 ? view_text(*ret_json, "late", NULL) : NULL;
    if (late != NULL) {
        char at[VIEW_SIZE];
        bool seen = view_at(*ret_json, "observedAt") != NULL;
        prose_report("cleave: as of %s: %s",
                     seen ? view_time(*ret_json, "observedAt", at) : "never", late);
    }
    return result;
}

int cli_change(struct cli *cli, const char *method, const char *path, const json_t *body,
               json_t **ret_json, struct error *err)
{
    CLEANUP_FREE char *behind =
        cli->behind == NULL ? xstrdup("") : client_path("&behind=", cli->behind, "");
    CLEANUP_FREE char *full =
        xasprintf("%s%s%s", path, cli->dry_run ? "?dryRun=true" : "", cli->dry_run ? behind : "");
    if (strlen(behind) > MAX_BEHIND) {
        error_set(err, REASON_INVALID, "", "one dry run can't take so many names");
        error_hint(err, "each name is judged after the names before it: give fewer at a time");
        return -REASON_INVALID;
    }
    return send_request(cli, method, full, body, ret_json, err);
}

int cli_set_output(struct cli *cli, const char *text, struct error *err)
{
    static const struct {
        const char *word;
        enum output output;
        bool wide;
    } formats[] = {{"table", OUTPUT_TABLE, false}, {"wide", OUTPUT_TABLE, true},
                   {"name", OUTPUT_NAME, false},   {"csv", OUTPUT_CSV, false},
                   {"json", OUTPUT_JSON, false},   {"yaml", OUTPUT_YAML, false}};
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        if (str_eq(text, formats[i].word)) {
            cli->output = formats[i].output;
            cli->wide = formats[i].wide;
            return 0;
        }
    }
    error_set(err, REASON_INVALID, "", "there is no output format \"%s\"", text);
    error_hint(err, "table, wide, name, csv, json or yaml");
    return -REASON_INVALID;
}

void cli_begin(struct cli *cli, bool lists)
{
    if (!cli->quiet || cli->output != OUTPUT_TABLE) {
        return; /* JSON and YAML are asked for */
    }
    if (lists) {
        cli->output = OUTPUT_NAME;
        return;
    }
    (void)fflush(stdout);
    int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nothing >= 0) {
        (void)dup2(nothing, STDOUT_FILENO);
        close(nothing);
    }
}

size_t cli_width(const struct cli *cli)
{
    return cli->wide ? 0 : screen_width();
}

/* Programs get one line; people get lines that they can read. The caller frees. */
static char *raw_text(const struct cli *cli, const json_t *json)
{
    if (cli->output == OUTPUT_YAML) {
        return yaml_text(json);
    }
    return isatty(STDOUT_FILENO) == 1 ? json_lines(json) : json_text(json);
}

bool cli_print_raw(struct cli *cli, const json_t *json)
{
    if (cli->output != OUTPUT_JSON && cli->output != OUTPUT_YAML) {
        return false;
    }
    if (cli->printed_yaml) {
        fputs("---\n", stdout);
    }
    cli->printed_yaml = cli->output == OUTPUT_YAML;
    CLEANUP_FREE char *text = raw_text(cli, json);
    fputs(text, stdout);
    if (!str_ends(text, "\n")) {
        fputc('\n', stdout);
    }
    return true;
}

/* A subject such as "site.yaml:3:7" says where; "claim/web1" only repeats what the message names.
 */
static bool subject_adds_something(const struct error *err)
{
    const char *slash = strrchr(err->subject, '/');
    const char *name = slash == NULL ? err->subject : slash + 1;
    return name[0] != '\0' && strstr(err->message, name) == NULL;
}

/* "claim/web1" → "claim web1: "; a file's name stays as it is. */
static void add_subject(struct strbuf *out, const struct error *err)
{
    static const char *const kinds[] = {"claim", "gpu", "plan", "vm"};
    const char *subject = err->subject;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        size_t len = strlen(kinds[i]);
        if (strncmp(subject, kinds[i], len) == 0 && subject[len] == '/') {
            strbuf_addf(out, "%s %s: ", kinds[i], subject + len + 1);
            return;
        }
    }
    strbuf_addf(out, "%s: ", subject);
}

int cli_report(const struct error *err)
{
    (void)fflush(stdout); /* where both go to one file, in the order of events */
    CLEANUP_STRBUF struct strbuf text = {0};
    if (subject_adds_something(err)) {
        add_subject(&text, err);
    }
    strbuf_add(&text, err->message);
    if (err->rule[0] != '\0') {
        strbuf_addf(&text, " [%s]", err->rule);
    }
    prose_report("cleave: %s", strbuf_str(&text));
    if (err->hint[0] != '\0') {
        prose_report("hint: %s", err->hint);
    }
    return reason_exit_status(err->reason);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* operation list, show, watch, cancel. */
#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cancel_view.h"
#include "cli/command.h"
#include "cli/follow.h"
#include "cli/listing.h"
#include "cli/prose.h"
#include "cli/view.h"

/* Indices of the options in their tables, for arguments->values. */
enum { OPERATION_STATE, OPERATION_KIND, OPERATION_SUBJECT, OPERATION_ALL };

#define INDENT 4

/* ---- what is shown ---- */

/* "3/5 GPUs", "42 %": bytes are many. */
static void add_progress(const json_t *operation, struct strbuf *out)
{
    const char *unit = view_text(operation, "progress.unit", NULL);
    int64_t done = view_int(operation, "progress.done", 0);
    int64_t total = view_int(operation, "progress.total", 0);
    if (unit == NULL || total <= 0) {
        return;
    }
    if (str_eq(unit, "bytes")) {
        int percent = done >= total ? 100 : (int)((double)done * 100.0 / (double)total);
        strbuf_addf(out, "%d %%", percent);
    } else {
        strbuf_addf(out, "%lld/%lld %s", (long long)done, (long long)total, unit);
    }
}

static void add_state(const json_t *operation, struct strbuf *out)
{
    strbuf_addf(out, "%s%s", view_text(operation, "state", "-"),
                view_true(operation, "dryRun") ? " (dry run)" : "");
}

/* Identifiers and subjects are long: where a table has no room, an operation has a line for what it
 * is, and below it what it is about and how far. */
static void print_blocks(const json_t *answer, size_t width)
{
    const json_t *operations = view_at(answer, "operations");
    for (size_t i = 0; i < json_array_size(operations); i++) {
        const json_t *operation = json_array_get(operations, i);
        CLEANUP_STRBUF struct strbuf state = {0};
        CLEANUP_STRBUF struct strbuf progress = {0};
        add_state(operation, &state);
        add_progress(operation, &progress);
        char id[VIEW_SIZE];
        prose_print(width, "%s %s %s%s%s", view_short_id(view_text(operation, "id", "-"), id),
                    view_text(operation, "kind", "-"), strbuf_str(&state),
                    progress.len > 0 ? ", " : "", strbuf_str(&progress));
        prose_print_indented(width, INDENT, "%s: %s (%s)",
                             view_short_id(view_text(operation, "subject", "-"), id),
                             view_text(operation, "problem", view_text(operation, "text", "-")),
                             view_text(operation, "author", "-"));
    }
}

static const struct column operation_columns[] = {
    {"ID", .path = "id", .format = COLUMN_ID},
    {"KIND", .path = "kind"},
    {"SUBJECT", .path = "subject", .format = COLUMN_ID, .align = TABLE_LIST},
    {"STATE", .cell = add_state},
    {"DONE", .cell = add_progress, .drop = 2},
    {"BEGUN", .path = "createdAt", .format = COLUMN_TIME, .drop = 3},
    {"BY", .path = "author", .align = TABLE_NAME, .drop = 1},
    {"WHAT", .path = "problem|text", .align = TABLE_WRAP, .none = ""},
};
static const struct listing operation_listing = {.arrays = {"operations"},
                                                 .name = "id",
                                                 LISTING_COLUMNS(operation_columns),
                                                 .empty = "no operation is under way",
                                                 .narrow = print_blocks};

static const struct column operation_fields[] = {
    {"ID", .path = "id"},
    {"Kind", .path = "kind"},
    {"Subject", .path = "subject", .align = TABLE_NAME},
    {"Other host", .path = "host", .align = TABLE_NAME},
    {"What", .path = "text", .align = TABLE_WRAP},
    {"By", .path = "author", .align = TABLE_NAME},
    {"State", .cell = add_state},
    {"Done", .cell = add_progress},
    {"Now", .path = "progress.text", .align = TABLE_WRAP},
    {"Begun", .path = "createdAt", .format = COLUMN_TIME},
    {"Ended", .path = "finishedAt", .format = COLUMN_TIME},
    {"Failed attempts", .path = "attempts", .format = COLUMN_VALUE},
    {"Next attempt", .path = "nextAttemptAt", .format = COLUMN_TIME},
    {"Gives up", .path = "deadlineAt", .format = COLUMN_TIME},
    {"Can be cancelled", .path = "cancellable", .format = COLUMN_FLAG},
    {"Problem", .path = "problem", .align = TABLE_WRAP},
    {"Hint", .path = "hint", .align = TABLE_WRAP},
    {"Shown by", .path = "url"},
};

static void add_line(const json_t *operation, struct strbuf *out)
{
    CLEANUP_STRBUF struct strbuf progress = {0};
    add_progress(operation, &progress);
    strbuf_addf(out, "%s: %s%s%s", view_text(operation, "text", "-"),
                view_text(operation, "state", "-"), progress.len > 0 ? ", " : "",
                strbuf_str(&progress));
    const char *now = view_text(operation, "progress.text", view_text(operation, "problem", NULL));
    if (now != NULL) {
        strbuf_addf(out, " (%s)", now);
    }
}

/* ---- list, show ---- */

static void add_param(struct strbuf *url, const char *key, const char *value)
{
    if (value != NULL) {
        CLEANUP_FREE char *before =
            xasprintf("%s%s%s=", strbuf_str(url), url->len == 0 ? "/v1/operations?" : "&", key);
        char *with = client_path(before, value, "");
        strbuf_done(url);
        *url = (struct strbuf){0};
        strbuf_add(url, with);
        free(with);
    }
}

static int cmd_operation_list(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    const char *state = arguments->values[OPERATION_STATE];
    bool all = arguments->values[OPERATION_ALL] != NULL;
    CLEANUP_STRBUF struct strbuf url = {0};
    add_param(&url, "state", state == NULL && !all ? "active" : state);
    add_param(&url, "kind", arguments->values[OPERATION_KIND]);
    add_param(&url, "subject", arguments->values[OPERATION_SUBJECT]);
    return listing_show(cli, url.len == 0 ? "/v1/operations" : strbuf_str(&url), &operation_listing,
                        err);
}

static int cmd_operation_show(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/operations/", arguments->args[0], "");
    CLEANUP_JSON json_t *json = NULL;
    int r = cli_get(cli, path, &json, err);
    if (r == 0 && !cli_print_raw(cli, json)) {
        listing_print_fields(operation_fields, ARRAY_SIZE(operation_fields),
                             view_at(json, "operation"), cli_width(cli));
    }
    return r;
}

/* ---- watch ---- */

static bool operation_is_over(const json_t *operation)
{
    return view_text(operation, "finishedAt", NULL) != NULL;
}

/* A line for each that differs from the one before. */
static void report_operation(const json_t *operation, json_t *seen)
{
    CLEANUP_STRBUF struct strbuf line = {0};
    add_line(operation, &line);
    if (!str_eq(view_text(seen, "line", NULL), strbuf_str(&line))) {
        prose_report("%s", strbuf_str(&line));
        json_object_set_new(seen, "line", json_string(strbuf_str(&line)));
    }
}

static int show_end(struct cli *cli, const json_t *json, struct error *err)
{
    const json_t *operation = view_at(json, "operation");
    const char *state = view_text(operation, "state", "-");
    const char *text = view_text(operation, "text", "-");
    if (str_eq(state, "failed") || str_eq(state, "cancelled")) {
        bool failed = str_eq(state, "failed");
        (void)cli_print_raw(cli, json);
        error_set(err, failed ? REASON_DRIVER : REASON_CONFLICT, "", "%s: %s%s%s", text, state,
                  failed ? ": " : "", failed ? view_text(operation, "problem", "no reason") : "");
        error_hint(err, "%s", view_text(operation, "hint", ""));
        return failed ? -REASON_DRIVER : -REASON_CONFLICT;
    }
    if (!cli_print_raw(cli, json)) {
        prose_print(cli_width(cli), "%s: %s", text, state);
    }
    return 0;
}

static int cmd_operation_watch(struct cli *cli, const struct arguments *arguments,
                               struct error *err)
{
    const char *id = arguments->args[0];
    CLEANUP_FREE char *url = client_path("/v1/operations/", id, "");
    CLEANUP_FREE char *goes_on = xasprintf(
        "\nthe operation continues; to end it:\n`cleave operation cancel %s`\n", SHELL_ARG(id));
    const struct follow follow = {.url = url,
                                  .path = "operation",
                                  .ended = operation_is_over,
                                  .draw = add_line,
                                  .report = report_operation,
                                  .interrupt = {.text = goes_on}};
    CLEANUP_JSON json_t *json = NULL;
    int r = cli_get(cli, url, &json, err);
    r = r != 0 ? r : follow_run(cli, &follow, &json, err);
    return r != 0 ? r : show_end(cli, json, err);
}

/* ---- cancel ---- */

static int cmd_operation_cancel(struct cli *cli, const struct arguments *arguments,
                                struct error *err)
{
    return cancel_view_run(cli, arguments->args[0], err);
}

/* ---- the table ---- */

static const struct command_option operation_list_options[] = {
    [OPERATION_STATE] = {"state", 0, "STATE",
                         "only operations in this state: waiting, running, cancelling, done, "
                         "failed or cancelled; default: all that are not over"},
    [OPERATION_KIND] =
        {"kind", 0, "KIND",
         "only this kind: plan, migration, incoming, drain, restoration, release or give-back"},
    [OPERATION_SUBJECT] = {"subject", 0, "SUBJECT",
                           "only operations about vm/NAME, claim/NAME, gpu/BDF or host"},
    [OPERATION_ALL] = {"all", 0, NULL, "also the latest operations that are over"},
};

static const struct command commands[] = {
    {.object = "operation",
     .name = "list",
     .help = "list operations: plans, migrations, the drain, the restoration, retries",
     .examples = {"operation list", "operation list --all --kind plan"},
     OPTIONS(operation_list_options),
     .lists = true,
     .listing = &operation_listing,
     .watches = true,
     .run = cmd_operation_list},
    {.object = "operation",
     .name = "show",
     .args = "ID",
     .n_args = 1,
     .help = "show one operation, its progress, and when it is tried again",
     .examples = {"operation show 6ef7fb75"},
     .run = cmd_operation_show},
    {.object = "operation",
     .name = "watch",
     .args = "ID",
     .n_args = 1,
     .help = "follow an operation to its end",
     .examples = {"operation watch 6ef7fb75"},
     .run = cmd_operation_watch},
    {.object = "operation",
     .name = "cancel",
     .args = "ID",
     .n_args = 1,
     .help = "cancel an operation",
     .examples = {"operation cancel 6ef7fb75"},
     .changes = true,
     .run = cmd_operation_cancel},
};
const struct command_table operation_commands = COMMAND_TABLE(commands);

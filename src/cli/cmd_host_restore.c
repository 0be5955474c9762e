/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/follow.h"
#include "cli/listing.h"
#include "cli/plan_view.h"
#include "cli/prose.h"
#include "cli/view.h"

/* Indices of the options in their tables, for arguments->values. */
enum { RESTORE_TIMEOUT };

/* ---- following it ---- */

static bool restore_is_over(const json_t *restore)
{
    return !str_eq(view_text(restore, "state", ""), "running");
}

/* A line for each GPU of which something is new. */
static void report_gpus(const json_t *restore, json_t *seen)
{
    const json_t *gpus = view_at(restore, "gpus");
    for (size_t i = 0; i < json_array_size(gpus); i++) {
        const json_t *gpu = json_array_get(gpus, i);
        const char *address = view_text(gpu, "gpu", "-");
        const char *problem = view_text(gpu, "problem", NULL);
        CLEANUP_FREE char *line =
            xasprintf("%s%s%s", view_text(gpu, "state", "-"), problem == NULL ? "" : ": ",
                      problem == NULL ? "" : problem);
        if (!str_eq(json_string_value(json_object_get(seen, address)), line)) {
            prose_report("GPU %s: %s", address, line);
            json_object_set_new(seen, address, json_string(line));
        }
    }
}

static const struct follow restore_follow = {
    .url = "/v1/host/restore", .ended = restore_is_over, .report = report_gpus};

/* ---- what became of it ---- */

static const struct column restore_columns[] = {
    {"CLAIM", .path = "claim", .align = TABLE_NAME},
    {"GPU", .path = "gpu"},
    {"STATE", .path = "state"},
    {"PROBLEM", .path = "problem", .align = TABLE_WRAP},
};
static const struct listing restore_listing = {
    LISTING_COLUMNS(restore_columns),
    .empty = "no claim needs its device now; on-demand claims get a device when their VM starts"};

static void add_row(json_t *rows, const json_t *claim, const json_t *gpu, const char *state,
                    const json_t *problem)
{
    json_array_append_new(rows, json_pack("{s:O?, s:O?, s:s?, s:O?}", "claim",
                                          view_at(claim, "name"), "gpu", view_at(gpu, "gpu"),
                                          "state", state, "problem", view_at(problem, "problem")));
}

/* A row for each claim, and for each GPU that is in use by no claim and was to come back in its
 * mode. */
static json_t *make_rows(const json_t *restore)
{
    json_t *rows = json_array();
    const json_t *gpus = view_at(restore, "gpus");
    for (size_t i = 0; i < json_array_size(gpus); i++) {
        const json_t *gpu = json_array_get(gpus, i);
        const json_t *claims = view_at(gpu, "claims");
        for (size_t k = 0; k < json_array_size(claims); k++) {
            const json_t *claim = json_array_get(claims, k);
            add_row(rows, claim, gpu, view_text(claim, "state", NULL), claim);
        }
        if (json_array_size(claims) == 0 && view_text(gpu, "problem", NULL) != NULL) {
            add_row(rows, NULL, gpu, "incomplete", gpu);
        }
    }
    const json_t *absent = view_at(restore, "absent");
    for (size_t i = 0; i < json_array_size(absent); i++) {
        const json_t *claim = json_array_get(absent, i);
        add_row(rows, claim, NULL, "absent", claim);
    }
    return rows;
}

/* VMs that the restoration leaves with old devices. */
static void print_definitions(const struct cli *cli, const json_t *restore)
{
    const json_t *definitions = view_at(restore, "definitions");
    for (size_t i = 0; i < json_array_size(definitions); i++) {
        const json_t *one = json_array_get(definitions, i);
        prose_print(cli_width(cli), "Unchanged: VM %s: %s; %s", view_text(one, "vm", "-"),
                    view_text(one, "problem", "-"), view_text(one, "hint", "-"));
    }
}

/* "claim x: …" or "GPU x: …", with the reason and what to do. */
static int refuse_incomplete(const char *command, const json_t *missing, struct error *err)
{
    const char *claim = view_text(missing, "name", NULL);
    error_set(err, REASON_DRIVER, "", "this host %s restored completely: %s %s: %s", command,
              claim != NULL ? "claim" : "GPU",
              claim != NULL ? claim : view_text(missing, "gpu", "-"),
              view_text(missing, "problem", claim != NULL ? "it is not there" : "it waits"));
    error_hint(err, "%s", view_text(missing, "hint", "`cleave event list` shows more"));
    return -REASON_DRIVER;
}

/* Would the run end incomplete? What is coming may still fail then. */
static int foresee_restore(const json_t *restore, struct error *err)
{
    const json_t *gpus = view_at(restore, "gpus");
    const json_t *missing = json_array_get(view_at(restore, "absent"), 0);
    for (size_t i = 0; missing == NULL && i < json_array_size(gpus); i++) {
        const json_t *claims = view_at(json_array_get(gpus, i), "claims");
        for (size_t k = 0; missing == NULL && k < json_array_size(claims); k++) {
            const json_t *claim = json_array_get(claims, k);
            missing = str_eq(view_text(claim, "state", ""), "blocked") ? claim : NULL;
        }
        const json_t *gpu = json_array_get(gpus, i);
        bool fails = missing == NULL && view_text(gpu, "problem", NULL) != NULL;
        missing = fails ? gpu : missing;
    }
    return missing == NULL ? 0 : refuse_incomplete("would not be", missing, err);
}

static int restore_result(struct cli *cli, const json_t *restore, struct error *err)
{
    const json_t *gpus = view_at(restore, "gpus");
    const json_t *plans = view_at(restore, "plans");
    bool raw = cli_print_raw(cli, restore);
    for (size_t i = 0; !raw && i < json_array_size(plans); i++) {
        plan_view_print(json_array_get(plans, i), cli_width(cli));
        plan_view_unchecked(json_array_get(plans, i), cli_width(cli));
        putchar('\n');
    }
    if (!raw) {
        CLEANUP_JSON json_t *rows = make_rows(restore);
        listing_print(&restore_listing, rows, cli_width(cli));
        print_definitions(cli, restore);
    }
    if (!raw && cli->dry_run) {
        printf("\nDry run: nothing was changed.\n");
    }
    if (cli->dry_run) {
        return foresee_restore(restore, err);
    }
    if (!str_eq(view_text(restore, "state", ""), "incomplete")) {
        return 0;
    }
    const json_t *missing = json_array_get(view_at(restore, "absent"), 0);
    for (size_t i = 0; i < json_array_size(gpus); i++) {
        const json_t *gpu = json_array_get(gpus, i);
        if (!str_eq(view_text(gpu, "state", ""), "restored")) {
            missing = gpu;
            break;
        }
    }
    return refuse_incomplete("was not", missing, err);
}

static int cmd_host_restore(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    CLEANUP_JSON json_t *body = json_object();
    const char *timeout = arguments->values[RESTORE_TIMEOUT];
    uint32_t seconds = 0;
    if (timeout != NULL && (!parse_u32(timeout, &seconds) || seconds > 86400)) {
        return error_set(err, REASON_INVALID, "--timeout",
                         "--timeout must be a number of seconds up to 86400, not \"%s\"", timeout);
    }
    if (timeout != NULL) {
        json_object_set_new(body, "timeoutSeconds", json_integer(seconds));
    }
    CLEANUP_JSON json_t *restore = NULL;
    int r = cli_change(cli, "POST", "/v1/host/restore", body, &restore, err);
    if (r == 0 && !cli->dry_run && !cli->no_wait) {
        r = follow_run(cli, &restore_follow, &restore, err);
    }
    return r != 0 ? r : restore_result(cli, restore, err);
}

/* ---- the table ---- */

static const struct command_option host_restore_options[] = {
    [RESTORE_TIMEOUT] = {"timeout", 0, "SECONDS",
                         "how long to try what is busy or late; default: 120"},
};

static const struct command commands[] = {
    {.object = "host",
     .name = "restore",
     .help = "restore what a reboot or a reload of the driver removed from GPUs and claims",
     .examples = {"host restore --dry-run", "host restore"},
     STATUSES({8, "not everything was restored; of a dry run, would be"}),
     OPTIONS(host_restore_options),
     .changes = true,
     .waits = true,
     .run = cmd_host_restore},
};
const struct command_table host_restore_commands = COMMAND_TABLE(commands);

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cancel_view.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "cli/plan_view.h"
#include "cli/view.h"

/* "2/5" are done. */
static void add_steps(const json_t *plan, struct strbuf *out)
{
    const json_t *steps = view_at(plan, "steps");
    size_t done = 0;
    for (size_t i = 0; i < json_array_size(steps); i++) {
        done += str_eq(view_text(json_array_get(steps, i), "state", ""), "done");
    }
    strbuf_addf(out, "%zu/%zu", done, json_array_size(steps));
}

static const struct column plan_columns[] = {
    {"PLAN", .path = "id", .format = COLUMN_ID},
    {"STATE", .path = "state"},
    {"STEPS", .cell = add_steps, .align = TABLE_RIGHT, .drop = 1},
    {"MADE", .path = "createdAt", .format = COLUMN_TIME, .drop = 3},
    {"BY", .path = "author", .align = TABLE_NAME, .drop = 2},
    {"FOR", .path = "reason", .align = TABLE_WRAP},
};
static const struct listing plan_listing = {
    .arrays = {"plans"}, .name = "id", LISTING_COLUMNS(plan_columns), .empty = "no plans"};

static int cmd_plan_list(struct cli *cli, const struct arguments *arguments UNUSED,
                         struct error *err)
{
    return listing_show(cli, "/v1/plans", &plan_listing, err);
}

static int cmd_plan_show(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/plans/", arguments->args[0], "");
    CLEANUP_JSON json_t *plan = NULL;
    int result = cli_get(cli, path, &plan, err);
    if (result == 0 && !cli_print_raw(cli, plan)) {
        plan_view_print(plan, cli_width(cli));
    }
    return result;
}

static int cmd_plan_cancel(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    return cancel_view_run(cli, arguments->args[0], err);
}

/* ---- the table ---- */

static const struct command commands[] = {
    {.object = "plan",
     .name = "list",
     .help = "list the latest plans",
     .examples = {"plan list"},
     .lists = true,
     .listing = &plan_listing,
     .watches = true,
     .run = cmd_plan_list},
    {.object = "plan",
     .name = "show",
     .args = "ID",
     .n_args = 1,
     .help = "show one plan, step by step",
     .examples = {"plan show 6ef7fb75"},
     .run = cmd_plan_show},
    {.object = "plan",
     .name = "cancel",
     .args = "ID",
     .n_args = 1,
     .help = "end a plan after the step under way, and undo what it did",
     .examples = {"plan cancel 6ef7fb75 --dry-run", "plan cancel 6ef7fb75"},
     .changes = true,
     .run = cmd_plan_cancel},
};
const struct command_table plan_commands = COMMAND_TABLE(commands);

/* SPDX-License-Identifier: Apache-2.0 */
/* migration list, show, cancel. */
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "cli/migration_view.h"
#include "cli/prose.h"
#include "cli/view.h"

/* Only one that goes out has what was asked for here. */
static void add_way(const json_t *migration, struct strbuf *out)
{
    strbuf_add(out, view_at(migration, "request") != NULL ? "out" : "in");
}

static const struct column migration_columns[] = {
    {"ID", .path = "id", .format = COLUMN_ID},
    {"VM", .path = "request.vm|vm", .align = TABLE_NAME},
    {"WAY", .cell = add_way, .drop = 2},
    {"HOST", .path = "target|request.destination|host", .align = TABLE_NAME},
    {"STATE", .path = "state"},
    {"BEGUN", .path = "createdAt", .format = COLUMN_TIME, .drop = 1},
    {"PROBLEM", .path = "problem.message|problem", .align = TABLE_WRAP, .none = ""},
};
static const struct listing migration_listing = {.arrays = {"migrations", "incoming"},
                                                 .name = "id",
                                                 LISTING_COLUMNS(migration_columns),
                                                 .empty = "no VM migrated"};

static int cmd_migration_list(struct cli *cli, const struct arguments *arguments UNUSED,
                              struct error *err)
{
    return listing_show(cli, "/v1/migrations", &migration_listing, err);
}

static int cmd_migration_show(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/migrations/", arguments->args[0], "");
    CLEANUP_JSON json_t *json = NULL;
    int r = cli_get(cli, path, &json, err);
    if (r != 0 || cli_print_raw(cli, json)) {
        return r;
    }
    const json_t *migration = view_at(json, "migration");
    CLEANUP_STRBUF struct strbuf line = {0};
    migration_view_line(migration, &line);
    prose_print(cli_width(cli), "%s", strbuf_str(&line));
    if (view_text(migration, "problem.message", NULL) != NULL) {
        prose_print(cli_width(cli), "Problem: %s", view_text(migration, "problem.message", ""));
    }
    const char *resolution = view_text(migration, "resolution", NULL);
    if (resolution != NULL) {
        prose_print(cli_width(cli),
                    "Resolved: the VM is on the %s, as %s said; the target did not answer",
                    resolution, view_text(migration, "resolvedBy", "-"));
    }
    if (str_eq(view_text(migration, "state", ""), "switching")) {
        char answered[VIEW_SIZE];
        prose_print(
            cli_width(cli),
            "The target last answered at %s. If it is lost for good: `cleave migration resolve %s`",
            view_time(migration, "answeredAt", answered), view_text(migration, "id", "-"));
    }
    migration_view_times(migration, cli_width(cli));
    migration_view_checks(migration, true, cli_width(cli));
    return 0;
}

static int cmd_migration_cancel(struct cli *cli, const struct arguments *arguments,
                                struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/migrations/", arguments->args[0], "");
    CLEANUP_JSON json_t *json = NULL;
    int r = cli_change(cli, "DELETE", path, NULL, &json, err);
    if (r != 0 || cli_print_raw(cli, json)) {
        return r;
    }
    prose_print(cli_width(cli), "VM %s %s", view_text(json, "migration.request.vm", "-"),
                cli->dry_run ? "would stay here" : "stays here");
    return 0;
}

/* ---- the table ---- */

static const struct command commands[] = {
    {.object = "migration",
     .name = "list",
     .help = "list outgoing and incoming migrations, also past ones",
     .examples = {"migration list"},
     .lists = true,
     .listing = &migration_listing,
     .watches = true,
     .run = cmd_migration_list},
    {.object = "migration",
     .name = "show",
     .args = "ID",
     .n_args = 1,
     .help = "show one migration, its checks and its progress",
     .examples = {"migration show 6ef7fb75"},
     .run = cmd_migration_show},
    {.object = "migration",
     .name = "cancel",
     .args = "ID",
     .n_args = 1,
     .help = "cancel a migration; the VM stays on this host",
     .examples = {"migration cancel 6ef7fb75"},
     .changes = true,
     .run = cmd_migration_cancel},
};
const struct command_table migration_commands = COMMAND_TABLE(commands);

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"
#include "cli/listing.h"

static const struct column rule_columns[] = {
    {"RULE", .path = "id"},
    {"STATEMENT", .path = "statement", .align = TABLE_WRAP},
    {"SOURCE", .path = "source", .align = TABLE_WRAP, .drop = 1},
};
static const struct listing rule_listing = {
    .arrays = {"rules"}, .name = "id", LISTING_COLUMNS(rule_columns), .empty = "no rules"};

static int cmd_rule_list(struct cli *cli, const struct arguments *arguments UNUSED,
                         struct error *err)
{
    return listing_show(cli, "/v1/rules", &rule_listing, err);
}

/* ---- the table ---- */

static const struct command commands[] = {
    {.object = "rule",
     .name = "list",
     .help = "list the documented limits that claims are checked against",
     .examples = {"rule list"},
     .lists = true,
     .listing = &rule_listing,
     .run = cmd_rule_list},
};
const struct command_table rule_commands = COMMAND_TABLE(commands);

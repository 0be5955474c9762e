/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "cli/view.h"
#include "lib/client.h"

/* Indices of the options in their tables, for arguments->values. */
enum { PROFILE_GPU };

static const struct column profile_columns[] = {
    {"PROFILE", .path = "name"},
    {"ID", .path = "profileId", .format = COLUMN_VALUE, .align = TABLE_RIGHT, .drop = 2},
    {"MEMORY", .path = "memoryMib", .format = COLUMN_MIB, .align = TABLE_RIGHT},
    {"SLICES", .path = "memorySlices", .format = COLUMN_VALUE, .align = TABLE_RIGHT, .drop = 3},
    {"SM", .path = "multiprocessors", .format = COLUMN_VALUE, .align = TABLE_RIGHT, .drop = 1},
    {"MAX", .path = "maxInstances", .format = COLUMN_VALUE, .align = TABLE_RIGHT},
    {"LEFT", .path = "remaining", .format = COLUMN_VALUE, .align = TABLE_RIGHT},
    {"AT", .path = "placements", .format = COLUMN_LIST, .align = TABLE_LIST, .each = "start"},
    {"MODEL", .path = "model", .align = TABLE_NAME},
};
static const struct listing profile_listing = {
    .arrays = {"profiles"}, .name = "name", LISTING_COLUMNS(profile_columns)};

/* What a vGPU of the type has to itself. */
static void add_home(const json_t *type, struct strbuf *out)
{
    strbuf_add(out, view_true(type, "migBacked") ? view_text(type, "profile", "a GPU instance")
                                                 : "the whole GPU");
}

static const struct column type_columns[] = {
    {"VGPU TYPE", .path = "name"},
    {"ID", .path = "typeId", .format = COLUMN_VALUE, .align = TABLE_RIGHT, .drop = 1},
    {"FRAMEBUFFER", .path = "framebufferMib", .format = COLUMN_MIB, .align = TABLE_RIGHT,
     .drop = 4},
    {"LIVES ON", .cell = add_home},
    {"PER GPU", .path = "maxPerGpu", .format = COLUMN_VALUE, .align = TABLE_RIGHT, .drop = 3},
    {"PER INSTANCE", .path = "maxPerInstance", .format = COLUMN_VALUE, .align = TABLE_RIGHT,
     .drop = 2},
    {"MODEL", .path = "model", .align = TABLE_NAME},
};
static const struct listing type_listing = {
    .arrays = {"types"}, .name = "name", LISTING_COLUMNS(type_columns), .empty = "no vGPU types"};

static int cmd_profile_list(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    const char *gpu = arguments->values[PROFILE_GPU];
    CLEANUP_FREE char *path =
        gpu == NULL ? xstrdup("/v1/profiles") : client_path("/v1/profiles?gpu=", gpu, "");
    CLEANUP_JSON json_t *json = NULL;
    int result = cli_get(cli, path, &json, err);
    if (result != 0 || cli_print_raw(cli, json)) {
        return result;
    }
    result = listing_show_answer(cli, json, &profile_listing, err);
    bool blank = json_array_size(view_at(json, "profiles")) > 0 && cli->output == OUTPUT_TABLE;
    printf("%s", blank && !cli->no_headers ? "\n" : "");
    return result != 0 ? result : listing_show_answer(cli, json, &type_listing, err);
}

/* ---- the table ---- */

static const struct command_option profile_list_options[] = {
    [PROFILE_GPU] = {"gpu", 0, "GPU", "only what this GPU offers, and how much of it is left"},
};

static const struct command commands[] = {
    {.object = "profile",
     .name = "list",
     .help = "GPU instance profiles and vGPU types",
     .examples = {"profile list", "profile list --gpu 0"},
     OPTIONS(profile_list_options),
     .lists = true,
     .run = cmd_profile_list},
};
const struct command_table profile_commands = COMMAND_TABLE(commands);

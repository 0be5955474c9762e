/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "cli/prose.h"
#include "cli/view.h"
#include "lib/client.h"

/* Indices of the options in their tables, for arguments->values. */
enum { PROFILE_GPU, PROFILE_ALL };

/* https://docs.nvidia.com/vgpu/ (Virtual GPU types): what each class is for. */
#define CLASSES                                                                                    \
    "A type's name ends with its class: A is for applications, B for desktops, C for compute, Q "  \
    "for "                                                                                         \
    "workstations; without a letter (G) for games."
#define LEFT_OUT " --all lists each class separately, and all profiles."

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
    {"VGPU TYPE", .path = "name", .format = COLUMN_WORD},
    {"CLASS", .path = "classes|series", .drop = 5},
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

/* ---- the short list ---- */

/* Instances with media engines of their own are rarely wanted: "1g.24gb+me", "1g.24gb-me". */
static bool is_special(const json_t *profile)
{
    const char *name = view_text(profile, "name", "");
    return strstr(name, "+me") != NULL || strstr(name, "-me") != NULL;
}

/* "L40S-8" of "L40S-8Q": a name ends with the letter of its class, but for class G. */
static size_t size_len(const json_t *type)
{
    const char *name = view_text(type, "name", "");
    size_t len = strlen(name);
    const char *series = view_text(type, "series", "");
    return len > 0 && series[0] == name[len - 1] ? len - 1 : len;
}

/* Do two types differ in their class alone? */
static bool are_alike(const json_t *a, const json_t *b)
{
    static const char *const keys[] = {"model",   "framebufferMib", "migBacked",
                                       "profile", "maxPerGpu",      "maxPerInstance"};
    const char *name = view_text(a, "name", "");
    const char *other = view_text(b, "name", "");
    bool alike = size_len(a) == size_len(b) && size_len(a) < strlen(name) &&
                 size_len(b) < strlen(other) && strncmp(name, other, size_len(a)) == 0;
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        const json_t *left = json_object_get(a, keys[i]);
        const json_t *right = json_object_get(b, keys[i]);
        alike = alike && (left == right || json_equal(left, right));
    }
    return alike;
}

/* "L40S-8A/C/Q" takes the place of three types. */
static void join_type(json_t *row, const json_t *type)
{
    const char *class = view_text(type, "series", "-");
    CLEANUP_FREE char *name = xasprintf("%s/%s", view_text(row, "name", "-"), class);
    CLEANUP_FREE char *classes =
        xasprintf("%s, %s", view_text(row, "classes", view_text(row, "series", "-")), class);
    json_object_set_new(row, "name", json_string(name));
    json_object_set_new(row, "classes", json_string(classes));
    json_object_set_new(row, "typeId", json_null()); /* each has its own */
}

static json_t *shorten_types(const json_t *types)
{
    json_t *rows = json_array();
    CLEANUP_JSON json_t *firsts = json_array(); /* the type that each row began with */
    for (size_t i = 0; i < json_array_size(types); i++) {
        json_t *type = json_array_get(types, i);
        size_t k = 0;
        while (k < json_array_size(firsts) && !are_alike(json_array_get(firsts, k), type)) {
            k++;
        }
        if (k < json_array_size(firsts)) {
            join_type(json_array_get(rows, k), type);
        } else {
            json_array_append(firsts, type);
            json_array_append_new(rows, json_deep_copy(type));
        }
    }
    return rows;
}

/* The caller's. */
static json_t *shorten(const json_t *answer)
{
    json_t *profiles = json_array();
    const json_t *all = view_at(answer, "profiles");
    for (size_t i = 0; i < json_array_size(all); i++) {
        if (!is_special(json_array_get(all, i))) {
            json_array_append(profiles, json_array_get(all, i));
        }
    }
    return json_pack("{s:o, s:o}", "profiles", profiles, "types",
                     shorten_types(view_at(answer, "types")));
}

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
    bool whole = arguments->values[PROFILE_ALL] != NULL || cli->output == OUTPUT_NAME;
    CLEANUP_JSON json_t *shown = whole ? json_incref(json) : shorten(json);
    bool text = cli->output == OUTPUT_TABLE && !cli->no_headers;
    bool profiles = json_array_size(view_at(shown, "profiles")) > 0;
    result = profiles ? listing_show_answer(cli, shown, &profile_listing, err) : 0;
    printf("%s", profiles && text ? "\n" : "");
    result = result != 0 ? result : listing_show_answer(cli, shown, &type_listing, err);
    if (result == 0 && text && json_array_size(view_at(shown, "types")) > 0) {
        printf("\n");
        prose_print(cli_width(cli), CLASSES "%s", whole ? "" : LEFT_OUT);
    }
    return result;
}

/* ---- the table ---- */

static const struct command_option profile_list_options[] = {
    [PROFILE_GPU] = {"gpu", 0, "GPU", "only what this GPU offers, and how many more fit"},
    [PROFILE_ALL] = {"all", 'a', NULL,
                     "each vGPU type in a line of its own, and profiles with media engines"},
};

static const struct command commands[] = {
    {.object = "profile",
     .name = "list",
     .help = "list GPU instance profiles and vGPU types",
     .examples = {"profile list", "profile list --gpu 0 --all"},
     OPTIONS(profile_list_options),
     .lists = true,
     .listing = &type_listing,
     .run = cmd_profile_list},
};
const struct command_table profile_commands = COMMAND_TABLE(commands);

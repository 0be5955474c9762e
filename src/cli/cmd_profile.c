/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/table.h"
#include "cli/verb.h"
#include "cli/view.h"
#include "lib/client.h"

/* "0, 2, 4": where an instance may begin. */
static void starts_text(const json_t *profile, char out[VIEW_SIZE])
{
    const json_t *placements = view_at(profile, "placements");
    out[0] = '\0';
    for (size_t i = 0; i < json_array_size(placements); i++) {
        size_t len = strlen(out);
        snprintf(out + len, VIEW_SIZE - len, "%s%d", i == 0 ? "" : ", ",
                 (int)view_int(json_array_get(placements, i), "start", 0));
    }
    if (out[0] == '\0') {
        str_copy(out, VIEW_SIZE, "-");
    }
}

static const char *mib_text(const json_t *json, const char *path, char out[VIEW_SIZE])
{
    int64_t mib = view_int(json, path, -1);
    return mib < 0 ? "-" : view_mib(mib, out);
}

static void print_profiles(const struct cli *cli, const json_t *profiles)
{
    static const struct table_column columns[] = {
        {"PROFILE", TABLE_LEFT, 0}, {"ID", TABLE_RIGHT, 2}, {"MEMORY", TABLE_RIGHT, 0},
        {"SLICES", TABLE_RIGHT, 3}, {"SM", TABLE_RIGHT, 1}, {"MAX", TABLE_RIGHT, 0},
        {"LEFT", TABLE_RIGHT, 0},   {"AT", TABLE_LIST, 0},  {"MODEL", TABLE_NAME, 0},
    };
    CLEANUP(table_freep)
    struct table *table = table_new(columns, ARRAY_SIZE(columns), cli_width(cli));
    for (size_t i = 0; i < json_array_size(profiles); i++) {
        const json_t *profile = json_array_get(profiles, i);
        char id[VIEW_SIZE];
        char memory[VIEW_SIZE];
        char slices[VIEW_SIZE];
        char sm[VIEW_SIZE];
        char max[VIEW_SIZE];
        char left[VIEW_SIZE];
        char starts[VIEW_SIZE];
        starts_text(profile, starts);
        const char *const cells[] = {
            view_text(profile, "name", "-"),          view_any(profile, "profileId", id),
            mib_text(profile, "memoryMib", memory),   view_any(profile, "memorySlices", slices),
            view_any(profile, "multiprocessors", sm), view_any(profile, "maxInstances", max),
            view_any(profile, "remaining", left),     starts,
            view_text(profile, "model", "-"),
        };
        table_row(table, cells);
    }
    table_print_or(table, "no profiles");
}

static void print_types(const struct cli *cli, const json_t *types)
{
    static const struct table_column columns[] = {
        {"VGPU TYPE", TABLE_LEFT, 0}, {"ID", TABLE_RIGHT, 1},      {"FRAMEBUFFER", TABLE_RIGHT, 4},
        {"LIVES ON", TABLE_LEFT, 0},  {"PER GPU", TABLE_RIGHT, 3}, {"PER INSTANCE", TABLE_RIGHT, 2},
        {"MODEL", TABLE_NAME, 0},
    };
    CLEANUP(table_freep)
    struct table *table = table_new(columns, ARRAY_SIZE(columns), cli_width(cli));
    for (size_t i = 0; i < json_array_size(types); i++) {
        const json_t *type = json_array_get(types, i);
        char id[VIEW_SIZE];
        char framebuffer[VIEW_SIZE];
        char per_gpu[VIEW_SIZE];
        char per_instance[VIEW_SIZE];
        bool mig = view_true(type, "migBacked");
        const char *const cells[] = {
            view_text(type, "name", "-"),
            view_any(type, "typeId", id),
            mib_text(type, "framebufferMib", framebuffer),
            mig ? view_text(type, "profile", "a GPU instance") : "the whole GPU",
            view_any(type, "maxPerGpu", per_gpu),
            view_any(type, "maxPerInstance", per_instance),
            view_text(type, "model", "-"),
        };
        table_row(table, cells);
    }
    table_print_or(table, "no vGPU types");
}

int cmd_profile_list(struct cli *cli, const struct arguments *words, struct error *err)
{
    const char *gpu = words->values[PROFILE_GPU];
    CLEANUP_FREE char *path =
        gpu == NULL ? xstrdup("/v1/profiles") : client_path("/v1/profiles?gpu=", gpu, "");
    CLEANUP_JSON json_t *json = NULL;
    int result = cli_get(cli, path, &json, err);
    if (result != 0 || cli_print_raw(cli, json)) {
        return result;
    }
    const json_t *profiles = view_at(json, "profiles");
    const json_t *types = view_at(json, "types");
    if (json_array_size(profiles) > 0) {
        print_profiles(cli, profiles);
        printf("\n");
    }
    print_types(cli, types);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "cli/change.h"
#include "cli/table.h"
#include "cli/verb.h"
#include "cli/view.h"

/* Option → key of the API. */
static const char *const text_keys[] = {
    [CLAIM_VM] = "vm",         [CLAIM_MODE] = "mode",       [CLAIM_GPU] = "gpu",
    [CLAIM_TYPE] = "type",     [CLAIM_PROFILE] = "profile", [CLAIM_GUEST] = "guest",
    [CLAIM_TENANT] = "tenant",
};

/* "2g.10gb@4" → profile and start. */
static int split_profile(json_t *body, const char *text, struct error *err)
{
    const char *at = strchr(text, '@');
    if (at == NULL) {
        return 0;
    }
    uint32_t start = 0;
    if (!parse_u32(at + 1, &start)) {
        return error_set(err, REASON_INVALID, "",
                         "--profile is PROFILE or PROFILE@START, and \"%s\" is no memory slice",
                         at + 1);
    }
    json_object_set_new(body, "profile", json_stringn(text, (size_t)(at - text)));
    json_object_set_new(body, "start", json_integer(start));
    return 0;
}

int cmd_claim_create(struct cli *cli, const struct arguments *words, struct error *err)
{
    CLEANUP_JSON json_t *body = json_pack("{s:s}", "name", words->args[0]);
    if (body == NULL) {
        return error_set(err, REASON_INVALID, "", "the name is not UTF-8 text");
    }
    for (size_t i = 0; i < ARRAY_SIZE(text_keys); i++) {
        if (text_keys[i] == NULL || words->values[i] == NULL) {
            continue;
        }
        json_t *value = json_string(words->values[i]);
        if (value == NULL) {
            return error_set(err, REASON_INVALID, "", "--%s is not UTF-8 text", text_keys[i]);
        }
        json_object_set_new(body, text_keys[i], value);
    }
    if (words->values[CLAIM_MIXED] != NULL) {
        json_object_set_new(body, "mixed", json_true());
    }
    if (words->values[CLAIM_ON_DEMAND] != NULL) {
        json_object_set_new(body, "hold", json_string("on-demand"));
    }
    if (words->values[CLAIM_MIGRATABLE] != NULL) {
        json_object_set_new(body, "migratable", json_true());
    }
    if (words->values[CLAIM_MOVE_IDLE] != NULL) {
        json_object_set_new(body, "moveIdle", json_true());
    }
    const char *profile = words->values[CLAIM_PROFILE];
    int result = profile == NULL ? 0 : split_profile(body, profile, err);
    return result != 0 ? result : change_run(cli, "POST", "/v1/claims", body, err);
}

int cmd_claim_delete(struct cli *cli, const struct arguments *words, struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/claims/", words->args[0], "");
    return change_run(cli, "DELETE", path, NULL, err);
}

int cmd_claim_restore(struct cli *cli, const struct arguments *words, struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/claims/", words->args[0], "/restore");
    return change_run(cli, "POST", path, NULL, err);
}

static int list_released(struct cli *cli, struct error *err)
{
    CLEANUP_JSON json_t *json = NULL;
    int result = cli_get(cli, "/v1/released-claims", &json, err);
    if (result != 0 || cli_print_raw(cli, json)) {
        return result;
    }
    static const struct table_column columns[] = {
        {"CLAIM", TABLE_NAME, 0}, {"VM", TABLE_NAME, 0},       {"MODE", TABLE_LEFT, 1},
        {"TYPE", TABLE_LEFT, 0},  {"RELEASED", TABLE_LEFT, 2}, {"WHY", TABLE_WRAP, 0}};
    CLEANUP(table_freep)
    struct table *table = table_new(columns, ARRAY_SIZE(columns), cli_width(cli));
    const json_t *list = view_at(json, "released");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *released = json_array_get(list, i);
        char at[VIEW_SIZE];
        const char *const cells[] = {view_text(released, "claim.name", "-"),
                                     view_text(released, "claim.vm", "-"),
                                     view_text(released, "claim.mode", "-"),
                                     view_last_word(view_text(released, "claim.type", "-")),
                                     view_time(released, "releasedAt", at),
                                     view_text(released, "reason", "-")};
        table_row(table, cells);
    }
    table_print_or(table, "no claims that can be brought back");
    return 0;
}

int cmd_claim_list(struct cli *cli, const struct arguments *words, struct error *err)
{
    if (words->values[CLAIM_LIST_RELEASED] != NULL) {
        return list_released(cli, err);
    }
    CLEANUP_JSON json_t *json = NULL;
    int result = cli_get(cli, "/v1/claims", &json, err);
    if (result != 0 || cli_print_raw(cli, json)) {
        return result;
    }
    static const struct table_column columns[] = {
        {"CLAIM", TABLE_NAME, 0}, {"STATE", TABLE_LEFT, 0},  {"VM", TABLE_NAME, 0},
        {"MODE", TABLE_LEFT, 3},  {"TYPE", TABLE_LEFT, 4},   {"INSTANCE", TABLE_LEFT, 2},
        {"GPU", TABLE_LEFT, 0},   {"DEVICE", TABLE_LEFT, 0}, {"SITE", TABLE_NAME, 1},
    };
    CLEANUP(table_freep)
    struct table *table = table_new(columns, ARRAY_SIZE(columns), cli_width(cli));
    const json_t *claims = view_at(json, "claims");
    for (size_t i = 0; i < json_array_size(claims); i++) {
        const json_t *claim = json_array_get(claims, i);
        const char *named =
            view_text(claim, "named.mdevUuid", view_text(claim, "named.device", "-"));
        const char *device = view_text(claim, "got.device", named);
        const char *wanted = view_text(claim, "profile", "-");
        const char *const cells[] = {
            view_text(claim, "name", "-"),
            view_text(claim, "state", "-"),
            view_text(claim, "vm", "-"),
            view_text(claim, "mode", "-"),
            view_last_word(view_text(claim, "type", "-")),
            view_text(claim, "got.profile", wanted),
            view_text(claim, "got.gpu", "-"),
            view_text(claim, "got.mdevUuid", device),
            view_text(claim, "site", "-"),
        };
        table_row(table, cells);
    }
    table_print_or(table, "no claims");
    return 0;
}

/* "1g.24gb+gfx at slices 3-5, id 2". */
static void instance_text(const json_t *claim, char out[VIEW_SIZE])
{
    int64_t start = view_int(claim, "got.start", -1);
    const char *profile = view_text(claim, "got.profile", NULL);
    if (profile == NULL || start < 0) {
        str_copy(out, VIEW_SIZE, profile == NULL ? "-" : profile);
        return;
    }
    int64_t end = start + view_int(claim, "got.size", 1) - 1;
    char id[VIEW_SIZE];
    snprintf(out, VIEW_SIZE, "%.32s at slices %d-%d, id %.12s", profile, (int)start, (int)end,
             view_any(claim, "got.gpuInstance", id));
}

static void print_wanted(const struct cli *cli, const json_t *claim)
{
    char start[VIEW_SIZE];
    char created[VIEW_SIZE];
    const struct table_field fields[] = {
        {"State", view_text(claim, "state", "-")},
        {"Problem", view_text(claim, "problem", "-")},
        {"Tenant", view_text(claim, "tenant", "-")},
        {"VM", view_text(claim, "vm", "-")},
        {"Mode", view_text(claim, "mode", "-")},
        {"Type", view_text(claim, "type", "-")},
        {"Wanted GPU", view_text(claim, "gpu", "any")},
        {"Wanted Profile", view_text(claim, "profile", "any")},
        {"Wanted Start", view_at(claim, "start") == NULL ? "any" : view_any(claim, "start", start)},
        {"Mixed Sizes", view_true(claim, "mixed") ? "yes" : "no"},
        {"Guest", view_text(claim, "guest", "-")},
        {"Migratable", view_true(claim, "migratable") ? "yes" : "no"},
        {"Hold", view_text(claim, "hold", "-")},
        {"Site", view_text(claim, "site", "-")},
        {"Made", view_time(claim, "createdAt", created)},
        {"By", view_text(claim, "author", "-")},
    };
    fields_print(fields, ARRAY_SIZE(fields), cli_width(cli));
}

static void print_got(const struct cli *cli, const json_t *claim)
{
    if (view_at(claim, "got") == NULL) {
        const char *device = view_text(claim, "named.device", NULL);
        printf("Holds nothing\n");
        if (device != NULL) {
            printf("VM \"%s\" names %s for it\n", view_text(claim, "vm", "-"),
                   view_text(claim, "named.mdevUuid", device));
        }
        return;
    }
    char instance[VIEW_SIZE];
    char placement[VIEW_SIZE];
    instance_text(claim, instance);
    const struct table_field fields[] = {
        {"GPU", view_text(claim, "got.gpu", "-")},
        {"GPU UUID", view_text(claim, "got.gpuUuid", "-")},
        {"GPU Instance", instance},
        {"Device", view_text(claim, "got.device", "-")},
        {"mdev", view_text(claim, "got.mdevUuid", "-")},
        {"Placement Id", view_any(claim, "got.placementId", placement)},
        {"MIG Device", view_text(claim, "got.migUuid", "-")},
    };
    printf("Holds\n");
    fields_print(fields, ARRAY_SIZE(fields), cli_width(cli));
}

int cmd_claim_show(struct cli *cli, const struct arguments *words, struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/claims/", words->args[0], "");
    CLEANUP_JSON json_t *claim = NULL;
    int result = cli_get(cli, path, &claim, err);
    if (result != 0 || cli_print_raw(cli, claim)) {
        return result;
    }
    printf("Claim %s\n", view_text(claim, "name", "-"));
    print_wanted(cli, claim);
    print_got(cli, claim);
    return 0;
}

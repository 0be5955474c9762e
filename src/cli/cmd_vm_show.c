/* SPDX-License-Identifier: Apache-2.0 */
/* vm show: one VM, with its claims, its devices, what has it in hand, and what `vm lint` finds. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "cli/prose.h"
#include "cli/view.h"
#include "cli/vm_lint_view.h"
#include "lib/client.h"

static const struct column vm_fields[] = {
    {"State", .path = "state"},
    {"UUID", .path = "uuid"},
    {"CPUs", .path = "vcpus", .format = COLUMN_VALUE},
    {"Memory", .path = "memoryKib", .format = COLUMN_KIB},
    {"Starts with the host", .path = "autostart", .format = COLUMN_FLAG},
    {"Has a saved state", .path = "saved", .format = COLUMN_FLAG},
    {"Gone when it stops", .path = "transient", .format = COLUMN_FLAG},
};

static const struct column claim_columns[] = {
    {"CLAIM", .path = "name", .align = TABLE_NAME},
    {"STATE", .path = "state"},
    {"TYPE", .path = "type|profile|mode", .format = COLUMN_WORD},
    {"GPU", .path = "assigned.gpu"},
    {"DEVICE", .path = "assigned.mdevUuid|assigned.device|reserved.mdevUuid|reserved.device"},
    {"PROBLEM", .path = "problem", .align = TABLE_WRAP, .none = ""},
};
static const struct listing claim_listing = {.arrays = {"claims"}, LISTING_COLUMNS(claim_columns)};

static void add_used(const json_t *device, struct strbuf *out)
{
    view_add_percent(device, "usedPercent", out);
}

static const struct column device_columns[] = {
    {"DEVICE", .path = "address|mdevUuid"},
    {"RUNNING", .path = "live", .format = COLUMN_FLAG},
    {"DEFINED", .path = "persistent", .format = COLUMN_FLAG},
    {"MANAGED", .path = "managed", .format = COLUMN_VALUE},
    {"CLAIM", .path = "claim", .align = TABLE_NAME, .none = "by hand"},
    {"SHARE", .path = "share.text", .drop = 2},
    {"USED", .cell = add_used, .align = TABLE_RIGHT, .drop = 1},
    {"LICENCE", .path = "licence.state", .drop = 3},
};
static const struct listing device_listing = {.arrays = {"devices"},
                                              LISTING_COLUMNS(device_columns)};

/* {claims: those whose VM it is}; NULL: not known. The caller's. */
static json_t *get_claims(struct cli *cli, const char *name)
{
    CLEANUP_JSON json_t *all = NULL;
    if (cli_get(cli, "/v1/claims", &all, NULL) != 0) {
        return NULL;
    }
    json_t *list = json_array();
    const json_t *claims = view_at(all, "claims");
    for (size_t i = 0; i < json_array_size(claims); i++) {
        json_t *claim = json_array_get(claims, i);
        if (str_eq(view_text(claim, "vm", NULL), name)) {
            json_array_append(list, claim);
        }
    }
    return json_pack("{s:o}", "claims", list);
}

static void print_claims(const struct cli *cli, const json_t *claims)
{
    bool any = json_array_size(view_at(claims, "claims")) > 0;
    if (claims == NULL) {
        printf("\nIts claims are not known\n");
        return;
    }
    printf("%s", any ? "\nClaims\n" : "\nNo claims\n");
    if (any) {
        listing_print(&claim_listing, claims, cli_width(cli));
    }
}

/* Is it about the VM, or about a claim of it? */
static bool is_about(const json_t *operation, const char *name, const json_t *claims)
{
    const char *subject = view_text(operation, "subject", "");
    const json_t *list = view_at(claims, "claims");
    bool about = str_starts(subject, "vm/") && str_eq(subject + strlen("vm/"), name);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *claim = view_text(json_array_get(list, i), "name", "");
        about =
            about || (str_starts(subject, "claim/") && str_eq(subject + strlen("claim/"), claim));
    }
    return about;
}

/* Prints what is under way with the VM; what happened before is in the events. */
static void print_operations(struct cli *cli, const char *name, const json_t *claims)
{
    CLEANUP_JSON json_t *answer = NULL;
    (void)cli_get(cli, "/v1/operations?state=active", &answer, NULL);
    const json_t *operations = view_at(answer, "operations");
    for (size_t i = 0; i < json_array_size(operations); i++) {
        const json_t *operation = json_array_get(operations, i);
        char id[VIEW_SIZE];
        if (is_about(operation, name, claims)) {
            printf("\n");
            prose_print(cli_width(cli), "In hand: %s %s, %s: %s", view_text(operation, "kind", "-"),
                        view_short_id(view_text(operation, "id", "-"), id),
                        view_text(operation, "state", "-"), view_text(operation, "text", "-"));
        }
    }
}

static void print_lint(struct cli *cli, const char *name)
{
    CLEANUP_FREE char *path = client_path("/v1/vms/", name, "/lint");
    CLEANUP_JSON json_t *lint = NULL;
    CLEANUP_STRBUF struct strbuf counts = {0};
    if (cli_get(cli, path, &lint, NULL) != 0) {
        return;
    }
    vm_lint_view_counts(lint, &counts);
    bool any = json_array_size(view_at(lint, "findings")) > 0;
    printf("\n");
    prose_print(cli_width(cli),
                any ? "Its definition has %s: `cleave vm lint %s`" : "Its definition has %s",
                strbuf_str(&counts), SHELL_ARG(name));
}

static int cmd_vm_show(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/vms/", arguments->args[0], "");
    CLEANUP_JSON json_t *json = NULL;
    int result = cli_get(cli, path, &json, err);
    if (result != 0 || cli_print_raw(cli, json)) {
        return result;
    }
    const json_t *vm = view_at(json, "vm");
    const char *name = view_text(vm, "name", arguments->args[0]);
    printf("VM %s\n", name);
    listing_print_fields(vm_fields, ARRAY_SIZE(vm_fields), vm, cli_width(cli));
    CLEANUP_JSON json_t *claims = get_claims(cli, name);
    print_claims(cli, claims);
    bool devices = json_array_size(view_at(vm, "devices")) > 0;
    printf("%s", devices ? "\nDevices\n" : "\nNo devices\n");
    if (devices) {
        listing_print(&device_listing, vm, cli_width(cli));
    }
    print_operations(cli, name, claims);
    print_lint(cli, name);
    return 0;
}

/* ---- the table ---- */

static const struct command commands[] = {
    {.object = "vm",
     .name = "show",
     .args = "VM",
     .n_args = 1,
     .help =
         "show one VM: its claims, devices, what is under way, what is wrong with its definition",
     .examples = {"vm show web1"},
     .run = cmd_vm_show},
};
const struct command_table vm_show_commands = COMMAND_TABLE(commands);

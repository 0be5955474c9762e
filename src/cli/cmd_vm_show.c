/* SPDX-License-Identifier: Apache-2.0 */
/* vm show: one VM, with its claims, its devices, what has it in hand, and what `vm lint` finds. */
#include <stdio.h>

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

static const struct column device_columns[] = {
    {"DEVICE", .path = "address|mdevUuid"},
    {"RUNNING", .path = "live", .format = COLUMN_FLAG},
    {"DEFINED", .path = "persistent", .format = COLUMN_FLAG},
    {"MANAGED", .path = "managed", .format = COLUMN_VALUE},
    {"CLAIM", .path = "claim", .align = TABLE_NAME, .none = "by hand"},
};
static const struct listing device_listing = {.arrays = {"devices"},
                                              LISTING_COLUMNS(device_columns)};

/* Prints the claims whose VM it is. */
static void print_claims(struct cli *cli, const char *name)
{
    CLEANUP_JSON json_t *all = NULL;
    CLEANUP_JSON json_t *its = json_object();
    json_t *list = json_array();
    json_object_set_new(its, "claims", list);
    if (cli_get(cli, "/v1/claims", &all, NULL) != 0) {
        printf("\nIts claims are not known\n");
        return;
    }
    const json_t *claims = view_at(all, "claims");
    for (size_t i = 0; i < json_array_size(claims); i++) {
        json_t *claim = json_array_get(claims, i);
        if (str_eq(view_text(claim, "vm", NULL), name)) {
            json_array_append(list, claim);
        }
    }
    printf("%s", json_array_size(list) == 0 ? "\nNo claims\n" : "\nClaims\n");
    listing_print(&claim_listing, its, cli_width(cli));
}

/* Prints what is under way with the VM; what it did before is in the events. */
static void print_operations(struct cli *cli, const char *name)
{
    CLEANUP_FREE char *url = client_path("/v1/operations?state=active&subject=vm/", name, "");
    CLEANUP_JSON json_t *answer = NULL;
    (void)cli_get(cli, url, &answer, NULL);
    const json_t *operations = view_at(answer, "operations");
    for (size_t i = 0; i < json_array_size(operations); i++) {
        const json_t *operation = json_array_get(operations, i);
        char id[VIEW_SIZE];
        printf("%s", i == 0 ? "\n" : "");
        prose_print(cli_width(cli), "In hand: %s %s, %s: %s", view_text(operation, "kind", "-"),
                    view_short_id(view_text(operation, "id", "-"), id),
                    view_text(operation, "state", "-"), view_text(operation, "text", "-"));
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
    print_claims(cli, name);
    bool devices = json_array_size(view_at(vm, "devices")) > 0;
    printf("%s", devices ? "\nDevices\n" : "\nNo devices\n");
    if (devices) {
        listing_print(&device_listing, vm, cli_width(cli));
    }
    print_operations(cli, name);
    print_lint(cli, name);
    return 0;
}

/* ---- the table ---- */

static const struct command commands[] = {
    {.object = "vm",
     .name = "show",
     .args = "VM",
     .n_args = 1,
     .help = "one VM: its claims, devices, what is under way, what is wrong with its definition",
     .examples = {"vm show web1"},
     .run = cmd_vm_show},
};
const struct command_table vm_show_commands = COMMAND_TABLE(commands);

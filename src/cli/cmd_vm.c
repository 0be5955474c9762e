/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "cli/plan_view.h"
#include "cli/prose.h"
#include "cli/table.h"
#include "cli/view.h"
#include "cli/vm_lint_view.h"
#include "cli/vm_template.h"
#include "lib/client.h"

/* Indices of the options in their tables, for arguments->values. */
enum { VM_TEMPLATE };
enum { VM_NOW, VM_STOP_TIMEOUT };

#define STOP_TIMEOUT_S 120
#define STOP_MAX_TIMEOUT_S 86400
#define STOP_MARGIN_S 60 /* for libvirt, and for a look at the VM */
#define MAX_TEMPLATE (256 * 1024)

/* "1/4 of the GPU", of each device of which it is known. */
static void add_shares(const json_t *vm, struct strbuf *out)
{
    const json_t *devices = view_at(vm, "devices");
    for (size_t i = 0; i < json_array_size(devices); i++) {
        const char *share = view_text(json_array_get(devices, i), "share.text", NULL);
        if (share != NULL) {
            strbuf_addf(out, "%s%s", out->len > 0 ? ", " : "", share);
        }
    }
}

/* "40 %", of each device of which it is known. */
static void add_used(const json_t *vm, struct strbuf *out)
{
    const json_t *devices = view_at(vm, "devices");
    for (size_t i = 0; i < json_array_size(devices); i++) {
        const json_t *device = json_array_get(devices, i);
        if (view_at(device, "usedPercent") != NULL) {
            strbuf_add(out, out->len > 0 ? ", " : "");
            view_add_percent(device, "usedPercent", out);
        }
    }
}

static const struct column vm_columns[] = {
    {"VM", .path = "name", .align = TABLE_NAME},
    {"STATE", .path = "state"},
    {"CPUS", .path = "vcpus", .format = COLUMN_VALUE, .align = TABLE_RIGHT, .drop = 1},
    {"MEMORY", .path = "memoryKib", .format = COLUMN_KIB, .align = TABLE_RIGHT, .drop = 2},
    {"CLAIMS", .path = "claims", .format = COLUMN_LIST, .align = TABLE_LIST, .drop = 5,
     .each = "name"},
    {"TYPES", .path = "claims", .format = COLUMN_LIST, .align = TABLE_LIST, .drop = 3,
     .each = "type|profile|mode"},
    {"GPUS", .path = "claims", .format = COLUMN_LIST, .align = TABLE_LIST, .drop = 4,
     .each = "assigned.gpu"},
    {"DEVICES", .path = "devices", .format = COLUMN_LIST, .align = TABLE_LIST,
     .each = "address|mdevUuid"},
    {"SHARES", .cell = add_shares, .drop = 7},
    {"USED", .cell = add_used, .drop = 6},
};

/* Each VM gets a list of its claims. */
static void add_claims(struct cli *cli, json_t *answer)
{
    CLEANUP_JSON json_t *all = NULL;
    if (view_text(answer, "late", NULL) != NULL || cli_get(cli, "/v1/claims", &all, NULL) != 0) {
        return;
    }
    const json_t *vms = view_at(answer, "vms");
    const json_t *claims = view_at(all, "claims");
    for (size_t i = 0; i < json_array_size(vms); i++) {
        json_t *vm = json_array_get(vms, i);
        json_t *its = json_array();
        for (size_t k = 0; k < json_array_size(claims); k++) {
            json_t *claim = json_array_get(claims, k);
            if (str_eq(view_text(claim, "vm", ""), view_text(vm, "name", NULL))) {
                json_array_append(its, claim);
            }
        }
        json_object_set_new(vm, "claims", its);
    }
}

static const struct listing vm_listing = {.arrays = {"vms"},
                                          .name = "name",
                                          LISTING_COLUMNS(vm_columns),
                                          .empty = "no VMs",
                                          .complete = add_claims};

static int cmd_vm_list(struct cli *cli, const struct arguments *arguments UNUSED, struct error *err)
{
    return listing_show(cli, "/v1/vms", &vm_listing, err);
}

static int print_changed(struct cli *cli, const json_t *json, const char *what)
{
    if (cli_print_raw(cli, json)) {
        return 0;
    }
    if (view_at(json, "plan") != NULL) { /* dry run: what is made before it starts */
        plan_view_print(view_at(json, "plan"), cli_width(cli));
        printf("\n");
    }
    const json_t *warnings = view_at(json, "warnings");
    for (size_t i = 0; i < json_array_size(warnings); i++) {
        prose_report("warning: %s", json_string_value(json_array_get(warnings, i)));
    }
    prose_print(cli_width(cli), "VM %s %s%s", view_text(json, "vm.name", "-"),
                cli->dry_run ? "would be " : "", what);
    plan_view_unchecked(view_at(json, "plan"), cli_width(cli));
    plan_view_unchecked(json, cli_width(cli));
    return 0;
}

static int cmd_vm_create(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    const char *file = arguments->values[VM_TEMPLATE];
    if (file == NULL) {
        error_set(err, REASON_INVALID, "", "`cleave vm create` needs a template");
        error_hint(err, "write `cleave vm create %s --template domain.xml`", arguments->args[0]);
        return -REASON_INVALID;
    }
    CLEANUP_FREE char *text = NULL;
    size_t len = 0;
    int r = fs_read_input(file, MAX_TEMPLATE, FS_INPUT_WAIT_MS, &text, &len);
    if (r != 0) {
        return r == -EFBIG ? error_set(err, REASON_INVALID, file, "%s has more than %d bytes", file,
                                       MAX_TEMPLATE)
                           : error_set_errno(err, r, file, "reading %s", file);
    }
    CLEANUP_FREE char *filled = NULL;
    r = vm_template_fill(file, text, arguments->args[0], &filled, err);
    if (r != 0) {
        return r;
    }
    CLEANUP_JSON json_t *body =
        json_pack("{s:s, s:s}", "name", arguments->args[0], "template", filled);
    if (body == NULL) {
        return error_set(err, REASON_INVALID, file, "%s is not UTF-8 text", file);
    }
    CLEANUP_JSON json_t *json = NULL;
    int result = cli_change(cli, "POST", "/v1/vms", body, &json, err);
    return result != 0 ? result : print_changed(cli, json, "created");
}

static int cmd_vm_start(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/vms/", arguments->args[0], "/start");
    CLEANUP_JSON json_t *json = NULL;
    int result = cli_change(cli, "POST", path, NULL, &json, err);
    if (result != 0 &&
        err->reason == REASON_DRIVER) { /* libvirt said no, and QEMU's words say little */
        vm_lint_view_report(cli, arguments->args[0]);
    }
    return result != 0 ? result : print_changed(cli, json, "started");
}

static int stop_body(const struct arguments *arguments, uint32_t *ret_timeout_s, json_t **ret_body,
                     struct error *err)
{
    const char *text = arguments->values[VM_STOP_TIMEOUT];
    bool now = arguments->values[VM_NOW] != NULL;
    *ret_timeout_s = STOP_TIMEOUT_S;
    if (text != NULL && (!parse_u32(text, ret_timeout_s) || *ret_timeout_s == 0 ||
                         *ret_timeout_s > STOP_MAX_TIMEOUT_S)) {
        return error_set(err, REASON_INVALID, "--timeout",
                         "--timeout must be a number of seconds from 1 to %d, not \"%s\"",
                         STOP_MAX_TIMEOUT_S, text);
    }
    if (text != NULL && now) {
        return error_set(err, REASON_INVALID, "--timeout",
                         "--now does not wait: leave out --now or --timeout");
    }
    *ret_body = json_pack("{s:b, s:i}", "force", now, "timeoutSeconds", (int)*ret_timeout_s);
    return 0;
}

static int cmd_vm_stop(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/vms/", arguments->args[0], "/stop");
    CLEANUP_JSON json_t *body = NULL;
    CLEANUP_JSON json_t *json = NULL;
    uint32_t timeout_s = 0;
    int result = stop_body(arguments, &timeout_s, &body, err);
    if (result != 0) {
        return result;
    }
    bool now = arguments->values[VM_NOW] != NULL;
    CLEANUP_FREE char *waits_for = xasprintf(
        "the guest of VM %s is shutting down; it has up to %u s", arguments->args[0], timeout_s);
    cli->waits_for = now ? NULL : waits_for;
    cli->timeout_s = now ? 0 : (long)timeout_s + STOP_MARGIN_S;
    result = cli_change(cli, "POST", path, body, &json, err);
    cli->waits_for = NULL;
    cli->timeout_s = 0;
    return result != 0 ? result : print_changed(cli, json, "stopped");
}

static int cmd_vm_delete(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/vms/", arguments->args[0], "");
    CLEANUP_JSON json_t *json = NULL;
    int result = cli_change(cli, "DELETE", path, NULL, &json, err);
    return result != 0 ? result : print_changed(cli, json, "deleted");
}

/* ---- the table ---- */

static const struct command_option vm_create_options[] = {
    [VM_TEMPLATE] = {"template", 0, "FILE",
                     "libvirt domain XML; @NAME@ in it becomes the VM's name"},
};

static const struct command_option vm_stop_options[] = {
    [VM_NOW] = {"now", 0, NULL, "destroy the VM instead of asking its guest to shut down"},
    [VM_STOP_TIMEOUT] = {"timeout", 0, "SECONDS",
                         "how long the guest may take; default: 120. Afterwards the command fails "
                         "and the VM runs on"},
};

static const struct command commands[] = {
    {.object = "vm",
     .name = "list",
     .help = "list VMs",
     .examples = {"vm list", "vm list -o wide", "vm list --watch"},
     .lists = true,
     .listing = &vm_listing,
     .watches = true,
     .run = cmd_vm_list},
    {.object = "vm",
     .name = "create",
     .args = "NAME",
     .n_args = 1,
     .help = "define a VM from a template",
     .examples = {"vm create web1 --template guest.xml"},
     OPTIONS(vm_create_options),
     .changes = true,
     .run = cmd_vm_create},
    {.object = "vm",
     .name = "start",
     .args = "NAME...",
     .n_args = 1,
     .each = true,
     .in_order = true,
     .help = "start VMs",
     .examples = {"vm start web1 --dry-run", "vm start web1 web2"},
     .changes = true,
     .run = cmd_vm_start},
    {.object = "vm",
     .name = "stop",
     .args = "NAME...",
     .n_args = 1,
     .each = true,
     .help = "ask the guests of VMs to shut down",
     .examples = {"vm stop web1 --timeout 300", "vm stop --now web1"},
     OPTIONS(vm_stop_options),
     .changes = true,
     .run = cmd_vm_stop},
    {.object = "vm",
     .name = "delete",
     .args = "NAME...",
     .n_args = 1,
     .each = true,
     .help = "undefine VMs that are shut off",
     .examples = {"vm delete web1"},
     .changes = true,
     .run = cmd_vm_delete},
};
const struct command_table vm_commands = COMMAND_TABLE(commands);

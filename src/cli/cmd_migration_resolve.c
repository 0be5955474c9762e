/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/prose.h"
#include "cli/view.h"

/* Indices of the options in their tables, for arguments->values. */
enum { RESOLVE_TARGET, RESOLVE_SOURCE };

static void print_list(const json_t *lines, size_t width)
{
    for (size_t i = 0; i < json_array_size(lines); i++) {
        prose_print_indented(width, 2, "%s", json_string_value(json_array_get(lines, i)));
    }
}

/* The VM's state on both sides, as far as it is known. */
static void print_known(const json_t *json, size_t width)
{
    const json_t *migration = view_at(json, "migration");
    const char *target = view_text(migration, "target", "the target");
    char answered[VIEW_SIZE];
    prose_print(width, "VM %s, migration %s to %s:", view_text(migration, "request.vm", "-"),
                view_text(migration, "id", "-"), target);
    prose_print_indented(width, 2, "source: %s", view_text(json, "resolution.source", "-"));
    prose_print_indented(width, 2, "%s: %s; it last answered at %s", target,
                         view_text(json, "resolution.target", "-"),
                         view_time(migration, "answeredAt", answered));
    prose_print_indented(width, 2, "libvirt %s that the VM arrived there",
                         view_true(migration, "moved") ? "said" : "never said");
}

static int cmd_migration_resolve(struct cli *cli, const struct arguments *arguments,
                                 struct error *err)
{
    bool target = arguments->values[RESOLVE_TARGET] != NULL;
    bool source = arguments->values[RESOLVE_SOURCE] != NULL;
    if (target == source) {
        int r = error_set(err, REASON_INVALID, "", "say where the VM is: --target or --source");
        error_hint(err, "cleave can't find out where the VM is, but you can; --dry-run shows the "
                        "effect of each option");
        return r;
    }
    CLEANUP_JSON json_t *body = json_pack("{s:s}", "vm", target ? "target" : "source");
    CLEANUP_FREE char *path = client_path("/v1/migrations/", arguments->args[0], "/resolve");
    CLEANUP_JSON json_t *json = NULL;
    int r = cli_change(cli, "POST", path, body, &json, err);
    if (r != 0 || cli_print_raw(cli, json)) {
        return r;
    }
    print_known(json, cli_width(cli));
    printf("%s:\n", cli->dry_run ? "It would" : "Done, or under way");
    print_list(view_at(json, "resolution.steps"), cli_width(cli));
    printf("And then:\n");
    print_list(view_at(json, "resolution.afterwards"), cli_width(cli));
    if (cli->dry_run) {
        printf("\nDry run: nothing was changed.\n");
    }
    return 0;
}

/* ---- the table ---- */

static const struct command_option resolve_options[] = {
    [RESOLVE_TARGET] = {"target", 0, NULL,
                        "the VM is, or was, on the target: release its devices on this host"},
    [RESOLVE_SOURCE] = {"source", 0, NULL,
                        "the VM is not on the target: keep its definition and claims on this host"},
};

static const struct command commands[] = {
    {.object = "migration",
     .name = "resolve",
     .args = "ID",
     .n_args = 1,
     .help = "say where a VM is, if the target of its migration is lost for good",
     .examples = {"migration resolve 6ef7fb75 --target --dry-run"},
     OPTIONS(resolve_options),
     .changes = true,
     .run = cmd_migration_resolve},
};
const struct command_table migration_settle_commands = COMMAND_TABLE(commands);

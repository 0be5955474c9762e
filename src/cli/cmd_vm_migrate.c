/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/parse.h"
#include "cli/command.h"
#include "cli/follow.h"
#include "cli/migration_view.h"
#include "cli/prose.h"
#include "cli/view.h"

/* Indices of the options in their tables, for arguments->values. */
enum { MIGRATE_PEER, MIGRATE_URI, MIGRATE_BANDWIDTH, MIGRATE_MAX_DOWNTIME, MIGRATE_STRICT };

#define MIB (UINT64_C(1024) * 1024)
#define MAX_MIB (UINT64_C(1) << 40)

/* ---- asking for it ---- */

static int add_number(json_t *body, const struct arguments *arguments, size_t option,
                      const char *key, uint64_t unit, struct error *err)
{
    const char *text = arguments->values[option];
    uint64_t number = 0;
    if (text == NULL) {
        return 0;
    }
    if (!parse_u64(text, &number) || number == 0 || number > MAX_MIB) {
        return error_set(err, REASON_INVALID, "", "--%s must be a whole number above 0, not \"%s\"",
                         arguments->command->options[option].name, text);
    }
    json_object_set_new(body, key, json_integer((json_int_t)(number * unit)));
    return 0;
}

static int make_body(const struct arguments *arguments, json_t **ret_body, struct error *err)
{
    static const struct {
        size_t option;
        const char *key;
    } texts[] = {{MIGRATE_PEER, "peer"}, {MIGRATE_URI, "migrateUri"}};
    CLEANUP_JSON json_t *body =
        json_pack("{s:s, s:s, s:b}", "vm", arguments->args[0], "destination", arguments->args[1],
                  "strict", arguments->values[MIGRATE_STRICT] != NULL);
    if (body == NULL) {
        return error_set(err, REASON_INVALID, "", "a name is not UTF-8 text");
    }
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        json_t *value = json_string(arguments->values[texts[i].option]);
        if (value != NULL) {
            json_object_set_new(body, texts[i].key, value);
        }
    }
    int r = add_number(body, arguments, MIGRATE_BANDWIDTH, "bandwidthBytes", MIB, err);
    r = r != 0 ? r : add_number(body, arguments, MIGRATE_MAX_DOWNTIME, "maxDowntimeMs", 1, err);
    if (r == 0) {
        *ret_body = TAKE_PTR(body);
    }
    return r;
}

/* ---- following it ---- */

static void draw_migration(const json_t *migration, struct strbuf *out)
{
    if (!migration_view_over(migration)) {
        migration_view_line(migration, out);
    }
}

/* A line for each state. */
static void report_migration(const json_t *migration, json_t *seen)
{
    const char *state = view_text(migration, "state", "");
    CLEANUP_STRBUF struct strbuf text = {0};
    draw_migration(migration, &text);
    if (text.len > 0 && !str_eq(view_text(seen, "state", NULL), state)) {
        fprintf(stderr, "%s\n", strbuf_str(&text));
    }
    json_object_set_new(seen, "state", json_string(state));
}

/* Until it is over, or the user has interrupted twice. */
static int follow_migration(struct cli *cli, json_t **reply, struct error *err)
{
    CLEANUP_FREE char *url =
        client_path("/v1/migrations/", view_text(*reply, "migration.id", ""), "");
    const struct follow follow = {
        .url = url,
        .path = "migration",
        .ended = migration_view_over,
        .draw = draw_migration,
        .report = report_migration,
        .interrupt = {"cancelling; press Ctrl-C again to stop watching\n", "DELETE", url}};
    return follow_run(cli, &follow, reply, err);
}

/* ---- what became of it ---- */

static int print_dry_run(const struct cli *cli, const json_t *migration, struct error *err)
{
    migration_view_checks(migration, true, cli_width(cli));
    printf("\n");
    migration_view_steps(migration, cli_width(cli));
    migration_view_times(migration, cli_width(cli));
    int r = migration_view_refusal(migration, err);
    printf("%s", r == 0 ? "\nDry run: nothing was changed; it would migrate.\n"
                        : "\nDry run: nothing was changed.\n");
    return r;
}

static int print_end(const struct cli *cli, const json_t *migration, struct error *err)
{
    const char *state = view_text(migration, "state", "-");
    const char *vm = view_text(migration, "request.vm", "-");
    const char *target = view_text(migration, "target", "the target");
    if (!migration_view_over(migration)) {
        const char *id = view_text(migration, "id", "-");
        prose_print(cli_width(cli),
                    "VM %s is migrating (%s); `cleave migration show %s` shows the progress", vm,
                    state, id);
        return 0;
    }
    if (str_eq(state, "done")) {
        prose_print(cli_width(cli), "VM %s runs on %s", vm, target);
        migration_view_times(migration, cli_width(cli));
        return 0;
    }
    if (str_eq(state, "cancelled")) {
        return error_set(err, REASON_CONFLICT, "", "cancelled: VM \"%s\" stays on this host", vm);
    }
    if (view_text(migration, "target", NULL) != NULL) {
        migration_view_checks(migration, false, cli_width(cli));
    }
    int r = migration_view_problem(migration, err);
    return r != 0 ? r : error_set(err, REASON_DRIVER, "", "the migration failed");
}

static int cmd_vm_migrate(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    CLEANUP_JSON json_t *body = NULL;
    CLEANUP_JSON json_t *json = NULL;
    int r = make_body(arguments, &body, err);
    r = r != 0 ? r : cli_change(cli, "POST", "/v1/migrations", body, &json, err);
    if (r != 0) {
        return r;
    }
    if (!cli->dry_run && !cli->no_wait) {
        r = follow_migration(cli, &json, err);
    }
    if (r != 0) {
        return r;
    }
    const json_t *migration = view_at(json, "migration");
    if (cli_print_raw(cli, json)) {
        r = cli->dry_run ? migration_view_refusal(migration, err) : 0;
        return r != 0 ? r : migration_view_problem(migration, err);
    }
    return cli->dry_run ? print_dry_run(cli, migration, err) : print_end(cli, migration, err);
}

/* ---- the table ---- */

static const struct command_option vm_migrate_options[] = {
    [MIGRATE_PEER] = {"peer", 0, "ADDRESS",
                      "the target's cleaved: unix:/path, http://host:port or ssh:host; default: "
                      "ssh to the host of a qemu+ssh destination"},
    [MIGRATE_URI] = {"migrate-uri", 0, "URI", "where the data flows; default: libvirt chooses"},
    [MIGRATE_BANDWIDTH] = {"bandwidth", 0, "MIB", "limit in MiB per second"},
    [MIGRATE_MAX_DOWNTIME] = {"max-downtime", 0, "MS",
                              "how long the emulator may stop the guest to send the rest"},
    [MIGRATE_STRICT] = {"strict", 0, NULL,
                        "refuse the migration also on an unknown result or a warning"},
};

static const struct command commands[] = {
    {.object = "vm",
     .name = "migrate",
     .args = "VM DESTINATION",
     .n_args = 2,
     .help = "migrate a running VM with its vGPUs to another host",
     .examples = {"vm migrate web1 qemu+ssh://host-2/system --dry-run"},
     STATUSES({4, "cancelled: the VM stays on this host"}, {9, "a rule forbids the migration"}),
     OPTIONS(vm_migrate_options),
     .changes = true,
     .waits = true,
     .run = cmd_vm_migrate},
};
const struct command_table vm_migrate_commands = COMMAND_TABLE(commands);

/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/verbs.h"
#include "cli/view.h"

static void print_list(const json_t *lines)
{
    for (size_t i = 0; i < json_array_size(lines); i++) {
        printf("  %s\n", json_string_value(json_array_get(lines, i)));
    }
}

/* What is known of the VM on both sides. */
static void print_known(const json_t *json)
{
    const json_t *migration = view_at(json, "migration");
    const char *target = view_text(migration, "target", "the target");
    char answered[VIEW_SIZE];
    printf("VM %s, migration %s to %s:\n", view_text(migration, "request.vm", "-"),
           view_text(migration, "id", "-"), target);
    printf("  here: %s\n", view_text(json, "settlement.here", "-"));
    printf("  %s: %s; it answered last at %s\n", target, view_text(json, "settlement.silence", "-"),
           view_time(migration, "answeredAt", answered));
    printf("  libvirt %s that the VM arrived there\n",
           view_true(migration, "moved") ? "said" : "never said");
}

int cmd_migration_settle(struct cli *cli, const struct words *words, struct error *err)
{
    bool away = words->values[SETTLE_AWAY] != NULL;
    bool here = words->values[SETTLE_HERE] != NULL;
    if (away == here) {
        int r = error_set(err, REASON_INVALID, "", "where is the VM: --away, or --here?");
        error_hint(err, "cleave can't find out, you can; --dry-run shows what either means");
        return r;
    }
    CLEANUP_JSON json_t *body = json_pack("{s:s}", "vm", away ? "away" : "here");
    CLEANUP_FREE char *path = client_path("/v1/migrations/", words->args[0], "/settle");
    CLEANUP_JSON json_t *json = NULL;
    int r = cli_change(cli, "POST", path, body, &json, err);
    if (r != 0 || cli_print_raw(cli, json)) {
        return r;
    }
    print_known(json);
    printf("%s:\n", cli->dry_run ? "It would" : "Done, or under way");
    print_list(view_at(json, "settlement.steps"));
    printf("And then:\n");
    print_list(view_at(json, "settlement.afterwards"));
    if (cli->dry_run) {
        printf("\nDry run: nothing was changed.\n");
    }
    return 0;
}

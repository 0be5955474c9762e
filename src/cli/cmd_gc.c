/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/json.h"
#include "cli/command.h"
#include "cli/plan_follow.h"
#include "cli/prose.h"
#include "cli/view.h"

static void print_list(const json_t *items, const char *head, size_t width)
{
    if (json_array_size(items) > 0) {
        printf("%s\n", head);
    }
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        const char *reason = view_text(item, "reason", NULL);
        prose_print_indented(width, 2, "%s%s%s", view_text(item, "text", "-"),
                             reason == NULL ? "" : ": ", reason == NULL ? "" : reason);
    }
}

/* The garbage is shown before what is done. */
static int cmd_gc(struct cli *cli, const struct arguments *arguments UNUSED, struct error *err)
{
    CLEANUP_JSON json_t *lists = NULL;
    int result = cli->output == OUTPUT_TABLE ? cli_get(cli, "/v1/gc", &lists, err) : 0;
    if (result != 0) {
        return result;
    }
    if (lists != NULL) {
        const json_t *garbage = view_at(lists, "garbage");
        print_list(garbage, "Not needed any more", cli_width(cli));
        print_list(view_at(lists, "kept"), "Left alone", cli_width(cli));
        if (json_array_size(garbage) == 0) {
            printf("nothing to collect\n");
            return 0;
        }
        (void)fflush(stdout);
    }
    return plan_follow_change(cli, "POST", "/v1/gc", NULL, err);
}

/* ---- the table ---- */

static const struct command commands[] = {
    {.object = "gc",
     .help = "remove garbage: claims whose VM is gone, devices without a claim",
     .examples = {"gc --dry-run", "gc"},
     .changes = true,
     .waits = true,
     .run = cmd_gc},
};
const struct command_table gc_commands = COMMAND_TABLE(commands);

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cancel_view.h"

#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/prose.h"
#include "cli/view.h"

#define INDENT 4

static void print_undoes(const struct cli *cli, const json_t *json)
{
    const json_t *undoes = view_at(json, "undoes");
    if (undoes == NULL) {
        return;
    }
    if (json_array_size(undoes) == 0) {
        prose_print(cli_width(cli), "no step of it was begun: there is nothing to undo");
        return;
    }
    prose_print(cli_width(cli), "%s, in this order:",
                cli->dry_run ? "what is done would be undone" : "what is done is undone");
    for (size_t i = 0; i < json_array_size(undoes); i++) {
        prose_print_indented(cli_width(cli), INDENT, "%s",
                             json_string_value(json_array_get(undoes, i)));
    }
}

int cancel_view_run(struct cli *cli, const char *id, struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/operations/", id, "/cancel");
    CLEANUP_JSON json_t *json = NULL;
    int r = cli_change(cli, "POST", path, NULL, &json, err);
    if (r != 0 || cli_print_raw(cli, json)) {
        return r;
    }
    const char *state = view_text(json, "operation.state", "-");
    bool over = view_text(json, "operation.finishedAt", NULL) != NULL;
    prose_print(cli_width(cli), "%s: %s", view_text(json, "operation.text", "-"),
                cli->dry_run ? "would be cancelled" : state);
    print_undoes(cli, json);
    if (cli->dry_run) {
        printf("\nDry run: nothing was changed.\n");
    } else if (!over) {
        prose_print(cli_width(cli), "`cleave operation watch %s` follows it", SHELL_ARG(id));
    }
    return 0;
}

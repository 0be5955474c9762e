/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/plan_view.h"
#include "cli/table.h"
#include "cli/verb.h"
#include "cli/view.h"

static void steps_text(const json_t *plan, char *out, size_t size)
{
    const json_t *steps = view_at(plan, "steps");
    size_t done = 0;
    for (size_t i = 0; i < json_array_size(steps); i++) {
        done += str_eq(view_text(json_array_get(steps, i), "state", ""), "done");
    }
    snprintf(out, size, "%zu/%zu", done, json_array_size(steps));
}

int cmd_plan_list(struct cli *cli, const struct arguments *words UNUSED, struct error *err)
{
    CLEANUP_JSON json_t *json = NULL;
    int result = cli_get(cli, "/v1/plans", &json, err);
    if (result != 0 || cli_print_raw(cli, json)) {
        return result;
    }
    static const struct table_column columns[] = {
        {"PLAN", TABLE_LEFT, 0}, {"STATE", TABLE_LEFT, 0}, {"STEPS", TABLE_RIGHT, 1},
        {"MADE", TABLE_LEFT, 3}, {"BY", TABLE_NAME, 2},    {"FOR", TABLE_WRAP, 0},
    };
    CLEANUP(table_freep)
    struct table *table = table_new(columns, ARRAY_SIZE(columns), cli_width(cli));
    const json_t *plans = view_at(json, "plans");
    for (size_t i = 0; i < json_array_size(plans); i++) {
        const json_t *plan = json_array_get(plans, i);
        char steps[32];
        char made[VIEW_SIZE];
        steps_text(plan, steps, sizeof(steps));
        const char *const cells[] = {
            view_text(plan, "id", "-"),
            view_text(plan, "state", "-"),
            steps,
            view_time(plan, "createdAt", made),
            view_text(plan, "author", "-"),
            view_text(plan, "reason", "-"),
        };
        table_row(table, cells);
    }
    table_print_or(table, "no plans");
    return 0;
}

int cmd_plan_show(struct cli *cli, const struct arguments *words, struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/plans/", words->args[0], "");
    CLEANUP_JSON json_t *plan = NULL;
    int result = cli_get(cli, path, &plan, err);
    if (result == 0 && !cli_print_raw(cli, plan)) {
        plan_view_print(plan, cli_width(cli));
    }
    return result;
}

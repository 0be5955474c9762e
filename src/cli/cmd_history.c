/* SPDX-License-Identifier: Apache-2.0 */
/* cleave event list, cleave rule list. */
#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/parse.h"
#include "cli/table.h"
#include "cli/verb.h"
#include "cli/view.h"

#define INDENT 4

static int check_number(const char *option, const char *text, struct error *err)
{
    uint64_t number = 0;
    if (text != NULL && !parse_u64(text, &number)) {
        return error_set(err, REASON_INVALID, "", "%s is a number, not \"%s\"", option, text);
    }
    return 0;
}

/* Identifiers fill half a line each: where a table has no room, an event has a line for what it is,
 * and below it what happened. */
static void print_blocks(const json_t *events, size_t width)
{
    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *event = json_array_get(events, i);
        char number[VIEW_SIZE];
        char time[VIEW_SIZE];
        prose_print(width, "%s %s %s %s", view_any(event, "seq", number),
                    view_time(event, "time", time), view_text(event, "kind", "-"),
                    view_text(event, "subject", "-"));
        prose_print_indented(width, INDENT, "%s (%s)", view_text(event, "message", "-"),
                             view_text(event, "author", "-"));
    }
}

int cmd_event_list(struct cli *cli, const struct arguments *words, struct error *err)
{
    const char *after = words->values[EVENT_AFTER];
    const char *limit = words->values[EVENT_LIMIT];
    int result = check_number("--after", after, err);
    result = result != 0 ? result : check_number("--limit", limit, err);
    if (result != 0) {
        return result;
    }
    CLEANUP_FREE char *path = xasprintf("/v1/events?after=%s%s%s", after == NULL ? "0" : after,
                                        limit == NULL ? "" : "&limit=", limit == NULL ? "" : limit);
    CLEANUP_JSON json_t *json = NULL;
    result = cli_get(cli, path, &json, err);
    if (result != 0 || cli_print_raw(cli, json)) {
        return result;
    }
    static const struct table_column columns[] = {
        {"NO", TABLE_RIGHT, 3},     {"TIME", TABLE_LEFT, 4}, {"KIND", TABLE_LEFT, 2},
        {"SUBJECT", TABLE_LIST, 0}, {"BY", TABLE_NAME, 1},   {"WHAT", TABLE_WRAP, 0}};
    CLEANUP(table_freep)
    struct table *table = table_new(columns, ARRAY_SIZE(columns), cli_width(cli));
    const json_t *events = view_at(json, "events");
    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *event = json_array_get(events, i);
        char number[VIEW_SIZE];
        char time[VIEW_SIZE];
        const char *const cells[] = {
            view_any(event, "seq", number),  view_time(event, "time", time),
            view_text(event, "kind", "-"),   view_text(event, "subject", "-"),
            view_text(event, "author", "-"), view_text(event, "message", ""),
        };
        table_row(table, cells);
    }
    if (table_fits(table)) {
        table_print_or(table, "no events");
    } else {
        print_blocks(events, cli_width(cli));
    }
    return 0;
}

int cmd_rule_list(struct cli *cli, const struct arguments *words UNUSED, struct error *err)
{
    CLEANUP_JSON json_t *json = NULL;
    int result = cli_get(cli, "/v1/rules", &json, err);
    if (result != 0 || cli_print_raw(cli, json)) {
        return result;
    }
    static const struct table_column columns[] = {
        {"RULE", TABLE_LEFT, 0}, {"STATEMENT", TABLE_WRAP, 0}, {"SOURCE", TABLE_WRAP, 1}};
    CLEANUP(table_freep)
    struct table *table = table_new(columns, ARRAY_SIZE(columns), cli_width(cli));
    const json_t *rules = view_at(json, "rules");
    for (size_t i = 0; i < json_array_size(rules); i++) {
        const json_t *rule = json_array_get(rules, i);
        const char *const cells[] = {
            view_text(rule, "id", "-"),
            view_text(rule, "statement", "-"),
            view_text(rule, "source", "-"),
        };
        table_row(table, cells);
    }
    table_print_or(table, "no rules");
    return 0;
}

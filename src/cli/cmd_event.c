/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/mem.h"
#include "base/parse.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "cli/prose.h"
#include "cli/view.h"

/* Indices of the options in their tables, for arguments->values. */
enum { EVENT_AFTER, EVENT_LIMIT };

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
static void print_blocks(const json_t *answer, size_t width)
{
    const json_t *events = view_at(answer, "events");
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

static const struct column event_columns[] = {
    {"NO", .path = "seq", .format = COLUMN_VALUE, .align = TABLE_RIGHT, .drop = 3},
    {"TIME", .path = "time", .format = COLUMN_TIME, .drop = 4},
    {"KIND", .path = "kind", .drop = 2},
    {"SUBJECT", .path = "subject", .align = TABLE_LIST},
    {"BY", .path = "author", .align = TABLE_NAME, .drop = 1},
    {"WHAT", .path = "message", .align = TABLE_WRAP, .none = ""},
};
static const struct listing event_listing = {.arrays = {"events"},
                                             LISTING_COLUMNS(event_columns),
                                             .empty = "no events",
                                             .narrow = print_blocks};

static int cmd_event_list(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    const char *after = arguments->values[EVENT_AFTER];
    const char *limit = arguments->values[EVENT_LIMIT];
    int result = check_number("--after", after, err);
    result = result != 0 ? result : check_number("--limit", limit, err);
    CLEANUP_FREE char *path = xasprintf("/v1/events?after=%s%s%s", after == NULL ? "0" : after,
                                        limit == NULL ? "" : "&limit=", limit == NULL ? "" : limit);
    return result != 0 ? result : listing_show(cli, path, &event_listing, err);
}

/* ---- the table ---- */

static const struct command_option event_list_options[] = {
    [EVENT_AFTER] = {"after", 0, "NUMBER", "only events after this one"},
    [EVENT_LIMIT] = {"limit", 0, "COUNT", "at most so many, 1 to 1000"},
};

static const struct command commands[] = {
    {.object = "event",
     .name = "list",
     .help = "what happened",
     OPTIONS(event_list_options),
     .run = cmd_event_list},
};
const struct command_table event_commands = COMMAND_TABLE(commands);

/* SPDX-License-Identifier: Apache-2.0 */
/* event list: the latest events, or those that options ask for, page by page. */
#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/parse.h"
#include "cli/command.h"
#include "cli/follow.h"
#include "cli/listing.h"
#include "cli/moment.h"
#include "cli/prose.h"
#include "cli/view.h"

/* Indices of the options in their tables, for arguments->values. */
enum { EVENT_FOLLOW, EVENT_SINCE, EVENT_KIND, EVENT_SUBJECT, EVENT_AFTER, EVENT_LIMIT };

#define INDENT 4
#define USUAL_COUNT 50
#define PAGE 1000 /* the API's most */
#define FOLLOW_PAUSE_US 1000000

/* ---- what is shown ---- */

static void add_message(const json_t *event, struct strbuf *out)
{
    view_shorten_ids(view_text(event, "message", ""), out);
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
        char subject[VIEW_SIZE];
        prose_print(width, "%s %s %s %s", view_any(event, "seq", number),
                    view_time(event, "time", time), view_text(event, "kind", "-"),
                    view_short_id(view_text(event, "subject", "-"), subject));
        CLEANUP_STRBUF struct strbuf message = {0};
        add_message(event, &message);
        prose_print_indented(width, INDENT, "%s (%s)", strbuf_str(&message),
                             view_text(event, "author", "-"));
    }
}

/* Events that come one after the other have no table: what its columns need is not known before the
 * last of them. On a terminal each is a block, and a line of its own for programs. */
static void print_stream(const json_t *answer, size_t width)
{
    const json_t *events = view_at(answer, "events");
    if (width > 0) {
        print_blocks(answer, width);
        return;
    }
    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *event = json_array_get(events, i);
        char number[VIEW_SIZE];
        char time[VIEW_SIZE];
        char subject[VIEW_SIZE];
        CLEANUP_STRBUF struct strbuf message = {0};
        add_message(event, &message);
        printf("%s %s %s %s %s %s\n", view_any(event, "seq", number),
               view_time(event, "time", time), view_text(event, "kind", "-"),
               view_short_id(view_text(event, "subject", "-"), subject),
               view_text(event, "author", "-"), strbuf_str(&message));
    }
}

static const struct column event_columns[] = {
    {"NO", .path = "seq", .format = COLUMN_VALUE, .align = TABLE_RIGHT, .drop = 3},
    {"TIME", .path = "time", .format = COLUMN_TIME, .drop = 4},
    {"KIND", .path = "kind", .drop = 2},
    {"SUBJECT", .path = "subject", .format = COLUMN_ID, .align = TABLE_LIST},
    {"BY", .path = "author", .align = TABLE_NAME, .drop = 1},
    {"WHAT", .cell = add_message, .align = TABLE_WRAP, .none = ""},
};
static const struct listing event_listing = {.arrays = {"events"},
                                             .name = "seq",
                                             LISTING_COLUMNS(event_columns),
                                             .empty = "no events",
                                             .narrow = print_blocks};

/* ---- what is asked for ---- */

struct wanted {
    const char *kind, *subject;  /* NULL: any */
    char since[CLOCK_TEXT_SIZE]; /* "": from the first */
    uint64_t after;              /* events behind this one */
    bool from_after;             /* the first behind it, instead of the newest */
    uint64_t count;              /* the most; 0: all */
};

static int read_count(const char *option, const char *text, uint64_t *ret_number, struct error *err)
{
    if (text != NULL && !parse_u64(text, ret_number)) {
        return error_set(err, REASON_INVALID, "", "%s must be a number, not \"%s\"", option, text);
    }
    return 0;
}

static int read_wanted(const struct arguments *arguments, struct wanted *ret, struct error *err)
{
    const char *since = arguments->values[EVENT_SINCE];
    const char *limit = arguments->values[EVENT_LIMIT];
    struct wanted wanted = {.kind = arguments->values[EVENT_KIND],
                            .subject = arguments->values[EVENT_SUBJECT],
                            .from_after = arguments->values[EVENT_AFTER] != NULL};
    int r = read_count("--after", arguments->values[EVENT_AFTER], &wanted.after, err);
    r = r != 0 ? r : read_count("--limit", limit, &wanted.count, err);
    if (r == 0 && limit != NULL && wanted.count == 0) {
        r = error_set(err, REASON_INVALID, "", "--limit is a number above 0");
    }
    uint64_t since_us = 0;
    if (r == 0 && since != NULL) {
        r = moment_parse(since, clock_realtime_us(), &since_us, err);
        (void)clock_format(since_us, wanted.since, sizeof(wanted.since));
    }
    if (limit == NULL && since == NULL && !wanted.from_after) {
        wanted.count = USUAL_COUNT;
    }
    *ret = wanted;
    return r;
}

static void add_param(struct strbuf *url, const char *key, const char *value)
{
    if (value != NULL && value[0] != '\0') {
        CLEANUP_FREE char *before = xasprintf("&%s=", key);
        CLEANUP_FREE char *text = client_path(before, value, "");
        strbuf_add(url, text);
    }
}

/* The caller frees. */
static char *page_url(const struct wanted *wanted, uint64_t before, uint64_t n)
{
    struct strbuf url = {0};
    strbuf_addf(&url, "/v1/events?limit=%llu&newest=%s",
                (unsigned long long)(n == 0 || n > PAGE ? PAGE : n),
                wanted->from_after ? "false" : "true");
    char number[VIEW_SIZE];
    str_print(number, sizeof(number), "%llu", (unsigned long long)wanted->after);
    add_param(&url, "after", wanted->after > 0 ? number : NULL);
    str_print(number, sizeof(number), "%llu", (unsigned long long)before);
    add_param(&url, "before", before > 0 ? number : NULL);
    add_param(&url, "since", wanted->since);
    add_param(&url, "kind", wanted->kind);
    add_param(&url, "subject", wanted->subject);
    return strbuf_take(&url);
}

/* Puts a page behind, or before, the events that are there, and takes its other fields over. */
static void join_page(const struct wanted *wanted, json_t *page, json_t **all)
{
    if (*all != NULL) {
        json_t *first = view_at(wanted->from_after ? *all : page, "events");
        json_array_extend(first, view_at(wanted->from_after ? page : *all, "events"));
        json_object_set(page, "events", first);
    }
    json_decref(*all);
    *all = page;
}

/* All pages of what is wanted, as one answer. */
static int get_events(struct cli *cli, struct wanted wanted, json_t **ret_answer, struct error *err)
{
    CLEANUP_JSON json_t *all = NULL;
    uint64_t before = 0;
    bool more = true;
    while (more) {
        uint64_t n = json_array_size(view_at(all, "events"));
        CLEANUP_FREE char *url =
            page_url(&wanted, before, wanted.count == 0 ? 0 : wanted.count - n);
        json_t *page = NULL;
        int r = cli_get(cli, url, &page, err);
        if (r != 0) {
            return r;
        }
        join_page(&wanted, page, &all);
        int64_t next = view_int(all, "next", 0);
        *(wanted.from_after ? &wanted.after : &before) = (uint64_t)next;
        n = json_array_size(view_at(all, "events"));
        more = next > 0 && (wanted.count == 0 || n < wanted.count);
    }
    *ret_answer = TAKE_PTR(all);
    return 0;
}

/* ---- following ---- */

struct followed {
    struct cli *cli;
    struct wanted wanted;
    struct follow follow; /* its URL changes with what was seen */
    char *url;
};

static void ask_behind(struct followed *followed, const json_t *answer)
{
    int64_t next = view_int(answer, "next", view_int(answer, "last", 0));
    followed->wanted.after = (uint64_t)next;
    free(followed->url);
    followed->url = page_url(&followed->wanted, 0, 0);
    followed->follow.url = followed->url;
}

/* The first events look as those that follow. */
static int show_followed(struct cli *cli, const json_t *answer, struct error *err)
{
    if (cli->output != OUTPUT_TABLE) {
        return listing_show_answer(cli, answer, &event_listing, err);
    }
    print_stream(answer, cli_width(cli));
    return 0;
}

static void show_new_events(const json_t *answer, json_t *seen, void *data)
{
    struct followed *followed = data;
    bool first = json_object_size(seen) == 0;
    json_object_set_new(seen, "shown", json_true());
    if (!first && json_array_size(view_at(answer, "events")) > 0 &&
        !cli_print_raw(followed->cli, answer)) {
        (void)show_followed(followed->cli, answer, NULL);
    }
    (void)fflush(stdout);
    ask_behind(followed, answer);
}

static int follow_events(struct cli *cli, const struct wanted *wanted, json_t **answer,
                         struct error *err)
{
    struct followed followed = {.cli = cli, .wanted = *wanted};
    followed.wanted.from_after = true;
    followed.follow = (struct follow){.ended = follow_unwritten,
                                      .show = show_new_events,
                                      .data = &followed,
                                      .pause_us = FOLLOW_PAUSE_US};
    json_object_set_new(*answer, "next", json_null()); /* what came before is not followed */
    int r = follow_run(cli, &followed.follow, answer, err);
    free(followed.url);
    return r;
}

static int cmd_event_list(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    struct wanted wanted;
    CLEANUP_JSON json_t *answer = NULL;
    int r = read_wanted(arguments, &wanted, err);
    r = r != 0 ? r : get_events(cli, wanted, &answer, err);
    bool follows = arguments->values[EVENT_FOLLOW] != NULL;
    if (r == 0 && !cli_print_raw(cli, answer)) {
        r = follows ? show_followed(cli, answer, err)
                    : listing_show_answer(cli, answer, &event_listing, err);
    }
    return r != 0 || !follows ? r : follow_events(cli, &wanted, &answer, err);
}

/* ---- the table ---- */

static const struct command_option event_list_options[] = {
    [EVENT_FOLLOW] = {"follow", 'f', NULL, "stay, and show each event as it comes, until Ctrl-C"},
    [EVENT_SINCE] = {"since", 0, "TIME",
                     "only from this time on: 30s, 10m, 2h, 7d ago, or such as "
                     "\"2026-11-21 05:30\""},
    [EVENT_KIND] = {"kind", 0, "KIND", "only of this kind, such as claim-bound"},
    [EVENT_SUBJECT] =
        {"subject", 0, "SUBJECT",
         "only about claim/NAME, vm/NAME, gpu/BDF, plan/ID or host; or about all of a "
         "kind: claim"},
    [EVENT_AFTER] = {"after", 0, "NUMBER", "the first events behind this one, not the latest"},
    [EVENT_LIMIT] = {"limit", 0, "COUNT",
                     "at most this many; 50 if left out, and all with --since or --after"},
};

static const struct command commands[] = {
    {.object = "event",
     .name = "list",
     .help = "list events, the latest last",
     .examples = {"event list --since 1h", "event list --subject vm/web1 --limit 20",
                  "event list --follow --kind claim-bound"},
     OPTIONS(event_list_options),
     .lists = true,
     .listing = &event_listing,
     .run = cmd_event_list},
};
const struct command_table event_commands = COMMAND_TABLE(commands);

/* SPDX-License-Identifier: Apache-2.0 */
/* The request for events. They stay in the store, up to a hundred thousand of them, and filters are
 * judged one by one: so a request looks at a bounded number, and says where the next one goes on.
 */
#include "verbs/events.h"

#include "base/str.h"
#include "base/vec.h"
#include "model/event.h"
#include "state/reading.h"
#include "state/state.h"

#define EVENTS_LOADED 1000 /* at a time */
#define EVENTS_JUDGED 10000

struct event_search {
    const struct request *request;
    struct event_range range; /* of what is still to be judged */
    size_t judged;
    bool ended; /* no event is left to be judged */
    json_t *found;
};

/* A subject of one part ("gpu") stands for all of its kind. */
static bool is_about(const struct event *event, const char *subject)
{
    size_t len = strlen(subject);
    return strncmp(event->subject, subject, len) == 0 &&
           (event->subject[len] == '\0' ||
            (event->subject[len] == '/' && strchr(subject, '/') == NULL));
}

static bool is_wanted(const struct request *request, const struct event *event)
{
    return event->time_us >= request->since_us &&
           (request->kind == NULL || str_eq(request->kind, event->kind)) &&
           (request->subject == NULL || is_about(event, request->subject));
}

static bool is_complete(const struct event_search *search)
{
    return search->ended || json_array_size(search->found) >= search->request->limit;
}

static void judge(struct event_search *search, const struct event *event)
{
    const struct request *request = search->request;
    search->judged++;
    if (request->newest) {
        search->range.before = event->seq;
        search->ended = event->time_us < request->since_us || event->seq <= 1;
    } else {
        search->range.after = event->seq;
    }
    if (!is_wanted(request, event)) {
        return;
    }
    json_t *json = event_to_json(event);
    if (request->newest) {
        json_array_insert_new(search->found, 0, json);
    } else {
        json_array_append_new(search->found, json);
    }
}

static int search_some(const struct ledger *ledger, struct event_search *search, struct error *err)
{
    CLEANUP_FREE struct event *events = NULL;
    size_t n = 0;
    int r = ledger_load_event_range(ledger, &search->range, &events, &n, err);
    for (size_t i = 0; r == 0 && i < n && !is_complete(search); i++) {
        judge(search, &events[i]);
    }
    if (n < search->range.max && !is_complete(search)) {
        search->ended = true;
    }
    return r;
}

/* Without filters only as many are loaded as are asked for. */
static size_t load_at_once(const struct request *request)
{
    bool filtered = request->kind != NULL || request->subject != NULL || request->since_us > 0;
    return filtered ? EVENTS_LOADED : request->limit;
}

/* Where the next request goes on: `before` of the newest, else `after`; null: all were seen. */
static json_t *next_number(const struct ledger *ledger, const struct event_search *search)
{
    bool more = search->request->newest
                    ? !search->ended
                    : !search->ended && search->range.after < ledger->last_event;
    uint64_t number = search->request->newest ? search->range.before : search->range.after;
    return more ? json_integer((json_int_t)number) : json_null();
}

static int read_events(const struct manager *m, const struct request *request, json_t **ret_body,
                       struct error *err)
{
    const struct ledger *ledger = m->ledger;
    struct event_search search = {.request = request,
                                  .range = {.after = request->after,
                                            .before = request->before,
                                            .newest = request->newest,
                                            .max = load_at_once(request)},
                                  .found = json_array()};
    int r = 0;
    while (r == 0 && !is_complete(&search) && search.judged < EVENTS_JUDGED) {
        r = search_some(ledger, &search, err);
    }
    if (r != 0) {
        json_decref(search.found);
        return r;
    }
    *ret_body = json_pack("{s:o, s:I, s:o}", "events", search.found, "last",
                          (json_int_t)ledger->last_event, "next", next_number(ledger, &search));
    return 0;
}

/* No such kind is no answer of "no events": a person who waits for one would never know. */
static int check_kind(const char *name, struct error *err)
{
    enum event_kind kind = EVENT_NONE;
    if (name == NULL || event_kind_find(name, &kind)) {
        return 0;
    }
    const char *nearest = event_kind_nearest(name);
    error_set(err, REASON_INVALID, "kind", "\"%s\" is not a kind of event", name);
    error_hint(err, nearest != NULL ? "did you mean %s?" : "docs/events.md has all kinds", nearest);
    return -REASON_INVALID;
}

void verb_list_events(struct manager *m, const struct request *request)
{
    static const struct reading_question question = {.read = read_events};
    struct error err = {0};
    if (check_kind(request->kind, &err) != 0) {
        request->reply(NULL, &err, request->data);
        return;
    }
    reading_answer(m, request, &question);
}

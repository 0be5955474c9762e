/* SPDX-License-Identifier: Apache-2.0 */
#include "feed/feed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/parse.h"

#define HEAD_SIZE 96

/* The member that names an object of the kind; NULL: there is one object, whose key is "". */
static const struct {
    const char *name, *key;
} kinds_table[FEED_KIND_COUNT] = {
    [FEED_HOST] = {"host", NULL},
    [FEED_GPU] = {"gpu", "address"},
    [FEED_VM] = {"vm", "name"},
    [FEED_CLAIM] = {"claim", "name"},
    [FEED_OPERATION] = {"operation", "id"},
    [FEED_HEALTH] = {"health", NULL},
    [FEED_EVENT] = {"event", NULL},
};

struct message {
    enum feed_kind kind;
    size_t len;
    char *text;
};

struct feed {
    struct evloop *loop;
    const struct feed_source *source;
    struct evloop_timer *fill_timer, *look_timer;
    bool on;                          /* changes are kept */
    bool touched;                     /* the fill timer runs */
    uint64_t left_us;                 /* monotonic: when the last reader left */
    json_t *objects[FEED_KIND_COUNT]; /* by key */
    struct message ring[FEED_MAX_MESSAGES];
    uint64_t era;   /* another one each time that nothing was kept */
    uint64_t first; /* number of the oldest message in the ring */
    uint64_t next;  /* of the next message, from 1; message n is ring[n % FEED_MAX_MESSAGES] */
    size_t bytes;
    struct feed_reader *readers;
};

struct feed_reader {
    struct feed *feed;
    struct feed_reader *prev, *following;
    unsigned kinds;
    uint64_t next;           /* number of the message that it reads next */
    enum feed_kind snapshot; /* whose objects come next; FEED_KIND_COUNT: none, it has all */
    feed_wake_fn *wake;
    void *data;
};

const char *feed_kind_name(enum feed_kind kind)
{
    return kinds_table[kind].name;
}

static int find_kind(const char *name, unsigned *kinds, struct error *err)
{
    const char *names[FEED_KIND_COUNT];
    for (unsigned kind = 0; kind < FEED_KIND_COUNT; kind++) {
        names[kind] = kinds_table[kind].name;
        if (str_eq(name, names[kind])) {
            *kinds |= 1U << kind;
            return 0;
        }
    }
    error_set(err, REASON_INVALID, "query kind", "\"%s\" is no kind of what can be watched", name);
    const char *nearest = str_nearest(name, names, FEED_KIND_COUNT);
    if (nearest != NULL) {
        error_hint(err, "did you mean \"%s\"?", nearest);
        return -REASON_INVALID;
    }
    CLEANUP_STRBUF struct strbuf all = {0};
    for (unsigned kind = 0; kind < FEED_KIND_COUNT; kind++) {
        strbuf_addf(&all, "%s%s", kind == 0 ? "" : ", ", names[kind]);
    }
    error_hint(err, "give some of these, with commas between: %s", strbuf_str(&all));
    return -REASON_INVALID;
}

int feed_read_kinds(const char *names, unsigned *ret_kinds, struct error *err)
{
    *ret_kinds = names == NULL ? FEED_ALL_KINDS : 0;
    CLEANUP_FREE char *copy = xstrdup(names == NULL ? "" : names);
    char *rest = names == NULL ? NULL : copy;
    int r = 0;
    while (r == 0 && rest != NULL) {
        r = find_kind(strsep(&rest, ","), ret_kinds, err);
    }
    return r;
}

/* ---- the ring ---- */

static struct message *message_at(struct feed *feed, uint64_t number)
{
    return &feed->ring[number % FEED_MAX_MESSAGES];
}

static void drop_oldest(struct feed *feed)
{
    struct message *oldest = message_at(feed, feed->first++);
    feed->bytes -= oldest->len;
    free(TAKE_PTR(oldest->text));
}

static void add_message(struct feed *feed, enum feed_kind kind, const char *name, json_t *data)
{
    CLEANUP_JSON json_t *owned = data;
    CLEANUP_FREE char *line = json_text(owned); /* on one line, as the form wants it */
    while (feed->first < feed->next &&
           (feed->next - feed->first == FEED_MAX_MESSAGES || feed->bytes >= FEED_MAX_BYTES)) {
        drop_oldest(feed);
    }
    char *text = xasprintf("id: %" PRIx64 "-%" PRIu64 "\nevent: %s\ndata: %s\n\n", feed->era,
                           feed->next, name, line);
    struct message *message = message_at(feed, feed->next++);
    *message = (struct message){.kind = kind, .len = strlen(text), .text = text};
    feed->bytes += message->len;
}

static void wake_readers(struct feed *feed)
{
    for (struct feed_reader *reader = feed->readers; reader != NULL;) {
        struct feed_reader *following = reader->following;
        reader->wake(reader->data);
        reader = following;
    }
}

static void forget_all(struct feed *feed)
{
    while (feed->first < feed->next) {
        drop_oldest(feed);
    }
    for (unsigned kind = 0; kind < FEED_KIND_COUNT; kind++) {
        json_decref(TAKE_PTR(feed->objects[kind]));
    }
}

static void turn_on(struct feed *feed)
{
    feed->on = true;
    feed->era = clock_realtime_us();
    feed->source->fill(feed, feed->source->data);
    (void)evloop_timer_set(feed->look_timer, FEED_LOOK_US);
}

static void turn_off(struct feed *feed)
{
    feed->on = false;
    forget_all(feed);
}

/* ---- objects ---- */

static void note_change(struct feed *feed, enum feed_kind kind, const char *key, json_t *object)
{
    add_message(
        feed, kind, "change",
        json_pack("{s:s, s:s, s:o}", "kind", kinds_table[kind].name, "key", key, "object", object));
}

static json_t *by_key(enum feed_kind kind, const json_t *list)
{
    json_t *objects = json_object();
    if (kinds_table[kind].key == NULL) {
        json_object_set(objects, "", (json_t *)(uintptr_t)list);
        return objects;
    }
    size_t i = 0;
    json_t *object = NULL;
    json_array_foreach(list, i, object)
    {
        const char *key = json_string_value(json_object_get(object, kinds_table[kind].key));
        if (key != NULL) {
            json_object_set(objects, key, object);
        }
    }
    return objects;
}

void feed_set(struct feed *feed, enum feed_kind kind, const json_t *list)
{
    json_t *before = feed->objects[kind];
    json_t *now = by_key(kind, list);
    const char *key = NULL;
    json_t *object = NULL;
    feed->objects[kind] = now;
    if (before == NULL && feed->readers == NULL) {
        return; /* who comes gets them all */
    }
    before = before == NULL ? json_object() : before; /* readers were given none */
    json_object_foreach(before, key, object)
    {
        if (json_object_get(now, key) == NULL) {
            note_change(feed, kind, key, json_null());
        }
    }
    json_object_foreach(now, key, object)
    {
        if (!json_equal(json_object_get(before, key), object)) {
            note_change(feed, kind, key, json_incref(object));
        }
    }
    json_decref(before);
}

void feed_add_event(struct feed *feed, const json_t *event)
{
    if (feed->on) {
        add_message(feed, FEED_EVENT, "event", json_incref((json_t *)(uintptr_t)event));
        feed_touch(feed);
    }
}

/* ---- when the source is asked ---- */

static void fill(void *data)
{
    struct feed *feed = data;
    feed->touched = false;
    if (feed->on) {
        feed->source->fill(feed, feed->source->data);
        wake_readers(feed);
    }
}

static void look(void *data)
{
    struct feed *feed = data;
    if (feed->readers == NULL && clock_monotonic_us() - feed->left_us >= FEED_LINGER_US) {
        turn_off(feed);
        return;
    }
    feed->source->look(feed->source->data);
    (void)evloop_timer_set(feed->look_timer, FEED_LOOK_US);
}

void feed_touch(struct feed *feed)
{
    if (feed != NULL && feed->on && !feed->touched) {
        feed->touched = evloop_timer_set(feed->fill_timer, FEED_SETTLE_US) == 0;
    }
}

void feed_touch_in(struct feed *feed, uint64_t delay_us)
{
    if (feed->on && !feed->touched) {
        (void)evloop_timer_set(feed->fill_timer, delay_us); /* feed_touch() may set it shorter */
    }
}

bool feed_is_on(const struct feed *feed)
{
    return feed != NULL && feed->on;
}

int feed_new(struct evloop *loop, const struct feed_source *source, struct feed **ret_feed)
{
    CLEANUP(feed_freep) struct feed *feed = xcalloc(1, sizeof(*feed));
    *feed = (struct feed){.loop = loop, .source = source, .first = 1, .next = 1};
    int r = evloop_timer_new(loop, fill, feed, &feed->fill_timer);
    r = r != 0 ? r : evloop_timer_new(loop, look, feed, &feed->look_timer);
    if (r == 0) {
        *ret_feed = TAKE_PTR(feed);
    }
    return r;
}

void feed_free(struct feed *feed)
{
    if (feed == NULL) {
        return;
    }
    for (struct feed_reader *reader = feed->readers; reader != NULL; reader = reader->following) {
        reader->feed = NULL;
    }
    forget_all(feed);
    evloop_timer_free(feed->fill_timer);
    evloop_timer_free(feed->look_timer);
    free(feed);
}

/* ---- readers ---- */

/* Where the reader was: "ERA-NUMBER". False: there is no such place any more. */
static bool find_place(const struct feed *feed, const char *last_id, uint64_t *ret_next)
{
    char era[24];
    snprintf(era, sizeof(era), "%" PRIx64 "-", feed->era);
    uint64_t number = 0;
    if (last_id == NULL || !str_starts(last_id, era) ||
        !parse_u64(last_id + strlen(era), &number)) {
        return false;
    }
    *ret_next = number + 1;
    return number < feed->next && number + 1 >= feed->first;
}

struct feed_reader *feed_follow(struct feed *feed, unsigned kinds, const char *last_id,
                                feed_wake_fn *wake, void *data)
{
    if (!feed->on) {
        turn_on(feed);
    }
    struct feed_reader *reader = xcalloc(1, sizeof(*reader));
    *reader = (struct feed_reader){.feed = feed,
                                   .following = feed->readers,
                                   .kinds = kinds,
                                   .snapshot = FEED_KIND_COUNT,
                                   .wake = wake,
                                   .data = data};
    if (feed->readers != NULL) {
        feed->readers->prev = reader;
    }
    feed->readers = reader;
    if (!find_place(feed, last_id, &reader->next)) {
        reader->next = 0;
    }
    return reader;
}

/* All objects of one kind, or, behind the last, that they were all. Messages that came meanwhile
 * follow; what they say is then known already, and does no harm. */
static void add_snapshot(struct feed_reader *reader, struct strbuf *out)
{
    struct feed *feed = reader->feed;
    enum feed_kind kind = reader->snapshot++;
    if (kind == FEED_EVENT) {
        strbuf_addf(out, "id: %" PRIx64 "-%" PRIu64 "\nevent: ready\ndata: {}\n\n", feed->era,
                    reader->next - 1);
    } else if ((reader->kinds & 1U << kind) != 0) {
        json_t *objects = feed->objects[kind] == NULL ? json_null() : json_array();
        const char *key = NULL;
        json_t *object = NULL;
        json_object_foreach(feed->objects[kind], key, object)
        {
            json_array_append(objects, object);
        }
        CLEANUP_JSON json_t *body =
            json_pack("{s:s, s:o}", "kind", kinds_table[kind].name, "objects", objects);
        CLEANUP_FREE char *text = json_text(body);
        strbuf_addf(out, "event: snapshot\ndata: %s\n\n", text);
    }
}

void feed_read(struct feed_reader *reader, size_t max, struct strbuf *out)
{
    struct feed *feed = reader->feed;
    size_t began = out->len;
    if (feed == NULL) {
        return;
    }
    if (reader->next < feed->first) { /* the ring has moved on, or it begins */
        reader->next = feed->next;
        reader->snapshot = 0;
    }
    while (out->len - began < max && reader->snapshot < FEED_KIND_COUNT) {
        add_snapshot(reader, out);
    }
    while (out->len - began < max && reader->next < feed->next) {
        const struct message *message = message_at(feed, reader->next++);
        if ((reader->kinds & 1U << message->kind) != 0) {
            strbuf_addn(out, message->text, message->len);
        }
    }
}

void feed_leave(struct feed_reader *reader)
{
    struct feed *feed = reader->feed;
    if (reader->prev != NULL) {
        reader->prev->following = reader->following;
    } else if (feed != NULL) {
        feed->readers = reader->following;
    }
    if (reader->following != NULL) {
        reader->following->prev = reader->prev;
    }
    free(reader);
    if (feed != NULL) {
        feed->left_us = clock_monotonic_us();
    }
}

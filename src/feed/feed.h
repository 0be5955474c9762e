/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The feed: what is there, as objects by kind and key, and each change of them as a numbered
 * message, in the form that clients get (server-sent events, HTML Living Standard, 9.2).
 *
 * Messages are kept in a ring of bounded size. A reader is a place in that ring and owns no
 * messages, so a hundred slow ones cost what one costs: who falls behind the ring, or comes back
 * with a number that it no longer has, gets all objects again. Once no one has read for a while,
 * nothing is kept any more.
 * Loop thread only.
 */
#ifndef FEED_FEED_H
#define FEED_FEED_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "base/evloop.h"
#include "base/str.h"

#define FEED_MAX_BYTES ((size_t)4 * 1024 * 1024) /* of messages in the ring */
#define FEED_MAX_MESSAGES 8192
#define FEED_SETTLE_US UINT64_C(50000) /* changes that come together are looked at once */
/* While there are readers, what changes without a word (an instance made by hand) is looked for so
 * often. */
#define FEED_LOOK_US UINT64_C(5000000)
#define FEED_LINGER_US                                                                             \
    UINT64_C(60000000) /* a reader that comes back so soon has missed nothing                      \
                        */

enum feed_kind {
    FEED_HOST,
    FEED_GPU,
    FEED_VM,
    FEED_CLAIM,
    FEED_OPERATION,
    FEED_HEALTH,
    FEED_EVENT, /* a line of history: comes once, and is no object */
    FEED_KIND_COUNT
};
#define FEED_ALL_KINDS ((1U << FEED_KIND_COUNT) - 1)

struct feed;
struct feed_reader;

/* "gpu". Static. */
const char *feed_kind_name(enum feed_kind kind);
/* A set of kinds by their names with commas between ("gpu,vm"); NULL: all. -INVALID. */
int feed_read_kinds(const char *names, unsigned *ret_kinds, struct error *err);

struct feed_source {
    /* Sets all objects (feed_set()) from what was seen last. */
    void (*fill)(struct feed *feed, void *data);
    /* Looks whether something changed; feed_touch() follows in time. */
    void (*look)(void *data);
    void *data;
};

/* `source` must outlive the feed; it is asked only while it is on. 0 or -errno. */
int feed_new(struct evloop *loop, const struct feed_source *source, struct feed **ret_feed);
/* Readers that are left have nothing more to read. NULL is fine. */
void feed_free(struct feed *feed);
DEFINE_FREEP(struct feed *, feed_free)

/* Something may have changed: the source is asked soon, once. Costs nothing while no one reads.
 * NULL is fine. */
void feed_touch(struct feed *feed);
/* The same, once so long has passed. */
void feed_touch_in(struct feed *feed, uint64_t delay_us);
/* Are changes kept? What is only for the feed need not be made otherwise. NULL: no. */
bool feed_is_on(const struct feed *feed);

/* The objects of a kind as they are now: `list` is an array, of which each has the kind's key; or,
 * of host and health, the one object. What differs from before becomes messages. */
void feed_set(struct feed *feed, enum feed_kind kind, const json_t *list);
/* A message without an object. */
void feed_add_event(struct feed *feed, const json_t *event);

/* ---- readers ---- */

/* Called when there is something to read; not from within feed_follow(). May call feed_read(), and
 * feed_leave() of the same reader. */
typedef void feed_wake_fn(void *data);

/* `last_id`: what the reader had last; NULL or another feed's: all objects come first. */
struct feed_reader *feed_follow(struct feed *feed, unsigned kinds, const char *last_id,
                                feed_wake_fn *wake, void *data);
/* Appends what comes next, and stops after the message with which it has `max` bytes. Nothing: wait
 * to be woken. */
void feed_read(struct feed_reader *reader, size_t max, struct strbuf *out);
void feed_leave(struct feed_reader *reader);

#endif

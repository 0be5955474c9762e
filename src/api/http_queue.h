/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole requests that wait for the handler. Users take turns, however many requests each has;
 * root's turn comes every other time; what is urgent goes first among its user's, and root's before
 * all. Pure.
 */
#ifndef API_HTTP_QUEUE_H
#define API_HTTP_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

struct http_lane;

/* Part of a request. */
struct http_queued {
    struct http_queued *prev, *next;
    struct http_lane *lane; /* NULL: not in a queue */
    bool urgent;
};

struct http_fifo {
    struct http_queued *first, *last;
};

/* One user's. */
struct http_lane {
    struct http_lane *next;
    int64_t user;
    struct http_fifo urgent, rest;
};

/* All zero: empty. */
struct http_queue {
    struct http_lane root;
    struct http_lane *first, *last; /* others', that have requests, in the order of their turns */
    bool root_was_last;
};

/* Behind all of that user's (of the same urgency); of any user where `root`. */
void http_queue_add(struct http_queue *queue, struct http_queued *item, bool root, int64_t user);
/* The one whose turn it is, taken off; NULL: none. */
struct http_queued *http_queue_take(struct http_queue *queue);
/* Takes one off out of turn; nothing if it is in no queue. */
void http_queue_remove(struct http_queue *queue, struct http_queued *item);
bool http_queue_is_empty(const struct http_queue *queue);

#endif

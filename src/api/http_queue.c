/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http_queue.h"

#include <stdlib.h>

#include "base/mem.h"

static bool is_empty(const struct http_lane *lane)
{
    return lane->urgent.first == NULL && lane->rest.first == NULL;
}

static void append(struct http_queue *queue, struct http_lane *lane)
{
    lane->next = NULL;
    if (queue->last != NULL) {
        queue->last->next = lane;
    } else {
        queue->first = lane;
    }
    queue->last = lane;
}

/* Takes it out of the order of turns. */
static void unlink_lane(struct http_queue *queue, struct http_lane *lane)
{
    struct http_lane *before = NULL;
    for (struct http_lane *at = queue->first; at != lane; at = at->next) {
        before = at;
    }
    if (before != NULL) {
        before->next = lane->next;
    } else {
        queue->first = lane->next;
    }
    queue->last = queue->last == lane ? before : queue->last;
}

static struct http_lane *lane_of(struct http_queue *queue, int64_t user)
{
    for (struct http_lane *lane = queue->first; lane != NULL; lane = lane->next) {
        if (lane->user == user) {
            return lane;
        }
    }
    struct http_lane *lane = xcalloc(1, sizeof(*lane));
    lane->user = user;
    append(queue, lane);
    return lane;
}

static struct http_fifo *fifo_of(const struct http_queued *item)
{
    return item->urgent ? &item->lane->urgent : &item->lane->rest;
}

void http_queue_add(struct http_queue *queue, struct http_queued *item, bool root, int64_t user)
{
    item->lane = root ? &queue->root : lane_of(queue, user);
    struct http_fifo *fifo = fifo_of(item);
    item->next = NULL;
    item->prev = fifo->last;
    if (fifo->last != NULL) {
        fifo->last->next = item;
    } else {
        fifo->first = item;
    }
    fifo->last = item;
}

static void detach(struct http_queued *item)
{
    struct http_fifo *fifo = fifo_of(item);
    if (item->prev != NULL) {
        item->prev->next = item->next;
    } else {
        fifo->first = item->next;
    }
    if (item->next != NULL) {
        item->next->prev = item->prev;
    } else {
        fifo->last = item->prev;
    }
    item->prev = item->next = NULL;
    item->lane = NULL;
}

void http_queue_remove(struct http_queue *queue, struct http_queued *item)
{
    struct http_lane *lane = item->lane;
    if (lane == NULL) {
        return;
    }
    detach(item);
    if (lane != &queue->root && is_empty(lane)) {
        unlink_lane(queue, lane);
        free(lane);
    }
}

struct http_queued *http_queue_take(struct http_queue *queue)
{
    struct http_lane *root = &queue->root;
    bool roots = root->urgent.first != NULL ||
                 (!is_empty(root) && (!queue->root_was_last || queue->first == NULL));
    struct http_lane *lane = roots ? root : queue->first;
    if (lane == NULL) {
        return NULL;
    }
    queue->root_was_last = roots;
    struct http_queued *item = lane->urgent.first != NULL ? lane->urgent.first : lane->rest.first;
    if (!roots && queue->first != queue->last) { /* its next turn comes after all others' */
        unlink_lane(queue, lane);
        append(queue, lane);
    }
    http_queue_remove(queue, item);
    return item;
}

bool http_queue_is_empty(const struct http_queue *queue)
{
    return queue->first == NULL && is_empty(&queue->root);
}

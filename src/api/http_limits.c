/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines, and what all connections together may take. */
#include <stdlib.h>

#include "api/http_server.h"
#include "base/clock.h"
#include "base/vec.h"

static struct conn *conn_of(struct http_slot *slot)
{
    return (struct conn *)(void *)slot;
}

uint64_t http_patience_us(const struct http *http, unsigned limit_s)
{
    unsigned idle_s = http->config.idle_s;
    return (idle_s < limit_s ? idle_s : limit_s) * USECS_PER_S;
}

void http_due(struct http *http, uint64_t due_us)
{
    if (due_us >= http->timer_us) {
        return;
    }
    uint64_t now = clock_monotonic_us();
    http->timer_us = due_us;
    (void)evloop_timer_set(http->timer, due_us > now ? due_us - now : 0);
}

struct conn *http_longest(struct http *http, conn_is_fn *is_so, int64_t user)
{
    struct conn *longest = NULL;
    for (struct http_slot *slot = http->conns; slot != NULL; slot = slot->next) {
        struct conn *conn = conn_of(slot);
        if (is_so(conn, user) && (longest == NULL || slot->since_us < longest->slot.since_us)) {
            longest = conn;
        }
    }
    return longest;
}

void http_count_body(struct conn *conn, size_t bytes)
{
    struct http *http = conn->http;
    http->open_bodies = http->open_bodies - conn->body_counted + bytes;
    conn->body_counted = bytes;
}

static bool leaves_answer(const struct conn *conn, int64_t user)
{
    return conn->unsent_counted > 0 && conn->slot.user == user;
}

struct share {
    int64_t user;
    size_t bytes;
};

/* The user with most bytes of answers that were not taken. */
static int64_t largest_user(const struct http *http)
{
    VEC(struct share) shares = {0};
    for (struct http_slot *slot = http->conns; slot != NULL; slot = slot->next) {
        size_t bytes = conn_of(slot)->unsent_counted;
        size_t i = 0;
        while (i < shares.n && shares.items[i].user != slot->user) {
            i++;
        }
        if (bytes > 0 && i == shares.n) {
            *vec_push(&shares) = (struct share){.user = slot->user};
        }
        if (bytes > 0) {
            shares.items[i].bytes += bytes;
        }
    }
    struct share largest = {0};
    for (vec_each(&shares, share)) {
        largest = share->bytes > largest.bytes ? *share : largest;
    }
    vec_done(&shares);
    return largest.user;
}

void http_count_unsent(struct conn *conn, size_t bytes)
{
    struct http *http = conn->http;
    bool more = bytes > conn->unsent_counted;
    http->unsent = http->unsent - conn->unsent_counted + bytes;
    conn->unsent_counted = bytes;
    while (more && http->unsent > HTTP_MAX_UNSENT) {
        /* Its time is over: on_due() ends it, for this may be in the middle of another's. */
        struct conn *slowest = http_longest(http, leaves_answer, largest_user(http));
        http->unsent -= slowest->unsent_counted;
        slowest->unsent_counted = 0;
        slowest->due_us = slowest->sent_due_us = clock_monotonic_us();
        http_due(http, slowest->due_us);
    }
}

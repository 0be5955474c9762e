/* SPDX-License-Identifier: Apache-2.0 */
/* Requests handed over in their turn, and their answers. */
#include <stdlib.h>

#include "api/http_server.h"
#include "api/socket.h"
#include "base/clock.h"

/* How long requests are handed over before all else on the loop has its turn; the one that is
 * handled at the end of it may take longer. */
#define QUEUE_TURN_US 1000

static void hand_over(struct http_exchange *exchange)
{
    http_count_body(exchange->conn, 0);
    exchange_await(exchange);
    exchange->handling = true;
    const struct http_config *config = &exchange->http->config;
    config->handle(exchange, config->data);
    exchange->handling = false;
    exchange_drop_text(exchange);
    exchange_release(exchange);
}

void http_run_turns(void *data)
{
    struct http *http = data;
    uint64_t until_us = clock_monotonic_us() + QUEUE_TURN_US;
    do {
        struct http_exchange *exchange = (void *)http_queue_take(&http->queue);
        if (exchange == NULL) {
            return;
        }
        if (socket_hung_up(exchange->conn->fd)) {
            conn_free(exchange->conn); /* nothing was begun, and no client waits */
        } else {
            hand_over(exchange);
        }
    } while (clock_monotonic_us() < until_us);
    if (!http_queue_is_empty(&http->queue)) {
        (void)evloop_timer_set(http->queue_timer, 0);
    }
}

void http_answer(struct http_exchange *exchange, struct http_response response)
{
    exchange_answered(exchange);
    struct conn *conn = exchange->conn;
    if (conn == NULL) {
        free(response.body);
        exchange_release(exchange);
        return;
    }
    conn_respond(conn, response);
    exchange_leave(exchange);
    if (!conn->running) {
        conn_run(conn);
    }
}

struct conn *http_answer_stream(struct http_exchange *exchange, const struct http_stream *stream)
{
    exchange_answered(exchange);
    struct conn *conn = exchange->conn;
    if (conn == NULL) {
        exchange_release(exchange);
        return NULL;
    }
    conn_respond_stream(conn, stream);
    exchange_leave(exchange);
    return conn;
}

void http_stream_wake(struct conn *conn)
{
    if (!conn->running) {
        conn_run(conn);
    }
}

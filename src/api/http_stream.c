/* SPDX-License-Identifier: Apache-2.0 */
/* An answer that goes on until its client leaves. What is to be sent is asked for only when all
 * before it was taken, so a client that takes nothing costs no more than one piece. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "api/http_server.h"
#include "base/clock.h"

static void set_due(struct conn *conn, unsigned limit_s)
{
    conn->due_us = clock_monotonic_us() + http_patience_us(conn->http, limit_s);
    http_due(conn->http, conn->due_us);
}

void stream_begin(struct conn *conn, const struct http_stream *stream)
{
    conn->stream = *stream;
    conn->state = CONN_STREAM;
    conn->sent = 0;
    conn->slot.use = HTTP_SLOT_FOLLOWING;
    conn->slot.since_us = clock_monotonic_us();
    conn->sent_due_us = UINT64_MAX;
    set_due(conn, HTTP_SENDING_S);
}

void stream_leave(struct conn *conn)
{
    if (conn->stream.left != NULL) {
        conn->stream.left(conn->stream.data);
        conn->stream.left = NULL;
    }
}

size_t stream_unsent(const struct conn *conn)
{
    return conn->out_head.len - conn->sent;
}

/* The next piece. False: there is none yet. */
static bool ask_more(struct conn *conn)
{
    strbuf_done(&conn->out_head);
    conn->sent = 0;
    conn->stream.more(&conn->out_head, conn->stream.data);
    set_due(conn, conn->out_head.len > 0 ? HTTP_SENDING_S : HTTP_ALIVE_S);
    return conn->out_head.len > 0;
}

bool stream_step(struct conn *conn)
{
    if (stream_unsent(conn) == 0 && !ask_more(conn)) {
        http_count_unsent(conn, 0);
        return false;
    }
    ssize_t n = send(conn->fd, conn->out_head.text + conn->sent, stream_unsent(conn),
                     MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) {
        bool later = errno == EAGAIN || errno == EINTR;
        conn->state = later ? CONN_STREAM : CONN_OVER;
        http_count_unsent(conn, later ? stream_unsent(conn) : 0);
        return false;
    }
    conn->sent += (size_t)n;
    set_due(conn, HTTP_SENDING_S);
    return true;
}

bool stream_expire(struct conn *conn)
{
    if (stream_unsent(conn) > 0 || conn->http->stopping) {
        return false;
    }
    strbuf_done(&conn->out_head);
    conn->sent = 0;
    strbuf_add(&conn->out_head, ":\n\n"); /* a comment: sent to see whether the client is there */
    return true;
}

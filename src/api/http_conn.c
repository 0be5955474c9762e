/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "api/socket.h"
#include "base/clock.h"
#include "base/mem.h"

#define LINGER_S 2
#define LEFT_CHECK_S 1
#define MAX_LINGER (8 * HTTP_MAX_BODY)
#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

static void set_use(struct conn *conn, enum http_slot_use use)
{
    conn->slot.use = use;
    conn->slot.since_us = clock_monotonic_us();
}

static void set_due(struct conn *conn, uint64_t patience_us)
{
    conn->due_us = clock_monotonic_us() + patience_us;
    http_due(conn->http, conn->due_us);
}

static void be_idle(struct conn *conn)
{
    conn->state = CONN_HEAD;
    set_use(conn, HTTP_SLOT_IDLE);
    set_due(conn, http_patience_us(conn->http, HTTP_IDLE_S));
}

static void on_ready(int fd UNUSED, uint32_t revents, void *data)
{
    conn_ready(data, revents);
}

struct conn *conn_new(struct http *http, int fd, struct error *err)
{
    struct conn *conn = xcalloc(1, sizeof(*conn));
    conn->http = http;
    int r = evloop_watch_new(http->config.loop, fd, EPOLLIN, on_ready, conn, &conn->watch);
    if (r != 0) {
        error_set_errno(err, -r, "http", "watching a connection");
        free(conn);
        return NULL;
    }
    conn->fd = fd;
    conn->events = EPOLLIN;
    conn->tcp = !socket_is_unix(fd);
    conn->slot.next = http->conns;
    conn->link = &http->conns;
    if (http->conns != NULL) {
        ((struct conn *)(void *)http->conns)->link = &conn->slot.next;
    }
    http->conns = &conn->slot;
    http->n_conns++;
    be_idle(conn);
    return conn;
}

void conn_free(struct conn *conn)
{
    http_count_body(conn, 0);
    http_count_unsent(conn, 0);
    if (conn->exchange != NULL) {
        exchange_leave(conn->exchange);
    }
    stream_leave(conn);
    *conn->link = conn->slot.next;
    if (conn->slot.next != NULL) {
        ((struct conn *)(void *)conn->slot.next)->link = conn->link;
    }
    conn->http->n_conns--;
    evloop_watch_free(conn->watch);
    close(conn->fd);
    strbuf_done(&conn->in);
    strbuf_done(&conn->out_head);
    free(conn->out_body);
    free(conn);
}

uint64_t conn_name(struct conn *conn)
{
    if (conn->slot.user >= 0) {
        return users_name(conn->http->users, conn->slot.user, conn->author, sizeof(conn->author));
    }
    socket_peer(conn->fd, conn->author, sizeof(conn->author));
    return 0;
}

/* ---- answers ---- */

/* RFC 9110, 5.6.7. */
static void add_date(struct strbuf *out)
{
    char text[40] = "";
    time_t now = (time_t)(clock_realtime_us() / USECS_PER_S);
    struct tm tm = {0};
    if (gmtime_r(&now, &tm) != NULL &&
        strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0) {
        strbuf_addf(out, "Date: %s\r\n", text);
    }
}

/* How long a client may take nothing, and how long it may take for all. */
static void set_sending_due(struct conn *conn)
{
    uint64_t due_us = clock_monotonic_us() + http_patience_us(conn->http, HTTP_SENDING_S);
    conn->due_us = due_us < conn->sent_due_us ? due_us : conn->sent_due_us;
    http_due(conn->http, conn->due_us);
}

void conn_respond(struct conn *conn, struct http_response response)
{
    bool head_only = conn->exchange != NULL && str_eq(conn->exchange->method, "HEAD");
    struct strbuf *out = &conn->out_head;
    strbuf_addf(out, "HTTP/1.1 %d %s\r\n", response.status, http_status_phrase(response.status));
    add_date(out);
    strbuf_addf(out,
                "Content-Type: %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n"
                "X-Content-Type-Options: nosniff\r\n",
                response.content_type, strlen(response.body));
    if (response.allow != NULL) {
        strbuf_addf(out, "Allow: %s\r\n", response.allow);
    }
    conn->closing = conn->closing || conn->http->stopping;
    strbuf_add(out, conn->closing ? "Connection: close\r\n\r\n" : "\r\n");
    if (head_only) {
        free(response.body);
    } else {
        conn->out_body = response.body;
        conn->out_body_len = strlen(response.body);
    }
    conn->sent = 0;
    conn->state = CONN_SENDING;
    set_use(conn, HTTP_SLOT_SENDING);
    conn->sent_due_us = clock_monotonic_us() + http_patience_us(conn->http, HTTP_SENT_S);
    set_sending_due(conn);
}

void conn_refuse(struct conn *conn, int status, const struct error *err)
{
    conn->closing = true;
    conn->unnamed = false;
    conn_respond(conn, conn->http->config.refuse(status, err));
    http_count_body(conn, 0);
    if (conn->exchange != NULL) {
        exchange_leave(conn->exchange);
    }
    set_use(conn, HTTP_SLOT_LEAVING);
    set_due(conn, LINGER_S * USECS_PER_S);
}

/* The next piece to send, of head or body. */
static size_t next_piece(const struct conn *conn, struct iovec out[2])
{
    size_t head = conn->sent < conn->out_head.len ? conn->sent : conn->out_head.len;
    size_t body = conn->sent - head;
    out[0] = (struct iovec){conn->out_head.text + head, conn->out_head.len - head};
    out[1] = (struct iovec){conn->out_body == NULL ? NULL : conn->out_body + body,
                            conn->out_body_len - body};
    return out[0].iov_len + out[1].iov_len;
}

static void linger(struct conn *conn)
{
    if (conn->ended) {
        conn->state = CONN_OVER;
        return;
    }
    (void)shutdown(conn->fd, SHUT_WR);
    conn->state = CONN_LINGER;
    set_use(conn, HTTP_SLOT_LEAVING);
    set_due(conn, LINGER_S * USECS_PER_S);
}

static bool step_sending(struct conn *conn)
{
    struct iovec out[2];
    size_t left = next_piece(conn, out);
    if (left > 0) {
        struct msghdr message = {.msg_iov = out, .msg_iovlen = 2};
        ssize_t n = sendmsg(conn->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0) {
            bool later = errno == EAGAIN || errno == EINTR;
            conn->state = later ? CONN_SENDING : CONN_OVER;
            http_count_unsent(conn, later ? left : 0);
            return false;
        }
        conn->sent += (size_t)n;
        if (conn->slot.use == HTTP_SLOT_SENDING) {
            set_sending_due(conn);
        }
        return true;
    }
    http_count_unsent(conn, 0);
    strbuf_done(&conn->out_head);
    free(TAKE_PTR(conn->out_body));
    conn->out_body_len = 0;
    if (conn->closing) {
        linger(conn);
    } else {
        be_idle(conn);
    }
    return true;
}

/* ---- requests ---- */

static void consume(struct conn *conn, size_t n)
{
    struct strbuf *in = &conn->in;
    if (n == in->len) {
        strbuf_done(in);
        return;
    }
    memmove(in->text, in->text + n, in->len - n + 1);
    in->len -= n;
}

static bool refuse_rest(struct conn *conn)
{
    struct error err = {0};
    error_set(&err, REASON_INVALID, "request", "the request ends in the middle");
    conn_refuse(conn, HTTP_BAD_REQUEST, &err);
    return true;
}

/* How long a body may be silent, and how long it may take in all. */
static void set_body_due(struct conn *conn)
{
    uint64_t due_us = clock_monotonic_us() + http_patience_us(conn->http, HTTP_IDLE_S);
    conn->due_us = due_us < conn->body_due_us ? due_us : conn->body_due_us;
    http_due(conn->http, conn->due_us);
}

static void begin_body(struct conn *conn)
{
    const struct http_head *head = &conn->exchange->head;
    conn->closing = !head->keep_alive;
    conn->served = true;
    conn->body = http_body_of(head);
    conn->state = CONN_BODY;
    conn->body_due_us = clock_monotonic_us() + HTTP_BODY_S * USECS_PER_S;
    set_body_due(conn);
    if (head->expects_continue && conn->body.state != HTTP_BODY_WHOLE && conn->in.len == 0) {
        /* All before it was sent: there is room. A client that misses it sends after a moment. */
        (void)!send(conn->fd, CONTINUE, strlen(CONTINUE), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

static bool step_head(struct conn *conn)
{
    if (conn->in.len == 0) {
        conn->state = conn->ended ? CONN_OVER : CONN_HEAD;
        return false;
    }
    if (conn->slot.use == HTTP_SLOT_IDLE) {
        set_use(conn, HTTP_SLOT_UNREAD);
        set_due(conn, http_patience_us(conn->http, HTTP_HEAD_S));
    }
    struct error err = {0};
    size_t len = 0;
    int status = http_head_find(conn->in.text, conn->in.len, &conn->scanned, &len, &err);
    if (status == 0 && len == 0) {
        return conn->ended ? refuse_rest(conn) : false;
    }
    if (status == 0) {
        status = exchange_begin(conn, len, &err);
        consume(conn, len);
        conn->scanned = 0;
    }
    if (status == 0 && conn->http->stopping) {
        status = exchange_stopping(&err);
    }
    if (status != 0) {
        conn_refuse(conn, status, &err);
    } else {
        begin_body(conn);
    }
    return true;
}

static void request_whole(struct conn *conn)
{
    const char *method = conn->exchange->method;
    bool reads = str_eq(method, "GET") || str_eq(method, "HEAD");
    conn->state = CONN_WAITING;
    conn->due_us = 0;
    set_use(conn, reads ? HTTP_SLOT_READING : HTTP_SLOT_KEPT);
    uint64_t patience_us = conn_name(conn);
    if (reads || patience_us == 0) {
        exchange_queue(conn->exchange);
        return;
    }
    conn->unnamed = true; /* what is changed is stored with its author */
    set_due(conn, patience_us);
}

void conn_go_on(struct conn *conn)
{
    conn->unnamed = false;
    conn->due_us = 0;
    (void)conn_name(conn);
    exchange_queue(conn->exchange);
}

static bool sends_body(const struct conn *conn, int64_t user)
{
    (void)user;
    return conn->body_counted > 0;
}

/* When all bodies that were not handed over take too many bytes, the one that takes longest is
 * turned away, which may be this. */
static void limit_bodies(struct conn *conn)
{
    struct http *http = conn->http;
    while (http->open_bodies > HTTP_MAX_OPEN_BODIES) {
        struct conn *longest = http_longest(http, sends_body, 0);
        struct error err = {0};
        error_set(&err, REASON_UNAVAILABLE, "cleaved",
                  "cleaved has too many unfinished requests, and this one has taken the longest");
        error_hint(&err, "try again, and send the body at once");
        conn_refuse(longest, HTTP_SERVICE_UNAVAILABLE, &err);
        if (longest == conn) {
            return; /* its caller goes on with it */
        }
        conn_run(longest);
    }
}

static bool step_body(struct conn *conn)
{
    struct error err = {0};
    size_t used = 0;
    struct strbuf *body = &conn->exchange->body;
    int status =
        http_body_take(&conn->body, strbuf_str(&conn->in), conn->in.len, body, &used, &err);
    consume(conn, used);
    if (status != 0) {
        conn_refuse(conn, status, &err);
        return true;
    }
    if (conn->body.state == HTTP_BODY_WHOLE) {
        request_whole(conn);
        return true;
    }
    if (conn->ended) {
        return refuse_rest(conn);
    }
    http_count_body(conn, body->cap);
    limit_bodies(conn);
    return conn->state != CONN_BODY; /* it may have been turned away */
}

static bool step(struct conn *conn)
{
    switch (conn->state) {
    case CONN_HEAD:
        return step_head(conn);
    case CONN_BODY:
        return step_body(conn);
    case CONN_SENDING:
        return step_sending(conn);
    case CONN_STREAM:
        return stream_step(conn);
    case CONN_LINGER:
        conn->lingered += conn->in.len;
        strbuf_done(&conn->in);
        if (conn->ended || conn->lingered > MAX_LINGER) {
            conn->state = CONN_OVER;
        }
        return false;
    case CONN_WAITING:
    case CONN_OVER:
        break;
    }
    return false;
}

/* ---- the loop ---- */

static uint32_t wanted_events(const struct conn *conn)
{
    switch (conn->state) {
    case CONN_HEAD:
    case CONN_BODY:
    case CONN_LINGER:
        return EPOLLIN;
    case CONN_SENDING:
        return EPOLLOUT;
    case CONN_STREAM:
        if (stream_unsent(conn) > 0) {
            return EPOLLOUT;
        }
        return conn->half_closed ? 0 : EPOLLRDHUP;
    case CONN_WAITING: /* pipelined requests stay in the kernel */
        return conn->ended || conn->half_closed ? 0 : EPOLLRDHUP;
    case CONN_OVER:
        break;
    }
    return 0;
}

static void watch(struct conn *conn)
{
    uint32_t events = wanted_events(conn);
    if (events != conn->events && evloop_watch_set(conn->watch, events) == 0) {
        conn->events = events;
    }
}

void conn_respond_stream(struct conn *conn, const struct http_stream *stream)
{
    strbuf_addf(&conn->out_head, "HTTP/1.1 200 %s\r\n", http_status_phrase(200));
    add_date(&conn->out_head);
    strbuf_addf(&conn->out_head,
                "Content-Type: %s\r\nCache-Control: no-store\r\n"
                "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
                stream->content_type);
    conn->closing = true; /* its end is the connection's (RFC 9112, 6.3) */
    stream_begin(conn, stream);
    watch(conn); /* begins from the loop's own turn */
}

void conn_run(struct conn *conn)
{
    conn->running = true;
    while (step(conn)) {
    }
    conn->running = false;
    if (conn->state == CONN_OVER) {
        conn_free(conn);
    } else {
        watch(conn);
    }
}

static size_t read_room(const struct conn *conn)
{
    switch (conn->state) {
    case CONN_HEAD:
        return HTTP_HEAD_MAX_BYTES - conn->in.len;
    case CONN_BODY: /* what may be the next request is not read far ahead */
        if (conn->body.chunked) {
            return HTTP_HEAD_MAX_BYTES;
        }
        return conn->body.left < HTTP_READ_BYTES ? (size_t)conn->body.left : HTTP_READ_BYTES;
    case CONN_LINGER:
        return HTTP_READ_BYTES;
    case CONN_WAITING:
    case CONN_SENDING:
    case CONN_STREAM:
    case CONN_OVER:
        break;
    }
    return 0;
}

static void fill(struct conn *conn)
{
    size_t room = read_room(conn);
    if (room == 0) {
        return;
    }
    ssize_t n = recv(conn->fd, conn->http->scratch, room, MSG_DONTWAIT);
    if (n > 0) {
        strbuf_addn(&conn->in, conn->http->scratch, (size_t)n);
        if (conn->state == CONN_BODY) {
            set_body_due(conn);
        }
    } else if (n == 0) {
        conn->ended = true;
    } else if (errno != EAGAIN && errno != EINTR) {
        conn->state = CONN_OVER;
    }
}

/* Frees the connection of a TCP client that has left; looks again later when it hasn't. */
static bool is_gone(struct conn *conn)
{
    if (socket_peer_has_left(conn->fd)) {
        conn_free(conn);
        return true;
    }
    set_due(conn, LEFT_CHECK_S * USECS_PER_S);
    return false;
}

void conn_ready(struct conn *conn, uint32_t revents)
{
    bool owed =
        conn->state == CONN_WAITING || conn->state == CONN_SENDING || conn->state == CONN_STREAM;
    if (owed && (revents & (EPOLLHUP | EPOLLERR)) != 0) {
        conn_free(conn); /* the client has left: its slot is free, its request goes on */
        return;
    }
    if (conn->state == CONN_WAITING && (revents & EPOLLRDHUP) != 0) {
        /* The client has sent all, and still wants its answer; over TCP it may have left as well.
         */
        conn->half_closed = true;
        if (conn->tcp) {
            set_use(conn, HTTP_SLOT_HALF);
            if (is_gone(conn)) {
                return;
            }
        }
    }
    /* A client of a stream may end its side, too; one that has left is found by the next piece. */
    conn->half_closed =
        conn->half_closed || (conn->state == CONN_STREAM && (revents & EPOLLRDHUP) != 0);
    fill(conn);
    conn_run(conn);
}

void conn_expire(struct conn *conn)
{
    bool reading = conn->state == CONN_BODY || (conn->state == CONN_HEAD && conn->in.len > 0);
    if (conn->unnamed) {
        conn_go_on(conn);
        return;
    }
    if (conn->state == CONN_WAITING) {
        (void)is_gone(conn);
        return;
    }
    if (conn->state == CONN_STREAM && stream_expire(conn)) {
        conn_run(conn);
        return;
    }
    if (!reading) {
        conn_free(conn);
        return;
    }
    struct error err = {0};
    error_set(&err, REASON_INVALID, "request", "the request did not arrive in time: %s",
              conn->state == CONN_BODY ? "its body is incomplete" : "its head is incomplete");
    conn_refuse(conn, HTTP_REQUEST_TIMEOUT, &err);
    conn_run(conn);
}

void conn_evict(struct conn *conn)
{
    /* A client that is idle after a request takes a silent end for what it is; one that has not
     * asked yet would take it for a fault. */
    bool listens = conn->state == CONN_WAITING || conn->state == CONN_BODY ||
                   (conn->state == CONN_HEAD && (conn->in.len > 0 || !conn->served));
    if (!listens) {
        conn_free(conn);
        return;
    }
    struct error err = {0};
    error_set(&err, REASON_UNAVAILABLE, "cleaved", "cleaved has too many connections");
    error_hint(&err, "try again; the request may still be carried out: see `cleave plan list`");
    conn_refuse(conn, HTTP_SERVICE_UNAVAILABLE, &err);
    conn_run(conn);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the server share, from the bottom: http_limits.c (deadlines and counts),
 * http_stream.c (an answer that goes on), http_exchange.c (one request and its answer), http_conn.c
 * (one connection), http_turns.c (requests handed over in their turn), http_listen.c (the server).
 * Private to them.
 */
#ifndef API_HTTP_SERVER_H
#define API_HTTP_SERVER_H

#include "api/http.h"
#include "api/http_body.h"
#include "api/http_head.h"
#include "api/http_queue.h"
#include "api/http_status.h"
#include "api/users.h"

#define USECS_PER_S UINT64_C(1000000)

enum conn_state {
    CONN_HEAD,    /* reads a request's head; idle while not a byte of it has come */
    CONN_BODY,    /* reads its body */
    CONN_WAITING, /* for its turn, then for the handler, which owes an answer */
    CONN_SENDING, /* sends it */
    CONN_STREAM,  /* sends an answer that goes on, piece by piece */
    CONN_LINGER, /* has sent its last answer, and takes what the client still sends: closing at once
                  * could destroy the answer on its way (RFC 9112, 9.6) */
    CONN_OVER,
};

struct conn {
    struct http_slot slot;   /* first: what http_slots_admit() gives back is a connection */
    struct http_slot **link; /* what points to it in http->conns */
    struct http *http;
    int fd;
    struct evloop_watch *watch;
    uint32_t events; /* watched for */
    enum conn_state state;
    bool tcp;
    bool running;     /* inside conn_run() */
    bool ended;       /* the client sends nothing more, and all it sent was read */
    bool half_closed; /* it sends nothing more, but not all was read */
    bool served;      /* a request came before */
    bool closing;     /* this answer is the last */
    bool unnamed;     /* its request waits, for a moment, for its user's name */
    char author[64];  /* as it was last said */
    uint64_t due_us;  /* when it is cut off; 0: never */
    struct strbuf in; /* what came and was not taken yet */
    size_t scanned;   /* of `in`, see http_head_find() */
    size_t lingered;  /* bytes that were thrown away */
    struct http_body body;
    uint64_t body_due_us;           /* when it must be whole, however steadily it comes */
    size_t body_counted;            /* of its bytes, in http->open_bodies */
    struct http_exchange *exchange; /* the request that is read or waits */
    struct strbuf out_head;         /* of a stream: the piece that is being sent */
    char *out_body;
    size_t out_body_len;
    size_t sent;           /* of both */
    uint64_t sent_due_us;  /* when all must be, however steadily the client takes it */
    size_t unsent_counted; /* in http->unsent */
    struct http_stream stream;
};

/* Owned by two: its connection, until that is over, and the handler, until it answers. */
struct http_exchange {
    struct http_queued queued; /* first: what http_queue_take() gives back is an exchange */
    struct http *http;
    struct conn *conn;                 /* NULL once it is over */
    struct http_exchange *prev, *next; /* in http->waiting */
    char method[HTTP_HEAD_MAX_METHOD + 1];
    char *head_text; /* what `head` points into; until the handler returns */
    struct http_head head;
    struct strbuf body;
    struct http_request request;
    bool handling; /* inside the handler */
    bool waiting;  /* the handler owes an answer */
    void *attached;
    void (*attached_done)(void *data);
};

struct listener {
    struct http *http;
    int fd;
    struct evloop_watch *watch;
};

#define HTTP_MAX_LISTENERS 4
#define HTTP_READ_BYTES (64 * 1024) /* at most, from one connection before another has its turn */

struct http {
    struct http_config config;
    struct listener listeners[HTTP_MAX_LISTENERS];
    size_t n_listeners;
    struct http_slot *conns; /* newest first */
    size_t n_conns;
    struct http_queue queue; /* of requests that are whole and were not handed over */
    struct evloop_timer *queue_timer;
    struct http_exchange *waiting;
    size_t n_waiting;
    size_t open_bodies;         /* bytes; of requests that were not handed over */
    size_t unsent;              /* bytes of answers that clients have not taken */
    struct evloop_timer *timer; /* at the first deadline */
    uint64_t timer_us;          /* when that is; UINT64_MAX: off */
    struct evloop_timer *accept_timer;
    struct users *users;
    bool stopping;
    char scratch[HTTP_READ_BYTES];
};

/* ---- http_limits.c ---- */

/* The shorter of a limit and the configured idle time: tests set a short one. */
uint64_t http_patience_us(const struct http *http, unsigned limit_s);
/* Sees to it that the timer comes by `due_us`. */
void http_due(struct http *http, uint64_t due_us);
/* Of the connections that are so, the one that began first; NULL: none is. */
typedef bool conn_is_fn(const struct conn *conn, int64_t user);
struct conn *http_longest(struct http *http, conn_is_fn *is_so, int64_t user);
/* The connection's body, which was not handed over, now takes so many bytes. */
void http_count_body(struct conn *conn, size_t bytes);
/* The connection's client has not taken so many bytes of its answer yet. When all together are too
 * many, the time is over for what was begun first of the user with most of them. */
void http_count_unsent(struct conn *conn, size_t bytes);

/* ---- http_stream.c ---- */

/* The head is in conn->out_head; then conn_run(). */
void stream_begin(struct conn *conn, const struct http_stream *stream);
/* Of any connection: says so to who made its stream, if it has one. */
void stream_leave(struct conn *conn);
/* Bytes of the piece that its client has not taken. */
size_t stream_unsent(const struct conn *conn);
/* Sends what can be sent now. False: nothing can. */
bool stream_step(struct conn *conn);
/* The time given is over. True: the client may well be there, and conn_run() is to be called. */
bool stream_expire(struct conn *conn);

/* ---- http_conn.c ---- */

struct conn *conn_new(struct http *http, int fd, struct error *err);
/* Closes at once. */
void conn_free(struct conn *conn);
/* Does what can be done now; frees the connection if it is over. */
void conn_run(struct conn *conn);
/* Answers instead of the handler, once, and closes. Then conn_run(). */
void conn_refuse(struct conn *conn, int status, const struct error *err);
/* Puts the head of an answer that goes on, and what follows it, on its way, from the loop's own
 * turn. */
void conn_respond_stream(struct conn *conn, const struct http_stream *stream);
/* Puts the answer on its way; then conn_run(). */
void conn_respond(struct conn *conn, struct http_response response);
/* The time given is over. */
void conn_expire(struct conn *conn);
/* Makes room: says so to a client that waits for something. */
void conn_evict(struct conn *conn);
/* Something came, or it has just begun. */
void conn_ready(struct conn *conn, uint32_t revents);
/* Sets conn->author, and returns how many µs to wait for a better one, see users_name(). */
uint64_t conn_name(struct conn *conn);
/* Its request, which waits for its user's name, goes on without. */
void conn_go_on(struct conn *conn);

/* ---- http_exchange.c ---- */

/* Takes a whole head off conn->in. Returns 0 or the status to refuse with; conn->exchange is set in
 * both cases. */
int exchange_begin(struct conn *conn, size_t head_len, struct error *err);
/* A whole request: the handler gets it in its turn, unless the client leaves before. */
void exchange_queue(struct http_exchange *exchange);
/* The handler has it, and owes an answer. */
void exchange_await(struct http_exchange *exchange);
/* The handler has answered. */
void exchange_answered(struct http_exchange *exchange);
/* The request's text, which only the handler could look at, goes: requests may wait for long, and
 * be many. */
void exchange_drop_text(struct http_exchange *exchange);
/* Frees it once both owners are done. */
void exchange_release(struct http_exchange *exchange);
/* The connection is over, or done with it. */
void exchange_leave(struct http_exchange *exchange);
int exchange_stopping(struct error *err);

/* ---- http_turns.c ---- */

/* Hands over what has its turn, for a moment; the rest when others had theirs on the loop. */
void http_run_turns(void *http);

#endif

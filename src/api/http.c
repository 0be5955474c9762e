/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http.h"

#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "api/socket.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"

#define MAX_SERVERS 4
/* A body over the limit is read and thrown away up to this size, so that its sender, which reads
 * only when it has sent everything, sees the answer. */
#define MAX_DISCARD (8 * HTTP_MAX_BODY)

struct server {
    struct http *http;
    struct MHD_Daemon *daemon;
    struct evloop_timer *timer; /* when libmicrohttpd wants to be run next */
};

struct http {
    struct http_config config;
    struct server servers[MAX_SERVERS];
    size_t n_servers;
    struct http_exchange *waiting; /* handed out and not answered yet */
    bool stopping;
};

/* Owned by two: the connection, until it completes, and the handler, until it answers. */
struct http_exchange {
    struct server *server;
    struct MHD_Connection *connection; /* NULL once it completed */
    struct http_exchange *prev, *next; /* in http->waiting */
    struct http_request request;
    struct strbuf body;
    char *raw_target;
    size_t discarded;
    uint64_t begun_us; /* 0 until the headers were seen */
    bool handling;     /* the handler owes an answer */
    bool suspended;
    bool answered;
    struct http_response response;
    void *attached;
    void (*attached_done)(void *data);
};

static void exchange_release(struct http_exchange *exchange)
{
    if (exchange->connection != NULL || exchange->handling) {
        return;
    }
    if (exchange->attached_done != NULL) {
        exchange->attached_done(exchange->attached);
    }
    target_done(&exchange->request.target);
    strbuf_done(&exchange->body);
    free(exchange->response.body);
    free(exchange->raw_target);
    free(exchange);
}

static void waiting_add(struct http_exchange *exchange)
{
    struct http *http = exchange->server->http;
    exchange->handling = true;
    exchange->next = http->waiting;
    if (http->waiting != NULL) {
        http->waiting->prev = exchange;
    }
    http->waiting = exchange;
}

static void waiting_remove(struct http_exchange *exchange)
{
    struct http *http = exchange->server->http;
    if (exchange->prev != NULL) {
        exchange->prev->next = exchange->next;
    } else {
        http->waiting = exchange->next;
    }
    if (exchange->next != NULL) {
        exchange->next->prev = exchange->prev;
    }
    exchange->prev = exchange->next = NULL;
    exchange->handling = false;
}

/* ---- answers ---- */

static enum MHD_Result send_response(struct http_exchange *exchange)
{
    struct http_response *response = &exchange->response;
    size_t len = strlen(response->body);
    struct MHD_Response *mhd =
        MHD_create_response_from_buffer(len, TAKE_PTR(response->body), MHD_RESPMEM_MUST_FREE);
    if (mhd == NULL) {
        return MHD_NO;
    }
    MHD_add_response_header(mhd, MHD_HTTP_HEADER_CONTENT_TYPE, response->content_type);
    MHD_add_response_header(mhd, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    MHD_add_response_header(mhd, "X-Content-Type-Options", "nosniff");
    if (response->allow != NULL) {
        MHD_add_response_header(mhd, MHD_HTTP_HEADER_ALLOW, response->allow);
    }
    enum MHD_Result result =
        MHD_queue_response(exchange->connection, (unsigned)response->status, mhd);
    MHD_destroy_response(mhd);
    return result;
}

static enum MHD_Result refuse(struct http_exchange *exchange, int status, const struct error *err)
{
    exchange->answered = true;
    exchange->response = exchange->server->http->config.refuse(status, err);
    return send_response(exchange);
}

/* ---- requests ---- */

static const char *header(const struct http_exchange *exchange, const char *name)
{
    return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

struct header_count {
    const char *name;
    unsigned n;
};

static enum MHD_Result count_header(void *data, enum MHD_ValueKind kind UNUSED, const char *key,
                                    const char *value UNUSED)
{
    struct header_count *count = data;
    if (str_eq_case(key, count->name)) {
        count->n++;
    }
    return MHD_YES;
}

static unsigned header_times(const struct http_exchange *exchange, const char *name)
{
    struct header_count count = {.name = name};
    MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, count_header, &count);
    return count.n;
}

/* RFC 9112, 6.3: a message whose length two parties could read differently is an attack or a bug.
 * Returns the status to refuse with, or 0. */
static int check_framing(const struct http_exchange *exchange, struct error *err)
{
    unsigned lengths = header_times(exchange, MHD_HTTP_HEADER_CONTENT_LENGTH);
    unsigned codings = header_times(exchange, MHD_HTTP_HEADER_TRANSFER_ENCODING);
    if (lengths > 1 || codings > 1 || (lengths > 0 && codings > 0)) {
        error_set(err, REASON_INVALID, "request",
                  "the request states its length more than once (Content-Length, "
                  "Transfer-Encoding)");
        return MHD_HTTP_BAD_REQUEST;
    }
    const char *coding = header(exchange, MHD_HTTP_HEADER_TRANSFER_ENCODING);
    if (coding != NULL && !str_eq_case(coding, "chunked")) {
        error_set(err, REASON_INVALID, "request", "transfer coding \"%s\" is not known", coding);
        return MHD_HTTP_NOT_IMPLEMENTED;
    }
    if (header(exchange, MHD_HTTP_HEADER_CONTENT_ENCODING) != NULL) {
        error_set(err, REASON_INVALID, "request", "the body is encoded; send it plain");
        return MHD_HTTP_UNSUPPORTED_MEDIA_TYPE;
    }
    return 0;
}

static void set_too_large(struct error *err)
{
    error_set(err, REASON_INVALID, "request body", "the body is larger than %d bytes",
              HTTP_MAX_BODY);
}

/* The headers are here. Refuses what need not be read any further. */
static enum MHD_Result begin(struct http_exchange *exchange)
{
    exchange->begun_us = clock_monotonic_us();
    struct error err = {0};
    int status = check_framing(exchange, &err);
    if (status != 0) {
        return refuse(exchange, status, &err);
    }
    const char *length = header(exchange, MHD_HTTP_HEADER_CONTENT_LENGTH);
    uint64_t declared = 0;
    bool asks_first = header(exchange, MHD_HTTP_HEADER_EXPECT) != NULL;
    if (length != NULL &&
        (!parse_u64(length, &declared) || declared > (asks_first ? HTTP_MAX_BODY : MAX_DISCARD))) {
        set_too_large(&err);
        return refuse(exchange, MHD_HTTP_CONTENT_TOO_LARGE, &err);
    }
    if (target_parse(exchange->raw_target, &exchange->request.target, &err) != 0) {
        return refuse(exchange, reason_http_status(err.reason), &err);
    }
    return MHD_YES;
}

static enum MHD_Result take_body(struct http_exchange *exchange, const char *data, size_t *len)
{
    if (clock_monotonic_us() - exchange->begun_us > HTTP_BODY_S * UINT64_C(1000000)) {
        return MHD_NO;
    }
    if (exchange->discarded == 0 && exchange->body.len + *len <= HTTP_MAX_BODY) {
        strbuf_addn(&exchange->body, data, *len);
    } else {
        exchange->discarded += *len;
    }
    *len = 0;
    return exchange->discarded > MAX_DISCARD ? MHD_NO : MHD_YES;
}

static int set_stopping(struct error *err)
{
    return error_set(err, REASON_UNAVAILABLE, "cleaved", "cleaved is stopping");
}

static enum MHD_Result hand_over(struct http_exchange *exchange)
{
    struct http_request *request = &exchange->request;
    struct error err = {0};
    if (exchange->discarded > 0) {
        set_too_large(&err);
        return refuse(exchange, MHD_HTTP_CONTENT_TOO_LARGE, &err);
    }
    if (exchange->server->http->stopping) {
        set_stopping(&err);
        return refuse(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, &err);
    }
    request->content_type = header(exchange, MHD_HTTP_HEADER_CONTENT_TYPE);
    request->body = strbuf_str(&exchange->body);
    request->body_len = exchange->body.len;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    int fd = info == NULL ? -1 : info->connect_fd;
    socket_peer(fd, request->author, sizeof(request->author));
    request->tcp = info == NULL || !socket_is_unix(fd);
    request->root = socket_peer_is_root(fd);
    waiting_add(exchange);
    const struct http_config *config = &exchange->server->http->config;
    config->handle(exchange, config->data);
    if (exchange->answered) {
        return send_response(exchange);
    }
    exchange->suspended = true;
    MHD_suspend_connection(exchange->connection);
    return MHD_YES;
}

static void *on_target(void *data, const char *uri, struct MHD_Connection *connection)
{
    struct http_exchange *exchange = xcalloc(1, sizeof(*exchange));
    exchange->server = data;
    exchange->connection = connection;
    exchange->raw_target = xstrdup(uri);
    return exchange;
}

/* Called once with the headers, once per piece of body, once at the end, and once more after the
 * connection was suspended. */
static enum MHD_Result on_request(void *data UNUSED, struct MHD_Connection *connection UNUSED,
                                  const char *url UNUSED, const char *method,
                                  const char *version UNUSED, const char *upload,
                                  size_t *upload_len, void **connection_data)
{
    struct http_exchange *exchange = *connection_data;
    if (exchange->begun_us == 0) {
        exchange->request.method = method;
        return begin(exchange);
    }
    if (*upload_len > 0) {
        return take_body(exchange, upload, upload_len);
    }
    return exchange->answered ? send_response(exchange) : hand_over(exchange);
}

static void on_completed(void *data UNUSED, struct MHD_Connection *connection UNUSED,
                         void **connection_data, enum MHD_RequestTerminationCode code UNUSED)
{
    struct http_exchange *exchange = *connection_data;
    *connection_data = NULL;
    if (exchange != NULL) {
        exchange->connection = NULL;
        exchange->suspended = false;
        exchange_release(exchange);
    }
}

PRINTF_ATTR(2, 0)
static void on_log(void *data UNUSED, const char *fmt, va_list args)
{
    char text[256];
    vsnprintf(text, sizeof(text), fmt, args);
    log_debug("http: %s", str_trim(text));
}

/* ---- the loop ---- */

static void pump(struct server *server);

static void on_timer(void *data)
{
    pump(data);
}

static void on_ready(int fd UNUSED, uint32_t revents UNUSED, void *data)
{
    pump(data);
}

/* Lets libmicrohttpd do what it can, and comes back when it says so. */
static void pump(struct server *server)
{
    MHD_run(server->daemon);
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    if (MHD_get_timeout(server->daemon, &wait_ms) == MHD_YES) {
        (void)evloop_timer_set(server->timer, wait_ms * 1000);
    }
}

/* Soon, for callers that may be inside libmicrohttpd. */
static void pump_soon(struct server *server)
{
    (void)evloop_timer_set(server->timer, 0);
}

void http_answer(struct http_exchange *exchange, struct http_response response)
{
    waiting_remove(exchange);
    exchange->answered = true;
    exchange->response = response;
    if (exchange->suspended) {
        exchange->suspended = false;
        MHD_resume_connection(exchange->connection);
        /* With its epoll descriptor in a loop of ours it wakes nobody itself. */
        pump_soon(exchange->server);
    }
    exchange_release(exchange);
}

struct http *http_new(const struct http_config *config)
{
    struct http *http = xcalloc(1, sizeof(*http));
    http->config = *config;
    if (http->config.idle_s == 0) {
        http->config.idle_s = HTTP_IDLE_S;
    }
    return http;
}

static struct MHD_Daemon *daemon_start(struct server *server, int listen_fd)
{
    return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME, 0, NULL,
                            NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
                            MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_URI_LOG_CALLBACK,
                            on_target, server, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
                            MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_MAX_CONNECTIONS,
                            MHD_OPTION_CONNECTION_TIMEOUT, server->http->config.idle_s,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(2 * HTTP_MAX_HEADER_BYTES),
                            MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
}

int http_serve(struct http *http, int listen_fd, struct error *err)
{
    if (http->n_servers == MAX_SERVERS) {
        close(listen_fd);
        return error_set(err, REASON_INVALID, "http", "more than %d sockets to listen on",
                         MAX_SERVERS);
    }
    struct server *server = &http->servers[http->n_servers];
    server->http = http;
    int result = evloop_timer_new(http->config.loop, on_timer, server, &server->timer);
    if (result != 0) {
        close(listen_fd);
        return error_set_errno(err, -result, "http", "making a timer");
    }
    server->daemon = daemon_start(server, listen_fd);
    if (server->daemon == NULL) {
        evloop_timer_free(TAKE_PTR(server->timer));
        close(listen_fd);
        return error_set(err, REASON_INTERNAL, "http", "libmicrohttpd did not start");
    }
    http->n_servers++;
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    result = evloop_add_fd(http->config.loop, info->epoll_fd, EPOLLIN, on_ready, server);
    if (result != 0) {
        return error_set_errno(err, -result, "http", "watching the listening socket");
    }
    return 0;
}

/* libmicrohttpd must not be stopped while a connection is suspended. */
static void drop_waiting(struct http *http)
{
    while (http->waiting != NULL) {
        struct http_exchange *exchange = http->waiting;
        struct error err = {0};
        set_stopping(&err);
        http_answer(exchange, http->config.refuse(MHD_HTTP_SERVICE_UNAVAILABLE, &err));
    }
}

/* One round resumes the connections, the next ones write. */
#define FLUSH_ROUNDS 4

void http_flush(struct http *http)
{
    for (size_t i = 0; i < http->n_servers * FLUSH_ROUNDS; i++) {
        MHD_run(http->servers[i % http->n_servers].daemon);
    }
}

void http_free(struct http *http)
{
    if (http == NULL) {
        return;
    }
    http->stopping = true;
    drop_waiting(http);
    for (size_t i = 0; i < http->n_servers; i++) {
        MHD_run(http->servers[i].daemon);
        MHD_stop_daemon(http->servers[i].daemon);
        evloop_timer_free(http->servers[i].timer);
    }
    free(http);
}

const struct http_request *http_exchange_request(const struct http_exchange *exchange)
{
    return &exchange->request;
}

const char *http_exchange_header(const struct http_exchange *exchange, const char *name)
{
    return header(exchange, name);
}

void http_exchange_attach(struct http_exchange *exchange, void *data, void (*done)(void *data))
{
    exchange->attached = data;
    exchange->attached_done = done;
}

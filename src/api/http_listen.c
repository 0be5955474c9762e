/* SPDX-License-Identifier: Apache-2.0 */
/* The server: listening, slots, deadlines. */
#include "api/http_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/socket.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define ACCEPTS_AT_ONCE 64
#define ACCEPT_PAUSE_US 100000
/* Connections beyond their limit, which only take their last answer. */
#define MAX_LEAVING 512
/* Descriptors for all else: store, libvirt, NVML, workers, tools that are run. */
#define OTHER_DESCRIPTORS 256
#define LEAST_CONNECTIONS 64
/* A client that left without a word is noticed after half a minute. */
#define KEEPALIVE_IDLE_S 15
#define KEEPALIVE_EVERY_S 5
#define KEEPALIVE_TIMES 3

static struct conn *conn_of(struct http_slot *slot)
{
    return (struct conn *)(void *)slot;
}

/* ---- deadlines ---- */

static void on_due(void *data)
{
    struct http *http = data;
    uint64_t now = clock_monotonic_us();
    uint64_t next_us = UINT64_MAX;
    http->timer_us = 0; /* set once, at the end */
    for (struct http_slot *slot = http->conns, *next = NULL; slot != NULL; slot = next) {
        struct conn *conn = conn_of(slot);
        next = slot->next;
        if (conn->due_us != 0 && conn->due_us <= now) {
            conn_expire(conn); /* has new time then, or is gone */
        }
    }
    for (struct http_slot *slot = http->conns; slot != NULL; slot = slot->next) {
        uint64_t due_us = conn_of(slot)->due_us;
        next_us = due_us != 0 && due_us < next_us ? due_us : next_us;
    }
    http->timer_us = UINT64_MAX;
    if (next_us != UINT64_MAX) {
        http_due(http, next_us);
    }
}

/* ---- connections ---- */

static bool is_leaving(const struct conn *conn, int64_t user)
{
    (void)user;
    return conn->slot.use == HTTP_SLOT_LEAVING;
}

static bool drop_leaving(struct http *http)
{
    struct conn *oldest = http_longest(http, is_leaving, 0);
    if (oldest != NULL) {
        conn_free(oldest);
    }
    return oldest != NULL;
}

static void turn_away(struct conn *conn)
{
    struct error err = {0};
    error_set(&err, REASON_UNAVAILABLE, "cleaved", "cleaved has reached its limit of connections%s",
              conn->slot.root ? "" : " for one user, or for all");
    error_hint(&err, "try again when the requests that wait have been answered");
    conn_refuse(conn, HTTP_SERVICE_UNAVAILABLE, &err);
    conn_run(conn);
}

static void keep_alive(int fd)
{
    static const struct {
        int level;
        int name;
        int value;
    } options[] = {
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_NODELAY, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S},
        {IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_EVERY_S},
        {IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_TIMES},
    };
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        (void)setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
    }
}

void http_serve_connection(struct http *http, int fd)
{
    int64_t user = socket_user(fd);
    bool root = user == 0 || user == (int64_t)geteuid();
    if (http->n_conns >= http->config.limits.connections + MAX_LEAVING) {
        (void)drop_leaving(http);
    }
    struct http_slot *victim = NULL;
    bool admitted = http_slots_admit(&http->config.limits, http->conns, root, user, &victim);
    if (victim != NULL) {
        conn_evict(conn_of(victim));
    }
    struct error err = {0};
    struct conn *conn = conn_new(http, fd, &err);
    if (conn == NULL) {
        log_warning("%s", err.message);
        close(fd);
        return;
    }
    conn->slot.root = root;
    conn->slot.user = user;
    if (conn->tcp) {
        keep_alive(fd);
    }
    if (admitted) {
        (void)conn_name(conn); /* known by the time that its request is whole */
        conn_ready(conn, EPOLLIN);
    } else {
        turn_away(conn);
    }
}

/* No descriptor is left: one connection makes room at once. */
static bool free_descriptor(struct http *http)
{
    static const struct http_limits none = {0};
    struct http_slot *victim = NULL;
    size_t before = http->n_conns;
    if (!drop_leaving(http) && http_slots_admit(&none, http->conns, true, 0, &victim)) {
        conn_evict(conn_of(victim));
        (void)drop_leaving(http); /* its refusal may be cut off */
    }
    return http->n_conns < before;
}

/* Descriptors are short, and not because of connections: those that come wait in the queue a
 * moment. */
static void pause_accepting(struct http *http, int errnum)
{
    log_warning("a connection waits: %s", strerror(errnum));
    for (size_t i = 0; i < http->n_listeners; i++) {
        (void)evloop_watch_set(http->listeners[i].watch, 0);
    }
    (void)evloop_timer_set(http->accept_timer, ACCEPT_PAUSE_US);
}

static void on_accept_again(void *data)
{
    struct http *http = data;
    for (size_t i = 0; i < http->n_listeners; i++) {
        (void)evloop_watch_set(http->listeners[i].watch, EPOLLIN);
    }
}

static void on_listener(int fd, uint32_t revents UNUSED, void *data)
{
    struct listener *listener = data;
    for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
        int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client >= 0) {
            http_serve_connection(listener->http, client);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            int errnum = errno;
            if (!free_descriptor(listener->http)) {
                pause_accepting(listener->http, errnum);
                return;
            }
        } else if (errno == EAGAIN) {
            return;
        }
    }
}

size_t http_connections(const struct http *http)
{
    return http->n_conns;
}

size_t http_waiting(const struct http *http)
{
    return http->n_waiting;
}

/* ---- the server ---- */

/* As many as the defaults say, or fewer where the process may not open so many. */
static struct http_limits default_limits(void)
{
    struct http_limits limits = {
        .connections = HTTP_MAX_CONNECTIONS,
        .kept_for_root = HTTP_KEPT_FOR_ROOT,
        .per_user = HTTP_MAX_PER_USER,
    };
    const rlim_t others = MAX_LEAVING + OTHER_DESCRIPTORS;
    const rlim_t wanted = HTTP_MAX_CONNECTIONS + others;
    struct rlimit files = {0};
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= wanted) {
        return limits;
    }
    files.rlim_cur = files.rlim_max < wanted ? files.rlim_max : wanted;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < wanted) {
        bool few = files.rlim_cur < others + LEAST_CONNECTIONS;
        limits.connections = few ? LEAST_CONNECTIONS : (size_t)(files.rlim_cur - others);
        limits.kept_for_root = limits.connections / 8;
        limits.per_user = limits.connections / 2;
        log_warning(
            "cleaved accepts only %zu connections at once, because it may open only %llu files",
            limits.connections, (unsigned long long)files.rlim_cur);
    }
    return limits;
}

/* Connections that waited for a name go on. */
static void on_named(void *data)
{
    struct http *http = data;
    for (struct http_slot *slot = http->conns; slot != NULL; slot = slot->next) {
        struct conn *conn = conn_of(slot);
        if (conn->unnamed && conn_name(conn) == 0) {
            conn_go_on(conn);
        }
    }
}

struct http *http_new(const struct http_config *config)
{
    struct http *http = xcalloc(1, sizeof(*http));
    http->config = *config;
    http->timer_us = UINT64_MAX;
    http->users = users_new(config->loop, on_named, http);
    if (http->config.idle_s == 0) {
        http->config.idle_s = HTTP_IDLE_S;
    }
    if (http->config.limits.connections == 0) {
        http->config.limits = default_limits();
    }
    if (evloop_timer_new(config->loop, on_due, http, &http->timer) != 0 ||
        evloop_timer_new(config->loop, on_accept_again, http, &http->accept_timer) != 0 ||
        evloop_timer_new(config->loop, http_run_turns, http, &http->queue_timer) != 0) {
        http_free(http);
        return NULL;
    }
    return http;
}

int http_serve(struct http *http, int listen_fd, struct error *err)
{
    if (http->n_listeners == HTTP_MAX_LISTENERS) {
        close(listen_fd);
        return error_set(err, REASON_INVALID, "http", "more than %d sockets to listen on",
                         HTTP_MAX_LISTENERS);
    }
    struct listener *listener = &http->listeners[http->n_listeners];
    *listener = (struct listener){.http = http, .fd = listen_fd};
    int r = evloop_watch_new(http->config.loop, listen_fd, EPOLLIN, on_listener, listener,
                             &listener->watch);
    if (r != 0) {
        close(listen_fd);
        return error_set_errno(err, -r, "http", "watching the listening socket");
    }
    http->n_listeners++;
    return 0;
}

/* Requests that have not had their turn are not begun. */
static void drop_queued(struct http *http)
{
    for (struct http_slot *slot = http->conns; slot != NULL; slot = slot->next) {
        if (conn_of(slot)->unnamed) {
            conn_go_on(conn_of(slot));
        }
    }
    for (struct http_queued *item = http_queue_take(&http->queue); item != NULL;
         item = http_queue_take(&http->queue)) {
        struct conn *conn = ((struct http_exchange *)(void *)item)->conn;
        struct error err = {0};
        conn_refuse(conn, exchange_stopping(&err), &err);
        conn_run(conn);
    }
}

void http_flush(struct http *http)
{
    http->stopping = true; /* what comes behind is not begun either */
    drop_queued(http);
    for (struct http_slot *slot = http->conns, *next = NULL; slot != NULL; slot = next) {
        next = slot->next;
        if (conn_of(slot)->state == CONN_SENDING) {
            conn_run(conn_of(slot));
        }
    }
}

static void drop_waiting(struct http *http)
{
    while (http->waiting != NULL) {
        struct error err = {0};
        int status = exchange_stopping(&err);
        http_answer(http->waiting, http->config.refuse(status, &err));
    }
}

void http_free(struct http *http)
{
    if (http == NULL) {
        return;
    }
    http->stopping = true;
    drop_queued(http);
    drop_waiting(http);
    while (http->conns != NULL) {
        conn_free(conn_of(http->conns));
    }
    for (size_t i = 0; i < http->n_listeners; i++) {
        evloop_watch_free(http->listeners[i].watch);
        close(http->listeners[i].fd);
    }
    evloop_timer_free(http->timer);
    evloop_timer_free(http->accept_timer);
    evloop_timer_free(http->queue_timer);
    users_free(http->users);
    free(http);
}

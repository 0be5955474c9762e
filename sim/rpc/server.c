/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "sim/rpc/answer.h"
#include "sim/rpc/rpc.h"
#include "sim/rpc/wire.h"
#include "sim/state/ctl.h"

#define MAX_CONNECTIONS 512

struct connection {
    struct sim_rpc *rpc;
    int fd; /* closed by who joins the thread */
    bool root;
    bool nvml; /* has asked as an NVML client; this and `ended` under rpc->lock */
    bool ended;
    pthread_t thread;
    struct connection *next;
};

struct sim_rpc {
    struct sim_host *host;
    int listener;
    char *path;
    pthread_t acceptor;
    pthread_mutex_t lock; /* guards the list; taken under the host's, never the other way round */
    struct connection *connections;
    size_t n_connections;
};

static bool serve_control(struct connection *c)
{
    CLEANUP_FREE char *request = NULL;
    if (wire_recv_text(c->fd, &request) < 0) {
        return false;
    }
    CLEANUP_FREE char *reply = sim_ctl_handle(c->rpc->host, request, c->root);
    return wire_send_text(c->fd, reply) == 0;
}

static void note_nvml(struct connection *c)
{
    if (!c->nvml) {
        pthread_mutex_lock(&c->rpc->lock);
        c->nvml = true;
        pthread_mutex_unlock(&c->rpc->lock);
    }
}

/* Open connections of NVML clients, one per process. A client that has closed its end counts no
 * more, though its thread may not know yet. */
static uint32_t count_nvml(void *data)
{
    struct sim_rpc *rpc = data;
    uint32_t n = 0;
    pthread_mutex_lock(&rpc->lock);
    for (const struct connection *c = rpc->connections; c != NULL; c = c->next) {
        struct pollfd fd = {.fd = c->fd, .events = POLLRDHUP};
        n += c->nvml && !c->ended && poll(&fd, 1, 0) == 0 ? 1 : 0;
    }
    pthread_mutex_unlock(&rpc->lock);
    return n;
}

uint32_t sim_rpc_count(struct sim_rpc *rpc)
{
    uint32_t n = 0;
    pthread_mutex_lock(&rpc->lock);
    for (const struct connection *c = rpc->connections; c != NULL; c = c->next) {
        n += !c->ended;
    }
    pthread_mutex_unlock(&rpc->lock);
    return n;
}

/* A client that dies between request and reply has had its change made whole or not at all: the
 * engine finishes under its lock before anything is sent. */
static void *serve(void *data)
{
    struct connection *c = data;
    CLEANUP_FREE struct rpc_answer *answer = xcalloc(1, sizeof(*answer));
    for (;;) {
        struct rpc_request request;
        if (wire_recv(c->fd, &request, sizeof(request)) != (ssize_t)sizeof(request)) {
            break;
        }
        if (request.magic == RPC_MAGIC && request.call == RPC_CONTROL) {
            if (!serve_control(c)) {
                break;
            }
            continue;
        }
        note_nvml(c);
        rpc_answer(c->rpc->host, &request, c->root, answer);
        if (wire_send(c->fd, &answer->reply, sizeof(answer->reply), answer->payload,
                      answer->reply.size) < 0) {
            break;
        }
    }
    shutdown(c->fd, SHUT_RDWR);
    pthread_mutex_lock(&c->rpc->lock);
    c->ended = true;
    pthread_mutex_unlock(&c->rpc->lock);
    return NULL;
}

static void connection_free(struct connection *c)
{
    pthread_join(c->thread, NULL);
    close(c->fd);
    free(c);
}

/* Joins the threads that have ended. */
static void reap(struct sim_rpc *rpc)
{
    struct connection *ended = NULL;
    pthread_mutex_lock(&rpc->lock);
    for (struct connection **link = &rpc->connections; *link != NULL;) {
        struct connection *c = *link;
        if (!c->ended) {
            link = &c->next;
            continue;
        }
        *link = c->next;
        c->next = ended;
        ended = c;
        rpc->n_connections--;
    }
    pthread_mutex_unlock(&rpc->lock);
    while (ended != NULL) {
        struct connection *next = ended->next;
        connection_free(ended);
        ended = next;
    }
}

static bool peer_is_root(int fd)
{
    struct ucred peer = {0};
    socklen_t len = sizeof(peer);
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.uid == 0;
}

static void admit(struct sim_rpc *rpc, int fd)
{
    struct connection *c = xcalloc(1, sizeof(*c));
    *c = (struct connection){.rpc = rpc, .fd = fd, .root = peer_is_root(fd)};
    pthread_mutex_lock(&rpc->lock);
    bool started =
        rpc->n_connections < MAX_CONNECTIONS && pthread_create(&c->thread, NULL, serve, c) == 0;
    if (started) {
        c->next = rpc->connections;
        rpc->connections = c;
        rpc->n_connections++;
    }
    pthread_mutex_unlock(&rpc->lock);
    if (!started) {
        close(fd);
        free(c);
    }
}

static void *accept_all(void *data)
{
    struct sim_rpc *rpc = data;
    for (;;) {
        int fd = accept4(rpc->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED)) {
            continue;
        }
        reap(rpc);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
            usleep(10000); /* until a connection ends */
            continue;
        }
        if (fd < 0) {
            return NULL; /* sim_rpc_stop() shut the listener down */
        }
        admit(rpc, fd);
    }
}

int sim_rpc_start(struct sim_host *host, const char *socket_path, struct sim_rpc **ret_rpc,
                  struct error *err)
{
    const char *path = socket_path != NULL ? socket_path : wire_socket_path();
    int fd = wire_listen(path);
    if (fd < 0) {
        return error_set_errno(err, -fd, "cleave-sim", "cannot listen on \"%s\"", path);
    }
    /* Anyone on the simulated host may ask; who may change things is checked per connection. */
    chmod(path, 0666);
    struct sim_rpc *rpc = xcalloc(1, sizeof(*rpc));
    *rpc = (struct sim_rpc){.host = host, .listener = fd, .path = xstrdup(path)};
    pthread_mutex_init(&rpc->lock, NULL);
    int r = pthread_create(&rpc->acceptor, NULL, accept_all, rpc);
    if (r != 0) {
        close(fd);
        pthread_mutex_destroy(&rpc->lock);
        free(rpc->path);
        free(rpc);
        return error_set_errno(err, r, "cleave-sim", "cannot start the server's thread");
    }
    sim_lock(host);
    host->nvml_clients = count_nvml;
    host->nvml_clients_data = rpc;
    sim_unlock(host);
    *ret_rpc = rpc;
    return 0;
}

void sim_rpc_stop(struct sim_rpc *rpc)
{
    if (rpc == NULL) {
        return;
    }
    sim_close(rpc->host);
    sim_lock(rpc->host);
    rpc->host->nvml_clients = NULL;
    sim_unlock(rpc->host);
    shutdown(rpc->listener, SHUT_RDWR);
    pthread_join(rpc->acceptor, NULL);
    close(rpc->listener);
    unlink(rpc->path);
    pthread_mutex_lock(&rpc->lock);
    struct connection *all = rpc->connections;
    rpc->connections = NULL;
    for (struct connection *c = all; c != NULL; c = c->next) {
        shutdown(c->fd, SHUT_RDWR);
    }
    pthread_mutex_unlock(&rpc->lock);
    while (all != NULL) {
        struct connection *next = all->next;
        connection_free(all);
        all = next;
    }
    pthread_mutex_destroy(&rpc->lock);
    free(rpc->path);
    free(rpc);
}

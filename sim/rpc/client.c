/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/rpc/client.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nvml/abi_base.h"
#include "sim/rpc/rpc.h"
#include "sim/rpc/wire.h"

/* The process's connection. A library has no main() to own it, so it is the one global here. */
static struct {
    pthread_mutex_t lock;
    pthread_once_t once;
    int fd;
} connection = {.lock = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT, .fd = -1};

struct rpc_caller *(*rpc_caller)(void);

static void drop_connection(void)
{
    if (connection.fd >= 0) {
        close(connection.fd);
    }
    connection.fd = -1;
}

static void before_fork(void)
{
    pthread_mutex_lock(&connection.lock);
}

static void after_fork_parent(void)
{
    pthread_mutex_unlock(&connection.lock);
}

static void after_fork_child(void)
{
    drop_connection();
    pthread_mutex_unlock(&connection.lock);
}

static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}

/* One round trip on an open connection. 0 and the answer's head, or -errno. */
static int round_trip(const struct rpc_request *request, void *payload, size_t payload_size,
                      struct rpc_reply *ret_reply)
{
    int r = wire_send(connection.fd, request, sizeof(*request), NULL, 0);
    if (r < 0) {
        return r;
    }
    size_t size = sizeof(struct rpc_reply) + payload_size;
    char *message = malloc(size);
    if (message == NULL) {
        return -ENOMEM;
    }
    struct rpc_reply reply = {0};
    ssize_t n = wire_recv(connection.fd, message, size);
    if (n < (ssize_t)sizeof(reply)) {
        free(message);
        return n < 0 ? (int)n : -ECONNRESET;
    }
    memcpy(&reply, message, sizeof(reply));
    bool whole = (size_t)n == sizeof(reply) + reply.size &&
                 (reply.code != NVML_SUCCESS || reply.size == payload_size);
    if (whole && reply.code == NVML_SUCCESS && payload_size > 0) {
        memcpy(payload, message + sizeof(reply), payload_size);
    }
    free(message);
    *ret_reply = reply;
    return whole ? 0 : -EPROTO;
}

int rpc_call(enum rpc_call call, const uint32_t args[RPC_MAX_ARGS], void *ret_payload,
             size_t payload_size)
{
    struct rpc_request request = {.magic = RPC_MAGIC, .call = call};
    memcpy(request.args, args, sizeof(request.args));
    struct rpc_caller *caller = rpc_caller != NULL ? rpc_caller() : NULL;
    if (caller != NULL && caller->function != NULL) {
        strncpy(request.function, caller->function, sizeof(request.function) - 1);
        request.met = caller->met;
    }
    pthread_once(&connection.once, watch_forks);
    pthread_mutex_lock(&connection.lock);
    struct rpc_reply reply = {.code = NVML_ERROR_UNKNOWN, .met = request.met};
    /* A daemon that was restarted left a dead connection behind: EPIPE says that it took nothing,
     * so the request may go once more over a new one. */
    for (int attempt = 0; attempt < 2; attempt++) {
        if (connection.fd < 0) {
            connection.fd = wire_connect(NULL);
            if (connection.fd < 0) {
                connection.fd = -1;
                reply.code = NVML_ERROR_DRIVER_NOT_LOADED;
                break;
            }
        }
        int r = round_trip(&request, ret_payload, payload_size, &reply);
        if (r == 0) {
            break;
        }
        reply = (struct rpc_reply){.code = NVML_ERROR_UNKNOWN, .met = request.met};
        drop_connection();
        if (r != -EPIPE) {
            break;
        }
    }
    pthread_mutex_unlock(&connection.lock);
    if (caller != NULL) {
        caller->met = reply.met;
    }
    return reply.code;
}

void rpc_disconnect(void)
{
    pthread_mutex_lock(&connection.lock);
    drop_connection();
    pthread_mutex_unlock(&connection.lock);
}

int sim_ctl_call(const char *socket_path, const char *request, char **ret_reply)
{
    int fd = wire_connect(socket_path);
    if (fd < 0) {
        return fd;
    }
    struct rpc_request head = {.magic = RPC_MAGIC, .call = RPC_CONTROL};
    int r = wire_send(fd, &head, sizeof(head), NULL, 0);
    if (r == 0) {
        r = wire_send_text(fd, request);
    }
    if (r == 0) {
        r = wire_recv_text(fd, ret_reply);
    }
    close(fd);
    return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/rpc/wire.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "sim/rpc/rpc.h"

#define CHUNK 32768u /* of a text: well below the smallest socket buffer */
#define BACKLOG 64

const char *wire_socket_path(void)
{
    const char *path = secure_getenv("CLEAVE_SIM_SOCKET");
    return path != NULL && path[0] != '\0' ? path : SIM_SOCKET;
}

static int make_address(const char *path, struct sockaddr_un *ret_addr)
{
    if (path == NULL) {
        path = wire_socket_path();
    }
    size_t len = strlen(path);
    if (len >= sizeof(ret_addr->sun_path)) {
        return -ENAMETOOLONG;
    }
    *ret_addr = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret_addr->sun_path, path, len);
    return 0;
}

int wire_connect(const char *path)
{
    struct sockaddr_un addr;
    int r = make_address(path, &addr);
    if (r < 0) {
        return r;
    }
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0) {
        r = -errno;
        close(fd);
        return r;
    }
    return fd;
}

int wire_listen(const char *path)
{
    struct sockaddr_un addr;
    int r = make_address(path, &addr);
    if (r < 0) {
        return r;
    }
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0) {
        close(fd);
        return -EADDRINUSE; /* someone serves there; only a dead daemon's socket is replaced */
    }
    unlink(addr.sun_path);
    if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, BACKLOG) < 0) {
        r = -errno;
        close(fd);
        return r;
    }
    return fd;
}

int wire_send(int fd, const void *head, size_t head_size, const void *body, size_t body_size)
{
    struct iovec parts[2] = {
        {.iov_base = (void *)(uintptr_t)head, .iov_len = head_size},
        {.iov_base = (void *)(uintptr_t)body, .iov_len = body_size},
    };
    struct msghdr msg = {.msg_iov = parts, .msg_iovlen = body_size > 0 ? 2 : 1};
    for (;;) {
        if (sendmsg(fd, &msg, MSG_NOSIGNAL) >= 0) {
            return 0; /* SEQPACKET: all or nothing */
        }
        if (errno != EINTR) {
            return -errno;
        }
    }
}

ssize_t wire_recv(int fd, void *buf, size_t size)
{
    struct iovec part = {.iov_base = buf, .iov_len = size};
    for (;;) {
        struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
        ssize_t n = recvmsg(fd, &msg, 0);
        if (n >= 0) {
            return (msg.msg_flags & MSG_TRUNC) != 0 ? -EMSGSIZE : n;
        }
        if (errno != EINTR) {
            return -errno;
        }
    }
}

/* A text travels as its length, then pieces of at most CHUNK bytes. */
int wire_send_text(int fd, const char *text)
{
    size_t len = strlen(text);
    if (len > WIRE_MAX_TEXT) {
        return -EMSGSIZE;
    }
    uint32_t total = (uint32_t)len;
    int r = wire_send(fd, &total, sizeof(total), NULL, 0);
    for (size_t done = 0; r == 0 && done < len; done += CHUNK) {
        size_t left = len - done;
        r = wire_send(fd, text + done, left < CHUNK ? left : CHUNK, NULL, 0);
    }
    return r;
}

int wire_recv_text(int fd, char **ret_text)
{
    uint32_t total = 0;
    ssize_t n = wire_recv(fd, &total, sizeof(total));
    if (n != (ssize_t)sizeof(total)) {
        return n < 0 ? (int)n : -EPIPE;
    }
    if (total > WIRE_MAX_TEXT) {
        return -EMSGSIZE;
    }
    char *text = malloc((size_t)total + 1);
    if (text == NULL) {
        return -ENOMEM;
    }
    size_t done = 0;
    while (done < total) {
        n = wire_recv(fd, text + done, total - done);
        if (n <= 0) {
            free(text);
            return n < 0 ? (int)n : -EPIPE;
        }
        done += (size_t)n;
    }
    text[total] = '\0';
    *ret_text = text;
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/socket.h"

#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

/* A client that finds the queue full is refused at once, and should not be: the kernel's most. */
#define BACKLOG SOMAXCONN
/* For the name service to say what a group is. */
#define GROUP_PATIENCE_S 2

/* A socket file that no one serves is left from a crash and goes away. */
static int remove_stale(const char *path, const struct sockaddr_un *addr, struct error *err)
{
    struct stat info = {0};
    if (lstat(path, &info) != 0) {
        return errno == ENOENT ? 0 : error_set_errno(err, errno, path, "looking at %s", path);
    }
    if (!S_ISSOCK(info.st_mode)) {
        error_set(err, REASON_CONFLICT, path, "%s exists and is not a socket", path);
        error_hint(err, "move the file away, or choose another socket");
        return -REASON_CONFLICT;
    }
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return error_set_errno(err, errno, path, "making a socket");
    }
    /* Only a refused connection says so; a full queue or a socket of another type is served. */
    if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 || errno != ECONNREFUSED) {
        error_set(err, REASON_CONFLICT, path, "another process serves %s", path);
        error_hint(err, "stop the other cleaved, or choose another socket");
        return -REASON_CONFLICT;
    }
    if (unlink(path) != 0) {
        return error_set_errno(err, errno, path, "removing the stale socket %s", path);
    }
    return 0;
}

/* ---- its group ---- */

/* A name service may hang: it is asked on a thread, which outlives who waits for it. */
struct giving {
    char *path, *group;
    pthread_mutex_t lock;
    pthread_cond_t over;
    bool done;
    bool left; /* who waited went on, and the thread frees this */
    int result;
    struct error err;
};

static void giving_free(struct giving *giving)
{
    (void)pthread_mutex_destroy(&giving->lock);
    (void)pthread_cond_destroy(&giving->over);
    free(giving->path);
    free(giving->group);
    free(giving);
}

/* Until here only its owner may come in. */
static int give_to_group(const char *path, const char *group, struct error *err)
{
    char buffer[16384];
    struct group entry = {0};
    struct group *found = NULL;
    (void)getgrnam_r(group, &entry, buffer, sizeof(buffer), &found);
    if (found == NULL) {
        return error_set(err, REASON_NOT_FOUND, group, "there is no group \"%s\"", group);
    }
    if (chown(path, (uid_t)-1, found->gr_gid) != 0 || chmod(path, 0660) != 0) {
        return error_set_errno(err, errno, path, "giving %s to group %s", path, group);
    }
    return 0;
}

static void *give(void *data)
{
    struct giving *giving = data;
    struct error err = {0};
    int result = give_to_group(giving->path, giving->group, &err);
    (void)pthread_mutex_lock(&giving->lock);
    giving->done = true;
    giving->result = result;
    giving->err = err;
    bool left = giving->left;
    (void)pthread_cond_signal(&giving->over);
    (void)pthread_mutex_unlock(&giving->lock);
    if (left && result != 0) {
        log_error("%s: only root and the owner may use %s", err.message, giving->path);
    }
    if (left) {
        giving_free(giving);
    }
    return NULL;
}

static int wait_for_group(struct giving *giving, struct error *err)
{
    struct timespec until = {0};
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += GROUP_PATIENCE_S;
    int r = 0;
    (void)pthread_mutex_lock(&giving->lock);
    while (!giving->done && r == 0) {
        r = pthread_cond_timedwait(&giving->over, &giving->lock, &until);
    }
    giving->left = !giving->done;
    bool left = giving->left;
    (void)pthread_mutex_unlock(&giving->lock);
    if (left) {
        log_warning("the name service has not answered for %d s which group \"%s\" is; until it "
                    "does, only root and the owner may use the socket",
                    GROUP_PATIENCE_S, giving->group);
        return 0;
    }
    r = giving->result;
    if (err != NULL) {
        *err = r != 0 ? giving->err : *err;
    }
    giving_free(giving);
    return r;
}

static int find_group(const char *path, const char *group, struct error *err)
{
    struct giving *giving = xcalloc(1, sizeof(*giving));
    pthread_t thread;
    giving->path = xstrdup(path);
    giving->group = xstrdup(group);
    (void)pthread_mutex_init(&giving->lock, NULL);
    (void)pthread_cond_init(&giving->over, NULL);
    int r = pthread_create(&thread, NULL, give, giving);
    if (r != 0) {
        giving_free(giving);
        return error_set_errno(err, r, path, "making a thread");
    }
    (void)pthread_detach(thread);
    return wait_for_group(giving, err);
}

static int listen_failed(int errnum, const char *path, struct error *err)
{
    return error_set_errno(err, errnum, path, "listening on %s", path);
}

int socket_listen_unix(const char *path, const char *group, int *ret_fd, struct error *err)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    if (path[0] == '\0' || !STR_SET(addr.sun_path, path)) {
        return error_set(err, REASON_INVALID, path,
                         "a socket path must have 1 to %zu bytes, and this one has %zu",
                         sizeof(addr.sun_path) - 1, strlen(path));
    }
    int result = remove_stale(path, &addr, err);
    if (result != 0) {
        return result;
    }
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* The new file takes its mode from the socket: no one but the owner may come in before the
     * group is set. */
    if (fd < 0 || fchmod(fd, 0600) != 0 ||
        bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0) {
        return listen_failed(errno, path, err);
    }
    if ((group == NULL && chmod(path, 0660) != 0) || listen(fd, BACKLOG) != 0) {
        result = listen_failed(errno, path, err);
    }
    result = result == 0 && group != NULL ? find_group(path, group, err) : result;
    if (result != 0) {
        unlink(path);
        return result;
    }
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* Splits "127.0.0.1:80" or "[::1]:80"; false if it is neither. */
static bool split_address(const char *text, char *host, size_t host_size, const char **ret_port)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon == text || colon[1] == '\0') {
        return false;
    }
    const char *start = text;
    const char *end = colon;
    if (start[0] == '[') {
        if (end[-1] != ']') {
            return false;
        }
        start++;
        end--;
    }
    size_t len = (size_t)(end - start);
    if (len == 0 || len >= host_size) {
        return false;
    }
    memcpy(host, start, len);
    host[len] = '\0';
    *ret_port = colon + 1;
    return true;
}

static bool is_loopback(const struct sockaddr *addr)
{
    struct sockaddr_in v4 = {0};
    struct sockaddr_in6 v6 = {0};
    if (addr->sa_family == AF_INET) {
        memcpy(&v4, addr, sizeof(v4));
        return ntohl(v4.sin_addr.s_addr) >> IN_CLASSA_NSHIFT == IN_LOOPBACKNET;
    }
    if (addr->sa_family == AF_INET6) {
        memcpy(&v6, addr, sizeof(v6));
        return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
    }
    return false;
}

static int refuse_open_tcp(const char *address, struct error *err)
{
    error_set(err, REASON_PERMISSION, address,
              "cleaved does not listen on %s: other hosts could reach it, and TCP has no access "
              "control yet",
              address);
    error_hint(err, "listen on 127.0.0.1 or [::1], and use ssh from other hosts (ssh:[user@]host)");
    return -REASON_PERMISSION;
}

int socket_listen_tcp(const char *address, int *ret_fd, struct error *err)
{
    char host[64] = "";
    const char *port = "";
    struct addrinfo hints = {
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
        .ai_socktype = SOCK_STREAM,
    };
    struct addrinfo *info = NULL;
    if (!split_address(address, host, sizeof(host), &port) ||
        getaddrinfo(host, port, &hints, &info) != 0) {
        error_set(err, REASON_INVALID, address, "\"%s\" is not an address to listen on", address);
        error_hint(err, "write a numeric address and a port: 127.0.0.1:8080 or [::1]:8080");
        return -REASON_INVALID;
    }
    if (!is_loopback(info->ai_addr)) {
        freeaddrinfo(info);
        return refuse_open_tcp(address, err);
    }
    int one = 1;
    CLEANUP_CLOSE int fd =
        socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, info->ai_protocol);
    bool ok = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
              bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0;
    int errnum = errno;
    freeaddrinfo(info);
    if (!ok) {
        return error_set_errno(err, errnum, address, "listening on %s", address);
    }
    *ret_fd = TAKE_FD(fd);
    return 0;
}

bool socket_is_unix(int fd)
{
    int domain = AF_UNSPEC;
    socklen_t len = sizeof(domain);
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX;
}

int64_t socket_user(int fd)
{
    struct ucred peer = {0};
    socklen_t len = sizeof(peer);
    bool known = socket_is_unix(fd) && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
                 peer.uid != (uid_t)-1;
    return known ? (int64_t)peer.uid : -1;
}

const char *socket_peer(int fd, char *out, size_t size)
{
    struct sockaddr_storage addr = {0};
    socklen_t len = sizeof(addr);
    if (getpeername(fd, (struct sockaddr *)&addr, &len) != 0 || addr.ss_family == AF_UNIX) {
        str_copy(out, size, "unknown");
        return out;
    }
    char host[48] = "?";
    getnameinfo((const struct sockaddr *)&addr, len, host, sizeof(host), NULL, 0, NI_NUMERICHOST);
    snprintf(out, size, "tcp %s", host);
    return out;
}

const char *socket_address(int fd, char out[SOCKET_ADDRESS_SIZE])
{
    struct sockaddr_storage addr = {0};
    socklen_t len = sizeof(addr);
    char host[48] = "?";
    char port[8] = "?";
    if (getsockname(fd, (struct sockaddr *)&addr, &len) == 0) {
        getnameinfo((const struct sockaddr *)&addr, len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV);
    }
    snprintf(out, SOCKET_ADDRESS_SIZE, addr.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
             port);
    return out;
}

bool socket_hung_up(int fd)
{
    struct pollfd poll_fd = {.fd = fd};
    return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & (POLLHUP | POLLERR)) != 0;
}

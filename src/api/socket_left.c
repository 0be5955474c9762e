/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/socket.h"
#include "base/fs.h"

struct request {
    struct nlmsghdr head;
    struct inet_diag_req_v2 body;
};

/* One end of a connection as sock_diag(7) wants it; false if it is no TCP address. */
static bool fill_end(const struct sockaddr_storage *addr, __be16 *ret_port, __be32 ret_addr[4])
{
    if (addr->ss_family == AF_INET) {
        struct sockaddr_in v4 = {0};
        memcpy(&v4, addr, sizeof(v4));
        *ret_port = v4.sin_port;
        ret_addr[0] = v4.sin_addr.s_addr;
        return true;
    }
    if (addr->ss_family == AF_INET6) {
        struct sockaddr_in6 v6 = {0};
        memcpy(&v6, addr, sizeof(v6));
        *ret_port = v6.sin6_port;
        memcpy(ret_addr, &v6.sin6_addr, sizeof(v6.sin6_addr));
        return true;
    }
    return false;
}

/* Asks for the socket whose own end is our peer. */
static bool fill_request(int fd, struct request *request)
{
    struct sockaddr_storage own = {0};
    struct sockaddr_storage peer = {0};
    socklen_t own_len = sizeof(own);
    socklen_t peer_len = sizeof(peer);
    struct inet_diag_req_v2 *body = &request->body;
    *request = (struct request){
        .head = {.nlmsg_len = sizeof(*request),
                 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                 .nlmsg_flags = NLM_F_REQUEST},
        .body = {.sdiag_protocol = IPPROTO_TCP, .idiag_states = UINT32_MAX},
    };
    body->id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
    body->id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    if (getsockname(fd, (struct sockaddr *)&own, &own_len) != 0 ||
        getpeername(fd, (struct sockaddr *)&peer, &peer_len) != 0) {
        return false;
    }
    body->sdiag_family = (__u8)peer.ss_family;
    return fill_end(&peer, &body->id.idiag_sport, body->id.idiag_src) &&
           fill_end(&own, &body->id.idiag_dport, body->id.idiag_dst);
}

/* A socket that no descriptor stands for has no inode; one that is gone is not found. */
static bool says_left(const struct nlmsghdr *head, size_t len)
{
    if (len >= NLMSG_LENGTH(sizeof(struct nlmsgerr)) && head->nlmsg_type == NLMSG_ERROR) {
        struct nlmsgerr error = {0};
        memcpy(&error, NLMSG_DATA(head), sizeof(error));
        return error.error == -ENOENT;
    }
    if (len >= NLMSG_LENGTH(sizeof(struct inet_diag_msg)) &&
        head->nlmsg_type == SOCK_DIAG_BY_FAMILY) {
        struct inet_diag_msg found = {0};
        memcpy(&found, NLMSG_DATA(head), sizeof(found));
        return found.idiag_inode == 0;
    }
    return false;
}

bool socket_peer_has_left(int fd)
{
    struct request request;
    _Alignas(struct nlmsghdr) char answer[1024];
    CLEANUP_CLOSE int diag =
        socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
    if (diag < 0 || !fill_request(fd, &request) ||
        send(diag, &request, sizeof(request), 0) != (ssize_t)sizeof(request)) {
        return false;
    }
    ssize_t n = recv(diag, answer, sizeof(answer), 0); /* it was answered while we sent */
    return n >= (ssize_t)sizeof(struct nlmsghdr) &&
           says_left((const struct nlmsghdr *)(const void *)answer, (size_t)n);
}

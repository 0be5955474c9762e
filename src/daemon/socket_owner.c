/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/socket_owner.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/fs.h"

#define BUFFER_SIZE 32768 /* no part of a dump is longer: netlink(7) */
#define TIMEOUT_S 2

/* Only for those that listen: a connection that waits in a queue has the listener's name, and, as
 * it has no process yet, user 0. */
static int ask_for_all(int fd)
{
    struct {
        struct nlmsghdr head;
        struct unix_diag_req request;
    } message = {
        .head = {.nlmsg_len = sizeof(message),
                 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .request = {.sdiag_family = AF_UNIX,
                    .udiag_states = UINT32_C(1) << TCP_LISTEN,
                    .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_UID},
    };
    return send(fd, &message, sizeof(message), 0) == (ssize_t)sizeof(message) ? 0 : -errno;
}

/* Is it the socket of that name? Then *ret_user is its user. */
static bool read_one(struct nlmsghdr *head, const char *name, size_t len, uid_t *ret_user)
{
    struct unix_diag_msg *message = NLMSG_DATA(head);
    struct rtattr *attr = (struct rtattr *)(void *)(message + 1);
    unsigned left = head->nlmsg_len - (unsigned)NLMSG_LENGTH(sizeof(*message));
    bool named = false;
    bool known = false;
    uint32_t user = 0;
    for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left)) {
        if (attr->rta_type == UNIX_DIAG_NAME) {
            named = message->udiag_type == SOCK_STREAM && RTA_PAYLOAD(attr) == len &&
                    memcmp(RTA_DATA(attr), name, len) == 0;
        } else if (attr->rta_type == UNIX_DIAG_UID && RTA_PAYLOAD(attr) == sizeof(user)) {
            memcpy(&user, RTA_DATA(attr), sizeof(user));
            known = true;
        }
    }
    if (named && known) {
        *ret_user = user;
    }
    return named && known;
}

/* 1: there is more. */
static int read_part(char *buffer, size_t size, const char *name, size_t len, uid_t *ret_user)
{
    unsigned left = (unsigned)size;
    for (struct nlmsghdr *head = (struct nlmsghdr *)(void *)buffer; NLMSG_OK(head, left);
         head = NLMSG_NEXT(head, left)) {
        if (head->nlmsg_type == NLMSG_DONE) {
            return -ENOENT;
        }
        if (head->nlmsg_type == NLMSG_ERROR) {
            const struct nlmsgerr *problem = NLMSG_DATA(head);
            return problem->error < 0 ? problem->error : -EIO;
        }
        if (head->nlmsg_len >= NLMSG_LENGTH(sizeof(struct unix_diag_msg)) &&
            read_one(head, name, len, ret_user)) {
            return 0;
        }
    }
    return 1;
}

int socket_owner(const char *name, size_t len, uid_t *ret_user)
{
    _Alignas(struct nlmsghdr) char buffer[BUFFER_SIZE];
    const struct timeval timeout = {.tv_sec = TIMEOUT_S};
    CLEANUP_CLOSE int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) != 0) {
        return -errno;
    }
    int r = ask_for_all(fd);
    r = r == 0 ? 1 : r;
    while (r == 1) {
        ssize_t n = recv(fd, buffer, sizeof(buffer), 0);
        r = n < 0 ? -errno : read_part(buffer, (size_t)n, name, len, ret_user);
    }
    return r;
}

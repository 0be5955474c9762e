/* SPDX-License-Identifier: Apache-2.0 */
/* The owner of an abstract Unix socket. Its name has no permissions (unix(7)), so any user may have
 * taken it, and filled its queue. */
#ifndef DAEMON_SOCKET_OWNER_H
#define DAEMON_SOCKET_OWNER_H

#include <stddef.h>
#include <sys/types.h>

/* The user who made the socket with that abstract name, which begins with a zero byte and has
 * `len` bytes; as the kernel tells it (sock_diag(7)), without connecting to it. 0; -ENOENT when
 * there is none; else -errno. */
int socket_owner(const char *name, size_t len, uid_t *ret_user);

#endif

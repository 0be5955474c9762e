/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets that the API listens on, and who is at the other end of a connection. */
#ifndef API_SOCKET_H
#define API_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Listens on a Unix socket that its owner and group may use (0660). `group` may be NULL; a
 * name service that hangs is waited for two seconds, then the group follows. A stale socket file is
 * replaced; one that another process serves is -CONFLICT. */
int socket_listen_unix(const char *path, const char *group, int *ret_fd, struct error *err);

/* Listens on "ADDRESS:PORT", address numeric; "[::1]:8080" for IPv6; the kernel chooses port 0.
 * -PERMISSION off loopback: there is no access control yet. */
int socket_listen_tcp(const char *address, int *ret_fd, struct error *err);

#define SOCKET_ADDRESS_SIZE 64
/* Where a TCP socket listens, as "ADDRESS:PORT" that can be connected to. Returns out. */
const char *socket_address(int fd, char out[SOCKET_ADDRESS_SIZE]);

bool socket_is_unix(int fd);

/* The user who connected over a Unix socket; -1 if that can't be said, as over TCP. */
int64_t socket_user(int fd);

/* Where a connection is from whose user can't be said: "tcp ADDRESS". Asks no name service. Returns
 * out. */
const char *socket_peer(int fd, char *out, size_t size);

/* Whether the other end of a TCP connection on this host was closed, and not only shut down for
 * writing: both look the same on the wire until an answer is sent. False also when the kernel can't
 * say. */
bool socket_peer_has_left(int fd);

/* Whether the other end is known to be gone: it closed, or its host said that it did. */
bool socket_hung_up(int fd);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets of both ends: where the daemon listens, and whole messages in and out. */
#ifndef SIM_RPC_WIRE_H
#define SIM_RPC_WIRE_H

#include <stddef.h>
#include <sys/types.h>

#define WIRE_MAX_TEXT (4u * 1024 * 1024) /* of a control request or its reply */

/* $CLEAVE_SIM_SOCKET, else SIM_SOCKET. Borrowed. */
const char *wire_socket_path(void);
/* A connected or listening socket, or -errno. NULL path: wire_socket_path(). */
int wire_connect(const char *path);
int wire_listen(const char *path);

/* One message. Both retry when interrupted and return -errno; wire_recv returns the length, 0 when
 * the peer has closed, -EMSGSIZE if the message did not fit. */
int wire_send(int fd, const void *head, size_t head_size, const void *body, size_t body_size);
ssize_t wire_recv(int fd, void *buf, size_t size);

/* A text of any length up to WIRE_MAX_TEXT, as several messages. *ret_text: caller frees. */
int wire_send_text(int fd, const char *text);
int wire_recv_text(int fd, char **ret_text);

#endif

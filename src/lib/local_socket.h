/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connecting to a Unix socket of this host. A connection that does not wait is refused with EAGAIN
 * when the listener's queue is full (connect(2), unix(7)), which says that many clients come, and
 * not that no process serves the socket: here it waits for its turn.
 */
#ifndef LIB_LOCAL_SOCKET_H
#define LIB_LOCAL_SOCKET_H

#include <stdbool.h>

/* 0, or -errno: -EAGAIN when the queue was still full after `timeout_ms`. The caller closes
 * *ret_fd, which blocks. Any thread. */
int local_socket_connect(const char *path, unsigned timeout_ms, int *ret_fd);

/* Does that -errno say that no process serves the socket, or that there is none? */
bool local_socket_is_absent(int result);

#endif

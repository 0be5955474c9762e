/* SPDX-License-Identifier: Apache-2.0 */
/* The directory that one cleaved at a time owns. */
#ifndef DAEMON_STATE_DIR_H
#define DAEMON_STATE_DIR_H

#include "base/error.h"

/* Makes the directory if need be and locks it; the lock lasts until *ret_fd is closed. -CONFLICT
 * when another process has it. */
int state_dir_lock(const char *path, int *ret_fd, struct error *err);

#endif

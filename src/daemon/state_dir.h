/* SPDX-License-Identifier: Apache-2.0 */
/* The directory that one cleaved at a time owns. */
#ifndef DAEMON_STATE_DIR_H
#define DAEMON_STATE_DIR_H

#include <stdbool.h>

#include "base/error.h"

/* Makes the directory if need be and locks it; the lock lasts until *ret_fd is closed. -CONFLICT
 * when another process has it, -PERMISSION when another user owns the directory: root may, and the
 * user that cleaved runs as. */
int state_dir_lock(const char *path, int *ret_fd, struct error *err);
/* The same for the directory's path, which the lock of a directory that was removed and made again
 * does not cover: an abstract Unix socket named after it. */
int state_dir_lock_path(const char *path, int *ret_fd, struct error *err);

/* Before any of its files is opened: -CONFLICT when one is no regular file, -PERMISSION when other
 * users own one, or can write to the directory. */
int state_dir_check_files(const char *path, struct error *err);
/* Before the database is opened: -CONFLICT when the directory was in use once and has none, or an
 * empty one. *ret_new: it has none, and never had. */
int state_dir_check(const char *path, bool *ret_new, struct error *err);
/* The directory is in use from now on. 0 or -errno. */
int state_dir_mark(const char *path);

#endif

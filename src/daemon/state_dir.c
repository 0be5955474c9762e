/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "base/fs.h"

int state_dir_lock(const char *path, int *ret_fd, struct error *err)
{
    int r = fs_mkdirs(path, 0700);
    if (r < 0) {
        return error_set_errno(err, -r, path, "making the state directory %s", path);
    }
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return error_set_errno(err, errno, path, "opening the state directory %s", path);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            return error_set_errno(err, errno, path, "locking the state directory %s", path);
        }
        error_set(err, REASON_CONFLICT, path, "another cleaved uses the state directory %s", path);
        error_hint(err, "stop it, or give this one its own with --state-dir and --socket");
        return -REASON_CONFLICT;
    }
    *ret_fd = TAKE_FD(fd);
    return 0;
}

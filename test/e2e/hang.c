/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into cleaved by the tests. While the file that $HANG names is there, what writes its
 * store through to the disk does not return, as on a disk that hangs; while the one that
 * $HANG_NAMES names is there, no user's or group's name comes, as from a name service that hangs;
 * while the one that $HANG_LOG names is there, nothing is written to standard error. Killing the
 * process ends it.
 */
#include <dlfcn.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void hang_by(const char *variable)
{
    const char *name = getenv(variable);
    while (name != NULL && syscall(SYS_access, name, F_OK) == 0) {
        const struct timespec pause = {.tv_nsec = 50000000};
        (void)nanosleep(&pause, NULL);
    }
}

int fdatasync(int fd)
{
    hang_by("HANG");
    return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    hang_by("HANG");
    return (int)syscall(SYS_fsync, fd);
}

ssize_t write(int fd, const void *data, size_t size)
{
    if (fd == STDERR_FILENO) {
        hang_by("HANG_LOG");
    }
    return syscall(SYS_write, fd, data, size);
}

int getgrnam_r(const char *name, struct group *entry, char *buffer, size_t size, struct group **ret)
{
    int (*next)(const char *name, struct group *entry, char *buffer, size_t size,
                struct group **ret);
    void *symbol = dlsym(RTLD_NEXT, "getgrnam_r");
    memcpy(&next, &symbol, sizeof(next));
    hang_by("HANG_NAMES");
    return next(name, entry, buffer, size, ret);
}

int getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t size, struct passwd **ret)
{
    int (*next)(uid_t uid, struct passwd *entry, char *buffer, size_t size, struct passwd **ret);
    void *symbol = dlsym(RTLD_NEXT, "getpwuid_r");
    memcpy(&next, &symbol, sizeof(next));
    hang_by("HANG_NAMES");
    return next(uid, entry, buffer, size, ret);
}

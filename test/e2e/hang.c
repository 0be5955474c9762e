/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into cleaved by the tests: while the file that $HANG names is there, what writes its
 * store through to the disk does not return, as on a disk that hangs. Killing the process ends it.
 */
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void hang(void)
{
    const char *name = getenv("HANG");
    while (name != NULL && syscall(SYS_access, name, F_OK) == 0) {
        const struct timespec pause = {.tv_nsec = 50000000};
        (void)nanosleep(&pause, NULL);
    }
}

int fdatasync(int fd)
{
    hang();
    return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    hang();
    return (int)syscall(SYS_fsync, fd);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into cleaved by the tests: the process kills itself (SIGKILL) around the N-th commit of
 * its store. DIE_BEFORE=N: with nothing of the commit written, so that whatever was done since the
 * commit before is unknown to the journal. DIE_AFTER=N: with the commit written and nothing more.
 */
/* Both names of the calls are defined below, so neither may be renamed. */
#undef _FILE_OFFSET_BITS

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* One thread alone writes the store. */
static unsigned commits; /* finished */
static bool has_frames;  /* written since the last one; a header alone is no commit */

static unsigned limit(const char *name)
{
    unsigned number = 0;
    for (const char *text = getenv(name); text != NULL && *text >= '0' && *text <= '9'; text++) {
        number = number * 10 + (unsigned)(*text - '0');
    }
    return number;
}

/* The write-ahead log is written and synced once per commit. */
static bool is_journal(int fd)
{
    char link[64];
    char path[512];
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof(path) - 1);
    if (n < 0) {
        return false;
    }
    path[n] = '\0';
    return n > 7 && strcmp(path + n - 7, ".db-wal") == 0;
}

static void die(void)
{
    (void)kill(getpid(), SIGKILL);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    if (is_journal(fd) && offset > 0) {
        if (commits + 1 == limit("DIE_BEFORE")) {
            die();
        }
        has_frames = true;
    }
    return syscall(SYS_pwrite64, fd, data, size, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset)
{
    return pwrite(fd, data, size, offset);
}

int fdatasync(int fd)
{
    long result = syscall(SYS_fdatasync, fd);
    if (is_journal(fd) && has_frames) {
        has_frames = false;
        commits++;
        if (commits == limit("DIE_AFTER")) {
            die();
        }
    }
    return (int)result;
}

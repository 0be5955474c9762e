/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/guest/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

#define PAUSE_NS (100 * 1000 * 1000)
#define HEARTBEAT_END (offsetof(struct guest_page, heartbeat) + sizeof(uint64_t))

static bool write_part(const struct kept_page *kept, size_t from, size_t to)
{
    const char *bytes = (const char *)&kept->page;
    return pwrite(kept->fd, bytes + from, to - from, (off_t)from) == (ssize_t)(to - from);
}

bool keeper_mend(const struct kept_page *kept)
{
    struct guest_page there;
    if (pread(kept->fd, &there, sizeof(there), 0) != (ssize_t)sizeof(there)) {
        return false;
    }
    there.heartbeat = kept->page.heartbeat;
    if (memcmp(&there, &kept->page, sizeof(there)) == 0) {
        return false;
    }
    return write_part(kept, 0, offsetof(struct guest_page, heartbeat)) &&
           write_part(kept, HEARTBEAT_END, sizeof(there));
}

static NORETURN void keep(const struct kept_page *kept, size_t n)
{
    for (;;) {
        for (size_t i = 0; i < n; i++) {
            keeper_mend(&kept[i]);
        }
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    }
}

/* libvirt reads the emulator's pipes until their last holder closes them. */
static void close_others(const struct kept_page *kept, size_t n)
{
    unsigned next = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned fd = (unsigned)kept[i].fd;
        if (fd > next) {
            close_range(next, fd - 1, 0);
        }
        next = fd + 1;
    }
    close_range(next, UINT_MAX, 0);
}

int keeper_start(const struct kept_page *kept, size_t n, struct error *err)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0) {
        return error_set_errno(err, errno, "emulator", "starting the keeper of its GPUs' pages");
    }
    if (pid > 0) {
        return 0;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "cleave-sim-keep");
    if (getppid() != parent) {
        _exit(0);
    }
    close_others(kept, n);
    keep(kept, n);
}

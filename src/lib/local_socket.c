/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/local_socket.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"

#define US_PER_S UINT64_C(1000000)

static int set_timeout(int fd, uint64_t us)
{
    struct timeval time = {.tv_sec = (time_t)(us / US_PER_S),
                           .tv_usec = (suseconds_t)(us % US_PER_S)};
    return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time)) == 0 ? 0 : -errno;
}

int local_socket_connect(const char *path, unsigned timeout_ms, int *ret_fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!STR_SET(address.sun_path, path)) {
        return -ENAMETOOLONG;
    }
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    uint64_t end_us = clock_monotonic_us() + (uint64_t)timeout_ms * 1000;
    int r = -EINTR;
    while (r == -EINTR) {
        uint64_t now_us = clock_monotonic_us();
        /* Of zero it would wait for ever: socket(7). */
        r = set_timeout(fd, now_us < end_us ? end_us - now_us : 1);
        if (r == 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
            r = -errno;
        }
    }
    r = r == 0 ? set_timeout(fd, 0) : r;
    if (r == 0) {
        *ret_fd = TAKE_FD(fd);
    }
    return r;
}

bool local_socket_is_absent(int result)
{
    return result == -ECONNREFUSED || result == -ENOENT || result == -ENOTDIR;
}

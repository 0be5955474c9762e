/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/guest/pulse.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"

/* The emulator's stand-in made the memory, and named it after the device (wrapper.c). */
static bool is_memory_of(const char *link, const char *device)
{
    char target[128] = "";
    CLEANUP_FREE char *wanted = xasprintf("/memfd:%s ", device);
    ssize_t len = readlink(link, target, sizeof(target) - 1);
    return len > 0 && str_starts(target, wanted);
}

int pulse_read(int32_t pid, const char *device, struct guest_page *ret_page, struct error *err)
{
    CLEANUP_FREE char *dir = xasprintf("/proc/%d/fd", pid);
    CLEANUP_STRLIST struct strlist names = {0};
    int r = fs_list(dir, &names);
    if (r < 0) {
        return error_set_errno(err, -r, dir, "looking for the device's memory");
    }
    for (vec_each(&names, name)) {
        CLEANUP_FREE char *link = xasprintf("%s/%s", dir, *name);
        if (!is_memory_of(link, device)) {
            continue;
        }
        CLEANUP_CLOSE int fd = open(link, O_RDONLY | O_CLOEXEC);
        if (fd >= 0 && pread(fd, ret_page, sizeof(*ret_page), 0) == (ssize_t)sizeof(*ret_page) &&
            memcmp(ret_page->magic, GUEST_PAGE_MAGIC, sizeof(ret_page->magic)) == 0) {
            return 0;
        }
    }
    return error_set(err, REASON_NOT_FOUND, device, "process %d shares no memory for it", pid);
}

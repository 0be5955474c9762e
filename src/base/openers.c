/* SPDX-License-Identifier: Apache-2.0 */
#include "base/openers.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/parse.h"

#define MAX_INFORMATION 16384
#define MAX_NAME 32 /* of a process, as the kernel keeps it, and more */

bool openers_has(const char *proc, uint32_t pid, openers_fit_fn *fits, const void *data)
{
    char dir[PATH_MAX];
    CLEANUP_STRLIST struct strlist fds = {0};
    str_print(dir, sizeof(dir), "%s/%u/fd", proc, pid);
    if (fs_list(dir, &fds) < 0) {
        return false; /* it has ended, or is not ours to see */
    }
    for (vec_each(&fds, fd)) {
        char link[PATH_MAX];
        char target[PATH_MAX];
        str_print(link, sizeof(link), "%s/%s", dir, *fd);
        ssize_t len = readlink(link, target, sizeof(target) - 1);
        target[len > 0 ? len : 0] = '\0';
        if (fits(target, data)) {
            return true;
        }
    }
    return false;
}

static void read_name(const char *proc, uint32_t pid, char name[MAX_NAME])
{
    char path[PATH_MAX];
    CLEANUP_FREE char *text = NULL;
    size_t len = 0;
    str_print(path, sizeof(path), "%s/%u/comm", proc, pid);
    bool known = fs_read(path, 4096, &text, &len) == 0;
    str_copy(name, MAX_NAME, known ? str_trim(text) : "?");
    str_make_clean(name);
}

size_t openers_list(const char *proc, openers_fit_fn *fits, const void *data, size_t max,
                    struct strbuf *ret_names)
{
    CLEANUP_STRLIST struct strlist entries = {0};
    size_t n = 0;
    if (fs_list(proc, &entries) < 0) {
        return 0;
    }
    for (vec_each(&entries, entry)) {
        uint32_t pid = 0;
        if (!parse_u32(*entry, &pid) || pid == (uint32_t)getpid() ||
            !openers_has(proc, pid, fits, data)) {
            continue;
        }
        if (n++ < max) {
            char name[MAX_NAME];
            read_name(proc, pid, name);
            strbuf_addf(ret_names, "%s%s (PID %u)", n > 1 ? ", " : "", name, pid);
        }
    }
    if (n > max) {
        strbuf_addf(ret_names, " and %zu more", n - max);
    }
    return n;
}

static bool is_gpu_node(const char *path, const void *data)
{
    static const char prefix[] = "/dev/nvidia";
    const int *minor = data;
    uint32_t number = 0;
    return strncmp(path, prefix, sizeof(prefix) - 1) == 0 &&
           parse_u32(path + sizeof(prefix) - 1, &number) &&
           (*minor < 0 || number == (uint32_t)*minor);
}

/* "Device Minor: 	 0"; -1: not known. */
static int read_minor(const char *root, const char *bdf)
{
    static const char key[] = "Device Minor:";
    char path[PATH_MAX];
    CLEANUP_FREE char *text = NULL;
    size_t len = 0;
    uint32_t minor = 0;
    str_print(path, sizeof(path), "%s/proc/driver/nvidia/gpus/%s/information", root, bdf);
    if (fs_read(path, MAX_INFORMATION, &text, &len) != 0) {
        return -1;
    }
    char *at = strstr(text, key);
    if (at == NULL) {
        return -1;
    }
    at += sizeof(key) - 1;
    at[strcspn(at, "\n")] = '\0';
    return parse_u32(str_trim(at), &minor) && minor < 256 ? (int)minor : -1;
}

size_t openers_of_gpu(const char *root, const char *bdf, size_t max, struct strbuf *ret_names)
{
    char proc[PATH_MAX];
    int minor = read_minor(root, bdf);
    str_print(proc, sizeof(proc), "%s/proc", root);
    return openers_list(proc, is_gpu_node, &minor, max, ret_names);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/run/skeleton.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"

bool skeleton_hide_listed(const char *name, const void *names)
{
    for (const char *const *item = names; *item != NULL; item++) {
        if (str_eq(*item, name)) {
            return true;
        }
    }
    return false;
}

bool skeleton_hide_existing(const char *name, const void *dir)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", (const char *)dir, name);
    return fs_exists(path);
}

int skeleton_tmpfs(const char *dir, const char *mode, struct error *err)
{
    char options[32];
    snprintf(options, sizeof(options), "mode=%s", mode);
    if (mount("cleave-sim", dir, "tmpfs", MS_NOSUID, options) < 0) {
        return error_set_errno(err, errno, dir, "mounting a tmpfs");
    }
    return 0;
}

/* An empty file or directory to mount on. */
static int make_mount_point(const char *target, bool is_dir)
{
    if (is_dir) {
        return mkdir(target, 0755) == 0 || errno == EEXIST ? 0 : -errno;
    }
    CLEANUP_CLOSE int fd = open(target, O_CREAT | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0644);
    return fd >= 0 || fs_exists(target) ? 0 : -errno;
}

int skeleton_bind(const char *source, const char *target, struct error *err)
{
    struct stat st;
    if (stat(source, &st) < 0) {
        return error_set_errno(err, errno, source, "looking at it");
    }
    int result = make_mount_point(target, S_ISDIR(st.st_mode));
    if (result < 0) {
        return error_set_errno(err, -result, target, "making a mount point");
    }
    if (mount(source, target, NULL, MS_BIND | MS_REC, NULL) < 0) {
        return error_set_errno(err, errno, target, "binding %s there", source);
    }
    return 0;
}

static int copy_link(const char *source, const char *target)
{
    char text[PATH_MAX];
    ssize_t len = readlink(source, text, sizeof(text) - 1);
    if (len < 0) {
        return -errno;
    }
    text[len] = '\0';
    return symlink(text, target) == 0 ? 0 : -errno;
}

/* One entry of the original: links are copied, device nodes made again, the rest is bound. */
static int copy_entry(const char *source, const char *target, struct error *err)
{
    struct stat st;
    if (lstat(source, &st) < 0) {
        return errno == ENOENT ? 0 : error_set_errno(err, errno, source, "looking at it");
    }
    if (S_ISLNK(st.st_mode)) {
        int result = copy_link(source, target);
        return result == 0 ? 0 : error_set_errno(err, -result, target, "making a link");
    }
    if ((S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) &&
        mknod(target, st.st_mode, st.st_rdev) == 0) {
        bool owned =
            chmod(target, st.st_mode & 07777) == 0 && chown(target, st.st_uid, st.st_gid) == 0;
        return owned ? 0 : error_set_errno(err, errno, target, "giving it its owner");
    }
    return skeleton_bind(source, target, err);
}

int skeleton_fill(const char *original, const char *dir, skeleton_hide_fn *hide, const void *data,
                  struct error *err)
{
    CLEANUP_STRLIST struct strlist names = {0};
    int result = fs_list(original, &names);
    if (result < 0) {
        return error_set_errno(err, -result, dir, "listing the original");
    }
    for (size_t i = 0; i < names.n; i++) {
        if (hide != NULL && hide(names.items[i], data)) {
            continue;
        }
        char source[PATH_MAX];
        char target[PATH_MAX];
        snprintf(source, sizeof(source), "%s/%s", original, names.items[i]);
        snprintf(target, sizeof(target), "%s/%s", dir, names.items[i]);
        result = copy_entry(source, target, err);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

int skeleton_mount(const char *dir, skeleton_hide_fn *hide, const void *data, struct error *err)
{
    CLEANUP_CLOSE int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return error_set_errno(err, errno, dir, "opening it");
    }
    /* A path through the descriptor still leads to the original once the tmpfs lies over it. */
    char original[64];
    snprintf(original, sizeof(original), "/proc/self/fd/%d", fd);
    int result = skeleton_tmpfs(dir, "0755", err);
    return result < 0 ? result : skeleton_fill(original, dir, hide, data, err);
}

int skeleton_bind_entries(const char *source, const char *target, struct error *err)
{
    CLEANUP_STRLIST struct strlist names = {0};
    int result = fs_list(source, &names);
    if (result < 0 && result != -ENOENT) {
        return error_set_errno(err, -result, source, "listing it");
    }
    for (size_t i = 0; i < names.n; i++) {
        char from[PATH_MAX];
        char to[PATH_MAX];
        snprintf(from, sizeof(from), "%s/%s", source, names.items[i]);
        snprintf(to, sizeof(to), "%s/%s", target, names.items[i]);
        result = skeleton_bind(from, to, err);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

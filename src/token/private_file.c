/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The content is written to a file without a name (open(2), O_TMPFILE), which gets its name once it
 * is whole: the kernel frees such a file when the program ends before that. A file system that has
 * no such files (NFS, FAT) gets one with a name of its own, which is removed after a failure.
 */
#include "token/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"

#define MODE 0600

struct place {
    int dir;
    const char *name;   /* in that directory */
    char temporary[32]; /* name of the file until it is whole; "" it has none */
};

static int fail(int errnum, const char *path, struct error *err)
{
    return error_set_errno(err, errnum, path, "writing \"%s\"", path);
}

static int refuse_existing(const char *path, struct error *err)
{
    int r = error_set(err, REASON_CONFLICT, path, "\"%s\" exists already", path);
    error_hint(err, "give another name, or replace the file with --force");
    return r;
}

/* A look before the work, and again at the end by the kernel itself. */
static int check_place(const struct place *place, const char *path, enum private_file_mode mode,
                       struct error *err)
{
    struct stat stat;
    if (fstatat(place->dir, place->name, &stat, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? 0 : fail(errno, path, err);
    }
    if (mode == PRIVATE_FILE_NEW) {
        return refuse_existing(path, err);
    }
    if (!S_ISREG(stat.st_mode)) {
        return error_set(err, REASON_CONFLICT, path, "\"%s\" is no file%s, and is not replaced",
                         path, S_ISLNK(stat.st_mode) ? " but a symbolic link" : "");
    }
    return 0;
}

/* False: the kernel has no random numbers yet. */
static bool make_name(struct place *place)
{
    uint64_t number = 0;
    bool made = getrandom(&number, sizeof(number), GRND_NONBLOCK) == (ssize_t)sizeof(number);
    str_print(place->temporary, sizeof(place->temporary), ".cleave-%016llx",
              (unsigned long long)number);
    if (!made) {
        place->temporary[0] = '\0';
    }
    return made;
}

static int open_unfinished(struct place *place)
{
    int fd = openat(place->dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, MODE);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        errno = EAGAIN;
        fd = make_name(place) ? openat(place->dir, place->temporary,
                                       O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, MODE)
                              : -1;
    }
    return fd;
}

static int write_all(int fd, const struct secret *content)
{
    for (size_t done = 0; done < content->len;) {
        ssize_t n = write(fd, content->bytes + done, content->len - done);
        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    return fchmod(fd, MODE) != 0 || fsync(fd) != 0 ? -errno : 0;
}

/* A file system without hard links (FAT) can rename without replacing. */
static int name_it(int fd, const struct place *place, const char *name)
{
    char self[32];
    if (place->temporary[0] == '\0') {
        str_print(self, sizeof(self), "/proc/self/fd/%d", fd);
        return linkat(AT_FDCWD, self, place->dir, name, AT_SYMLINK_FOLLOW) == 0 ? 0 : -errno;
    }
    if (linkat(place->dir, place->temporary, place->dir, name, 0) == 0) {
        return 0;
    }
    bool no_links = errno == EPERM || errno == EOPNOTSUPP;
    return no_links &&
                   renameat2(place->dir, place->temporary, place->dir, name, RENAME_NOREPLACE) == 0
               ? 0
               : -errno;
}

static int finish(int fd, struct place *place, enum private_file_mode mode)
{
    int r = 0;
    if (mode == PRIVATE_FILE_NEW) {
        r = name_it(fd, place, place->name);
    } else if (place->temporary[0] == '\0') {
        struct place to = *place;
        r = make_name(&to) ? name_it(fd, place, to.temporary) : -EAGAIN;
        STR_SET(place->temporary, r == 0 ? to.temporary : "");
    }
    if (r == 0 && mode == PRIVATE_FILE_REPLACE) {
        r = renameat(place->dir, place->temporary, place->dir, place->name) == 0 ? 0 : -errno;
        if (r == 0) {
            place->temporary[0] = '\0';
        }
    }
    return r;
}

static int write_at(struct place *place, const char *path, const struct secret *content,
                    enum private_file_mode mode, struct error *err)
{
    CLEANUP_CLOSE int fd = open_unfinished(place);
    if (fd < 0) {
        return fail(errno, path, err);
    }
    int r = write_all(fd, content);
    r = r != 0 ? r : finish(fd, place, mode);
    if (place->temporary[0] != '\0') {
        (void)unlinkat(place->dir, place->temporary, 0);
    }
    (void)fsync(place->dir);
    return r == 0 ? 0 : r == -EEXIST ? refuse_existing(path, err) : fail(-r, path, err);
}

int private_file_write(const char *path, const struct secret *content, enum private_file_mode mode,
                       struct error *err)
{
    CLEANUP_FREE char *dir = xstrdup(path);
    char *slash = strrchr(dir, '/');
    struct place place = {.name = slash == NULL ? path : path + (slash - dir) + 1};
    if (place.name[0] == '\0' || str_eq(place.name, ".") || str_eq(place.name, "..")) {
        return error_set(err, REASON_INVALID, path, "\"%s\" is no name of a file", path);
    }
    if (slash != NULL) {
        slash[slash == dir ? 1 : 0] = '\0';
    }
    CLEANUP_CLOSE int dir_fd = open(slash == NULL ? "." : dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0) {
        return fail(errno, path, err);
    }
    place.dir = dir_fd;
    int r = check_place(&place, path, mode, err);
    return r != 0 ? r : write_at(&place, path, content, mode, err);
}

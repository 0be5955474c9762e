/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

#define READ_CHUNK 4096

static void closedirp(DIR **dir)
{
    if (*dir != NULL) {
        closedir(*dir);
    }
}

/* `wait_ms`: how long at most until a descriptor that does not block has something to read. */
static int read_all(int fd, size_t max_bytes, int wait_ms, char **ret_text, size_t *ret_len)
{
    CLEANUP_STRBUF struct strbuf text = {0};
    char chunk[READ_CHUNK];
    for (;;) {
        ssize_t got = read(fd, chunk, sizeof(chunk));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 && errno == EAGAIN && wait_ms > 0) {
            struct pollfd one = {.fd = fd, .events = POLLIN};
            int ready = poll(&one, 1, wait_ms);
            if (ready == 0) {
                return -ETIMEDOUT;
            }
            continue;
        }
        if (got < 0) {
            return -errno;
        }
        if (got == 0) {
            break;
        }
        if ((size_t)got > max_bytes - text.len) {
            return -EFBIG;
        }
        strbuf_addn(&text, chunk, (size_t)got);
    }
    if (ret_len != NULL) {
        *ret_len = text.len;
    }
    *ret_text = strbuf_take(&text);
    return 0;
}

int fs_read_fd(int fd, size_t max_bytes, char **ret_text, size_t *ret_len)
{
    return read_all(fd, max_bytes, 0, ret_text, ret_len);
}

int fs_read_input(const char *path, size_t max_bytes, int wait_ms, char **ret_text, size_t *ret_len)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return -errno;
    }
    return read_all(fd, max_bytes, wait_ms, ret_text, ret_len);
}

int fs_read(const char *path, size_t max_bytes, char **ret_text, size_t *ret_len)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    return fs_read_fd(fd, max_bytes, ret_text, ret_len);
}

static int write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t put = write(fd, data, len);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            return -errno;
        }
        data += put;
        len -= (size_t)put;
    }
    return 0;
}

/* The directory part of `path`: "." when it has none. Caller frees. */
static char *parent_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return xstrdup(".");
    }
    return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

static int sync_dir(const char *path)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    /* Some file systems cannot sync a directory and need not. */
    return fsync(fd) < 0 && errno != EINVAL ? -errno : 0;
}

static int write_and_sync(const char *path, const void *data, size_t len)
{
    CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) {
        return -errno;
    }
    int r = write_all(fd, data, len);
    if (r == 0 && fsync(fd) < 0) {
        r = -errno;
    }
    return r;
}

int fs_write_atomic(const char *path, const void *data, size_t len)
{
    uint32_t salt = 0;
    if (getrandom(&salt, sizeof(salt), 0) != (ssize_t)sizeof(salt)) {
        return -EIO;
    }
    CLEANUP_FREE char *temporary = xasprintf("%s.%08x.tmp", path, salt);
    int r = write_and_sync(temporary, data, len);
    if (r == 0 && rename(temporary, path) < 0) {
        r = -errno;
    }
    if (r < 0) {
        (void)unlink(temporary);
        return r;
    }
    CLEANUP_FREE char *parent = parent_of(path);
    return sync_dir(parent);
}

int fs_write_attr(const char *path, const char *text)
{
    CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    size_t len = strlen(text);
    ssize_t put = write(fd, text, len);
    if (put < 0) {
        return -errno;
    }
    return (size_t)put == len ? 0 : -EIO;
}

static int mkdir_one(const char *path, unsigned mode)
{
    if (mkdir(path, (mode_t)mode) == 0) {
        return chmod(path, (mode_t)mode) == 0 ? 0 : -errno; /* the umask has no say */
    }
    if (errno != EEXIST) {
        return -errno;
    }
    struct stat st;
    if (stat(path, &st) < 0) {
        return -errno;
    }
    return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int fs_mkdirs(const char *path, unsigned mode)
{
    CLEANUP_FREE char *copy = xstrdup(path);
    for (char *slash = strchr(copy + (copy[0] != '\0'), '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int r = mkdir_one(copy, mode);
        *slash = '/';
        if (r < 0) {
            return r;
        }
    }
    return str_ends(copy, "/") ? 0 : mkdir_one(copy, mode);
}

bool fs_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

int fs_link_name(const char *path, char *ret_name, size_t size)
{
    char target[4096];
    ssize_t len = readlink(path, target, sizeof(target) - 1);
    if (len < 0) {
        return -errno;
    }
    target[len] = '\0';
    const char *slash = strrchr(target, '/');
    const char *name = slash != NULL ? slash + 1 : target;
    if (strlen(name) >= size) {
        return -ENAMETOOLONG;
    }
    str_copy(ret_name, size, name);
    return 0;
}

static bool is_dot(const char *name)
{
    return str_eq(name, ".") || str_eq(name, "..");
}

/* Empties the open directory; takes `fd`. */
static int remove_entries(int fd, dev_t device)
{
    CLEANUP(closedirp) DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        int r = -errno;
        close(fd);
        return r;
    }
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(dir);
        if (entry == NULL) {
            return -errno;
        }
        if (is_dot(entry->d_name) || unlinkat(fd, entry->d_name, 0) == 0) {
            continue;
        }
        if (errno != EISDIR && errno != EPERM) {
            return -errno;
        }
        int sub = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (sub < 0) {
            return -errno;
        }
        struct stat st;
        if (fstat(sub, &st) < 0 || st.st_dev != device) {
            close(sub);
            return -EXDEV;
        }
        int r = remove_entries(sub, device);
        if (r == 0 && unlinkat(fd, entry->d_name, AT_REMOVEDIR) < 0) {
            r = -errno;
        }
        if (r < 0) {
            return r;
        }
    }
}

int fs_remove_tree(const char *path)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    struct stat st;
    if (fstat(fd, &st) < 0) {
        return -errno;
    }
    int r = remove_entries(TAKE_FD(fd), st.st_dev);
    if (r < 0) {
        return r;
    }
    return rmdir(path) < 0 ? -errno : 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int fs_list(const char *path, struct strlist *ret_names)
{
    CLEANUP(closedirp) DIR *dir = opendir(path);
    if (dir == NULL) {
        return -errno;
    }
    CLEANUP_STRLIST struct strlist names = {0};
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(dir);
        if (entry == NULL && errno != 0) {
            return -errno;
        }
        if (entry == NULL) {
            break;
        }
        if (!is_dot(entry->d_name)) {
            *vec_push(&names) = xstrdup(entry->d_name);
        }
    }
    if (names.n > 1) {
        qsort(names.items, names.n, sizeof(names.items[0]), compare_names);
    }
    *ret_names = names;
    names = (struct strlist){0};
    return 0;
}

void strlist_done(struct strlist *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->items[i]);
    }
    vec_done(list);
}

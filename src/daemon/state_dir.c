/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "daemon/socket_owner.h"

#define LOCK_PATH_MAX 90
#define MARK "cleave.used"
#define MAX_MAP 16384 /* bytes of a map of users */
#define USER_TEXT_SIZE 80

/* Root may own what cleaved keeps, and so may the user that cleaved runs as: both can change it
 * anyway. In a user namespace these are its own users; one that it does not map has the number that
 * the kernel keeps for that (user_namespaces(7)), and is another's. */
static bool is_owner_fine(uid_t owner)
{
    return owner == 0 || owner == geteuid();
}

/* Does the process see a user's own number? The first user namespace maps all. */
static bool sees_all_users(void)
{
    CLEANUP_FREE char *map = NULL;
    return fs_read("/proc/self/uid_map", MAX_MAP, &map, NULL) != 0 ||
           strstr(map, " 4294967295\n") != NULL;
}

static bool is_unmapped(uid_t owner)
{
    CLEANUP_FREE char *text = NULL;
    uint32_t number = 0;
    return !sees_all_users() &&
           fs_read("/proc/sys/kernel/overflowuid", MAX_MAP, &text, NULL) == 0 &&
           parse_u32(str_trim(text), &number) && owner == number;
}

/* "alice (1000)". Only of a start that fails: a name service may take long. */
static const char *user_text(uid_t user, char out[USER_TEXT_SIZE])
{
    const struct passwd *found = getpwuid(user);
    str_print(out, USER_TEXT_SIZE, "%s (%u)", found != NULL ? found->pw_name : "without a name",
              (unsigned)user);
    return out;
}

/* -PERMISSION when another user owns the file or directory. What is not there has no owner. */
static int check_owner(const char *path, struct error *err)
{
    struct stat st = {0};
    char owner[USER_TEXT_SIZE];
    char own[USER_TEXT_SIZE];
    if (stat(path, &st) != 0 || is_owner_fine(st.st_uid)) {
        return 0;
    }
    error_set(err, REASON_PERMISSION, path, "%s belongs to user %s, and cleaved runs as user %s",
              path, user_text(st.st_uid, owner), user_text(geteuid(), own));
    if (is_unmapped(st.st_uid)) {
        error_hint(err, "the owner has no number in this user namespace: map it there, or give "
                        "--state-dir another directory");
    } else {
        error_hint(
            err,
            "look whether the files are those of this host's cleaved, then `chown -R %u %s`; "
            "or give --state-dir another directory",
            (unsigned)geteuid(), SHELL_WORD(path));
    }
    return -REASON_PERMISSION;
}

int state_dir_lock(const char *path, int *ret_fd, struct error *err)
{
    int r = fs_mkdirs(path, 0700);
    if (r < 0) {
        return error_set_errno(err, -r, path, "making the state directory %s", path);
    }
    r = check_owner(path, err);
    if (r != 0) {
        return r;
    }
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return error_set_errno(err, errno, path, "opening the state directory %s", path);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            return error_set_errno(err, errno, path, "locking the state directory %s", path);
        }
        error_set(err, REASON_CONFLICT, path, "another cleaved uses the state directory %s", path);
        error_hint(err,
                   "stop the other cleaved, or give this one its own --state-dir and --socket");
        return -REASON_CONFLICT;
    }
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* The listener's user, where the kernel can't be asked: that of a full queue is unknown. */
static bool is_served_by_us(const struct sockaddr_un *address, socklen_t len)
{
    struct ucred peer = {0};
    socklen_t size = sizeof(peer);
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)address, len) != 0) {
        return false;
    }
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == 0 || peer.uid == geteuid());
}

/* The socket's owner decides: a lock that another user took to keep cleaved from starting is none,
 * and a full queue says nothing, since any user can fill it. */
static bool is_held_by_us(const struct sockaddr_un *address, socklen_t len)
{
    uid_t user = 0;
    int r = socket_owner(address->sun_path, len - offsetof(struct sockaddr_un, sun_path), &user);
    if (r == 0) {
        return user == 0 || user == geteuid();
    }
    return r != -ENOENT && is_served_by_us(address, len);
}

int state_dir_lock_path(const char *path, int *ret_fd, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char real[PATH_MAX];
    if (realpath(path, real) == NULL) {
        return error_set_errno(err, errno, path, "looking for the state directory %s", path);
    }
    size_t len = strlen(real); /* of a long one its end, which tells it apart */
    const char *end = len > LOCK_PATH_MAX ? real + len - LOCK_PATH_MAX : real;
    int n = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "cleaved:%s", end);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return error_set_errno(err, errno, path, "making a socket");
    }
    if (bind(fd, (const struct sockaddr *)&address, size) != 0 || listen(fd, 1) != 0) {
        if (errno != EADDRINUSE) {
            return error_set_errno(err, errno, path, "locking the path %s", path);
        }
        if (is_held_by_us(&address, size)) {
            error_set(err, REASON_CONFLICT, path,
                      "another cleaved uses the state directory %s, which was replaced after that "
                      "one started",
                      path);
            error_hint(err, "stop the other cleaved first: it has the earlier claims");
            return -REASON_CONFLICT;
        }
        log_warning("the abstract socket \"cleaved:%s\" belongs to another user, so it can't serve "
                    "as a lock",
                    end);
    }
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* Bytes 60 to 63 of a SQLite file are its user_version
 * (https://www.sqlite.org/fileformat2.html, 1.3), which is 0 until cleave's tables are made. They
 * may still be in the -wal that a cleaved of an older version left. */
#define VERSION_OFFSET 60

static bool has_tables(const char *database)
{
    static const unsigned char none[4] = {0};
    unsigned char version[4] = {0};
    struct stat wal = {0};
    CLEANUP_FREE char *wal_path = xasprintf("%s-wal", database);
    CLEANUP_CLOSE int fd = open(database, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || pread(fd, version, sizeof(version), VERSION_OFFSET) != sizeof(version)) {
        return fd >= 0 && lseek(fd, 0, SEEK_END) > 0; /* damaged, not empty: SQLite says how */
    }
    return memcmp(version, none, sizeof(version)) != 0 ||
           (stat(wal_path, &wal) == 0 && wal.st_size > 0);
}

/* Opening a FIFO would wait for ever, and a device has no end. */
static int check_file(const char *path, const char *name, struct error *err)
{
    struct stat st = {0};
    CLEANUP_FREE char *file = xasprintf("%s/%s", path, name);
    if (stat(file, &st) != 0 || S_ISREG(st.st_mode)) {
        return check_owner(file, err);
    }
    error_set(err, REASON_CONFLICT, file, "%s is no regular file", file);
    error_hint(err, "cleaved did not make it: look at what it is, and move it elsewhere");
    return -REASON_CONFLICT;
}

/* Users who may write there could put another database in place of the claims. */
static int check_mode(const char *path, struct error *err)
{
    struct stat st = {0};
    if (stat(path, &st) != 0) {
        return error_set_errno(err, errno, path, "looking at the state directory %s", path);
    }
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) ==
        0) { /* the group's bits stand for ACLs, too: acl(5) */
        return 0;
    }
    error_set(err, REASON_PERMISSION, path, "other users can change the state directory %s", path);
    error_hint(err, "look whether its files are yours, then `chmod 700 %s`", path);
    return -REASON_PERMISSION;
}

int state_dir_check_files(const char *path, struct error *err)
{
    static const char *const names[] = {
        MARK,           "cleave.db", "cleave.db-count", "cleave.db-journal", "cleave.db-shm",
        "cleave.db-wal"};
    int r = check_mode(path, err);
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(names); i++) {
        r = check_file(path, names[i], err);
    }
    return r;
}

int state_dir_check(const char *path, bool *ret_new, struct error *err)
{
    struct stat st = {0};
    CLEANUP_FREE char *database = xasprintf("%s/cleave.db", path);
    CLEANUP_FREE char *mark = xasprintf("%s/" MARK, path);
    bool has_one = has_tables(database);
    *ret_new = !has_one && access(mark, F_OK) != 0;
    if (has_one || *ret_new) {
        return 0;
    }
    error_set(err, REASON_CONFLICT, database,
              "%s is %s, but cleaved had a database here: its claims would be lost", database,
              stat(database, &st) == 0 ? "empty (it has no tables)" : "gone");
    error_hint(err, "put a backup in its place; or, to start without claims, remove %s", mark);
    return -REASON_CONFLICT;
}

int state_dir_mark(const char *path)
{
    static const char text[] = "cleave.db was made here. Without it cleaved does not start.\n";
    CLEANUP_FREE char *mark = xasprintf("%s/" MARK, path);
    return access(mark, F_OK) == 0 ? 0 : fs_write_atomic(mark, text, sizeof(text) - 1);
}

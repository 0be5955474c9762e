/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"

int rule_file_parse(const char *path, const char *text, size_t len, struct rule_file *ret_file,
                    struct error *err)
{
    struct rule_file file = {.path = xstrdup(path), .text = xcalloc(len + 1, 1), .len = len};
    memcpy(file.text, text, len); /* UTF-16, which YAML may be, has bytes of 0 */
    int result = yaml_read(text, len, path, &file.tree, err);
    if (result != 0) {
        rule_file_done(&file);
        return result;
    }
    *ret_file = file;
    return 0;
}

bool rule_file_is_name(const char *name)
{
    return str_ends(name, ".yaml") && name[0] != '.';
}

/* Users who can write there could lift what binds the site's claims; those of a group, too, and
 * with an access control list the group's bits stand for all whom it names (acl(5)). */
int rule_file_check_owner(const char *path, const struct stat *st, const char *what,
                          struct error *err)
{
    bool others = st->st_uid != 0 && st->st_uid != geteuid();
    if (!others && (st->st_mode & (S_IWGRP | S_IWOTH)) == 0) {
        return 0;
    }
    error_set(err, REASON_PERMISSION, path, "other users can change the %s %s", what, path);
    error_hint(err, "look whether its rules are yours, then `%s %s`",
               others ? "chown root" : "chmod go-w", path);
    return -REASON_PERMISSION;
}

/* A pipe with a file's name would be waited for. */
int rule_file_read(const char *path, enum rule_owner owner, struct rule_file *ret_file,
                   struct error *err)
{
    struct stat st = {0};
    CLEANUP_FREE char *text = NULL;
    size_t len = 0;
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) != 0) {
        return error_set_errno(err, -errno, path, "cannot read \"%s\"", path);
    }
    if (!S_ISREG(st.st_mode)) {
        return error_set(err, REASON_INVALID, path, "\"%s\" is no regular file", path);
    }
    int result =
        owner == RULES_OF_SITE ? rule_file_check_owner(path, &st, "file of rules", err) : 0;
    if (result != 0) {
        return result;
    }
    result = fs_read_fd(fd, INPUT_MAX_BYTES, &text, &len);
    if (result == -EFBIG) {
        return error_set(err, REASON_INVALID, path, "the file has more than %d bytes",
                         INPUT_MAX_BYTES);
    }
    if (result < 0) {
        return error_set_errno(err, result, path, "cannot read \"%s\"", path);
    }
    result = rule_file_parse(path, text, len, ret_file, err);
    if (result == 0) {
        ret_file->owner = owner;
    }
    return result;
}

void rule_file_add_line(const struct rule_file *file, struct error *err)
{
    char place[160] = "";
    size_t n = strcspn(err->message, ": ");
    size_t line = 0;
    size_t column = 0;
    if (!str_eq(err->subject, file->path)) {
        return; /* the parser has named the line */
    }
    if (err->message[n] == ':' && n < sizeof(place)) {
        memcpy(place, err->message, n);
    }
    if (yaml_locate(file->text, file->len, place, &line, &column)) {
        (void)str_print(err->subject, sizeof(err->subject), "%s:%zu:%zu", file->path, line, column);
    }
}

void rule_file_done(struct rule_file *file)
{
    free(file->path);
    free(file->text);
    json_decref(file->tree);
    *file = (struct rule_file){0};
}

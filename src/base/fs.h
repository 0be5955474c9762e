/* SPDX-License-Identifier: Apache-2.0 */
/* Files: bounded reads, atomic writes, directory listings. Everything is opened O_CLOEXEC.
 * Functions here return 0 or -errno. */
#ifndef BASE_FS_H
#define BASE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include "base/vec.h"

/* Reads at most max_bytes; -EFBIG if the file is longer. Result is NUL-terminated; caller frees. */
int fs_read(const char *path, size_t max_bytes, char **ret_text, size_t *ret_len);
/* The same from the current position of an open file descriptor. */
int fs_read_fd(int fd, size_t max_bytes, char **ret_text, size_t *ret_len);
/* The same of a file that a person named, or put where cleave reads its data: a FIFO or a terminal
 * without a writer ends the file, or is -ETIMEDOUT after `wait_ms` without a byte. */
int fs_read_input(const char *path, size_t max_bytes, int wait_ms, char **ret_text,
                  size_t *ret_len);
#define FS_INPUT_WAIT_MS 30000 /* a program that writes it may take a while */
/* Writes a temporary file next to `path`, fsyncs, renames, fsyncs the directory. */
int fs_write_atomic(const char *path, const void *data, size_t len);
/* One write(2) to an existing file, for kernel attribute files; -errno of the write. */
int fs_write_attr(const char *path, const char *text);
/* Makes the directory and its missing parents, each with exactly this mode. */
int fs_mkdirs(const char *path, unsigned mode);
bool fs_exists(const char *path);
/* Last component of the target of a symbolic link; -ENAMETOOLONG if it does not fit. */
int fs_link_name(const char *path, char *ret_name, size_t size);
/* Removes a directory tree, not following links and not crossing file systems (-EXDEV).
 * -ENOENT if there is none. */
int fs_remove_tree(const char *path);

struct strlist {
    char **items;
    size_t n;
    size_t cap;
};
/* Names in a directory without "." and "..", sorted. */
int fs_list(const char *path, struct strlist *ret_names);
void strlist_done(struct strlist *list);
#define CLEANUP_STRLIST CLEANUP(strlist_done)

static inline void closep(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}
#define CLEANUP_CLOSE CLEANUP(closep)

#endif

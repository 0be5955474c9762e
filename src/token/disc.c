/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libarchive writes the image. It keeps the contents of all files in a temporary file meanwhile
 * (archive_write_set_format_iso9660.c), where no token may be. So it gets as many other bytes
 * instead of each file's content, and the contents take their places in the finished image: a
 * file's extent is contiguous and begins at a sector (ECMA-119, 6.4).
 */
#include "token/disc.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/str.h"

#define SECTOR 2048
#define MAX_IMAGE (4 * 1024 * 1024)
#define US_PER_S UINT64_C(1000000)

static ssize_t append(struct archive *archive, void *data, const void *bytes, size_t len)
{
    struct secret *image = data;
    if (len >= image->size - image->len) {
        archive_set_error(archive, ENOSPC, "the image has no room for it");
        return -1;
    }
    secret_add(image, bytes, len);
    return (ssize_t)len;
}

static int fail(struct archive *archive, struct error *err)
{
    const char *why = archive_error_string(archive);
    return error_set(err, REASON_INTERNAL, "iso", "the ISO image can't be made: %s",
                     why != NULL ? why : "libarchive says no more");
}

/* Bytes that stand for a file's content, other ones for each file. */
static char *make_stand_in(size_t index, size_t len)
{
    char *bytes = xcalloc(len, 1);
    for (size_t at = 0; at < len; at++) {
        bytes[at] = (char)(0x80 | ((at / SECTOR + index * 31 + at % 17) & 0x7f));
    }
    return bytes;
}

static int add_file(struct archive *archive, const struct disc_file *file, size_t index,
                    uint64_t made_us)
{
    CLEANUP_FREE char *stand_in = make_stand_in(index, file->content->len);
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, file->name);
    archive_entry_set_size(entry, (la_int64_t)file->content->len);
    archive_entry_set_filetype(entry, S_IFREG);
    archive_entry_set_perm(entry, (mode_t)file->mode);
    archive_entry_set_mtime(entry, (time_t)(made_us / US_PER_S), 0);
    bool written =
        archive_write_header(archive, entry) == ARCHIVE_OK &&
        archive_write_data(archive, stand_in, file->content->len) == (la_ssize_t)file->content->len;
    archive_entry_free(entry);
    return written ? 0 : -1;
}

static int write_image(struct archive *archive, const struct disc_file *files, size_t n,
                       const char *label, uint64_t made_us, struct secret *image, struct error *err)
{
    bool good =
        archive_write_set_format_iso9660(archive) == ARCHIVE_OK &&
        archive_write_set_format_option(archive, "iso9660", "volume-id", label) == ARCHIVE_OK &&
        archive_write_set_bytes_in_last_block(archive, 1) == ARCHIVE_OK &&
        archive_write_open(archive, image, NULL, append, NULL) == ARCHIVE_OK;
    for (size_t i = 0; good && i < n; i++) {
        good = add_file(archive, &files[i], i, made_us) == 0;
    }
    return good && archive_write_close(archive) == ARCHIVE_OK ? 0 : fail(archive, err);
}

/* Where the stand-in is: in exactly one place, else NULL. */
static char *find(const struct secret *image, const char *stand_in, size_t len)
{
    char *found = NULL;
    for (size_t at = 0; at + len <= image->len; at += SECTOR) {
        if (memcmp(image->bytes + at, stand_in, len) == 0) {
            if (found != NULL) {
                return NULL;
            }
            found = image->bytes + at;
        }
    }
    return found;
}

/* All are found before the first is replaced: a content can't be taken for a stand-in. */
static int put_contents(const struct disc_file *files, size_t n, struct secret *image,
                        struct error *err)
{
    char *places[DISC_MAX_FILES] = {0};
    for (size_t i = 0; i < n; i++) {
        CLEANUP_FREE char *stand_in = make_stand_in(i, files[i].content->len);
        places[i] = find(image, stand_in, files[i].content->len);
        if (places[i] == NULL) {
            return error_set(err, REASON_INTERNAL, "iso",
                             "the ISO image can't be made: file %s is not where it should be",
                             files[i].name);
        }
    }
    for (size_t i = 0; i < n; i++) {
        memcpy(places[i], files[i].content->bytes, files[i].content->len);
    }
    return 0;
}

int disc_make(const struct disc_file *files, size_t n, const char *label, uint64_t made_us,
              struct secret *ret_image, struct error *err)
{
    CLEANUP_SECRET struct secret image = {0};
    if (n > DISC_MAX_FILES) {
        return error_set(err, REASON_INTERNAL, "iso", "a disc has at most %d files",
                         DISC_MAX_FILES);
    }
    secret_init(&image, MAX_IMAGE);
    struct archive *archive = archive_write_new();
    int r = write_image(archive, files, n, label, made_us, &image, err);
    archive_write_free(archive);
    r = r != 0 ? r : put_contents(files, n, &image, err);
    if (r == 0) {
        *ret_image = image;
        image = (struct secret){0};
    }
    return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A disc, read back by libarchive's reader. */
#include "token/disc.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "test.h"

#define MADE_US UINT64_C(1790000000000000)

static void make_content(struct secret *content, size_t len, unsigned seed)
{
    secret_init(content, len + 1);
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1103515245 + 12345;
        char byte = (char)(seed >> 16 & 0xff);
        secret_add(content, &byte, 1);
    }
}

static void assert_is_on_disc(const struct secret *image, const struct disc_file *file)
{
    struct archive *archive = archive_read_new();
    struct archive_entry *entry = NULL;
    bool found = false;
    assert_int_equal(archive_read_support_format_iso9660(archive), ARCHIVE_OK);
    assert_int_equal(archive_read_open_memory(archive, image->bytes, image->len), ARCHIVE_OK);
    while (!found && archive_read_next_header(archive, &entry) == ARCHIVE_OK) {
        found = str_eq(archive_entry_pathname(entry), file->name);
    }
    assert_true(found);
    CLEANUP_FREE char *bytes = xcalloc(file->content->len + 1, 1);
    assert_int_equal(archive_entry_size(entry), file->content->len);
    assert_int_equal(archive_read_data(archive, bytes, file->content->len + 1), file->content->len);
    assert_memory_equal(bytes, file->content->bytes, file->content->len);
    archive_read_free(archive);
}

/* Lengths around a sector's; contents like another file's, and like nothing else. */
static void each_file_comes_back_whole(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, 2, 16, 2047, 2048, 2049, 4096, 65000};
    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        CLEANUP_SECRET struct secret one = {0};
        CLEANUP_SECRET struct secret two = {0};
        CLEANUP_SECRET struct secret three = {0};
        CLEANUP_SECRET struct secret image = {0};
        struct error err = {0};
        make_content(&one, lengths[i], 1);
        make_content(&two, lengths[i], 1); /* the same */
        make_content(&three, lengths[(i + 3) % ARRAY_SIZE(lengths)], 2);
        const struct disc_file files[] = {{"client_configuration_token.tok", &one, 0400},
                                          {"user-data", &two, 0600},
                                          {"README.txt", &three, 0644}};
        if (disc_make(files, ARRAY_SIZE(files), "cidata", MADE_US, &image, &err) != 0) {
            fail_msg("%zu bytes: %s", lengths[i], err.message);
        }
        for (size_t k = 0; k < ARRAY_SIZE(files); k++) {
            assert_is_on_disc(&image, &files[k]);
        }
    }
}

/* ECMA-119, 8.4.7: the volume's name in sector 16; of the Joliet volume in UCS-2, in the letters
 * that were asked for, which is what blkid and so cloud-init read. */
static void the_volume_has_its_label(void **state)
{
    (void)state;
    static const char joliet[] = "\0c\0i\0d\0a\0t\0a";
    CLEANUP_SECRET struct secret one = {0};
    CLEANUP_SECRET struct secret image = {0};
    make_content(&one, 10, 1);
    const struct disc_file file = {"user-data", &one, 0600};
    assert_int_equal(disc_make(&file, 1, "cidata", MADE_US, &image, NULL), 0);
    assert_memory_equal(image.bytes + 16 * 2048 + 1, "CD001", 5);
    assert_memory_equal(image.bytes + 16 * 2048 + 40, "CIDATA", 6);
    assert_non_null(memmem(image.bytes, image.len, joliet, sizeof(joliet) - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_file_comes_back_whole),
        cmocka_unit_test(the_volume_has_its_label),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <elf.h>
#include <string.h>

#include "base/mem.h"
#include "sim/guest/kernel_image.h"
#include "test.h"

static void put32(uint8_t *p, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        p[i] = (uint8_t)(value >> (8 * i));
    }
}

static void a_block_of_literals_and_an_overlapping_match_unpacks(void **state)
{
    (void)state;
    /* "ab", then 6 bytes from 2 back, then the literal "!". */
    const uint8_t block[] = {0x22, 'a', 'b', 2, 0, 0x10, '!'};
    uint8_t out[16];
    assert_int_equal(lz4_block(block, sizeof(block), out, sizeof(out)), 9);
    assert_memory_equal(out, "abababab!", 9);
}

static void long_lengths_are_added_up(void **state)
{
    (void)state;
    uint8_t block[2 + 1 + 300] = {0xf0, 255, 30}; /* 15 + 255 + 30 literals */
    uint8_t out[300];
    memset(block + 3, 'x', 300);
    assert_int_equal(lz4_block(block, sizeof(block), out, sizeof(out)), 300);
    assert_int_equal(out[299], 'x');
}

static void malformed_blocks_are_refused(void **state)
{
    (void)state;
    uint8_t out[8];
    static const struct {
        const char *name;
        size_t len;
        uint8_t block[8];
    } rows[] = {
        {"literals past the end", 2, {0x50, 'a'}},
        {"distance zero", 4, {0x10, 'a', 0, 0}},
        {"distance before the start", 4, {0x10, 'a', 2, 0}},
        {"half a distance", 3, {0x10, 'a', 1}},
        {"output too small", 5, {0x1f, 'a', 1, 0, 9}},
        {"length never ends", 3, {0xf0, 255, 255}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (lz4_block(rows[i].block, rows[i].len, out, sizeof(out)) != -1) {
            fail_msg("accepted: %s", rows[i].name);
        }
    }
}

/* A boot image whose payload is one block of literals: an ELF header. Returns its length. */
static size_t make_image(uint8_t *image, size_t size)
{
    Elf64_Ehdr elf = {.e_machine = EM_X86_64};
    memcpy(elf.e_ident, ELFMAG, SELFMAG);
    elf.e_ident[EI_CLASS] = ELFCLASS64;
    memset(image, 0, size);
    memcpy(image + 0x202, "HdrS", 4);
    image[0x206] = 0x0f;
    image[0x207] = 0x02;
    image[0x1f1] = 1; /* payload starts at sector 2 */
    uint8_t *payload = image + 1024;
    put32(payload, 0x184c2102);
    put32(payload + 4, 2 + sizeof(elf)); /* token, one more length byte */
    payload[8] = 0xf0;
    payload[9] = (uint8_t)(sizeof(elf) - 15);
    memcpy(payload + 10, &elf, sizeof(elf));
    put32(payload + 10 + sizeof(elf), sizeof(elf));
    put32(image + 0x24c, 10 + sizeof(elf) + 4);
    return 1024 + 10 + sizeof(elf) + 4;
}

static void a_boot_image_gives_up_its_kernel(void **state)
{
    (void)state;
    uint8_t image[2048];
    struct error err = {0};
    const uint8_t *payload = NULL;
    size_t len = make_image(image, sizeof(image));
    size_t payload_len = 0;
    CLEANUP_FREE uint8_t *elf = NULL;
    size_t elf_len = 0;
    assert_int_equal(kernel_payload(image, len, &payload, &payload_len, &err), 0);
    assert_int_equal(kernel_unpack(payload, payload_len, &elf, &elf_len, &err), 0);
    assert_int_equal(elf_len, sizeof(Elf64_Ehdr));
}

static void a_cut_or_foreign_image_is_refused(void **state)
{
    (void)state;
    uint8_t image[2048];
    struct error err = {0};
    const uint8_t *payload = NULL;
    size_t payload_len = 0;
    CLEANUP_FREE uint8_t *elf = NULL;
    size_t elf_len = 0;
    size_t len = make_image(image, sizeof(image));
    assert_int_equal(kernel_payload(image, len - 1, &payload, &payload_len, &err), -REASON_INVALID);
    assert_int_equal(kernel_payload(image, 100, &payload, &payload_len, &err), -REASON_INVALID);
    image[1024 + 4] = 0xff; /* a block longer than the payload */
    assert_int_equal(kernel_payload(image, len, &payload, &payload_len, &err), 0);
    assert_int_equal(kernel_unpack(payload, payload_len, &elf, &elf_len, &err), -REASON_INVALID);
    image[1024] = 0x1f; /* gzip, say */
    assert_int_equal(kernel_unpack(payload, payload_len, &elf, &elf_len, &err),
                     -REASON_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_of_literals_and_an_overlapping_match_unpacks),
        cmocka_unit_test(long_lengths_are_added_up),
        cmocka_unit_test(malformed_blocks_are_refused),
        cmocka_unit_test(a_boot_image_gives_up_its_kernel),
        cmocka_unit_test(a_cut_or_foreign_image_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

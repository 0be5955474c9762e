/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/guest/kernel_image.h"

#include <elf.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"

/* Offsets in the boot image's header. */
#define BOOT_SETUP_SECTORS 0x1f1
#define BOOT_MAGIC 0x202
#define BOOT_VERSION 0x206
#define BOOT_PAYLOAD_OFFSET 0x248
#define BOOT_PAYLOAD_LENGTH 0x24c
#define BOOT_HEADER_BYTES 0x250
#define BOOT_VERSION_WITH_PAYLOAD 0x208
#define SECTOR_BYTES 512

#define LZ4_LEGACY_MAGIC 0x184c2102U
#define LZ4_MIN_MATCH 4
#define LZ4_LONG 15

static uint32_t le16(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t le32(const uint8_t *p)
{
    return le16(p) | le16(p + 2) << 16;
}

int kernel_payload(const uint8_t *image, size_t len, const uint8_t **ret_payload, size_t *ret_len,
                   struct error *err)
{
    if (len < BOOT_HEADER_BYTES || memcmp(image + BOOT_MAGIC, "HdrS", 4) != 0) {
        return error_set(err, REASON_INVALID, "kernel", "not an x86 Linux boot image");
    }
    if (le16(image + BOOT_VERSION) < BOOT_VERSION_WITH_PAYLOAD) {
        return error_set(err, REASON_UNSUPPORTED, "kernel", "boot protocol %x has no payload field",
                         le16(image + BOOT_VERSION));
    }
    size_t sectors = image[BOOT_SETUP_SECTORS] != 0 ? image[BOOT_SETUP_SECTORS] : 4;
    size_t start = (sectors + 1) * SECTOR_BYTES + le32(image + BOOT_PAYLOAD_OFFSET);
    size_t size = le32(image + BOOT_PAYLOAD_LENGTH);
    if (start > len || size > len - start) {
        return error_set(err, REASON_INVALID, "kernel", "the boot image is cut off");
    }
    *ret_payload = image + start;
    *ret_len = size;
    return 0;
}

/* A reader over one block. */
struct bytes {
    const uint8_t *at;
    size_t left;
};

/* Adds the bytes that continue a length of 15; false if they run out or it gets absurd. */
static bool read_long(struct bytes *in, size_t *length)
{
    uint8_t byte = UINT8_MAX;
    while (byte == UINT8_MAX) {
        if (in->left == 0 || *length > KERNEL_MAX_BYTES) {
            return false;
        }
        byte = *in->at++;
        in->left--;
        *length += byte;
    }
    return true;
}

static bool copy_literals(struct bytes *in, size_t length, uint8_t *out, size_t *done, size_t size)
{
    if (length > in->left || length > size - *done) {
        return false;
    }
    memcpy(out + *done, in->at, length);
    in->at += length;
    in->left -= length;
    *done += length;
    return true;
}

/* A match may overlap what it writes: bytes are copied one by one. */
static bool copy_match(size_t distance, size_t length, uint8_t *out, size_t *done, size_t size)
{
    if (distance == 0 || distance > *done || length > size - *done) {
        return false;
    }
    for (size_t i = 0; i < length; i++, (*done)++) {
        out[*done] = out[*done - distance];
    }
    return true;
}

ssize_t lz4_block(const uint8_t *block, size_t block_len, uint8_t *out, size_t out_size)
{
    struct bytes in = {.at = block, .left = block_len};
    size_t done = 0;
    while (in.left > 0) {
        uint8_t token = *in.at++;
        in.left--;
        size_t literals = token >> 4;
        if (literals == LZ4_LONG && !read_long(&in, &literals)) {
            return -1;
        }
        if (!copy_literals(&in, literals, out, &done, out_size)) {
            return -1;
        }
        if (in.left == 0) {
            return (ssize_t)done; /* the last sequence has no match */
        }
        if (in.left < 2) {
            return -1;
        }
        size_t distance = le16(in.at);
        in.at += 2;
        in.left -= 2;
        size_t match = token & LZ4_LONG;
        if (match == LZ4_LONG && !read_long(&in, &match)) {
            return -1;
        }
        if (!copy_match(distance, match + LZ4_MIN_MATCH, out, &done, out_size)) {
            return -1;
        }
    }
    return (ssize_t)done;
}

static bool is_elf64_x86(const uint8_t *data, size_t len)
{
    Elf64_Ehdr header;
    if (len < sizeof(header)) {
        return false;
    }
    memcpy(&header, data, sizeof(header));
    return memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_ident[EI_CLASS] == ELFCLASS64 &&
           header.e_machine == EM_X86_64;
}

int kernel_unpack(const uint8_t *payload, size_t len, uint8_t **ret_elf, size_t *ret_len,
                  struct error *err)
{
    if (len < 8 || le32(payload) != LZ4_LEGACY_MAGIC) {
        return error_set(err, REASON_UNSUPPORTED, "kernel",
                         "the payload isn't compressed with LZ4");
    }
    /* The kernel's build appends the length of what is inside. */
    size_t end = len - 4;
    size_t total = le32(payload + end);
    if (total == 0 || total > KERNEL_MAX_BYTES) {
        return error_set(err, REASON_INVALID, "kernel", "the payload claims %zu bytes", total);
    }
    CLEANUP_FREE uint8_t *elf = xcalloc(total, 1);
    size_t done = 0;
    for (size_t at = 4; at + 4 < end;) {
        size_t block = le32(payload + at);
        at += 4;
        ssize_t wrote =
            block <= end - at ? lz4_block(payload + at, block, elf + done, total - done) : -1;
        if (wrote < 0) {
            return error_set(err, REASON_INVALID, "kernel", "the payload is damaged at byte %zu",
                             at);
        }
        at += block;
        done += (size_t)wrote;
    }
    if (done != total || !is_elf64_x86(elf, total)) {
        return error_set(err, REASON_INVALID, "kernel", "the payload holds no x86-64 kernel");
    }
    *ret_elf = TAKE_PTR(elf);
    *ret_len = total;
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* cleave-guest-pack: makes what a demo guest boots from a distribution's kernel and our init. */
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "sim/guest/kernel_image.h"

#define INIT_MAX_BYTES (16U * 1024 * 1024)

/* A member of the initial file system; `data` NULL for what has no contents. */
struct member {
    const char *name;
    unsigned mode;
    unsigned device_major, device_minor;
    const char *data;
    size_t len;
};

static void pad4(struct strbuf *out)
{
    while (out->len % 4 != 0) {
        strbuf_addn(out, "", 1);
    }
}

/* The "newc" form (Linux Documentation/driver-api/early-userspace/buffer-format.rst). */
static void add_member(struct strbuf *out, const struct member *member, unsigned inode)
{
    strbuf_addf(out, "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X", inode,
                member->mode, 0U, 0U, 1U, 0U, member->len, 0U, 0U, member->device_major,
                member->device_minor, strlen(member->name) + 1, 0U);
    strbuf_addn(out, member->name, strlen(member->name) + 1);
    pad4(out);
    if (member->data != NULL) {
        strbuf_addn(out, member->data, member->len);
        pad4(out);
    }
}

static int write_initramfs(const char *init_path, const char *path)
{
    CLEANUP_FREE char *init = NULL;
    size_t len = 0;
    int result = fs_read(init_path, INIT_MAX_BYTES, &init, &len);
    if (result < 0) {
        fprintf(stderr, "cleave-guest-pack: reading %s: %s\n", init_path, strerror(-result));
        return result;
    }
    const struct member members[] = {
        {.name = "dev", .mode = 0040755},
        {.name = "proc", .mode = 0040755},
        {.name = "sys", .mode = 0040755},
        {.name = "dev/console", .mode = 0020600, .device_major = 5, .device_minor = 1},
        {.name = "init", .mode = 0100755, .data = init, .len = len},
        {.name = "TRAILER!!!"},
    };
    CLEANUP_STRBUF struct strbuf out = {0};
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        add_member(&out, &members[i], (unsigned)i + 1);
    }
    result = fs_write_atomic(path, out.text, out.len);
    if (result < 0) {
        fprintf(stderr, "cleave-guest-pack: writing %s: %s\n", path, strerror(-result));
    }
    return result;
}

static int write_kernel(const char *image_path, const char *path)
{
    CLEANUP_FREE char *image = NULL;
    CLEANUP_FREE uint8_t *elf = NULL;
    const uint8_t *payload = NULL;
    struct error err = {0};
    size_t len = 0;
    size_t payload_len = 0;
    size_t elf_len = 0;
    int result = fs_read(image_path, KERNEL_MAX_BYTES, &image, &len);
    if (result < 0) {
        fprintf(stderr, "cleave-guest-pack: reading %s: %s\n", image_path, strerror(-result));
        return result;
    }
    result = kernel_payload((const uint8_t *)image, len, &payload, &payload_len, &err);
    if (result == 0) {
        result = kernel_unpack(payload, payload_len, &elf, &elf_len, &err);
    }
    if (result < 0 && result != -REASON_UNSUPPORTED) {
        fprintf(stderr, "cleave-guest-pack: %s: %s\n", image_path, err.message);
        return result;
    }
    /* Another compression: the guest then unpacks itself, which only takes longer. */
    result = result == 0 ? fs_write_atomic(path, elf, elf_len) : fs_write_atomic(path, image, len);
    if (result < 0) {
        fprintf(stderr, "cleave-guest-pack: writing %s: %s\n", path, strerror(-result));
    }
    return result;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: cleave-guest-pack KERNEL INIT OUTPUT-FOLDER\n");
        return 2;
    }
    CLEANUP_FREE char *kernel = xasprintf("%s/kernel", argv[3]);
    CLEANUP_FREE char *initramfs = xasprintf("%s/initramfs", argv[3]);
    return write_kernel(argv[1], kernel) < 0 || write_initramfs(argv[2], initramfs) < 0 ? 1 : 0;
}

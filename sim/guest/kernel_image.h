/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes the ELF kernel out of a compressed x86 boot image, so that an emulated guest need not
 * decompress it: QEMU starts such a kernel at its PVH entry point. Layout: Linux
 * Documentation/arch/x86/boot.rst; payload: LZ4's "legacy" frame (lz4 doc, lz4_Frame_format.md).
 * Input is not trusted: every length is checked.
 */
#ifndef SIM_GUEST_KERNEL_IMAGE_H
#define SIM_GUEST_KERNEL_IMAGE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

#define KERNEL_MAX_BYTES (256U * 1024 * 1024)

/* Finds the compressed payload inside a boot image; both borrowed from `image`. */
int kernel_payload(const uint8_t *image, size_t len, const uint8_t **ret_payload, size_t *ret_len,
                   struct error *err);

/* Decompresses a payload and checks that an x86-64 ELF file came out. Caller frees.
 * -REASON_UNSUPPORTED if the payload isn't LZ4: the image is then used as it is. */
int kernel_unpack(const uint8_t *payload, size_t len, uint8_t **ret_elf, size_t *ret_len,
                  struct error *err);

/* One LZ4 block; returns the bytes written or -1 if it is malformed or too long for `out`. */
ssize_t lz4_block(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_size);

#endif

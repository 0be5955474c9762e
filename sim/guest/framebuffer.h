/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest does with its framebuffer: fills it with a pattern, writes parts of it again and
 * again, and reads it all back. Each word is known from seed, place and how often its chunk was
 * written, so a byte that a move lost, or took from an earlier round, is found. The guest's alone;
 * no allocation, for init has no memory to spare.
 */
#ifndef SIM_GUEST_FRAMEBUFFER_H
#define SIM_GUEST_FRAMEBUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAMEBUFFER_CHUNK_BYTES (64u * 1024)
#define FRAMEBUFFER_MAX_CHUNKS                                                                     \
    256u /* 16 MiB: enough to take a moment, little enough to emulate                              \
          */

struct framebuffer {
    volatile uint64_t *words; /* shared with the host */
    size_t n_chunks;
    size_t next; /* chunk that is written next */
    uint64_t seed;
    uint32_t rounds[FRAMEBUFFER_MAX_CHUNKS];
};

/* Takes whole chunks of `memory` and writes them all. */
void framebuffer_init(struct framebuffer *fb, volatile void *memory, size_t bytes, uint64_t seed);
/* Writes the next `n` chunks again, around and around. */
void framebuffer_dirty(struct framebuffer *fb, size_t n);
/* Reads everything: a checksum of what is there, and where it first differs from what was written
 * (-1: nowhere). */
int64_t framebuffer_check(const struct framebuffer *fb, uint64_t *ret_sum);

#endif

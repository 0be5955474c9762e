/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/guest/framebuffer.h"

#define WORDS_PER_CHUNK (FRAMEBUFFER_CHUNK_BYTES / sizeof(uint64_t))

/* Odd constants of splitmix64; each word is the one before plus a step: all that emulation affords.
 */
#define STEP 0x9e3779b97f4a7c15u
#define ROUND 0xbf58476d1ce4e5b9u
#define PLACE 0x94d049bb133111ebu

static uint64_t first_word(const struct framebuffer *fb, size_t chunk)
{
    return fb->seed * STEP + fb->rounds[chunk] * ROUND + chunk * PLACE + 1;
}

static void write_chunk(struct framebuffer *fb, size_t chunk)
{
    volatile uint64_t *words = fb->words + chunk * WORDS_PER_CHUNK;
    uint64_t value = first_word(fb, chunk);
    for (size_t i = 0; i < WORDS_PER_CHUNK; i++) {
        words[i] = value;
        value += STEP;
    }
}

void framebuffer_init(struct framebuffer *fb, volatile void *memory, size_t bytes, uint64_t seed)
{
    size_t n = bytes / FRAMEBUFFER_CHUNK_BYTES;
    *fb = (struct framebuffer){.words = memory,
                               .n_chunks = n < FRAMEBUFFER_MAX_CHUNKS ? n : FRAMEBUFFER_MAX_CHUNKS,
                               .seed = seed};
    for (size_t chunk = 0; chunk < fb->n_chunks; chunk++) {
        write_chunk(fb, chunk);
    }
}

void framebuffer_dirty(struct framebuffer *fb, size_t n)
{
    for (size_t i = 0; i < n && fb->n_chunks > 0; i++) {
        fb->rounds[fb->next]++;
        write_chunk(fb, fb->next);
        fb->next = (fb->next + 1) % fb->n_chunks;
    }
}

int64_t framebuffer_check(const struct framebuffer *fb, uint64_t *ret_sum)
{
    int64_t bad = -1;
    uint64_t sum = 0;
    for (size_t chunk = 0; chunk < fb->n_chunks; chunk++) {
        const volatile uint64_t *words = fb->words + chunk * WORDS_PER_CHUNK;
        uint64_t wanted = first_word(fb, chunk);
        for (size_t i = 0; i < WORDS_PER_CHUNK; i++) {
            uint64_t word = words[i];
            sum = (sum << 1 | sum >> 63) ^ word;
            if (word != wanted && bad < 0) {
                bad = (int64_t)(chunk * FRAMEBUFFER_CHUNK_BYTES + i * sizeof(word));
            }
            wanted += STEP;
        }
    }
    *ret_sum = sum;
    return bad;
}

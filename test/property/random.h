/* SPDX-License-Identifier: Apache-2.0 */
/* Repeatable randomness for property tests: CLEAVE_SEED repeats a run, messages print the seed. */
#ifndef TEST_PROPERTY_RANDOM_H
#define TEST_PROPERTY_RANDOM_H

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

struct random {
    uint64_t seed;
    uint64_t state;
};

/* From CLEAVE_SEED, else from the clock. */
static inline struct random random_new(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    const char *given = getenv("CLEAVE_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10)
                                  : (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    return (struct random){.seed = seed, .state = seed | 1};
}

static inline unsigned long long random_seed(const struct random *random)
{
    return random->seed;
}

/* xorshift64* (Marsaglia, Vigna); plenty for choosing cases. */
static inline uint32_t random_below(struct random *random, uint32_t n)
{
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return (uint32_t)((random->state * UINT64_C(2685821657736338717)) >> 33) % n;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Pauses between attempts that grow: each is twice the one before, up to the longest. */
#ifndef BASE_BACKOFF_H
#define BASE_BACKOFF_H

#include <stdint.h>

/* All zero: nothing was tried yet. */
struct backoff {
    uint64_t next_us;
};

/* The pause before the attempt that comes, in microseconds: `first_us`, then twice the one before,
 * at most `longest_us`, which may be another one each time. */
static inline uint64_t backoff_take(struct backoff *backoff, uint64_t first_us, uint64_t longest_us)
{
    uint64_t pause_us = backoff->next_us == 0 ? first_us : backoff->next_us;
    pause_us = pause_us < longest_us ? pause_us : longest_us;
    backoff->next_us = pause_us * 2;
    return pause_us;
}

static inline void backoff_reset(struct backoff *backoff)
{
    backoff->next_us = 0;
}

#endif

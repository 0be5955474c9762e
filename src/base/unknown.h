/* SPDX-License-Identifier: Apache-2.0 */
/* Values for what is not known, where 0 and false would say something. */
#ifndef BASE_UNKNOWN_H
#define BASE_UNKNOWN_H

#include <stdbool.h>
#include <stdint.h>

/* No number: of an id, a place, a size. */
#define NO_ID UINT32_MAX

enum tristate { TRI_UNKNOWN, TRI_NO, TRI_YES };

/* A number that was measured or reported, 0 among them, or is not known: then all of it is zero. */
struct amount {
    uint64_t value;
    bool known;
};

static inline struct amount amount_of(uint64_t value)
{
    return (struct amount){.value = value, .known = true};
}

/* Of both; unknown where one of them is. */
static inline struct amount amount_sum(struct amount a, struct amount b)
{
    return a.known && b.known ? amount_of(a.value + b.value) : (struct amount){0};
}

#endif

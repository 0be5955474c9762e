/* SPDX-License-Identifier: Apache-2.0 */
/* Growable arrays: struct { T *items; size_t n; size_t cap; } and macros. */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include "base/mem.h"

#define VEC(T)                                                                                     \
    struct {                                                                                       \
        T *items;                                                                                  \
        size_t n;                                                                                  \
        size_t cap;                                                                                \
    }

/* Appends a zeroed element and evaluates to a pointer to it (valid until the next push). */
#define vec_push(v)                                                                                \
    __extension__({                                                                                \
        if ((v)->n == (v)->cap) {                                                                  \
            (v)->cap = (v)->cap == 0 ? 8 : (v)->cap * 2;                                           \
            (v)->items = xrealloc_array((v)->items, (v)->cap, sizeof((v)->items[0]));              \
        }                                                                                          \
        __builtin_memset(&(v)->items[(v)->n], 0, sizeof((v)->items[0]));                           \
        &(v)->items[(v)->n++];                                                                     \
    })

#define vec_done(v)                                                                                \
    do {                                                                                           \
        free((v)->items);                                                                          \
        (v)->items = NULL;                                                                         \
        (v)->n = 0;                                                                                \
        (v)->cap = 0;                                                                              \
    } while (0)

/* Gives `v`, until now a shallow copy of `from`, elements of its own: copies of those. */
#define vec_own(v, from)                                                                           \
    do {                                                                                           \
        (v)->items = NULL;                                                                         \
        (v)->n = (v)->cap = 0;                                                                     \
        for (vec_each(from, vec_element)) {                                                        \
            *vec_push(v) = *vec_element;                                                           \
        }                                                                                          \
    } while (0)

/* Removes element i, keeping order. */
#define vec_remove(v, i)                                                                           \
    do {                                                                                           \
        __builtin_memmove(&(v)->items[(i)], &(v)->items[(i) + 1],                                  \
                          ((v)->n - (i) - 1) * sizeof((v)->items[0]));                             \
        (v)->n--;                                                                                  \
    } while (0)

/* for (vec_each(&host->gpus, gpu)) … */
#define vec_each(v, var)                                                                           \
    __typeof__((v)->items[0]) *var = (v)->items;                                                   \
    (var) != NULL && (var) < (v)->items + (v)->n;                                                  \
    var++

#endif

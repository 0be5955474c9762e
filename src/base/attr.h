/* SPDX-License-Identifier: Apache-2.0 */
/* Compiler attributes and the ownership idiom: CLEANUP(x_freep) struct x *x = NULL; … TAKE_PTR(x).
 */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

#include <stddef.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define PRINTF_ATTR(fmt, args) __attribute__((format(printf, fmt, args)))
#define NORETURN __attribute__((noreturn))
#define UNUSED __attribute__((unused))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Moves the value out of `ptr` and leaves NULL behind. */
#define TAKE_PTR(ptr)                                                                              \
    __extension__({                                                                                \
        __typeof__(ptr) *take_from_ = &(ptr);                                                      \
        __typeof__(ptr) taken_ = *take_from_;                                                      \
        *take_from_ = NULL;                                                                        \
        taken_;                                                                                    \
    })

/* Moves a file descriptor out and leaves -1 behind. */
#define TAKE_FD(fd)                                                                                \
    __extension__({                                                                                \
        int *take_from_ = &(fd);                                                                   \
        int taken_ = *take_from_;                                                                  \
        *take_from_ = -1;                                                                          \
        taken_;                                                                                    \
    })

/* DEFINE_FREEP(struct plan *, plan_free) defines plan_freep() for CLEANUP. */
#define DEFINE_FREEP(type, fn)                                                                     \
    static inline void fn##p(__typeof__(type) *ptr)                                                \
    {                                                                                              \
        if (*ptr != NULL) {                                                                        \
            fn(*ptr);                                                                              \
        }                                                                                          \
        *ptr = NULL;                                                                               \
    }

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State machines as tables. An enum numbers the states, its words (base/words.h) say which may
 * follow which, and sm_move() is the one way to change a state. sm_check() belongs into the unit
 * test of each machine. At most 32 states.
 */
#ifndef BASE_SM_H
#define BASE_SM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "base/words.h"

#define SM_TO(state) (UINT32_C(1) << (state))

bool sm_can(const struct words *machine, uint32_t from, uint32_t to);

/* Moves *state and is true, or leaves it and is false where the table has no such move. */
#define sm_move(machine, state, to)                                                                \
    __extension__({                                                                                \
        __typeof__(*(state)) to_ = (to);                                                           \
        bool can_ = sm_can((machine), (uint32_t)*(state), (uint32_t)to_);                          \
        if (can_) {                                                                                \
            *(state) = to_;                                                                        \
        }                                                                                          \
        can_;                                                                                      \
    })

/* The same, where a move that the table lacks is a bug: that ends the process. */
#define sm_go(machine, state, to)                                                                  \
    do {                                                                                           \
        const struct words *machine_ = (machine);                                                  \
        __typeof__(*(state)) go_to_ = (to);                                                        \
        if (!sm_move(machine_, (state), go_to_)) {                                                 \
            sm_bug(machine_, (uint32_t)*(state), (uint32_t)go_to_);                                \
        }                                                                                          \
    } while (0)
NORETURN void sm_bug(const struct words *machine, uint32_t from, uint32_t to);

/* Exactly one initial state, every state named and reachable, no dead ends that are not final.
 * NULL if all is well, else what is wrong (static text). */
const char *sm_check(const struct words *machine);

/* Graphviz text of the machine, appended. */
void sm_draw(const struct words *machine, struct strbuf *out);

#endif

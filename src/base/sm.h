/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State machines as tables. An enum numbers the states, one `static const struct sm_type` says
 * which may follow which, and sm_move() is the one way to change a state. sm_check() belongs into
 * the unit test of each machine. At most 32 states.
 */
#ifndef BASE_SM_H
#define BASE_SM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define SM_TO(state) (UINT32_C(1) << (state))

struct sm_state {
    const char *name; /* stored and shown; never renamed */
    uint32_t next;    /* set of SM_TO(state) */
    bool initial;
    bool final; /* may stay there; others must have a way out */
};

struct sm_type {
    const char *name;
    const struct sm_state *states;
    uint32_t n;
};

bool sm_can(const struct sm_type *type, uint32_t from, uint32_t to);

/* Moves *state and is true, or leaves it and is false where the table has no such move. */
#define sm_move(type, state, to)                                                                   \
    __extension__({                                                                                \
        __typeof__(*(state)) to_ = (to);                                                           \
        bool can_ = sm_can((type), (uint32_t)*(state), (uint32_t)to_);                             \
        if (can_) {                                                                                \
            *(state) = to_;                                                                        \
        }                                                                                          \
        can_;                                                                                      \
    })

/* Exactly one initial state, every state named and reachable, no dead ends that are not final.
 * NULL if all is well, else what is wrong (static text). */
const char *sm_check(const struct sm_type *type);

/* Graphviz text of the machine, appended. */
void sm_draw(const struct sm_type *type, struct strbuf *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns of the ledger, and those who wait for one. One change is stored at a time, and the next one
 * is made from what the ledger says once that is stored: so no change is built on one that may
 * still fail, and none is ever taken back. Turns come first in, first out. Loop thread only.
 */
#ifndef LEDGER_TURNS_H
#define LEDGER_TURNS_H

#include <stdbool.h>

#include "base/evloop.h"
#include "base/vec.h"

struct turn {
    evloop_fn *fn;
    void *data;
};

struct turns {
    struct evloop_timer *timer; /* NULL: no change is stored while the loop turns */
    unsigned drafts;            /* being made */
    bool storing;               /* one is on its way, until what follows it was called */
    bool given;                 /* one that has the turn, or follows a change, is being called */
    VEC(struct turn) waiting;
};

/* 0 or -errno. */
int turns_open(struct turns *turns, struct evloop *loop);
void turns_done(struct turns *turns);

/* No change is made or stored now, and the caller would not have to wait for others. */
bool turns_are_free(const struct turns *turns);
/* Calls `fn` when no change is made or stored: before this returns if so now and no one waits, or
 * if the caller has the turn; else from the loop's own turn. */
void turns_take(struct turns *turns, evloop_fn *fn, void *data);
/* Calls `fn` as one that has the turn. */
void turns_call(struct turns *turns, evloop_fn *fn, void *data);
/* A change has ended: who waits comes next. */
void turns_go_on(struct turns *turns);
/* At the end: gives the first of them its turn, if there is one and it may have it. */
bool turns_give(struct turns *turns);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of the users who connect. A name service (sssd, LDAP) may take long or hang, so a
 * thread of its own asks it, and the loop never waits for it. Loop thread only.
 */
#ifndef API_USERS_H
#define API_USERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/evloop.h"

#define USERS_KEPT 64
/* How long what needs a name waits for it, counted from when the name service was asked. */
#define USERS_PATIENCE_US UINT64_C(300000)

struct users;

/* `named` runs on the loop when a name has come. */
struct users *users_new(struct evloop *loop, evloop_fn *named, void *data);
/* Leaves a thread that hangs in the name service to itself, with its memory. */
void users_free(struct users *users);
/* Puts the user's name into `out`, or "uid 1000" while it is not known and when there is none; asks
 * for one that is not known, or that was learnt more than a minute ago. Returns how many µs to wait
 * for a better answer, 0: none is near. */
uint64_t users_name(struct users *users, int64_t uid, char *out, size_t size);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Plans that the store had unfinished when cleaved started. Loop thread only. */
#ifndef TURN_UNFINISHED_H
#define TURN_UNFINISHED_H

struct manager;
struct plan;

/* The oldest plan found unfinished that can go on now; one that has only VMs' definitions left to
 * change waits for libvirt. Takes it out; NULL: none. */
struct plan *unfinished_take_next(struct manager *m);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Watching: those who follow what is there get the same objects that lists have, and each change of
 * them. Loop thread only. */
#ifndef VERBS_WATCHED_H
#define VERBS_WATCHED_H

#include "service/service.h"
#include "state/listeners.h"

/* Makes the manager's feed. 0 or -errno. */
int watched_open(struct manager *m);
void watched_close(struct manager *m);

/* Something was seen: those who follow hear of what differs. */
hardware_listener_fn watched_note_hardware;
guests_listener_fn watched_note_guests;

/* Says which kinds the caller may follow, once the host was seen; the API then reads the feed. */
verb_fn verb_watch;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots for connections, for when there are many: room is kept for root, which libvirt's hook runs
 * as, no user takes all of it, and what does least goes first. Pure.
 */
#ifndef API_HTTP_SLOTS_H
#define API_HTTP_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order in which connections make room for new ones. */
enum http_slot_use {
    HTTP_SLOT_LEAVING,   /* has had its last answer; takes no slot */
    HTTP_SLOT_IDLE,      /* between requests */
    HTTP_SLOT_UNREAD,    /* its request is not whole */
    HTTP_SLOT_FOLLOWING, /* its client follows what changes, and comes back if it is cut off */
    HTTP_SLOT_HALF,      /* waits for an answer, and may have left: over TCP that looks the same */
    HTTP_SLOT_SENDING,   /* its client takes the answer slowly */
    HTTP_SLOT_READING,   /* waits for an answer, and changes nothing */
    HTTP_SLOT_KEPT,      /* waits for the answer to a change, or to libvirt's hook */
};

struct http_slot {
    struct http_slot *next;
    enum http_slot_use use;
    bool root;         /* or the user that cleaved runs as */
    int64_t user;      /* who connected; -1 for all of TCP */
    uint64_t since_us; /* when the present use began */
};

struct http_limits {
    size_t connections;
    size_t kept_for_root; /* of these */
    size_t per_user;      /* other than root */
};

/* Room for one more of that user: true, and in *ret_victim the connection that must go for it, or
 * NULL. False when there is none. */
bool http_slots_admit(const struct http_limits *limits, struct http_slot *first, bool root,
                      int64_t user, struct http_slot **ret_victim);

#endif

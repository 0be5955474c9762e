/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which board is at which address. Only NVIDIA's driver tells a GPU's UUID, so what it said is
 * remembered while another driver has the GPU, over restarts of cleaved, too. Boards change slots
 * while the host is off: what was seen in another boot names no board, until the driver says it
 * again, but shows whether boards have moved. Places have numbers here, which people name GPUs by:
 * NVML numbers only those that NVIDIA's driver has now, so that its numbers move with each change.
 */
#ifndef MODEL_SEEN_BOARDS_H
#define MODEL_SEEN_BOARDS_H

#include "model/claim.h"

struct seen_board {
    struct pci_addr addr;
    uint32_t pci_id;
    uint32_t pci_subsystem_id; /* NO_ID unknown */
    char uuid[GPU_UUID_SIZE];
    bool now; /* seen in this boot; else in an earlier one */
};

/* A place in which a GPU was seen in this boot. The places' numbers are their order here: that of
 * their addresses, but what came later has a later number, so that none ever moves. */
struct seen_place {
    struct pci_addr addr;
    /* The board that was there last, as in struct gpu: what it is called once it has left. */
    char uuid[GPU_UUID_SIZE];
    char name[96];
    char model[NAME_SIZE];
};

struct seen_boards {
    VEC(struct seen_place) places;
    bool begun; /* looked at since it was read */
    char boot_id[40];
    bool moved; /* in this boot a board is not where it was in the one before */
    struct seen_board *items;
    size_t n;
    size_t cap;
};

void seen_boards_done(struct seen_boards *seen);
/* Takes a look at the host's hardware and sets each GPU's seen_uuid and number, and the name of one
 * that has a fault and does not say it any more. In a new boot, claims tell of boards, too. True if
 * anything is to be stored. */
bool seen_boards_look(struct seen_boards *seen, struct host *host, const struct claims *claims);
/* The number of the GPU at that address; NO_ID: none was seen there in this boot. */
uint32_t seen_boards_number(const struct seen_boards *seen, const struct pci_addr *addr);

/* The board that left that address, as far as it is known; `uuid` "": whichever it was. NULL:
 * nothing is known. */
const struct seen_place *seen_boards_find_left(const struct seen_boards *seen,
                                               const struct pci_addr *addr, const char *uuid);

extern const struct schema seen_boards_schema;
json_t *seen_boards_to_json(const struct seen_boards *seen);
/* Sets *ret_seen only on success; to be ended by seen_boards_done(). */
int seen_boards_from_stored_json(const json_t *json, struct seen_boards *ret_seen,
                                 struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The joint choice: many items over several bins at once, all of them or none. Items of a kind are
 * alike; a piece is one way to serve an item of a kind. The caller judges what one bin can hold
 * together; what is part of something that it can hold, it must be able to hold, too. Exact, within
 * the limits on work that the caller sets. Pure.
 *
 * How: of each class of equal bins all sets are found to which nothing can be added; a search over
 * the bins takes one set for each, passes over equal bins in one order only, remembers what was
 * left when it failed, and gives up early where what is left can't fit by number or by size.
 */
#ifndef PLACE_JOINT_H
#define PLACE_JOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOINT_MAX 64 /* kinds, and pieces */
#define JOINT_MAX_BINS 1024
#define JOINT_MAX_ITEMS 65535 /* of one kind */

struct joint_kind {
    uint32_t n;    /* items */
    uint32_t size; /* of one, at least; in one unit for all kinds; 0: unknown */
};

struct joint_question {
    const struct joint_kind *kinds;
    uint32_t n_kinds;
    const uint32_t *pieces; /* per piece: its kind */
    uint32_t n_pieces;
    const uint32_t *classes; /* per bin: bins of one class hold the same */
    uint32_t n_bins;
    /* Can the bin hold so many of each piece together? */
    bool (*holds)(void *data, uint32_t bin, const uint16_t *counts);
    /* Is that distribution right as a whole? `counts` has n_pieces numbers per bin. NULL: each is.
     * Not all that can be made are asked about: once one was refused, the verdict is no JOINT_NONE.
     */
    bool (*accepts)(void *data, const uint16_t *counts);
    void *data;                     /* the caller's, for both */
    uint64_t max_judged, max_steps; /* calls of holds(), and steps of the search */
};

enum joint_verdict {
    JOINT_FOUND,
    JOINT_NONE,      /* no distribution serves all */
    JOINT_UNDECIDED, /* the limits came first, or a distribution was refused */
};

struct joint_answer {
    enum joint_verdict verdict;
    uint16_t *counts; /* FOUND: of each piece per bin, n_bins × n_pieces; else NULL */
    uint32_t at_most; /* more items than these can't be served together, by number and size; it
                       * holds whatever the verdict */
    uint64_t n_judged, n_steps;
};

/* The answer is the caller's to end with joint_answer_done(). */
void joint_choose(const struct joint_question *question, struct joint_answer *ret_answer);
void joint_answer_done(struct joint_answer *answer);

#endif

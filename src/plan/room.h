/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claims that stay and may move out of the way: the fewest of one GPU that make room for another
 * claim there. A moved claim is one that goes and one that comes, in one plan, so that it is undone
 * with it; it keeps its function and its mdev UUID where it can. Private to src/plan.
 */
#ifndef PLAN_ROOM_H
#define PLAN_ROOM_H

#include "plan/work.h"

struct room {
    const struct claim *items[WORK_MAX_CLAIMS]; /* all of the GPU that move; borrowed */
    size_t n;
    size_t n_more; /* than before the claim came */
};

/* The claim as it comes again, with the device that it has for a wish. */
struct claim room_come_again(const struct claim *stored);
/* The fewest idle claims of the GPU that have to move so that it can serve `claim` next to what it
 * serves already. False: no such set was found, and the GPU's part is what it was; it is in either
 * case. Tries a bounded number of sets, enough for all of a GPU's instances. */
bool room_find(struct gpu_work *work, const struct admitted *claim, struct room *ret_moves);
/* Takes the claim in with these moves, which room_find() found. */
bool room_make(struct gpu_work *work, const struct admitted *claim, const struct room *moves);
/* Tells the reader of the plan which claims of the GPU move. */
void room_note(struct plan *plan, const struct gpu_work *work);
/* Adds to a refusal that the moves of `plan`, which may not be made, would make room. */
void room_tell(const struct plan *plan, struct error *err);

#endif

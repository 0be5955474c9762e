/* SPDX-License-Identifier: Apache-2.0 */
/* Needs that a test draws: sizes and words that boards serve in one mode or another, or not at all.
 */
#ifndef TEST_DRAWN_NEED_H
#define TEST_DRAWN_NEED_H

#include "model/claim.h"
#include "random.h"

/* In place of the claim's words. */
void drawn_need_set(struct random *random, struct claim *claim);

#endif

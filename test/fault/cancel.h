/* SPDX-License-Identifier: Apache-2.0 */
/* A person cancels the plan that runs, at the k-th call of its steps. */
#ifndef TEST_FAULT_CANCEL_H
#define TEST_FAULT_CANCEL_H

#include "mhost.h"

/* What came of it. One at a time: the lab's tick has no data. */
struct cancel {
    bool asked;           /* the call was reached, and a plan was there */
    unsigned calls;       /* of ports and store, before it was asked for */
    char plan[40];        /* its id */
    struct answer answer; /* accepted, if it is there without an error */
};

/* While `lab` waits from now on: lets call number `at` of the steps (a check or an apply, from 0)
 * hang, asks meanwhile that the plan be cancelled, and lets the call go on once that is answered.
 * Clears *ret_cancel, which is filled until cancel_end(). */
void cancel_begin(struct mhost *mhost, unsigned at, struct cancel *ret_cancel);
void cancel_end(struct mhost *mhost, struct cancel *cancel);
bool cancel_was_accepted(const struct cancel *cancel);

#endif

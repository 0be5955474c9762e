/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The choice of one candidate among many: a GPU of a host, or a smaller type on one. The caller
 * numbers its candidates, scores how well each suits, and judges whether it can serve. Scores and
 * reasons are small numbers, so that an answer is cheap to keep; the sentence that says why a
 * candidate was turned down is made only when it is asked for. Pure.
 */
#ifndef PLACE_PLACE_H
#define PLACE_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"

#define PLACE_KEYS 6
#define PLACE_NONE UINT32_MAX

/* How well a candidate suits: compared key by key, the lower is the better. */
struct place_score {
    uint32_t keys[PLACE_KEYS];
};

struct place_entry {
    struct place_score score;
    uint32_t candidate;
    uint32_t reason; /* enum reason: why it was turned down; NONE: chosen, or not judged */
};

struct place_question {
    uint32_t n; /* candidates: 0 to n-1 */
    /* Fills in the score, which is zero before. False: it is no candidate, and the answer leaves it
     * out. NULL: all are, and suit alike. Called once per candidate, before any is judged. */
    bool (*score)(void *data, uint32_t candidate, struct place_score *ret_score);
    /* Can the candidate serve? 0: yes, and it is taken; else -REASON_…, and all is as it was
     * before. Judged again it says the same. `err` may be NULL. */
    int (*judge)(void *data, const struct place_entry *entry, struct error *err);
    /* How telling the refusal is; NULL: reason_rank(). */
    int (*rank)(void *data, const struct place_entry *entry);
    void *data; /* the caller's, for all three */
};

struct place_answer {
    struct place_entry *items; /* in the order in which they are judged */
    size_t n;
    size_t n_turned_down; /* so many of the first */
    uint32_t chosen;      /* candidate, or PLACE_NONE */
};

/* Judges candidates, the best score first and of equal ones the lower number, until one can serve.
 * 0: that one is ret_answer->chosen. Else the reason of the most telling refusal, of equally
 * telling ones the first; -REASON_NOT_FOUND without candidates. The answer is the caller's to end
 * with place_answer_done(), also after a refusal; NULL: it is not wanted. */
int place_choose(const struct place_question *question, struct place_answer *ret_answer);
void place_answer_done(struct place_answer *answer);

/* The most telling refusal: an index of answer->items; SIZE_MAX without any. */
size_t place_most_telling(const struct place_question *question, const struct place_answer *answer);
/* Why the candidate was turned down, in a sentence: judges it again, over the same state. */
void place_why(const struct place_question *question, const struct place_entry *entry,
               struct error *ret_why);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "place/place.h"

#include <stdlib.h>

void place_answer_done(struct place_answer *answer)
{
    free(answer->items);
    *answer = (struct place_answer){.chosen = PLACE_NONE};
}

static int compare(const void *one, const void *other)
{
    const struct place_entry *a = one;
    const struct place_entry *b = other;
    for (size_t k = 0; k < PLACE_KEYS; k++) {
        if (a->score.keys[k] != b->score.keys[k]) {
            return a->score.keys[k] < b->score.keys[k] ? -1 : 1;
        }
    }
    return a->candidate < b->candidate ? -1 : a->candidate > b->candidate;
}

static void list_candidates(const struct place_question *question, struct place_answer *answer)
{
    answer->items = xcalloc((size_t)question->n + 1, sizeof(*answer->items));
    for (uint32_t i = 0; i < question->n; i++) {
        struct place_entry *entry = &answer->items[answer->n];
        *entry = (struct place_entry){.candidate = i};
        if (question->score == NULL || question->score(question->data, i, &entry->score)) {
            answer->n++;
        }
    }
    if (question->score != NULL) {
        qsort(answer->items, answer->n, sizeof(*answer->items), compare);
    }
}

int place_choose(const struct place_question *question, struct place_answer *ret_answer)
{
    struct place_answer answer = {.chosen = PLACE_NONE};
    list_candidates(question, &answer);
    for (size_t i = 0; answer.chosen == PLACE_NONE && i < answer.n; i++) {
        int result = question->judge(question->data, &answer.items[i], NULL);
        if (result == 0) {
            answer.chosen = answer.items[i].candidate;
        } else {
            answer.items[i].reason = (uint32_t)-result;
            answer.n_turned_down++;
        }
    }
    size_t telling = answer.chosen == PLACE_NONE ? place_most_telling(question, &answer) : SIZE_MAX;
    int result = answer.chosen != PLACE_NONE ? 0
                 : telling == SIZE_MAX       ? -REASON_NOT_FOUND
                                             : -(int)answer.items[telling].reason;
    if (ret_answer != NULL) {
        *ret_answer = answer;
    } else {
        place_answer_done(&answer);
    }
    return result;
}

size_t place_most_telling(const struct place_question *question, const struct place_answer *answer)
{
    size_t best = SIZE_MAX;
    int highest = 0;
    for (size_t i = 0; i < answer->n_turned_down; i++) {
        const struct place_entry *entry = &answer->items[i];
        int rank = question->rank != NULL ? question->rank(question->data, entry)
                                          : reason_rank((enum reason)entry->reason);
        if (best == SIZE_MAX || rank > highest) {
            best = i;
            highest = rank;
        }
    }
    return best;
}

void place_why(const struct place_question *question, const struct place_entry *entry,
               struct error *ret_why)
{
    *ret_why = (struct error){0};
    (void)question->judge(question->data, entry, ret_why);
}

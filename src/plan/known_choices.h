/* SPDX-License-Identifier: Apache-2.0 */
/* Choices of boards for needs, kept while one request is planned: many of its claims ask for the
 * same, and the rules are asked of each type of a board. */
#ifndef PLAN_KNOWN_CHOICES_H
#define PLAN_KNOWN_CHOICES_H

#include "advise/choice.h"

#define KNOWN_CHOICES 1024 /* 64 claims that need different things, on 16 boards */

struct known_choice {
    const struct gpu_model *model;
    struct need need;
    struct choices choices;
};
struct known_choices {
    struct known_choice *items;
    size_t n, cap;
    size_t next; /* is replaced next, where there are as many as are kept */
};

/* What of the model serves the need; valid until the next call. The rules and the models must stay
 * the same until known_choices_done(). */
const struct choices *known_choices_of(struct known_choices *known, const struct rules *rules,
                                       const struct gpu_model *model, const struct need *need);
void known_choices_done(struct known_choices *known);

#endif

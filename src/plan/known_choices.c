/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/known_choices.h"

#include "base/vec.h"

const struct choices *known_choices_of(struct known_choices *known, const struct rules *rules,
                                       const struct gpu_model *model, const struct need *need)
{
    for (vec_each(known, item)) {
        if (item->model == model && need_is_same(&item->need, need)) {
            return &item->choices;
        }
    }
    struct known_choice *item = NULL;
    if (known->n < KNOWN_CHOICES) {
        item = vec_push(known);
        *item = (struct known_choice){.model = NULL};
    } else {
        item = &known->items[known->next];
        known->next = (known->next + 1) % KNOWN_CHOICES;
    }
    item->model = model;
    item->need = *need;
    item->choices.n = 0;
    choices_list(rules, model, need, &item->choices);
    return &item->choices;
}

void known_choices_done(struct known_choices *known)
{
    for (vec_each(known, item)) {
        vec_done(&item->choices);
    }
    vec_done(known);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/known_choices.h"

#include <stdlib.h>

const struct choices *known_choices_of(struct known_choices *known, const struct rules *rules,
                                       const struct gpu_model *model, const struct need *need)
{
    for (size_t i = 0; i < KNOWN_CHOICES && known->items[i].model != NULL; i++) {
        if (known->items[i].model == model && need_is_same(&known->items[i].need, need)) {
            return &known->items[i].choices;
        }
    }
    __typeof__(known->items[0]) *item = &known->items[known->next];
    known->next = (known->next + 1) % KNOWN_CHOICES;
    item->model = model;
    item->need = *need;
    item->choices.n = 0;
    choices_list(rules, model, need, &item->choices);
    return &item->choices;
}

void known_choices_done(struct known_choices *known)
{
    for (size_t i = 0; i < KNOWN_CHOICES; i++) {
        vec_done(&known->items[i].choices);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "advise/choice.h"

#include "advise/contender.h"

/* A whole GPU stands for its mode only where no part of it serves. */
static void list_mode(const struct rules *rules, const struct need *need,
                      const struct advice *advice, struct choices *ret_choices)
{
    struct contenders contenders = {0};
    contenders_judge(rules, advice->model, need, advice->mode, &contenders);
    for (vec_each(&contenders, contender)) {
        if (!contender->enough || contender->broken.n > 0 || (contender->whole && !advice->whole)) {
            continue;
        }
        *vec_push(ret_choices) =
            (struct choice){.mode = advice->mode,
                            .type = contender->type,
                            .profile = contender->profile,
                            .order = advice->order,
                            .unused_mib = contender->memory_mib - need->memory_mib,
                            .whole = contender->whole};
    }
    contenders_done(&contenders);
}

void choices_list(const struct rules *rules, const struct gpu_model *model, const struct need *need,
                  struct choices *ret_choices)
{
    struct advices advices = {0};
    advise_board(rules, model, need, &advices);
    for (vec_each(&advices, advice)) {
        if (advice->verdict != VERDICT_NO) {
            list_mode(rules, need, advice, ret_choices);
        }
    }
    advices_done(&advices);
}

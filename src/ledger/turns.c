/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/turns.h"

static void give_all(void *data)
{
    struct turns *turns = data;
    while (turns_give(turns)) {
    }
}

int turns_open(struct turns *turns, struct evloop *loop)
{
    return evloop_timer_new(loop, give_all, turns, &turns->timer);
}

void turns_done(struct turns *turns)
{
    evloop_timer_free(turns->timer);
    turns->timer = NULL;
    vec_done(&turns->waiting);
}

static bool is_idle(const struct turns *turns)
{
    return turns->drafts == 0 && !turns->storing;
}

bool turns_are_free(const struct turns *turns)
{
    return is_idle(turns) && (turns->waiting.n == 0 || turns->given);
}

void turns_call(struct turns *turns, evloop_fn *fn, void *data)
{
    bool before = turns->given;
    turns->given = true;
    fn(data);
    turns->given = before;
}

void turns_take(struct turns *turns, evloop_fn *fn, void *data)
{
    if (turns->timer == NULL || turns_are_free(turns)) {
        turns_call(turns, fn, data);
        return;
    }
    *vec_push(&turns->waiting) = (struct turn){.fn = fn, .data = data};
}

bool turns_give(struct turns *turns)
{
    if (turns->waiting.n == 0 || !is_idle(turns)) {
        return false;
    }
    struct turn turn = turns->waiting.items[0];
    vec_remove(&turns->waiting, 0);
    turns_call(turns, turn.fn, turn.data);
    return true;
}

void turns_go_on(struct turns *turns)
{
    if (turns->waiting.n > 0 && is_idle(turns)) {
        (void)evloop_timer_set(turns->timer, 0);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "model/incoming.h"

#include <stdlib.h>

static const char *const migration_names[] = {
    [MIGRATION_CHECKING] = "checking",   [MIGRATION_PREPARING] = "preparing",
    [MIGRATION_MOVING] = "moving",       [MIGRATION_SWITCHING] = "switching",
    [MIGRATION_RELEASING] = "releasing", [MIGRATION_DONE] = "done",
    [MIGRATION_ABORTING] = "aborting",   [MIGRATION_CANCELLED] = "cancelled",
    [MIGRATION_FAILED] = "failed",
};
_Static_assert(ARRAY_SIZE(migration_names) == MIGRATION_STATE_COUNT, "every state has a name");

static const char *const incoming_names[] = {
    [INCOMING_PREPARING] = "preparing", [INCOMING_PREPARED] = "prepared",
    [INCOMING_COMMITTED] = "committed", [INCOMING_ABORTING] = "aborting",
    [INCOMING_ABORTED] = "aborted",
};
_Static_assert(ARRAY_SIZE(incoming_names) == INCOMING_STATE_COUNT, "every state has a name");

static const char *const settled_names[] = {[SETTLED_AWAY] = "away", [SETTLED_HERE] = "here"};
_Static_assert(ARRAY_SIZE(settled_names) == SETTLED_COUNT, "every verdict has a name");

const char *migration_settled_name(enum migration_settled settled)
{
    return settled_names[settled];
}

const char *migration_state_name(enum migration_state state)
{
    return migration_names[state];
}

const char *incoming_state_name(enum incoming_state state)
{
    return incoming_names[state];
}

bool migration_is_over(const struct migration *migration)
{
    return migration->state == MIGRATION_DONE || migration->state == MIGRATION_CANCELLED ||
           migration->state == MIGRATION_FAILED;
}

bool incoming_is_over(const struct incoming *incoming)
{
    return incoming->state == INCOMING_COMMITTED || incoming->state == INCOMING_ABORTED;
}

void migration_free(struct migration *migration)
{
    if (migration == NULL) {
        return;
    }
    vec_done(&migration->devices);
    vec_done(&migration->checks);
    vec_done(&migration->steps);
    free(migration);
}

void incoming_free(struct incoming *incoming)
{
    if (incoming == NULL) {
        return;
    }
    vec_done(&incoming->devices);
    vec_done(&incoming->checks);
    vec_done(&incoming->steps);
    free(incoming);
}

void migration_offer_free(struct migration_offer *offer)
{
    if (offer == NULL) {
        return;
    }
    free(offer->claims);
    free(offer);
}

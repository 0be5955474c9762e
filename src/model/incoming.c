/* SPDX-License-Identifier: Apache-2.0 */
#include "model/incoming.h"

#include <stdlib.h>

#include "base/sm.h"

/* docs/internals/migration.md has the machine as a picture. */
#define TO(state) SM_TO(INCOMING_##state)
static const struct word incoming_state_rows[] = {
    [INCOMING_PREPARING] = {.name = "preparing",
                            .next = TO(PREPARED) | TO(ABORTED),
                            .initial = true},
    [INCOMING_PREPARED] = {.name = "prepared", .next = TO(COMMITTED) | TO(ABORTING)},
    [INCOMING_COMMITTED] = {.name = "committed", .final = true},
    /* Back when the devices could not be taken away: something still uses them. */
    [INCOMING_ABORTING] = {.name = "aborting", .next = TO(ABORTED) | TO(PREPARED)},
    [INCOMING_ABORTED] = {.name = "aborted", .final = true},
};
#undef TO
WORDS_OF(incoming_state_words, "incoming", incoming_state_rows, INCOMING_STATE_COUNT)

bool incoming_is_over(const struct incoming *incoming)
{
    return incoming->state == INCOMING_COMMITTED || incoming->state == INCOMING_ABORTED;
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

void migration_offer_done(void *migration_offer)
{
    free(((struct migration_offer *)migration_offer)->claims);
}

void migration_offer_free(struct migration_offer *offer)
{
    if (offer != NULL) {
        migration_offer_done(offer);
        free(offer);
    }
}

struct migration_offer *migration_offer_take(struct migration_offer *offer)
{
    struct migration_offer *taken = xcalloc(1, sizeof(*taken));
    *taken = *offer;
    *offer = (struct migration_offer){0};
    return taken;
}

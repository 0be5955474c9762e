/* SPDX-License-Identifier: Apache-2.0 */
#include "model/migration.h"

#include <stdlib.h>

#include "base/sm.h"

/* docs/internals/migration.md has the machine as a picture. */
#define TO(state) SM_TO(MIGRATION_##state)
static const struct word migration_state_rows[] = {
    [MIGRATION_CHECKING] = {.name = "checking",
                            .next = TO(PREPARING) | TO(CANCELLED) | TO(FAILED),
                            .initial = true},
    [MIGRATION_PREPARING] = {.name = "preparing", .next = TO(MOVING) | TO(ABORTING)},
    /* From here to releasing, or from anywhere to failed, also by a person's word: the target does
     * not answer, and where the VM is can't be seen from here (migration/outgoing_resolve.c). */
    [MIGRATION_MOVING] = {.name = "moving",
                          .next = TO(SWITCHING) | TO(ABORTING) | TO(FAILED) | TO(RELEASING)},
    [MIGRATION_SWITCHING] = {.name = "switching",
                             .next = TO(RELEASING) | TO(ABORTING) | TO(FAILED)},
    [MIGRATION_RELEASING] = {.name = "releasing", .next = TO(DONE)},
    [MIGRATION_DONE] = {.name = "done", .final = true},
    /* The target may know better: the VM is there after all. */
    [MIGRATION_ABORTING] = {.name = "aborting",
                            .next = TO(CANCELLED) | TO(FAILED) | TO(SWITCHING) | TO(RELEASING)},
    [MIGRATION_CANCELLED] = {.name = "cancelled", .final = true},
    [MIGRATION_FAILED] = {.name = "failed", .final = true},
};
#undef TO
WORDS_OF(migration_state_words, "migration", migration_state_rows, MIGRATION_STATE_COUNT)

WORDS_DEFINE(migration_resolution_words, "resolution", RESOLUTION_COUNT,
             WORD(RESOLUTION_TARGET, "target"), WORD(RESOLUTION_SOURCE, "source"))

bool migration_is_over(const struct migration *migration)
{
    return migration->state == MIGRATION_DONE || migration->state == MIGRATION_CANCELLED ||
           migration->state == MIGRATION_FAILED;
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

/* SPDX-License-Identifier: Apache-2.0 */
/* The two state machines of a migration; docs/internals/migration.md has them as pictures. */
#include "manager/migrations.h"

#define TO(state) SM_TO(MIGRATION_##state)
static const struct sm_state out_states[] = {
    [MIGRATION_CHECKING] = {.name = "checking",
                            .next = TO(PREPARING) | TO(CANCELLED) | TO(FAILED),
                            .initial = true},
    [MIGRATION_PREPARING] = {.name = "preparing", .next = TO(MOVING) | TO(ABORTING)},
    /* From here to releasing, or from anywhere to failed, also by a person's word: the target does
     * not answer, and where the VM is can't be seen from here (migration_settle.c). */
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
_Static_assert(ARRAY_SIZE(out_states) == MIGRATION_STATE_COUNT, "every state has a row");

#define TO(state) SM_TO(INCOMING_##state)
static const struct sm_state in_states[] = {
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
_Static_assert(ARRAY_SIZE(in_states) == INCOMING_STATE_COUNT, "every state has a row");

const struct sm_type migration_machine = {
    .name = "migration", .states = out_states, .n = MIGRATION_STATE_COUNT};
const struct sm_type incoming_machine = {
    .name = "incoming", .states = in_states, .n = INCOMING_STATE_COUNT};

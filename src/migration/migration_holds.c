/* SPDX-License-Identifier: Apache-2.0 */
/* What a migration has in hand: its VM, and the claims that go or come with it. */
#include "migration/migration_holds.h"

#include "base/str.h"
#include "migration/migrations.h"
#include "turn/queue.h"

/* The VM and each claim, in place of what the migration held before. */
static void take(struct manager *m, const struct hold *of_vm,
                 const struct migration_devices *devices)
{
    holds_take(&m->holds, of_vm);
    for (vec_each(devices, device)) {
        struct hold hold = *of_vm;
        hold.object = hold_claim_named(device->claim);
        hold.vm = of_vm->object;
        holds_take(&m->holds, &hold);
    }
}

/* Before it moves, what others do to the VM is theirs. */
static uint32_t bars_before(enum hold_kind kind)
{
    return hold_bars(kind) & ~hold_bars_reports(hold_bars(kind));
}

void move_hold(const struct move *move)
{
    const struct migration *migration = move->migration;
    struct manager *m = move->manager;
    if (move->dry_run) {
        return;
    }
    if (migration_is_over(migration)) {
        manager_end_holds(m, migration->id);
        return;
    }
    bool before = migration->state == MIGRATION_CHECKING || migration->state == MIGRATION_PREPARING;
    struct hold hold = {.kind = HOLD_MOVE,
                        .object = hold_vm(migration->request.vm, migration->vm_uuid),
                        .bars = before ? bars_before(HOLD_MOVE) : hold_bars(HOLD_MOVE),
                        .since_us = migration->created_us};
    STR_SET(hold.operation, migration->id);
    STR_SET(hold.what, migration->target);
    STR_SET(hold.state, migration_state_name(migration->state));
    take(m, &hold, &migration->devices);
}

void arrival_hold(const struct arrival *arrival)
{
    const struct incoming *incoming = arrival->incoming;
    struct manager *m = arrival->manager;
    if (incoming_is_over(incoming)) {
        manager_end_holds(m, incoming->id);
        return;
    }
    bool before = incoming->state == INCOMING_PREPARING;
    struct hold hold = {.kind = HOLD_ARRIVAL,
                        .object = hold_vm(incoming->vm, incoming->vm_uuid),
                        .bars = before ? bars_before(HOLD_ARRIVAL) : hold_bars(HOLD_ARRIVAL),
                        .since_us = incoming->created_us,
                        .lends = incoming->state == INCOMING_PREPARED && !incoming->abort};
    STR_SET(hold.operation, incoming->id);
    STR_SET(hold.what, incoming->host);
    STR_SET(hold.state, incoming_state_name(incoming->state));
    take(m, &hold, &incoming->devices);
}

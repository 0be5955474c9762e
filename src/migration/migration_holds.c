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

void outgoing_hold(const struct outgoing *outgoing)
{
    const struct migration *migration = outgoing->migration;
    struct manager *m = outgoing->manager;
    if (outgoing->dry_run) {
        return;
    }
    if (migration_is_over(migration)) {
        manager_end_holds(m, migration->id);
        return;
    }
    bool before = migration->state == MIGRATION_CHECKING || migration->state == MIGRATION_PREPARING;
    struct hold hold = {.kind = HOLD_OUTGOING,
                        .object = hold_vm(migration->request.vm, migration->vm_uuid),
                        .bars = before ? bars_before(HOLD_OUTGOING) : hold_bars(HOLD_OUTGOING),
                        .since_us = migration->created_us};
    STR_SET(hold.operation, migration->id);
    STR_SET(hold.what, migration->target);
    STR_SET(hold.state, migration_state_name(migration->state));
    take(m, &hold, &migration->devices);
}

void incoming_vm_hold(const struct incoming_vm *incoming_vm)
{
    const struct incoming *incoming = incoming_vm->incoming;
    struct manager *m = incoming_vm->manager;
    if (incoming_is_over(incoming)) {
        manager_end_holds(m, incoming->id);
        return;
    }
    bool before = incoming->state == INCOMING_PREPARING;
    struct hold hold = {.kind = HOLD_INCOMING,
                        .object = hold_vm(incoming->vm, incoming->vm_uuid),
                        .bars = before ? bars_before(HOLD_INCOMING) : hold_bars(HOLD_INCOMING),
                        .since_us = incoming->created_us,
                        .lends = incoming->state == INCOMING_PREPARED && !incoming->abort};
    STR_SET(hold.operation, incoming->id);
    STR_SET(hold.what, incoming->host);
    STR_SET(hold.state, incoming_state_name(incoming->state));
    take(m, &hold, &incoming->devices);
}

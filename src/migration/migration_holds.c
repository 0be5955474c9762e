/* SPDX-License-Identifier: Apache-2.0 */
/* What a migration has in hand: its VM, and the claims that go or come with it. */
#include "migration/migration_holds.h"

#include "base/str.h"
#include "migration/migrations.h"
#include "turn/queue.h"

/* A migration in either direction, as its holds need it. */
struct in_hand {
    enum hold_kind kind;
    const char *id, *vm, *vm_uuid, *other_host, *state;
    const struct migration_devices *devices;
    uint64_t created_us;
    bool over;
    bool before; /* the VM does not move yet: what others do to it is theirs */
    bool lends;
};

/* Takes the holds of the VM and each claim, in place of what the migration held before. */
static void take(struct manager *m, const struct in_hand *in_hand)
{
    if (in_hand->over) {
        queue_end_holds(m, in_hand->id);
        return;
    }
    const uint32_t bars = hold_bars(in_hand->kind);
    struct hold hold = {.kind = in_hand->kind,
                        .object = hold_vm(in_hand->vm, in_hand->vm_uuid),
                        .bars = in_hand->before ? bars & ~hold_bars_reports(bars) : bars,
                        .since_us = in_hand->created_us,
                        .lends = in_hand->lends};
    STR_SET(hold.operation, in_hand->id);
    STR_SET(hold.what, in_hand->other_host);
    STR_SET(hold.state, in_hand->state);
    holds_take(&m->holds, &hold);
    hold.vm = hold.object;
    for (vec_each(in_hand->devices, device)) {
        hold.object = hold_claim_named(device->claim);
        holds_take(&m->holds, &hold);
    }
}

void outgoing_hold(const struct outgoing *outgoing)
{
    const struct migration *migration = outgoing->migration;
    const struct in_hand in_hand = {.kind = HOLD_OUTGOING,
                                    .id = migration->id,
                                    .vm = migration->request.vm,
                                    .vm_uuid = migration->vm_uuid,
                                    .other_host = migration->target,
                                    .state = migration_state_name(migration->state),
                                    .devices = &migration->devices,
                                    .created_us = migration->created_us,
                                    .over = migration_is_over(migration),
                                    .before = migration->state == MIGRATION_CHECKING ||
                                              migration->state == MIGRATION_PREPARING};
    if (!outgoing->dry_run) {
        take(outgoing->manager, &in_hand);
    }
}

void incoming_vm_hold(const struct incoming_vm *incoming_vm)
{
    const struct incoming *incoming = incoming_vm->incoming;
    const struct in_hand in_hand = {.kind = HOLD_INCOMING,
                                    .id = incoming->id,
                                    .vm = incoming->vm,
                                    .vm_uuid = incoming->vm_uuid,
                                    .other_host = incoming->host,
                                    .state = incoming_state_name(incoming->state),
                                    .devices = &incoming->devices,
                                    .created_us = incoming->created_us,
                                    .over = incoming_is_over(incoming),
                                    .before = incoming->state == INCOMING_PREPARING,
                                    .lends =
                                        incoming->state == INCOMING_PREPARED && !incoming->abort};
    take(incoming_vm->manager, &in_hand);
}

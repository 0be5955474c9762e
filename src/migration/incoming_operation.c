/* SPDX-License-Identifier: Apache-2.0 */
/* A reservation for a VM that comes in as an operation. The source leads: what is done here without
 * its word is to give back, or to commit, what has waited too long. */
#include "migration/incoming_operation.h"

#include "base/log.h"
#include "base/str.h"
#include "migration/incoming_abort.h"
#include "migration/incoming_vm.h"
#include "migration/migration_holds.h"
#include "migration/migration_records.h"
#include "migration/migrations.h"
#include "migration/outgoing.h"
#include "model/operation_views.h"
#include "state/txn.h"
#include "watch/observe.h"

static void silent_committed(const struct error *err, void *data)
{
    const struct incoming_vm *incoming_vm = data;
    if (err != NULL) {
        log_warning("taking over VM %s: %s", incoming_vm->incoming->vm, err->message);
    }
}

static void end_silent(struct incoming_vm *incoming_vm)
{
    const struct vm *vm = NULL;
    if (!incoming_vm_see_vm(incoming_vm, &vm)) {
        return;
    }
    if (vm == NULL) {
        txn_event_alone(
            incoming_vm->manager, EVENT_INCOMING_EXPIRED, SUBJECT("vm", incoming_vm->incoming->vm),
            "",
            "no word from %s on migration %s for too long; the devices reserved for it are "
            "released",
            incoming_vm->incoming->host, incoming_vm->incoming->id);
        incoming_vm_give_back(incoming_vm);
    } else if (vm->state != VM_PAUSED) {
        incoming_vm_commit(incoming_vm, silent_committed, incoming_vm);
    }
}

/* Any of them may be over by now. */
static void silent_observed(struct manager *m, const struct error *err, void *data)
{
    (void)data;
    if (err != NULL || m->stopping) {
        return;
    }
    for (vec_each(&m->migrations->incoming, incoming_vm)) {
        if (incoming_vm_is_idle(*incoming_vm) && operation_is_late((*incoming_vm)->operation)) {
            end_silent(*incoming_vm);
        }
    }
}

static void incoming_advance(struct operation *operation)
{
    struct incoming_vm *incoming_vm = operation->data;
    struct manager *m = incoming_vm->manager;
    if (incoming_is_over(incoming_vm->incoming)) {
        return;
    }
    operation_schedule(operation, INCOMING_LOOK_TICKS * outgoing_tick_us(m));
    if (incoming_vm_is_idle(incoming_vm) && incoming_vm->incoming->abort) {
        incoming_vm_give_back(incoming_vm);
    } else if (incoming_vm_is_idle(incoming_vm) && operation_is_late(operation)) {
        observe_all(m, silent_observed, NULL);
    }
}

static int incoming_refuse_cancel(const struct operation *operation, struct error *err)
{
    const struct incoming_vm *incoming_vm = operation->data;
    const struct incoming *incoming = incoming_vm->incoming;
    if (incoming_is_over(incoming)) {
        return error_set(err, REASON_CONFLICT, SUBJECT("migration", incoming->id), "it is over: %s",
                         operation_state_name(operation->state));
    }
    error_set(err, REASON_UNSUPPORTED, SUBJECT("migration", incoming->id),
              "%s leads the migration of VM \"%s\", so this host can't cancel it", incoming->host,
              incoming->vm);
    error_hint(err, "cancel it on that host: `cleave migration cancel %s`", incoming->id);
    return -REASON_UNSUPPORTED;
}

static void describe_incoming_vm(const struct operation *operation, struct operation_view *view)
{
    const struct incoming_vm *incoming_vm = operation->data;
    incoming_describe(incoming_vm->incoming, view);
}

static int incoming_found(struct manager *m, const struct operation_view *view, const json_t *body,
                          struct error *err)
{
    struct incoming *incoming = NULL;
    (void)view; /* of the body */
    int r = incoming_from_json(body, "stored migration", &incoming, err);
    if (r == 0) {
        const struct operation_start start = {.kind = &incoming_kind, .resumed = true};
        incoming_vm_hold(incoming_vm_new(m, incoming, &start));
    }
    return r;
}

const struct operation_kind incoming_kind = {.id = OPERATION_KIND_INCOMING,
                                             .url = "/v1/incoming/",
                                             .url_has_id = true,
                                             .found = incoming_found,
                                             .advance = incoming_advance,
                                             .refuse_cancel = incoming_refuse_cancel,
                                             .forget = incoming_vm_forget,
                                             .describe = describe_incoming_vm};

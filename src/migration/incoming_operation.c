/* SPDX-License-Identifier: Apache-2.0 */
/* A reservation for a VM that comes in as an operation. The source leads: what is done here without
 * its word is to give back, or to commit, what has waited too long. */
#include "migration/incoming_operation.h"

#include "base/log.h"
#include "base/str.h"
#include "migration/incoming.h"
#include "migration/migration_move.h"
#include "migration/migrations.h"
#include "state/txn.h"
#include "watch/observe.h"

static void silent_committed(const struct error *err, void *data)
{
    const struct arrival *arrival = data;
    if (err != NULL) {
        log_warning("taking over VM %s: %s", arrival->incoming->vm, err->message);
    }
}

static void end_silent(struct arrival *arrival)
{
    const struct vm *vm = NULL;
    if (!arrival_see_vm(arrival, &vm)) {
        return;
    }
    if (vm == NULL) {
        manager_event(
            arrival->manager, "incoming-expired", SUBJECT("vm", arrival->incoming->vm), "",
            "no word from %s on migration %s for too long; the devices reserved for it are "
            "released",
            arrival->incoming->host, arrival->incoming->id);
        arrival_give_back(arrival);
    } else if (vm->state != VM_PAUSED) {
        arrival_commit(arrival, silent_committed, arrival);
    }
}

/* Any of them may be over by now. */
static void silent_observed(struct manager *m, const struct error *err, void *data)
{
    (void)data;
    if (err != NULL || m->stopping) {
        return;
    }
    for (vec_each(&m->migrations->arrivals, arrival)) {
        if (arrival_is_idle(*arrival) && operation_is_late((*arrival)->operation)) {
            end_silent(*arrival);
        }
    }
}

static void incoming_advance(struct operation *operation)
{
    struct arrival *arrival = operation->data;
    struct manager *m = arrival->manager;
    if (incoming_is_over(arrival->incoming)) {
        return;
    }
    operation_schedule(operation, INCOMING_LOOK_TICKS * move_tick_us(m));
    if (arrival_is_idle(arrival) && arrival->incoming->abort) {
        arrival_give_back(arrival);
    } else if (arrival_is_idle(arrival) && operation_is_late(operation)) {
        manager_observe(m, silent_observed, NULL);
    }
}

static int incoming_refuse_cancel(const struct operation *operation, struct error *err)
{
    const struct arrival *arrival = operation->data;
    const struct incoming *incoming = arrival->incoming;
    if (incoming_is_over(incoming)) {
        return error_set(err, REASON_CONFLICT, SUBJECT("migration", incoming->id), "it is over: %s",
                         operation_state_name(operation->state));
    }
    error_set(err, REASON_UNSUPPORTED, SUBJECT("migration", incoming->id),
              "%s leads the migration of VM \"%s\": it can't be cancelled here", incoming->host,
              incoming->vm);
    error_hint(err, "there: `cleave migration cancel %s`", incoming->id);
    return -REASON_UNSUPPORTED;
}

static void incoming_describe(const struct operation *operation, struct operation_view *view)
{
    const struct arrival *arrival = operation->data;
    const struct incoming *incoming = arrival->incoming;
    STR_SET(view->host, incoming->host);
    str_print(view->text, sizeof(view->text), "taking VM \"%s\" from %s", incoming->vm,
              incoming->host);
    STR_SET(view->problem, incoming->problem);
}

const struct operation_kind incoming_kind = {.id = OPERATION_KIND_INCOMING,
                                             .url = "/v1/incoming/",
                                             .url_has_id = true,
                                             .advance = incoming_advance,
                                             .refuse_cancel = incoming_refuse_cancel,
                                             .describe = incoming_describe};

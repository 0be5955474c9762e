/* SPDX-License-Identifier: Apache-2.0 */
/* Who may not touch what moves. */
#include "base/str.h"
#include "manager/migrations.h"

static bool is_vm(const char *name, const char *uuid, const char *wanted)
{
    return str_eq(name, wanted) || (uuid[0] != '\0' && str_eq_case(uuid, wanted));
}

static int refuse_leaving(const struct manager *m, const char *vm, const char *what,
                          struct error *err)
{
    for (vec_each(&m->migrations->moves, item)) {
        const struct migration *migration = (*item)->migration;
        if ((*item)->dry_run || migration_is_over(migration) ||
            !is_vm(migration->request.vm, migration->vm_uuid, vm)) {
            continue;
        }
        error_set(err, REASON_IN_USE, SUBJECT("vm", migration->request.vm),
                  "VM \"%s\" can't %s: it is migrating to %s (%s)", migration->request.vm, what,
                  migration->target[0] != '\0' ? migration->target : "another host",
                  migration_state_name(migration->state));
        error_hint(err, "wait for it, or end it: `cleave migration cancel %s`", migration->id);
        return -REASON_IN_USE;
    }
    return 0;
}

int migrations_refuse_start(const struct manager *m, const char *vm, const char *uuid,
                            struct error *err)
{
    int r = refuse_leaving(m, vm, "start here", err);
    return r != 0 || uuid[0] == '\0' ? r : refuse_leaving(m, uuid, "start here", err);
}

int migrations_refuse_vm(const struct manager *m, const char *vm, const char *what,
                         struct error *err)
{
    int r = refuse_leaving(m, vm, what, err);
    if (r != 0) {
        return r;
    }
    for (vec_each(&m->migrations->arrivals, item)) {
        const struct incoming *incoming = (*item)->incoming;
        if (incoming_is_over(incoming) || !is_vm(incoming->vm, incoming->vm_uuid, vm)) {
            continue;
        }
        error_set(err, REASON_IN_USE, SUBJECT("vm", incoming->vm),
                  "VM \"%s\" can't %s: it is coming in from %s (%s)", incoming->vm, what,
                  incoming->host[0] != '\0' ? incoming->host : "another host",
                  incoming_state_name(incoming->state));
        error_hint(err, "wait until it is here, or cancel the migration there");
        return -REASON_IN_USE;
    }
    return 0;
}

static bool has_device(const struct migration_devices *devices, const char *claim)
{
    for (vec_each(devices, device)) {
        if (str_eq(device->claim, claim)) {
            return true;
        }
    }
    return false;
}

static const struct move *leaving(const struct manager *m, const char *claim)
{
    for (vec_each(&m->migrations->moves, move)) {
        if (!migration_is_over((*move)->migration) && !(*move)->dry_run &&
            has_device(&(*move)->migration->devices, claim)) {
            return *move;
        }
    }
    return NULL;
}

static const struct arrival *arriving(const struct manager *m, const char *claim)
{
    for (vec_each(&m->migrations->arrivals, arrival)) {
        if (!incoming_is_over((*arrival)->incoming) &&
            has_device(&(*arrival)->incoming->devices, claim)) {
            return *arrival;
        }
    }
    return NULL;
}

bool migrations_bring(const struct manager *m, const char *claim, const char *vm, const char *uuid)
{
    const struct arrival *arrival = arriving(m, claim);
    if (arrival == NULL) {
        return false;
    }
    const struct incoming *incoming = arrival->incoming;
    bool its = is_vm(incoming->vm, incoming->vm_uuid, vm) ||
               (uuid[0] != '\0' && is_vm(incoming->vm, incoming->vm_uuid, uuid));
    return its && incoming->state == INCOMING_PREPARED && !incoming->abort;
}

bool migrations_have_claim(const struct manager *m, const char *claim)
{
    return leaving(m, claim) != NULL || arriving(m, claim) != NULL;
}

int migrations_refuse_claim(const struct manager *m, const struct change *change, const char *claim,
                            struct error *err)
{
    const struct move *move = leaving(m, claim);
    const struct arrival *arrival = arriving(m, claim);
    bool own = change != NULL && ((move != NULL && move == change->move) ||
                                  (arrival != NULL && arrival == change->arrival));
    if (own || (move == NULL && arrival == NULL)) {
        return 0;
    }
    const char *vm = move != NULL ? move->migration->request.vm : arrival->incoming->vm;
    const char *id = move != NULL ? move->migration->id : arrival->incoming->id;
    error_set(err, REASON_IN_USE, SUBJECT("claim", claim),
              "claim \"%s\" can't be changed: VM \"%s\" is %s with it (migration %s)", claim, vm,
              move != NULL ? "leaving" : "coming in", id);
    error_hint(err, "wait until the migration is over, or cancel it where the VM comes from");
    return -REASON_IN_USE;
}

int migrations_refuse_plan(const struct manager *m, const struct change *change,
                           const struct plan *plan, struct error *err)
{
    int r = 0;
    for (vec_each(&plan->claims, entry)) {
        if (r == 0 && entry->verb != PLAN_KEEP) {
            r = migrations_refuse_claim(m, change, entry->claim.name, err);
        }
    }
    return r;
}

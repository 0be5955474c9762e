/* SPDX-License-Identifier: Apache-2.0 */
/* Where the VM of a migration is: both libvirts are asked. */
#include "migration/migration_place.h"

#include "base/log.h"
#include "base/str.h"
#include "migration/migration_move.h"
#include "migration/migration_work.h"
#include "migration/migrations.h"
#include "watch/observe.h"

#define TWICE_MAX 10

static enum place place_of(const struct vm *vm)
{
    if (vm == NULL) {
        return PLACE_ABSENT;
    }
    switch (vm->state) {
    case VM_RUNNING:
        return PLACE_RUNNING;
    case VM_PAUSED:
        return PLACE_PAUSED;
    case VM_SHUT_OFF:
    case VM_CRASHED:
        return PLACE_OFF;
    case VM_UNKNOWN:
        break;
    }
    return PLACE_UNKNOWN;
}

enum place move_place_here(const struct move *move)
{
    const struct host *host = move->manager->host;
    if (host->libvirt_problem[0] != '\0') {
        return PLACE_UNKNOWN;
    }
    const char *uuid = move->migration->vm_uuid;
    return place_of(host_find_vm(host, uuid[0] != '\0' ? uuid : move->migration->request.vm));
}

static enum place place_there(const struct incoming *incoming, const struct error *err)
{
    if (err != NULL) {
        return err->reason == REASON_NOT_FOUND ? PLACE_ABSENT : PLACE_UNKNOWN;
    }
    if (incoming->state == INCOMING_COMMITTED) {
        return PLACE_RUNNING; /* it saw it arrive */
    }
    if (!incoming->vm_present) {
        return PLACE_ABSENT;
    }
    const struct vm vm = {.state = incoming->vm_state};
    return place_of(&vm);
}

static void report_split_brain(struct move *move)
{
    struct error err = {0};
    if (move->both++ < TWICE_MAX) {
        move_back_off(move);
        return;
    }
    error_set(&err, REASON_CONFLICT, SUBJECT("vm", move->migration->request.vm),
              "VM \"%s\" runs here and on %s; both keep its claims", move->migration->request.vm,
              move->migration->target);
    error_hint(&err, "stop one of them at once: two VMs on one disk destroy it");
    if (move->migration->state == MIGRATION_ABORTING) {
        move_blame(move, &err);
    }
    move_fail(move, &err);
}

static void on_target_located(struct move *move, struct incoming *incoming, const struct error *err)
{
    enum migration_state state = move->migration->state;
    enum place here = move_place_here(move);
    enum place there = place_there(incoming, err);
    enum whereabouts where = whereabouts(here, there, move->migration->moved);
    log_info("migration %s: VM %s is %s here and %s there", move->migration->id,
             move->migration->request.vm, place_name(here), place_name(there));
    switch (where) {
    case WHERE_WAIT:
        move_back_off(move);
        return;
    case WHERE_HOME:
        move->deciding = false;
        move->migration->moved = false;
        if (state == MIGRATION_ABORTING) { /* as thought: the target will see it, too */
            move_back_off(move);
            return;
        }
        move_go_back(move, move->err.reason != REASON_NONE ? &move->err : NULL);
        return;
    case WHERE_AWAY:
        move->deciding = false;
        move->migration->moved = true;
        if (state == MIGRATION_SWITCHING) {
            move_back_off(move);
            return;
        }
        move_enter(move, MIGRATION_SWITCHING);
        return;
    case WHERE_BOTH:
        report_split_brain(move);
        return;
    }
}

static void on_source_located(struct manager *m, const struct error *err, void *data)
{
    struct move *move = data;
    move->jobs--;
    if (m->stopping) {
        return;
    }
    if (err != NULL) {
        move_back_off(move);
        return;
    }
    move_ask_peer(move, PEER_ASK_STATUS, on_target_located);
}

void move_decide(struct move *move)
{
    move->jobs++;
    manager_observe(move->manager, on_source_located, move);
}

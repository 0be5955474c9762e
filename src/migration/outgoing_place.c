/* SPDX-License-Identifier: Apache-2.0 */
/* Where the VM of a migration is: both libvirts are asked. */
#include "migration/outgoing_place.h"

#include "base/log.h"
#include "base/str.h"
#include "migration/migrations.h"
#include "migration/outgoing.h"
#include "migration/outgoing_work.h"
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

enum place outgoing_place_here(const struct outgoing *outgoing)
{
    const struct host *host = outgoing->manager->host;
    if (host->libvirt_problem[0] != '\0') {
        return PLACE_UNKNOWN;
    }
    const char *uuid = outgoing->migration->vm_uuid;
    return place_of(host_find_vm(host, uuid[0] != '\0' ? uuid : outgoing->migration->request.vm));
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

static void report_split_brain(struct outgoing *outgoing)
{
    struct error err = {0};
    if (outgoing->both++ < TWICE_MAX) {
        outgoing_back_off(outgoing);
        return;
    }
    error_set(&err, REASON_CONFLICT, SUBJECT("vm", outgoing->migration->request.vm),
              "VM \"%s\" runs on this host and on %s; both hosts keep its claims",
              outgoing->migration->request.vm, outgoing->migration->target);
    error_hint(&err, "stop one of them at once: two VMs on one disk destroy its contents");
    if (outgoing->migration->state == MIGRATION_ABORTING) {
        outgoing_blame(outgoing, &err);
    }
    outgoing_fail(outgoing, &err);
}

static void on_target_located(struct outgoing *outgoing, struct incoming *incoming,
                              const struct error *err)
{
    enum migration_state state = outgoing->migration->state;
    enum place here = outgoing_place_here(outgoing);
    enum place there = place_there(incoming, err);
    enum whereabouts where = whereabouts(here, there, outgoing->migration->moved);
    log_info("migration %s: VM %s is %s on the source and %s on the target",
             outgoing->migration->id, outgoing->migration->request.vm, place_name(here),
             place_name(there));
    switch (where) {
    case WHERE_WAIT:
        outgoing_back_off(outgoing);
        return;
    case WHERE_HOME:
        outgoing->deciding = false;
        outgoing->migration->moved = false;
        if (state == MIGRATION_ABORTING) { /* as thought: the target will see it, too */
            outgoing_back_off(outgoing);
            return;
        }
        outgoing_go_back(outgoing, outgoing->err.reason != REASON_NONE ? &outgoing->err : NULL);
        return;
    case WHERE_AWAY:
        outgoing->deciding = false;
        outgoing->migration->moved = true;
        if (state == MIGRATION_SWITCHING) {
            outgoing_back_off(outgoing);
            return;
        }
        outgoing_enter(outgoing, MIGRATION_SWITCHING);
        return;
    case WHERE_BOTH:
        report_split_brain(outgoing);
        return;
    }
}

static void on_source_located(struct manager *m, const struct error *err, void *data)
{
    struct outgoing *outgoing = data;
    outgoing->jobs--;
    if (m->stopping) {
        return;
    }
    if (err != NULL) {
        outgoing_back_off(outgoing);
        return;
    }
    outgoing_ask_peer(outgoing, PEER_ASK_STATUS, on_target_located);
}

void outgoing_decide(struct outgoing *outgoing)
{
    outgoing->jobs++;
    observe_all(outgoing->manager, on_source_located, outgoing);
}

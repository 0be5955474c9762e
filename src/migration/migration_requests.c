/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about migrations that this host leads: begin, show, cancel. */
#include "migration/migration_requests.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/json.h"
#include "base/str.h"
#include "migration/migration_holds.h"
#include "migration/migration_records.h"
#include "migration/migrations.h"
#include "migration/outgoing.h"
#include "migration/outgoing_operation.h"
#include "state/planner_view.h"
#include "state/reply_json.h"
#include "state/txn.h"
#include "turn/operation_cancel.h"
#include "turn/queue.h"
#include "vm/vms.h"

/* ---- the request ---- */

/* Fills in the peer where the destination tells it. */
static int check_addresses(struct migration_request *request, const struct caller *caller,
                           struct error *err)
{
    enum remote_rights rights = caller_is_root(caller) ? REMOTE_FOR_ROOT : REMOTE_FOR_ANYONE;
    struct remote destination;
    int r = migrations_check_target(request->destination, request->peer, request->migrate_uri,
                                    rights, err);
    if (r != 0 || request->peer[0] != '\0') {
        return r;
    }
    (void)remote_read_destination(request->destination, rights, &destination, NULL);
    if (!remote_ssh_peer(&destination, request->peer, sizeof(request->peer))) {
        error_set(err, REASON_INVALID, "request body: peer",
                  "the address of the target's cleaved does not follow from \"%s\"",
                  request->destination);
        error_hint(err, "give its address (ssh:[user@]host[:port]; as root also http://host:port "
                        "or unix:/path)");
        return -REASON_INVALID;
    }
    return 0;
}

int migrations_check_target(const char *destination, const char *peer, const char *migrate_uri,
                            enum remote_rights rights, struct error *err)
{
    const char *what = "request body: destination";
    int r = remote_read_destination(destination, rights, NULL, err);
    if (r == 0 && peer[0] != '\0') {
        what = "request body: peer";
        r = remote_read_peer(peer, rights, NULL, err);
    }
    if (r == 0 && migrate_uri[0] != '\0') {
        what = "request body: migrateUri";
        r = remote_read_data(migrate_uri, rights, NULL, err);
    }
    if (r != 0) {
        STR_SET(err->subject, what);
    }
    return r;
}

/* ---- beginning ---- */

static void name_devices(const struct manager *m, const struct vm *vm, struct migration *migration)
{
    for (vec_each(&m->claims, claim)) {
        bool its =
            claim->vm[0] != '\0' && (str_eq(claim->vm, vm->name) || str_eq(claim->vm, vm->uuid));
        if (its && migration->devices.n < MIGRATION_MAX_CLAIMS) {
            struct migration_device *device = vec_push(&migration->devices);
            STR_SET(device->claim, claim->name);
            device->from = claim->assigned;
        }
    }
}

static int refuse_check(const struct check *check, const char *vm, struct error *err)
{
    int r = error_set(err, REASON_RULE, SUBJECT("vm", vm), "VM \"%s\" can't migrate: %s", vm,
                      check->message);
    error_hint(err, "%s", check->hint);
    STR_SET(err->rule, check->rule);
    return r;
}

/* What this host can tell alone; nothing is asked of the target when it says no. */
static int check_here(const struct manager *m, struct migration *migration, const struct vm *vm,
                      struct error *err)
{
    struct planner planner = planner_view(m);
    CLEANUP(migration_offer_freep) struct migration_offer *offer = NULL;
    int r = preflight_offer(&planner, vm, &offer, err);
    if (r != 0) {
        return r;
    }
    preflight_source(m->rules, offer, &migration->checks);
    const struct check *refusal = checks_refusal(&migration->checks, false);
    return refusal == NULL ? 0 : refuse_check(refusal, vm->name, err);
}

static int prepare(struct change *change, struct error *err)
{
    struct manager *m = change->manager;
    struct migration *migration = change->migration;
    struct vm *vm = NULL;
    if (m->config.peer == NULL || m->config.move_guest == NULL || m->config.track_guest == NULL) {
        return error_set(err, REASON_UNSUPPORTED, "cleaved", "this cleaved can't migrate VMs");
    }
    int r = vms_find(m, migration->request.vm, &vm, err);
    if (r != 0) {
        return r;
    }
    STR_SET(migration->request.vm, vm->name);
    STR_SET(migration->vm_uuid, vm->uuid);
    name_devices(m, vm, migration);
    /* Whether it could, once it runs, can be asked before. */
    enum hold_want want = change->dry_run ? WANT_VM_FORESEE_MOVE : WANT_VM_MIGRATE;
    r = hold_check(&m->holds, hold_vm(vm->name, vm->uuid), want, NULL, err);
    return r != 0 ? r : check_here(m, migration, vm, err);
}

/* The migration's record is stored, or it is a dry run: begins. */
static void begin(const struct error *err, void *data)
{
    struct change *change = data;
    struct manager *m = change->manager;
    if (err != NULL) {
        change_refuse(change, err);
        return;
    }
    const struct operation_start start = {.kind = &migration_kind, .dry_run = change->dry_run};
    struct outgoing *outgoing = outgoing_new(m, TAKE_PTR(change->migration), &start);
    outgoing->member = !caller_is_root(&change->caller);
    operation_schedule(outgoing->operation, 0);
    if (!change->dry_run) {
        outgoing_hold(outgoing);
        change_answer(change, reply_migration(outgoing->migration));
        return;
    }
    outgoing->reply = change->reply;
    outgoing->data = change->data;
    change_detach(change);
}

static void run_migrate(struct change *change)
{
    struct error err = {0};
    if (prepare(change, &err) != 0) {
        change_refuse(change, &err);
        return;
    }
    if (change->dry_run) {
        begin(NULL, change);
        return;
    }
    struct txn txn;
    txn_begin(&txn, change->manager);
    txn_put_migration(&txn, change->migration);
    outgoing_note(&txn, change->migration);
    txn_commit_then(&txn, begin, change);
}

void verb_migrate_vm(struct manager *m, const struct request *request)
{
    struct error err = {0};
    CLEANUP(migration_freep) struct migration *migration = xcalloc(1, sizeof(*migration));
    migration->request = *(const struct migration_request *)request->body;
    if (check_addresses(&migration->request, request->caller, &err) != 0) {
        request_refuse(request, &err);
        return;
    }
    id_uuid(migration->id);
    STR_SET(migration->author, request->caller->author);
    migration->created_us = clock_realtime_us();
    struct change *change = change_new(m, run_migrate, request, migration->request.vm);
    change->migration = TAKE_PTR(migration);
    change_enqueue(change);
}

/* ---- showing ---- */

void verb_list_migrations(struct manager *m, const struct request *request)
{
    json_t *migrations = json_array();
    json_t *incoming = json_array();
    for (vec_each(&m->migrations->outgoing, outgoing)) {
        if (!(*outgoing)->dry_run) {
            json_array_append_new(migrations, migration_to_json((*outgoing)->migration));
        }
    }
    for (vec_each(&m->migrations->incoming, incoming_vm)) {
        json_array_append_new(incoming, incoming_to_json((*incoming_vm)->incoming));
    }
    request_answer(request,
                   json_pack("{s:o, s:o}", "migrations", migrations, "incoming", incoming));
}

void verb_get_migration(struct manager *m, const struct request *request)
{
    struct error err = {0};
    const struct outgoing *outgoing = outgoing_find(m, request->target, &err);
    if (outgoing == NULL) {
        request_refuse(request, &err);
        return;
    }
    request_answer(request, reply_migration(outgoing->migration));
}

/* ---- cancelling ---- */

static json_t *show_cancelled(struct manager *m, const struct operation *operation)
{
    const struct outgoing *outgoing = operation->data;
    (void)m;
    return reply_migration(outgoing->migration);
}

void verb_cancel_migration(struct manager *m, const struct request *request)
{
    struct error err = {0};
    if (txn_call_in_turn(m, verb_cancel_migration, request)) {
        return;
    }
    const struct outgoing *outgoing = outgoing_find(m, request->target, &err);
    if (outgoing == NULL) {
        request_refuse(request, &err);
    } else {
        operation_cancel_for(m, outgoing->operation, request, show_cancelled);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A person says where a VM is that was on its way when the target went silent, and may never come
 * back. That can't be checked here; what can be checked is: the target does not answer now, and no
 * emulator of this host has what would be given back. Asked in turn with the migration's own
 * questions, so that nothing of these can arrive in between.
 */
#include "migration/outgoing_resolve.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "migration/migration_holds.h"
#include "migration/migration_records.h"
#include "migration/migrations.h"
#include "migration/outgoing.h"
#include "migration/outgoing_end.h"
#include "migration/outgoing_place.h"
#include "migration/outgoing_work.h"
#include "state/reply_json.h"
#include "state/txn.h"
#include "watch/observe.h"

/* ---- what it would do, in words ---- */

static void add_line(json_t *list, const char *fmt, ...) PRINTF_ATTR(2, 3);
static void add_line(json_t *list, const char *fmt, ...)
{
    char line[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    str_make_clean(line);
    json_array_append_new(list, json_string(line));
}

static const char *target_of(const struct migration *migration)
{
    return migration->target[0] != '\0' ? migration->target : "the target";
}

/* The release, without what goes with the definition. */
static int name_release(const struct outgoing *outgoing, json_t *steps, struct error *err)
{
    const char *vm = outgoing->migration->request.vm;
    struct plan *plan = NULL;
    int r = outgoing_plan_release(outgoing, &plan, err);
    if (r != 0) {
        return r;
    }
    if (outgoing_place_here(outgoing) != PLACE_ABSENT) {
        add_line(steps, "remove the definition of VM \"%s\" (`virsh dumpxml %s` keeps a copy)", vm,
                 vm);
    }
    for (size_t i = 0; i < plan->steps.n; i++) {
        char text[192];
        if (step_kind_port(plan->steps.items[i].kind) != PORT_GUEST) {
            add_line(steps, "%s", step_describe(&plan->steps.items[i], text, sizeof(text)));
        }
    }
    for (vec_each(&plan->claims, entry)) {
        if (entry->verb == PLAN_RELEASE) {
            add_line(steps, "forget claim \"%s\"", entry->claim.name);
        }
    }
    plan_free(plan);
    return 0;
}

static void name_stay(const struct outgoing *outgoing, json_t *steps)
{
    const struct migration *migration = outgoing->migration;
    add_line(steps, "end the migration: the definition of VM \"%s\" stays", migration->request.vm);
    for (vec_each(&migration->devices, device)) {
        add_line(steps, "keep claim \"%s\"", device->claim);
    }
}

/* What a target does on its own that comes back: see incoming_operation.c. */
static void name_rest(const struct migration *migration, enum migration_resolution where,
                      json_t *rest)
{
    const char *vm = migration->request.vm;
    const char *target = target_of(migration);
    if (where == RESOLUTION_TARGET) {
        add_line(rest, "if %s comes back with VM \"%s\", cleaved there takes the VM over", target,
                 vm);
    } else {
        add_line(rest,
                 "before VM \"%s\" starts on this host, make sure that it does not run on %s: two "
                 "VMs on one disk destroy its contents",
                 vm, target);
        CLEANUP_STRBUF struct strbuf claims = {0};
        for (vec_each(&migration->devices, device)) {
            strbuf_addf(&claims, "`cleave claim delete %s` and ", device->claim);
        }
        add_line(rest,
                 "if %s comes back with VM \"%s\", cleaved there takes the VM over: stop it there "
                 "at once, then %s`cleave vm delete %s` there",
                 target, vm, strbuf_str(&claims), vm);
    }
    add_line(rest, "if that host comes back without the VM, it releases the VM's devices when its "
                   "--incoming-patience is over (120 s)");
}

static json_t *reply_of(const struct outgoing *outgoing, const struct resolving *resolving,
                        const char *silence, json_t *steps)
{
    json_t *rest = json_array();
    name_rest(outgoing->migration, resolving->where, rest);
    json_t *body = reply_migration(outgoing->migration);
    json_object_set_new(body, "resolution",
                        json_pack("{s:s, s:s, s:s, s:O, s:o}", "vm",
                                  migration_resolution_name(resolving->where), "source",
                                  place_name(outgoing_place_here(outgoing)), "target", silence,
                                  "steps", steps, "afterwards", rest));
    return body;
}

/* ---- may it be? ---- */

static int refuse_answering(const struct migration *migration, struct error *err)
{
    error_set(err, REASON_CONFLICT, SUBJECT("migration", migration->id),
              "cleaved on %s answers, so the migration of VM \"%s\" ends without help",
              target_of(migration), migration->request.vm);
    error_hint(err,
               "see `cleave migration show %s` on this host, and `cleave vm list` on the target",
               migration->id);
    return -REASON_CONFLICT;
}

static int refuse_here(const struct outgoing *outgoing, enum migration_resolution where,
                       struct error *err)
{
    const char *vm = outgoing->migration->request.vm;
    enum place here = outgoing_place_here(outgoing);
    if (here == PLACE_UNKNOWN) {
        error_set(err, REASON_UNAVAILABLE, "libvirt",
                  "the state of VM \"%s\" on this host is unknown: %s", vm,
                  outgoing->manager->host->libvirt_problem);
        error_hint(
            err, "cleaved releases no device before libvirt on this host says that no VM uses it");
        return -REASON_UNAVAILABLE;
    }
    if (where == RESOLUTION_TARGET && (here == PLACE_RUNNING || here == PLACE_PAUSED)) {
        error_set(err, REASON_IN_USE, SUBJECT("vm", vm),
                  "VM \"%s\" is still on this host: libvirt says that it is %s", vm,
                  place_name(here));
        error_hint(err,
                   here == PLACE_PAUSED ? "`virsh resume %s` if the VM is to run on this host, "
                                          "`virsh destroy %s` if not; then resolve the migration"
                                        : "resolve the migration with --source",
                   vm, vm);
        return -REASON_IN_USE;
    }
    if (where == RESOLUTION_SOURCE && here == PLACE_ABSENT) {
        error_set(err, REASON_NOT_FOUND, SUBJECT("vm", vm),
                  "VM \"%s\" is not on this host: libvirt has no definition of it", vm);
        error_hint(err,
                   "define the VM first (`virsh define`), or resolve the migration with --target");
        return -REASON_NOT_FOUND;
    }
    return 0;
}

/* ---- doing it ---- */

/* A person's word, on its way to the store. */
struct saying {
    struct outgoing *outgoing;
    struct migration next;
    json_t *steps;
    char silence[ERROR_TEXT_SIZE]; /* the target's */
};

static void end_saying(struct saying *saying, const struct error *err)
{
    struct outgoing *outgoing = saying->outgoing;
    outgoing->jobs--;
    if (err != NULL) {
        outgoing_refuse_resolution(outgoing, err);
        outgoing_back_off(outgoing);
    }
    json_decref(saying->steps);
    free(saying);
}

static int next_state(struct saying *saying, struct error *err)
{
    const struct resolving *resolving = &saying->outgoing->resolving;
    struct migration *next = &saying->next;
    bool away = resolving->where == RESOLUTION_TARGET;
    enum migration_state state = away ? MIGRATION_RELEASING : MIGRATION_FAILED;
    *next = *saying->outgoing->migration;
    if (!sm_move(&migration_state_words, &next->state, state)) {
        return error_set(err, REASON_INTERNAL, next->id, "a migration can't go from %s to %s",
                         migration_state_name(next->state), migration_state_name(state));
    }
    next->resolution = resolving->where;
    STR_SET(next->resolved_by, resolving->author);
    next->problem[0] = '\0';
    if (!away) {
        snprintf(next->problem, sizeof(next->problem),
                 "%s said that VM \"%s\" is on this host; %s did not answer", resolving->author,
                 next->request.vm, target_of(next));
        next->reason = REASON_UNAVAILABLE;
        next->rule[0] = '\0';
        next->hint[0] = '\0';
        next->finished_us = clock_realtime_us();
    }
    return 0;
}

/* Answers the request, and lets the migration go on from what it said. */
static void follow_word(struct outgoing *outgoing, const char *silence, json_t *steps)
{
    const struct resolving resolving = outgoing->resolving;
    outgoing->resolving = (struct resolving){0};
    json_t *body = reply_of(outgoing, &resolving, silence, steps);
    if (!resolving.dry_run) {
        log_info("migration %s: %s says that VM %s is on the %s", outgoing->migration->id,
                 resolving.author, outgoing->migration->request.vm,
                 migration_resolution_name(resolving.where));
        outgoing->deciding = false;
        operation_got_on(outgoing->operation);
    }
    if (migration_is_over(outgoing->migration)) {
        outgoing_finish(outgoing);
    } else {
        operation_schedule(outgoing->operation, 0);
    }
    resolving.reply(body, NULL, resolving.data);
}

static void word_stored(const struct error *err, void *data)
{
    struct saying *saying = data;
    struct outgoing *outgoing = saying->outgoing;
    if (err == NULL) {
        *outgoing->migration = saying->next;
        outgoing_hold(outgoing);
        if (outgoing->resolving.where != RESOLUTION_NONE) {
            follow_word(outgoing, saying->silence, saying->steps);
        }
    }
    end_saying(saying, err);
}

/* In the ledger's turn. One transaction: who said it, what was said, and the state that follows. */
static void store_word(void *data)
{
    struct saying *saying = data;
    const struct resolving *resolving = &saying->outgoing->resolving;
    struct error err = {0};
    if (next_state(saying, &err) != 0) {
        end_saying(saying, &err);
        return;
    }
    struct migration *next = &saying->next;
    struct txn txn;
    txn_begin(&txn, saying->outgoing->manager);
    txn_put_migration(&txn, next);
    txn_event(
        &txn, EVENT_MIGRATION_RESOLVED, SUBJECT("vm", next->request.vm), resolving->author,
        "migration %s to %s: a person said that the VM is on the %s; the target did not answer",
        next->id, target_of(next), migration_resolution_name(resolving->where));
    outgoing_note(&txn, next);
    txn_commit_then(&txn, word_stored, saying);
}

static void resolve(struct outgoing *outgoing, const char *silence, json_t *steps)
{
    if (outgoing->resolving.dry_run) {
        follow_word(outgoing, silence, steps);
        return;
    }
    struct saying *saying = xcalloc(1, sizeof(*saying));
    *saying = (struct saying){.outgoing = outgoing, .steps = json_incref(steps)};
    STR_SET(saying->silence, silence);
    outgoing->jobs++;
    ledger_take_turn(outgoing->manager->ledger, store_word, saying);
}

static void on_target_asked(struct outgoing *outgoing, struct incoming *incoming,
                            const struct error *err)
{
    struct error own = {0};
    (void)incoming;
    CLEANUP_JSON json_t *steps = json_array();
    bool silent = err != NULL && err->reason == REASON_UNAVAILABLE;
    int r = outgoing_check_resolvable(outgoing, &own);
    r = r != 0 || silent ? r : refuse_answering(outgoing->migration, &own);
    r = r != 0 ? r : refuse_here(outgoing, outgoing->resolving.where, &own);
    if (r == 0 && outgoing->resolving.where == RESOLUTION_TARGET) {
        r = name_release(outgoing, steps, &own);
    } else if (r == 0) {
        name_stay(outgoing, steps);
    }
    if (r != 0) {
        outgoing_refuse_resolution(outgoing, &own);
        outgoing_back_off(outgoing);
        return;
    }
    resolve(outgoing, err->message, steps);
}

static void on_source_seen(struct manager *m, const struct error *err, void *data)
{
    struct outgoing *outgoing = data;
    outgoing->jobs--;
    if (m->stopping) {
        return; /* who asked is answered with the others who wait */
    }
    if (err != NULL) {
        outgoing_refuse_resolution(outgoing, err);
        outgoing_back_off(outgoing);
        return;
    }
    outgoing_ask_peer(outgoing, PEER_ASK_STATUS, on_target_asked);
}

void outgoing_resolve(struct outgoing *outgoing)
{
    outgoing->jobs++;
    observe_all(outgoing->manager, on_source_seen, outgoing);
}

/* ---- the request ---- */

void verb_resolve_migration(struct manager *m, const struct request *request)
{
    struct resolving resolving = {
        .dry_run = request->dry_run, .reply = request->reply, .data = request->data};
    struct error err = {0};
    STR_SET(resolving.author, request->caller->author);
    resolving.where = ((const struct resolution_body *)request->body)->where;
    struct outgoing *outgoing = outgoing_find(m, request->target, &err);
    int r = outgoing == NULL ? -REASON_NOT_FOUND : outgoing_check_resolvable(outgoing, &err);
    if (r == 0 && outgoing->resolving.where != RESOLUTION_NONE) {
        r = error_set(&err, REASON_CONFLICT, SUBJECT("migration", request->target),
                      "the migration of VM \"%s\" is being resolved at this moment",
                      outgoing->migration->request.vm);
    }
    if (r != 0) {
        request_refuse(request, &err);
        return;
    }
    outgoing->resolving = resolving;
    operation_schedule(outgoing->operation, 0);
}

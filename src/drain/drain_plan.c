/* SPDX-License-Identifier: Apache-2.0 */
/* Each VM's fate: its migration to each target in a dry run, one after the other. */
#include "drain/drain_plan.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "drain/drain_run.h"
#include "state/state.h"

/* ---- which VMs ---- */

/* What the VM has of GPUs, for the reader: "L40S-8Q, passthrough". */
static void describe_devices(const struct manager *m, const struct vm *vm, struct drain_vm *out)
{
    CLEANUP_STRBUF struct strbuf text = {0};
    size_t claimed = 0;
    for (vec_each(&m->claims, claim)) {
        if (claim_is_of(claim, vm->name, vm->uuid)) {
            const char *what =
                claim->spec.type[0] != '\0' ? claim->spec.type : claim_mode_name(claim->spec.mode);
            strbuf_addf(&text, "%s%s", text.len == 0 ? "" : ", ", what);
            claimed++;
        }
    }
    if (vm->devices.n > claimed) {
        strbuf_addf(&text, "%s%zu device%s without a claim", text.len == 0 ? "" : ", ",
                    vm->devices.n - claimed, vm->devices.n - claimed == 1 ? "" : "s");
    }
    STR_SET(out->devices, strbuf_str(&text));
}

static bool is_listed(const struct drain *drain, const struct vm *vm)
{
    for (vec_each(&drain->vms, listed)) {
        if (str_eq(listed->name, vm->name)) {
            return true;
        }
    }
    return false;
}

bool drain_collect(struct drain_run *d)
{
    const struct manager *m = d->manager;
    for (vec_each(&m->host->vms, vm)) {
        if (!vm_is_on(vm) || is_listed(d->drain, vm)) {
            continue;
        }
        if (d->drain->vms.n == DRAIN_MAX_VMS) {
            return false;
        }
        struct drain_vm *entry = vec_push(&d->drain->vms);
        STR_SET(entry->name, vm->name);
        describe_devices(m, vm, entry);
    }
    return true;
}

/* ---- one question ---- */

struct migration_request drain_migration_request(const struct drain_run *d,
                                                 const struct drain_vm *vm)
{
    const struct drain_target *target = &d->drain->targets[vm->target];
    struct migration_request request = {0};
    STR_SET(request.vm, vm->name);
    STR_SET(request.destination, target->destination);
    STR_SET(request.peer, target->peer);
    STR_SET(request.migrate_uri, target->migrate_uri);
    return request;
}

/* Adds why one target does not take it; the first reason stays in front. */
static void add_why(const struct drain_run *d, struct drain_vm *vm, const char *why)
{
    char before[sizeof(vm->why)];
    STR_SET(before, vm->why);
    const char *where = d->drain->targets[vm->target].destination;
    if (d->drain->n_targets == 1) {
        STR_SET(vm->why, why);
    } else if (strstr(before, why) == NULL) {
        str_print(vm->why, sizeof(vm->why), "%.460s%s%.60s: %.460s", before,
                  before[0] == '\0' ? "" : "; ", where, why);
    }
    str_make_clean(vm->why);
}

/* The check that refuses, or NULL. */
static const char *refusal(const json_t *migration)
{
    const json_t *problem = json_object_get(migration, "problem");
    if (json_is_object(problem)) {
        return json_string_value(json_object_get(problem, "message"));
    }
    const json_t *checks = json_object_get(migration, "checks");
    for (size_t i = 0; i < json_array_size(checks); i++) {
        const json_t *check = json_array_get(checks, i);
        const char *result = json_string_value(json_object_get(check, "result"));
        if (result != NULL && str_eq(result, check_result_name(CHECK_FAILED))) {
            return json_string_value(json_object_get(check, "message"));
        }
    }
    return NULL;
}

/* No target takes it. */
static void decide_alone(struct drain_run *d, struct drain_vm *vm)
{
    if (d->drain->n_targets == 0 && vm->why[0] == '\0') {
        STR_SET(vm->why, "no target was named");
    }
    vm->verdict = d->drain->stop ? DRAIN_STOP : DRAIN_STAY;
    const struct vm *now = host_find_vm(d->manager->host, vm->name);
    bool starting = holds_have(&d->manager->holds, HOLD_START, hold_vm(vm->name, ""));
    if (d->drain->stop && now != NULL && now->state == VM_PAUSED && !starting) {
        char before[sizeof(vm->why)];
        STR_SET(before, vm->why);
        str_print(vm->why, sizeof(vm->why), "the VM is paused, so its guest can't shut down; %s",
                  before);
        vm->verdict = DRAIN_STAY;
    }
}

static void answered(json_t *body, const struct error *err, void *data)
{
    struct drain_run *d = NULL;
    size_t i = 0;
    if (!drain_call_end(data, &d, &i)) {
        json_decref(body);
        return;
    }
    struct drain_vm *vm = &d->drain->vms.items[i];
    const json_t *migration = json_object_get(body, "migration");
    const char *why = err != NULL ? err->message : refusal(migration);
    if (why == NULL) {
        const json_t *ms = json_object_get(json_object_get(migration, "estimate"), "totalMs");
        vm->verdict = DRAIN_MIGRATE;
        vm->estimate_ms =
            json_is_integer(ms) ? amount_of((uint64_t)json_integer_value(ms)) : (struct amount){0};
        vm->why[0] = '\0';
    } else {
        add_why(d, vm, why);
        vm->target++;
    }
    json_decref(body);
    drain_plan(d, d->planned);
}

static void ask(struct drain_run *d, size_t i)
{
    struct drain_vm *vm = &d->drain->vms.items[i];
    const struct caller caller = drain_caller(d, ROLES_ALL);
    struct migration_request body = drain_migration_request(d, vm);
    const struct request check = {.caller = &caller,
                                  .dry_run = true,
                                  .body = &body,
                                  .reply = answered,
                                  .data = drain_call_new(d, i)};
    service_call(&d->manager->service, VERB_MIGRATE_VM, &check);
}

void drain_plan(struct drain_run *d, drain_planned_fn *planned)
{
    d->planned = planned;
    if (d->drain->state != DRAIN_PLANNING) {
        return; /* cancelled meanwhile */
    }
    for (size_t i = 0; i < d->drain->vms.n; i++) {
        struct drain_vm *vm = &d->drain->vms.items[i];
        if (vm->verdict != DRAIN_UNDECIDED) {
            continue;
        }
        if (vm->target < d->drain->n_targets) {
            ask(d, i);
            return;
        }
        decide_alone(d, vm);
    }
    planned(d);
}

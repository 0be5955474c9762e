/* SPDX-License-Identifier: Apache-2.0 */
/* Plans of which a step does not come back: they give the turn away, keep what they have in hand,
 * and go on once the call has returned. The journal has them as running: a restart resumes them. */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "manager/migrations.h"
#include "manager/state.h"

static void hint_wait(const struct parked *parked, struct error *err)
{
    error_hint(err, "it goes on when %s answers; `cleave plan show %s` tells",
               manager_port_name(parked->port), parked->plan->id);
}

static int refuse(const struct parked *parked, const char *kind, const char *name,
                  struct error *err)
{
    char at[WHEN_SIZE];
    char subject[ERROR_SUBJECT_SIZE];
    int r =
        error_set(err, REASON_UNAVAILABLE, error_subject(kind, name, subject),
                  "%s is in the hands of plan %.8s (%s), which waits: %s has not answered since %s",
                  name, parked->plan->id, parked->plan->reason, manager_port_name(parked->port),
                  manager_when(parked->since_us, at));
    hint_wait(parked, err);
    return r;
}

static int check_room(const struct parked *parked, const struct plan *plan, struct error *err)
{
    char bdf[BDF_SIZE];
    for (vec_each(&plan->claims, entry)) {
        for (vec_each(&parked->plan->claims, held)) {
            if (entry->verb != PLAN_KEEP && held->verb != PLAN_KEEP &&
                str_eq(entry->claim.name, held->claim.name)) {
                return refuse(parked, "claim", held->claim.name, err);
            }
        }
    }
    for (vec_each(&plan->steps, step)) {
        if (parked_holds_gpu(parked, &step->gpu)) {
            return refuse(parked, "gpu", pci_addr_format(&step->gpu, bdf), err);
        }
    }
    return 0;
}

int manager_check_parked(const struct manager *m, const char *operation, const struct plan *plan,
                         struct error *err)
{
    for (vec_each(&plan->claims, entry)) {
        int r = entry->verb == PLAN_KEEP
                    ? 0
                    : hold_check(&m->holds, hold_claim_named(entry->claim.name), WANT_CLAIM_CHANGE,
                                 operation, err);
        if (r != 0) {
            return r;
        }
    }
    for (vec_each(&m->parked, parked)) {
        int r = check_room(parked, plan, err);
        if (r != 0) {
            return r;
        }
    }
    for (vec_each(&plan->steps, step)) { /* two hands on one definition would lose what one did */
        int r = step_kind_port(step->kind) == PORT_GUEST
                    ? hold_check(&m->holds, hold_vm(step->vm, ""), WANT_VM_REDEFINE, operation, err)
                    : 0;
        if (r != 0) {
            return r;
        }
        r = manager_check_port(m, step_kind_port(step->kind), err);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

/* Its claim is neither there nor given up before the plan has ended, and its definition may change
 * until then. */
static bool holds_vm(const struct manager *m, const struct parked *parked, const struct vm *vm)
{
    for (vec_each(&parked->plan->steps, step)) {
        bool own =
            str_eq(step->vm, vm->name) || (vm->uuid[0] != '\0' && str_eq(step->vm, vm->uuid));
        if (own && step_kind_port(step->kind) == PORT_GUEST) {
            return true;
        }
    }
    for (vec_each(&parked->plan->claims, entry)) {
        const struct claim *claim = claims_find(&m->claims, entry->claim.name);
        bool changes = claim != NULL && claim->spec.mode != CLAIM_GPU_INSTANCE &&
                       (claim->state == CLAIM_BINDING || claim->state == CLAIM_RELEASING);
        if (changes && (claim_is_of(claim, vm->name, vm->uuid) ||
                        holds_lend(&m->holds, claim->name, vm->name, vm->uuid))) {
            return true;
        }
    }
    return false;
}

int manager_check_parked_vm(const struct manager *m, const struct vm *vm, struct error *err)
{
    for (vec_each(&m->parked, parked)) {
        char at[WHEN_SIZE];
        if (!holds_vm(m, parked, vm)) {
            continue;
        }
        error_set(err, REASON_UNAVAILABLE, SUBJECT("vm", vm->name),
                  "VM \"%s\" can't start: its GPU is in the hands of plan %.8s (%s), which waits: "
                  "%s has not answered since %s",
                  vm->name, parked->plan->id, parked->plan->reason, manager_port_name(parked->port),
                  manager_when(parked->since_us, at));
        hint_wait(parked, err);
        return -REASON_UNAVAILABLE;
    }
    return 0;
}

/* Reported with the plan while it waits; one that is being undone keeps why. */
static void note(struct manager *m, struct parked *parked, size_t at)
{
    char when[WHEN_SIZE];
    char what[STEP_TEXT_SIZE];
    struct plan *plan = parked->plan;
    struct txn txn;
    struct error err = {0};
    (void)step_describe(&plan->steps.items[at], what, sizeof(what));
    log_warning("plan %s (%s) waits: %s has not answered step %zu of %zu (%s) since %s", plan->id,
                plan->reason, manager_port_name(parked->port), at + 1, plan->steps.n, what,
                manager_when(parked->since_us, when));
    if (plan->state == PLAN_RUNNING) {
        str_print(plan->problem, sizeof(plan->problem),
                  "waits: %s has not answered since %s (step %zu of %zu: %s)",
                  manager_port_name(parked->port), when, at + 1, plan->steps.n, what);
    }
    txn_begin(&txn, m);
    txn_put_plan(&txn, plan);
    txn_event(&txn, "plan-waits", SUBJECT("plan", plan->id), plan->author,
              "%s: %s has not answered step %zu of %zu (%s) since %s", plan->reason,
              manager_port_name(parked->port), at + 1, plan->steps.n, what, when);
    if (txn_commit(&txn, &err) != 0) {
        log_warning("that plan %s waits can't be stored: %s", plan->id, err.message);
    }
}

void manager_plan_parked(struct plan *plan, size_t at, void *data)
{
    struct manager *m = data;
    enum port_kind port = step_kind_port(plan->steps.items[at].kind);
    enum half half = port == PORT_GUEST ? HALF_GUESTS : HALF_HARDWARE;
    struct parked *parked = vec_push(&m->parked);
    *parked = (struct parked){.plan = plan,
                              .port = port,
                              .since_us = clock_monotonic_us() - manager_patience_us(m, half)};
    plan_end_fn *then = TAKE_PTR(m->then);
    m->running = NULL;
    expect_no_gpu_changes(m);
    note(m, parked, at);
    if (then != NULL) {
        then(m, plan, m->then_data); /* who waits for it hears so now */
    } else {
        manager_resume(m);
    }
}

static bool may_go_on(const struct manager *m, const struct parked *parked)
{
    return !runner_waits_for(m->runner, parked->port) &&
           (parked->port != PORT_GUEST || m->host->libvirt_problem[0] == '\0');
}

bool manager_resume_parked(struct manager *m)
{
    for (size_t i = 0; i < m->parked.n && !m->busy && !m->stopping; i++) {
        struct parked parked = m->parked.items[i];
        if (!may_go_on(m, &parked)) {
            continue;
        }
        vec_remove(&m->parked, i);
        manager_go_on_with(m, parked.plan);
        return true;
    }
    return false;
}

static void seen(struct manager *m, const struct error *err, void *data)
{
    (void)err;
    (void)data;
    if (!m->stopping && !m->busy) {
        (void)manager_resume_parked(m);
    }
}

void manager_port_returned(enum port_kind port, void *data)
{
    log_info("%s answers again", manager_port_name(port));
    manager_observe(data, seen, NULL);
}

void manager_free_parked(struct manager *m)
{
    for (vec_each(&m->parked, parked)) {
        plan_free(parked->plan);
    }
    vec_done(&m->parked);
}

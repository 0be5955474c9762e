/* SPDX-License-Identifier: Apache-2.0 */
/* Claims follow what becomes of their VMs without us: renamed, switched off, gone. */
#include <stdio.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/str.h"
#include "manager/adopt.h"
#include "manager/gone.h"
#include "manager/lifecycle.h"
#include "manager/migrations.h"
#include "manager/power.h"
#include "manager/restore.h"
#include "manager/state.h"

/* ---- off ---- */

static void follow_power(struct manager *m)
{
    for (size_t i = 0; i < m->claims.n; i++) {
        const struct claim *claim = &m->claims.items[i];
        const struct vm *vm = host_find_vm_of(m->host, claim->vm, claim->vm_uuid);
        if (claim->spec.hold == CLAIM_ON_DEMAND && claim->state == CLAIM_BOUND && vm != NULL &&
            (vm->state == VM_SHUT_OFF || vm->state == VM_CRASHED) &&
            !expects_vm_to_change(m, vm->name) && manager_may_give_back(m, vm->name)) {
            manager_give_back(m, vm->name, vm->uuid);
        }
    }
}

/* ---- gone ---- */

static const char *task_of(const char *claim, char *out, size_t size)
{
    (void)snprintf(out, size, "releasing claim \"%.64s\", whose VM is gone", claim);
    return out;
}

static void released(struct manager *m, const struct plan *plan, void *data)
{
    struct change *change = data;
    char task[128];
    task_of(change->name, task, sizeof(task));
    manager_retry_ended(m, task, plan);
    change_answer(change, NULL);
}

static void run_release(struct change *change)
{
    struct manager *m = change->manager;
    const struct claim *claim = claims_find(&m->claims, change->name);
    struct error err = {0};
    const struct gone *gone = claim == NULL ? NULL : gone_find(m, claim->name);
    if (gone == NULL || gone->held || m->host->libvirt_problem[0] != '\0' ||
        host_find_vm_of(m->host, claim->vm, claim->vm_uuid) != NULL) {
        change_answer(change, NULL); /* it is back, or no one knows */
        return;
    }
    char reason[PLAN_REASON_SIZE];
    str_print(reason, sizeof(reason), "VM %s is gone", claim->vm);
    const char *remove[] = {claim->name};
    struct plan_request request = {.remove = remove,
                                   .n_remove = 1,
                                   .author = change->caller.author,
                                   .reason = reason,
                                   .new_uuid = id_uuid};
    struct planner planner = manager_planner(m);
    struct plan *plan = NULL;
    int r = planner_build(&planner, &request, &plan, &err);
    r = r != 0 ? r : manager_run_plan(m, plan, released, change, &err);
    if (r != 0) {
        manager_retry_refused(m, task_of(change->name, reason, sizeof(reason)), &err);
        change_answer(change, NULL);
    }
}

static void release(struct manager *m, const char *claim)
{
    static const struct caller self = {.author = "cleaved"};
    struct request request = {.caller = &self, .reply = change_unasked};
    char task[128];
    if (!change_is_waiting(m, run_release, claim) &&
        manager_may_retry(m, task_of(claim, task, sizeof(task)))) {
        change_enqueue(change_new(m, run_release, &request, claim));
    }
}

static void follow_gone_claim(struct manager *m, const struct claim *claim)
{
    struct gone *gone = gone_find(m, claim->name);
    if (!vm_is_gone(m, claim)) {
        if (gone != NULL) {
            vec_remove(&m->gone, (size_t)(gone - m->gone.items));
        }
        if (claim->vm_gone_us != 0 && !claim_is_in_hand(m, claim)) {
            gone_store_since(m, claim, 0);
        }
    } else if (claim_is_in_hand(m, claim)) {
        return;
    } else if (gone == NULL) {
        claim->vm_gone_us != 0 ? gone_remember(m, claim) : gone_hold(m, claim);
    } else if (!gone->held && gone_left_us(m, gone) == 0) {
        release(m, claim->name);
    }
}

static void follow_gone(struct manager *m)
{
    for (size_t i = 0; i < m->claims.n; i++) {
        follow_gone_claim(m, &m->claims.items[i]);
    }
    for (size_t i = m->gone.n; i > 0; i--) {
        if (claims_find(&m->claims, m->gone.items[i - 1].claim) == NULL) {
            vec_remove(&m->gone, i - 1);
        }
    }
}

void manager_follow_guests(struct manager *m, const struct host *now)
{
    (void)now;
    for (size_t i = 0; i < m->claims.n; i++) {
        claim_follow_name(m, i);
    }
    follow_power(m);
    follow_gone(m);
    if (!m->restore.active) {
        stale_forget(&m->restore.before, m->host, &m->claims);
    }
    manager_restore_definitions(m);
}

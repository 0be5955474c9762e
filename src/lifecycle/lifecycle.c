/* SPDX-License-Identifier: Apache-2.0 */
/* Claims follow what becomes of their VMs without us: renamed, switched off, gone. */
#include "lifecycle/lifecycle.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "restore/restorations.h"
#include "restore/restore_run.h"
#include "restore/stale.h"
#include "state/release_plan.h"
#include "state/state.h"
#include "turn/plans.h"
#include "turn/queue.h"
#include "turn/retry.h"
#include "vm/power.h"
#include "watch/adopt.h"
#include "watch/gone.h"

/* ---- gone ---- */

static void follow_gone_claim(struct manager *m, const struct claim *claim);

/* False: it is not to be released any more. */
static bool is_to_go(const struct manager *m, const char *claim)
{
    const struct gone *gone = claims_find(&m->claims, claim) == NULL ? NULL : gone_find(m, claim);
    return gone != NULL && !gone->held;
}

static void release_again(struct operation *operation)
{
    const struct retry *retry = operation->data;
    struct manager *m = retry->manager;
    if (!is_to_go(m, retry->task.name)) {
        retry_drop(operation);
    } else if (m->host->libvirt_problem[0] == '\0') {
        follow_gone_claim(m, claims_find(&m->claims, retry->task.name));
    }
}

static const struct operation_kind release_kind = RETRY_KIND(OPERATION_KIND_RELEASE, release_again);

static struct retry_task release_of(const char *claim)
{
    return retry_task_of(&release_kind, "claim", claim, "releasing claim \"%s\", whose VM is gone",
                         claim);
}

static void released(struct manager *m, const struct plan *plan, const struct error *err,
                     void *data)
{
    struct change *change = data;
    const struct retry_task task = release_of(change->name);
    if (plan == NULL && !m->stopping) {
        retry_refused(m, &task, err);
    } else {
        retry_ended(m, &task, plan);
    }
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
    const struct claim_release release = {
        .claims = remove, .n = 1, .author = change->caller.author, .reason = reason};
    struct plan *plan = NULL;
    const struct retry_task task = release_of(change->name);
    retry_begins(m, &task);
    int r = release_plan_build(m, &release, &plan, &err);
    if (r != 0) {
        retry_refused(m, &task, &err);
        change_answer(change, NULL);
        return;
    }
    plans_run(m, plan, released, change);
}

static void release(struct manager *m, const char *claim)
{
    static const struct caller self = {.author = "cleaved"};
    struct request request = {.caller = &self, .reply = change_unasked};
    const struct retry_task task = release_of(claim);
    if (!change_is_waiting(m, run_release, claim) && retry_may_begin(m, &task)) {
        change_enqueue(change_new(m, run_release, &request, claim));
    }
}

static void follow_gone_claim(struct manager *m, const struct claim *claim)
{
    struct gone *gone = gone_find(m, claim->name);
    if (claim_is_noted(m, claim)) { /* the next look finds it as it is then */
        bool there = host_find_vm(m->host, claim->vm) != NULL ||
                     (claim->vm_uuid[0] != '\0' && host_find_vm(m->host, claim->vm_uuid) != NULL);
        if (gone != NULL && there) {
            gone_forget(m, gone);
        }
        return;
    }
    if (!vm_is_gone(m, claim)) {
        if (gone != NULL) {
            gone_forget(m, gone);
        }
        if (claim->vm_gone_us != 0 && !holds_bar(&m->holds, hold_claim(claim), WANT_CLAIM_FOLLOW)) {
            gone_store_since(m, claim, 0);
        }
    } else if (holds_bar(&m->holds, hold_claim(claim), WANT_CLAIM_FOLLOW)) {
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
    gone_trim(m);
}

/* Of claims that are gone, or whose VMs are back. */
static void forget_releases(struct manager *m)
{
    for (size_t i = m->operations.items.n; i > 0; i--) {
        struct operation *operation = m->operations.items.items[i - 1];
        const struct retry *retry = operation->data;
        if (operation->kind == &release_kind && operation->state == OPERATION_WAITING &&
            !is_to_go(m, retry->task.name)) {
            retry_drop(operation);
        }
    }
}

void lifecycle_reconcile_claims(struct manager *m, const struct host *now)
{
    (void)now;
    for (size_t i = 0; i < m->claims.n; i++) {
        claim_follow_name(m, i);
    }
    power_follow(m);
    follow_gone(m);
    forget_releases(m);
    if (!restore_is_active(m->restore)) {
        stale_forget(&m->restore->before, m->host, &m->claims);
    }
    restorations_redefine(m);
}

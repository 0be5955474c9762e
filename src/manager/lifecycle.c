/* SPDX-License-Identifier: Apache-2.0 */
/* Claims follow what becomes of their VMs without us: renamed, switched off, gone. */
#include <stdio.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/str.h"
#include "manager/migrations.h"
#include "manager/power.h"
#include "manager/restore.h"
#include "manager/state.h"

/* A plan, or a migration, has it in hand and knows better. */
static bool is_in_hand(const struct manager *m, const struct claim *claim)
{
    return claim->state == CLAIM_BINDING || claim->state == CLAIM_RELEASING ||
           migrations_have_claim(m, claim->name);
}

/* ---- names ---- */

static int store_claim(struct manager *m, const struct claim *claim, const char *kind,
                       const char *was, const char *what)
{
    struct error err = {0};
    struct txn txn;
    txn_begin(&txn, m);
    txn_put_claim(&txn, claim);
    if (kind != NULL) {
        txn_event(&txn, kind, SUBJECT("claim", claim->name), "", "%s \"%s\" \"%s\"", what, was,
                  claim->vm);
    }
    int r = txn_commit(&txn, &err);
    if (r != 0) {
        log_warning("claim %s: %s", claim->name, err.message);
    }
    return r;
}

/* A claim goes along with its VM's name: a VM that is deleted and defined again, as installers and
 * provisioners do it, keeps it. Whether the earlier VM has `ended` is another question. Where that
 * was not seen the claim remembers that VM, which may come back. */
static void take_over(struct manager *m, size_t i, const struct vm *vm, bool ended)
{
    struct claim claim = m->claims.items[i];
    const char *kind = "claim-adopted";
    const char *what = "its VM was defined again:";
    char was[VM_NAME_SIZE];
    STR_SET(was, claim.vm);
    if (claim.vm_uuid[0] == '\0') {
        kind = NULL;
    } else if (str_eq_case(claim.vm_uuid_before, vm->uuid)) {
        what = "its own VM is back:";
        claim.vm_uuid_before[0] = '\0';
    } else if (!ended) {
        what = "another VM has the name of its own, whose end was not seen:";
        if (claim.vm_uuid_before[0] == '\0') {
            STR_SET(claim.vm_uuid_before, claim.vm_uuid);
        }
    }
    STR_SET(claim.vm_uuid, vm->uuid);
    (void)store_claim(m, &claim, kind, was, what);
}

/* The one that had the name first goes before the one that took it, unless that runs with what the
 * claim has. */
static const struct vm *vm_to_follow(const struct manager *m, const struct claim *claim)
{
    const struct vm *now = host_find_vm_of(m->host, claim->vm, claim->vm_uuid);
    const struct vm *before =
        claim->vm_uuid_before[0] != '\0' ? host_find_vm(m->host, claim->vm_uuid_before) : NULL;
    bool on = vm_is_on(now);
    return before == NULL || on ? now : before;
}

static void follow_name(struct manager *m, size_t i)
{
    struct claim claim = m->claims.items[i];
    if (claim.vm[0] == '\0' || is_in_hand(m, &claim)) {
        return;
    }
    const struct vm *vm = vm_to_follow(m, &claim);
    if (vm == NULL || vm->uuid[0] == '\0') {
        return;
    }
    if (!str_eq_case(claim.vm_uuid, vm->uuid)) {
        take_over(m, i, vm, claim.vm_gone_us != 0);
    } else if (!str_eq(claim.vm, vm->name) && !str_eq_case(claim.vm, vm->uuid)) {
        char was[VM_NAME_SIZE];
        STR_SET(was, claim.vm);
        STR_SET(claim.vm, vm->name);
        (void)store_claim(m, &claim, "claim-renamed", was, "its VM was renamed:");
    }
}

/* The next look tells whether the earlier one has ended. */
void manager_adopt_claims(struct manager *m, const struct vm *vm)
{
    for (size_t i = 0; i < m->claims.n; i++) {
        const struct claim *claim = &m->claims.items[i];
        const struct vm *old =
            claim->vm_uuid[0] != '\0' ? host_find_vm(m->host, claim->vm_uuid) : NULL;
        /* One that is still listed under this name is not there now: names are unique. */
        bool free = old == NULL || str_eq(old->name, vm->name);
        if (str_eq(claim->vm, vm->name) && vm->uuid[0] != '\0' && free &&
            !str_eq_case(claim->vm_uuid, vm->uuid) && !is_in_hand(m, claim)) {
            take_over(m, i, vm, claim->vm_gone_us != 0);
        }
    }
}

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

/*
 * A VM that can't be seen is not gone yet: libvirt may have come up without the disk on which its
 * definitions are, or be another one. A claim is released only when libvirt said in an event that
 * its VM was undefined, or when one and the same libvirt had its VM and then had it no more, and
 * had not lost all of its VMs at once.
 */
static struct gone *find_gone(const struct manager *m, const char *claim)
{
    for (vec_each(&m->gone, gone)) {
        if (str_eq(gone->claim, claim)) {
            return gone;
        }
    }
    return NULL;
}

const struct gone *manager_find_gone(const struct manager *m, const struct claim *claim)
{
    return find_gone(m, claim->name);
}

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
    const struct gone *gone = claim == NULL ? NULL : find_gone(m, claim->name);
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

static void look_again(struct manager *m, const struct error *err, void *data)
{
    (void)m;
    (void)err;
    (void)data; /* looking is what it was about */
}

static void on_grace(void *data)
{
    struct manager *m = data;
    if (!m->stopping) {
        manager_observe(m, look_again, NULL);
    }
}

static struct gone *add_gone(struct manager *m, const struct claim *claim)
{
    struct gone *gone = find_gone(m, claim->name);
    gone = gone == NULL ? vec_push(&m->gone) : gone;
    *gone = (struct gone){.since_us = clock_monotonic_us()};
    STR_SET(gone->claim, claim->name);
    return gone;
}

uint64_t manager_gone_left_us(const struct manager *m, const struct gone *gone)
{
    uint64_t due_us = gone->since_us + m->config.vm_grace_us;
    uint64_t now_us = clock_monotonic_us();
    return due_us > now_us ? due_us - now_us : 0;
}

/* The claim remembers it: cleaved may be started again before the time is over. */
static void store_gone_since(struct manager *m, const struct claim *claim, uint64_t realtime_us)
{
    struct claim next = *claim;
    next.vm_gone_us = realtime_us;
    (void)store_claim(m, &next, NULL, "", "");
}

static void expect_release(struct manager *m, const struct gone *gone)
{
    /* A little later, so that it is over then. */
    (void)evloop_after(m->config.loop, manager_gone_left_us(m, gone) + 1000, on_grace, m);
}

static void note_gone(struct manager *m, const struct claim *claim)
{
    struct gone *gone = add_gone(m, claim);
    manager_event(m, "claim-orphaned", SUBJECT("claim", claim->name), "",
                  "its VM \"%s\" is gone; it is released in %llu s", claim->vm,
                  (unsigned long long)(m->config.vm_grace_us / 1000000));
    expect_release(m, gone);
    if (!is_in_hand(m, claim)) {
        store_gone_since(m, claim, clock_realtime_us());
    }
}

/* An earlier cleaved has seen it go. */
static void remember_gone(struct manager *m, const struct claim *claim)
{
    struct gone *gone = add_gone(m, claim);
    uint64_t now_us = clock_realtime_us();
    uint64_t for_us = now_us > claim->vm_gone_us ? now_us - claim->vm_gone_us : 0;
    gone->since_us = gone->since_us > for_us ? gone->since_us - for_us : 1;
    expect_release(m, gone);
}

static void note_held(struct manager *m, const struct claim *claim)
{
    struct gone *gone = add_gone(m, claim);
    gone->held = true;
    if (claim->vm_uuid_before[0] != '\0') {
        STR_SET(gone->why, "another VM had its name for a while, and its own was not seen to end");
    } else {
        STR_SET(gone->why, m->libvirt_odd[0] != '\0'
                               ? m->libvirt_odd
                               : "libvirt has not had it since it or cleaved was started");
    }
    manager_event(m, "claim-held", SUBJECT("claim", claim->name), "",
                  "its VM \"%s\" is not there, but was not seen to be undefined (%s): the claim is "
                  "kept",
                  claim->vm, gone->why);
    log_warning("claim %s is kept though its VM %s is not there: %s", claim->name, claim->vm,
                gone->why);
}

/* Libvirt's word on one VM. That it stopped says something only of one without a definition. */
static bool has_ended(const struct host *now, const char *uuid, bool transient)
{
    for (vec_each(&now->vm_ends, end)) {
        if (uuid[0] != '\0' && str_eq_case(end->uuid, uuid)) {
            return end->undefined || (end->stopped && transient);
        }
    }
    return false;
}

/* The claim's own VM as it was seen last, not another one of its name. */
static const struct vm *own_vm(const struct manager *m, const struct claim *claim)
{
    return claim->vm_uuid[0] != '\0' ? host_find_vm(m->host, claim->vm_uuid)
                                     : host_find_vm(m->host, claim->vm);
}

/* Seen to end: libvirt said so, or one and the same libvirt had it before this look. */
static bool is_seen_to_end(const struct manager *m, const struct host *now, bool same,
                           const char *uuid)
{
    const struct vm *was = uuid[0] != '\0' ? host_find_vm(m->host, uuid) : NULL;
    return uuid[0] != '\0' && host_find_vm(now, uuid) == NULL &&
           (has_ended(now, uuid, was != NULL && was->transient) || (same && was != NULL));
}

/* Another VM has the name now; and what is known of the one that had it before. */
static void note_successors(struct manager *m, const struct host *now, bool same)
{
    for (size_t i = 0; i < m->claims.n; i++) {
        struct claim claim = m->claims.items[i];
        const struct vm *next = claim.vm[0] != '\0' ? host_find_vm(now, claim.vm) : NULL;
        if (is_in_hand(m, &claim) || claim.vm_uuid[0] == '\0') {
            continue;
        }
        if (next != NULL && next->uuid[0] != '\0' && !str_eq_case(next->uuid, claim.vm_uuid) &&
            is_seen_to_end(m, now, same, claim.vm_uuid)) {
            take_over(m, i, next, true);
        }
        claim = m->claims.items[i];
        if (is_seen_to_end(m, now, same, claim.vm_uuid_before)) {
            claim.vm_uuid_before[0] = '\0';
            (void)store_claim(m, &claim, "claim-adopted", claim.vm,
                              "the VM that had the name before was undefined:");
        }
    }
}

/* An event may come a moment after the look that misses the VM: then its claim was held so far. */
static void note_ended(struct manager *m, const struct host *now)
{
    for (size_t i = 0; i < m->claims.n; i++) {
        const struct claim *claim = &m->claims.items[i];
        const struct vm *was = own_vm(m, claim);
        const struct gone *gone = find_gone(m, claim->name);
        if (claim->vm[0] != '\0' && claim->vm_uuid_before[0] == '\0' &&
            (gone == NULL || gone->held) &&
            has_ended(now, claim->vm_uuid, was != NULL && was->transient) &&
            host_find_vm_of(now, claim->vm, claim->vm_uuid) == NULL &&
            !migrations_have_claim(m, claim->name)) {
            note_gone(m, claim);
        }
    }
}

static bool all_have_ended(const struct manager *m, const struct host *now)
{
    for (vec_each(&m->host->vms, vm)) {
        if (!has_ended(now, vm->uuid, vm->transient)) {
            return false;
        }
    }
    return true;
}

void manager_note_gone(struct manager *m, const struct host *now)
{
    bool same = m->libvirt_session != 0 && now->libvirt_session == m->libvirt_session;
    size_t had = m->host->vms.n;
    m->libvirt_session = now->libvirt_problem[0] == '\0' ? now->libvirt_session : 0;
    m->libvirt_odd[0] = '\0';
    if (now->libvirt_problem[0] == '\0') {
        note_successors(m, now, same);
        note_ended(m, now);
    }
    if (same && had > 1 && now->vms.n == 0 && !all_have_ended(m, now)) {
        str_print(m->libvirt_odd, sizeof(m->libvirt_odd), "all %zu VMs vanished at once", had);
        return;
    }
    for (size_t i = 0; same && i < m->claims.n; i++) {
        const struct claim *claim = &m->claims.items[i];
        if (claim->vm[0] != '\0' && claim->vm_uuid_before[0] == '\0' && own_vm(m, claim) != NULL &&
            host_find_vm_of(now, claim->vm, claim->vm_uuid) == NULL &&
            !migrations_have_claim(m, claim->name) && find_gone(m, claim->name) == NULL) {
            note_gone(m, claim);
        }
    }
}

static bool is_gone(const struct manager *m, const struct claim *claim)
{
    return claim->vm[0] != '\0' && host_find_vm_of(m->host, claim->vm, claim->vm_uuid) == NULL &&
           !migrations_have_claim(m, claim->name);
}

static void follow_gone_claim(struct manager *m, const struct claim *claim)
{
    struct gone *gone = find_gone(m, claim->name);
    if (!is_gone(m, claim)) {
        if (gone != NULL) {
            vec_remove(&m->gone, (size_t)(gone - m->gone.items));
        }
        if (claim->vm_gone_us != 0 && !is_in_hand(m, claim)) {
            store_gone_since(m, claim, 0);
        }
    } else if (is_in_hand(m, claim)) {
        return;
    } else if (gone == NULL) {
        claim->vm_gone_us != 0 ? remember_gone(m, claim) : note_held(m, claim);
    } else if (!gone->held && manager_gone_left_us(m, gone) == 0) {
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
        follow_name(m, i);
    }
    follow_power(m);
    follow_gone(m);
    if (!m->restore.active) {
        stale_forget(&m->restore.before, m->host, &m->claims);
    }
    manager_restore_definitions(m);
}

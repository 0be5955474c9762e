/* SPDX-License-Identifier: Apache-2.0 */
#include "watch/gone.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "state/state.h"
#include "state/txn.h"
#include "watch/adopt.h"
#include "watch/observe.h"

struct gone_vms {
    VEC(struct gone) items;
    uint64_t session; /* libvirt's, of the last look at the guests; 0: it failed, or was none */
    char odd[96];     /* why VMs that are not there are not taken for gone; "" */
};

struct gone_vms *gone_new(void)
{
    return xcalloc(1, sizeof(struct gone_vms));
}

void gone_free(struct gone_vms *gone)
{
    vec_done(&gone->items);
    free(gone);
}

struct gone *gone_find(const struct manager *m, const char *claim)
{
    for (vec_each(&m->gone->items, gone)) {
        if (str_eq(gone->claim, claim)) {
            return gone;
        }
    }
    return NULL;
}

void gone_forget(struct manager *m, const struct gone *gone)
{
    vec_remove(&m->gone->items, (size_t)(gone - m->gone->items.items));
}

void gone_trim(struct manager *m)
{
    for (size_t i = m->gone->items.n; i > 0; i--) {
        if (claims_find(&m->claims, m->gone->items.items[i - 1].claim) == NULL) {
            vec_remove(&m->gone->items, i - 1);
        }
    }
}

static void on_grace(void *data)
{
    struct manager *m = data;
    if (!m->stopping) {
        observe_all(m, NULL, NULL);
    }
}

static struct gone *add_gone(struct manager *m, const struct claim *claim)
{
    struct gone *gone = gone_find(m, claim->name);
    gone = gone == NULL ? vec_push(&m->gone->items) : gone;
    *gone = (struct gone){.since_us = clock_monotonic_us()};
    STR_SET(gone->claim, claim->name);
    return gone;
}

uint64_t gone_left_us(const struct manager *m, const struct gone *gone)
{
    uint64_t due_us = gone->since_us + m->config.vm_grace_us;
    uint64_t now_us = clock_monotonic_us();
    return due_us > now_us ? due_us - now_us : 0;
}

/* The claim remembers it: cleaved may be started again before the time is over. */
void gone_store_since(struct manager *m, const struct claim *claim, uint64_t realtime_us)
{
    struct claim next = *claim;
    next.vm_gone_us = realtime_us;
    claim_store(m, &next, EVENT_NONE, "", "");
}

static void expect_release(struct manager *m, const struct gone *gone)
{
    /* A little later, so that it is over then. No operation: nothing is done until then, and what
     * counts is the claim's own time, which a look compares in any case. */
    (void)evloop_after(m->config.loop, gone_left_us(m, gone) + 1000, on_grace, m);
}

static void note_gone(struct manager *m, const struct claim *claim)
{
    struct gone *gone = add_gone(m, claim);
    txn_event_alone(m, EVENT_CLAIM_ORPHANED, SUBJECT("claim", claim->name), "",
                    "its VM \"%s\" is gone; it is released in %llu s", claim->vm,
                    (unsigned long long)(m->config.vm_grace_us / 1000000));
    expect_release(m, gone);
    if (!holds_bar(&m->holds, hold_claim(claim), WANT_CLAIM_FOLLOW)) {
        gone_store_since(m, claim, clock_realtime_us());
    }
}

/* An earlier cleaved has seen it go. */
void gone_remember(struct manager *m, const struct claim *claim)
{
    struct gone *gone = add_gone(m, claim);
    uint64_t now_us = clock_realtime_us();
    uint64_t for_us = now_us > claim->vm_gone_us ? now_us - claim->vm_gone_us : 0;
    gone->since_us = gone->since_us > for_us ? gone->since_us - for_us : 1;
    expect_release(m, gone);
}

void gone_hold(struct manager *m, const struct claim *claim)
{
    struct gone *gone = add_gone(m, claim);
    gone->held = true;
    if (claim->vm_uuid_before[0] != '\0') {
        STR_SET(gone->why, "another VM had the name of its VM for a while, and cleaved did not see "
                           "the end of its VM");
    } else {
        STR_SET(gone->why, m->gone->odd[0] != '\0'
                               ? m->gone->odd
                               : "libvirt has not had the VM since libvirt or cleaved started");
    }
    txn_event_alone(m, EVENT_CLAIM_VM_MISSING, SUBJECT("claim", claim->name), "",
                    "its VM \"%s\" is missing, but cleaved did not see that it was undefined (%s): "
                    "the claim is kept",
                    claim->vm, gone->why);
    log_warning("claim %s is kept although its VM %s is missing: %s", claim->name, claim->vm,
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
        if (holds_bar(&m->holds, hold_claim(&claim), WANT_CLAIM_FOLLOW) ||
            claim.vm_uuid[0] == '\0') {
            continue;
        }
        if (next != NULL && next->uuid[0] != '\0' && !str_eq_case(next->uuid, claim.vm_uuid) &&
            is_seen_to_end(m, now, same, claim.vm_uuid)) {
            claim_take_over(m, i, next, true);
        }
        claim = m->claims.items[i];
        if (is_seen_to_end(m, now, same, claim.vm_uuid_before)) {
            claim.vm_uuid_before[0] = '\0';
            claim_store(m, &claim, EVENT_CLAIM_ADOPTED, claim.vm,
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
        const struct gone *gone = gone_find(m, claim->name);
        if (claim->vm[0] != '\0' && claim->vm_uuid_before[0] == '\0' &&
            (gone == NULL || gone->held) &&
            has_ended(now, claim->vm_uuid, was != NULL && was->transient) &&
            host_find_vm_of(now, claim->vm, claim->vm_uuid) == NULL &&
            !holds_bar(&m->holds, hold_claim(claim), WANT_CLAIM_COLLECT)) {
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

void gone_note(struct manager *m, const struct host *now)
{
    bool same = m->gone->session != 0 && now->libvirt_session == m->gone->session;
    size_t had = m->host->vms.n;
    m->gone->session = now->libvirt_problem[0] == '\0' ? now->libvirt_session : 0;
    m->gone->odd[0] = '\0';
    if (now->libvirt_problem[0] == '\0') {
        note_successors(m, now, same);
        note_ended(m, now);
    }
    if (same && had > 1 && now->vms.n == 0 && !all_have_ended(m, now)) {
        str_print(m->gone->odd, sizeof(m->gone->odd), "all %zu VMs vanished at once", had);
        return;
    }
    for (size_t i = 0; same && i < m->claims.n; i++) {
        const struct claim *claim = &m->claims.items[i];
        if (claim->vm[0] != '\0' && claim->vm_uuid_before[0] == '\0' && own_vm(m, claim) != NULL &&
            host_find_vm_of(now, claim->vm, claim->vm_uuid) == NULL &&
            !holds_bar(&m->holds, hold_claim(claim), WANT_CLAIM_COLLECT) &&
            gone_find(m, claim->name) == NULL) {
            note_gone(m, claim);
        }
    }
}

bool vm_is_gone(const struct manager *m, const struct claim *claim)
{
    return claim->vm[0] != '\0' && host_find_vm_of(m->host, claim->vm, claim->vm_uuid) == NULL &&
           !holds_bar(&m->holds, hold_claim(claim), WANT_CLAIM_COLLECT);
}

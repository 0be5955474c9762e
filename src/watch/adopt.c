/* SPDX-License-Identifier: Apache-2.0 */
#include "watch/adopt.h"

#include "base/log.h"
#include "base/str.h"
#include "state/state.h"
#include "state/txn.h"

int claim_store(struct manager *m, const struct claim *claim, const char *kind, const char *was,
                const char *what)
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
void claim_take_over(struct manager *m, size_t i, const struct vm *vm, bool ended)
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
    (void)claim_store(m, &claim, kind, was, what);
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

void claim_follow_name(struct manager *m, size_t i)
{
    struct claim claim = m->claims.items[i];
    if (claim.vm[0] == '\0' || holds_bar(&m->holds, hold_claim(&claim), WANT_CLAIM_FOLLOW)) {
        return;
    }
    const struct vm *vm = vm_to_follow(m, &claim);
    if (vm == NULL || vm->uuid[0] == '\0') {
        return;
    }
    if (!str_eq_case(claim.vm_uuid, vm->uuid)) {
        claim_take_over(m, i, vm, claim.vm_gone_us != 0);
    } else if (!str_eq(claim.vm, vm->name) && !str_eq_case(claim.vm, vm->uuid)) {
        char was[VM_NAME_SIZE];
        STR_SET(was, claim.vm);
        STR_SET(claim.vm, vm->name);
        (void)claim_store(m, &claim, "claim-renamed", was, "its VM was renamed:");
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
            !str_eq_case(claim->vm_uuid, vm->uuid) &&
            !holds_bar(&m->holds, hold_claim(claim), WANT_CLAIM_FOLLOW)) {
            claim_take_over(m, i, vm, claim->vm_gone_us != 0);
        }
    }
}

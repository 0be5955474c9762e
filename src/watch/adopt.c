/* SPDX-License-Identifier: Apache-2.0 */
#include "watch/adopt.h"

#include "base/log.h"
#include "base/str.h"
#include "state/state.h"
#include "state/txn.h"

/* A change of what a claim says of its VM, until it is stored. Other changes of the claim may come
 * before it: only what differs is put. */
struct claim_note {
    struct manager *manager;
    struct claim claim; /* as it is to be */
    bool vm, uuid, uuid_before, gone;
    enum event_kind kind; /* the event's; EVENT_NONE: none */
    const char *what;
    char was[VM_NAME_SIZE];
};

bool claim_is_noted(const struct manager *m, const struct claim *claim)
{
    for (vec_each(&m->claim_notes, note)) {
        if (str_eq((*note)->claim.name, claim->name)) {
            return true;
        }
    }
    return false;
}

static void end_note(struct claim_note *note)
{
    struct manager *m = note->manager;
    for (size_t i = m->claim_notes.n; i > 0; i--) {
        if (m->claim_notes.items[i - 1] == note) {
            vec_remove(&m->claim_notes, i - 1);
        }
    }
    free(note);
}

static void note_stored(const struct error *err, void *data)
{
    struct claim_note *note = data;
    if (err != NULL) {
        log_warning("claim %s: %s", note->claim.name, err->message);
    }
    end_note(note);
}

static void apply_note(const struct claim_note *note, struct claim *claim)
{
    if (note->vm) {
        STR_SET(claim->vm, note->claim.vm);
    }
    if (note->uuid) {
        STR_SET(claim->vm_uuid, note->claim.vm_uuid);
    }
    if (note->uuid_before) {
        STR_SET(claim->vm_uuid_before, note->claim.vm_uuid_before);
    }
    if (note->gone) {
        claim->vm_gone_us = note->claim.vm_gone_us;
    }
}

/* In the ledger's turn. The claim may have gone meanwhile, or be in another's hand. */
static void put_note(void *data)
{
    struct claim_note *note = data;
    struct manager *m = note->manager;
    const struct claim *found = claims_find(&m->claims, note->claim.name);
    if (found == NULL || holds_bar(&m->holds, hold_claim(found), WANT_CLAIM_FOLLOW)) {
        end_note(note);
        return;
    }
    struct claim claim = *found;
    struct txn txn;
    apply_note(note, &claim);
    txn_begin(&txn, m);
    txn_put_claim(&txn, &claim);
    if (note->kind != EVENT_NONE) {
        txn_event(&txn, note->kind, SUBJECT("claim", claim.name), "", "%s \"%s\" \"%s\"",
                  note->what, note->was, claim.vm);
    }
    txn_commit_then(&txn, note_stored, note);
}

void claim_store(struct manager *m, const struct claim *claim, enum event_kind kind,
                 const char *was, const char *what)
{
    const struct claim *found = claims_find(&m->claims, claim->name);
    if (found == NULL) {
        return;
    }
    struct claim_note *note = xcalloc(1, sizeof(*note));
    *note = (struct claim_note){
        .manager = m,
        .claim = *claim,
        .vm = !str_eq(claim->vm, found->vm),
        .uuid = !str_eq(claim->vm_uuid, found->vm_uuid),
        .uuid_before = !str_eq(claim->vm_uuid_before, found->vm_uuid_before),
        .gone = claim->vm_gone_us != found->vm_gone_us,
        .kind = kind,
        .what = what,
    };
    STR_SET(note->was, was);
    *vec_push(&m->claim_notes) = note;
    ledger_take_turn(m->ledger, put_note, note);
}

/* A claim goes along with its VM's name: a VM that is deleted and defined again, as installers and
 * provisioners do it, keeps it. Whether the earlier VM has `ended` is another question. Where that
 * was not seen the claim remembers that VM, which may come back. */
void claim_take_over(struct manager *m, size_t i, const struct vm *vm, bool ended)
{
    struct claim claim = m->claims.items[i];
    enum event_kind kind = EVENT_CLAIM_ADOPTED;
    const char *what = "its VM was defined again:";
    char was[VM_NAME_SIZE];
    STR_SET(was, claim.vm);
    if (claim.vm_uuid[0] == '\0') {
        kind = EVENT_NONE;
    } else if (str_eq_case(claim.vm_uuid_before, vm->uuid)) {
        what = "its own VM is back:";
        claim.vm_uuid_before[0] = '\0';
    } else if (!ended) {
        what = "another VM has taken the name of its VM, whose end cleaved did not see:";
        if (claim.vm_uuid_before[0] == '\0') {
            STR_SET(claim.vm_uuid_before, claim.vm_uuid);
        }
    }
    STR_SET(claim.vm_uuid, vm->uuid);
    claim.vm_gone_us = 0;
    claim_store(m, &claim, kind, was, what);
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
    if (claim.vm[0] == '\0' || claim_is_noted(m, &claim) ||
        holds_bar(&m->holds, hold_claim(&claim), WANT_CLAIM_FOLLOW)) {
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
        claim_store(m, &claim, EVENT_CLAIM_RENAMED, was, "its VM was renamed:");
    }
}

/* The next look tells whether the earlier one has ended. */
bool adopt_claims(struct manager *m, const struct vm *vm)
{
    bool noted = false;
    for (size_t i = 0; i < m->claims.n; i++) {
        const struct claim *claim = &m->claims.items[i];
        char name[NAME_SIZE];
        STR_SET(name, claim->name);
        const struct vm *old =
            claim->vm_uuid[0] != '\0' ? host_find_vm(m->host, claim->vm_uuid) : NULL;
        /* One that is still listed under this name is not there now: names are unique. */
        bool free = old == NULL || str_eq(old->name, vm->name);
        if (str_eq(claim->vm, vm->name) && vm->uuid[0] != '\0' && free &&
            !str_eq_case(claim->vm_uuid, vm->uuid) &&
            !holds_bar(&m->holds, hold_claim(claim), WANT_CLAIM_FOLLOW)) {
            claim_take_over(m, i, vm, claim->vm_gone_us != 0);
            claim = claims_find(&m->claims, name);
        }
        noted = noted || (str_eq(claim->vm, vm->name) && claim_is_noted(m, claim));
    }
    return noted;
}

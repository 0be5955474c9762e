/* SPDX-License-Identifier: Apache-2.0 */
#include "restore/restore_definitions.h"

#include "base/clock.h"
#include "base/str.h"
#include "restore/restore_run.h"
#include "state/state.h"
#include "turn/queue.h"

/* For how long after it answers libvirt may still be starting VMs. */
#define AUTOSTART_US 60000000
#define MAX_REFUSED 256
static bool lacks_device(const struct manager *m, const struct claim *claim)
{
    const struct vm *vm =
        claim->vm[0] != '\0' ? host_find_vm_of(m->host, claim->vm, claim->vm_uuid) : NULL;
    return vm != NULL && !vm->transient && vm->state == VM_SHUT_OFF &&
           claim->spec.mode != CLAIM_GPU_INSTANCE &&
           !vm_defines(vm, &claim->assigned.device, claim->assigned.mdev_uuid);
}

/* VMs that start with the host, and were refused because their definitions were old. */
static void start_refused(struct manager *m)
{
    static const struct caller self = {.author = "cleaved", .roles = ROLES_CONNECTED};
    for (vec_each(&m->refused, refused)) {
        const struct vm *vm = host_find_vm(m->host, refused->name);
        if (vm != NULL && vm->autostart && vm->state == VM_SHUT_OFF && !refused->started) {
            refused->started = true;
            const struct request start = {
                .caller = &self, .target = vm->name, .reply = change_unasked};
            service_call(&m->service, VERB_START_VM, &start);
        }
    }
}

void restore_definitions_are_right(struct manager *m)
{
    m->definitions_us = clock_monotonic_us();
    if (m->boot_is_new) {
        start_refused(m);
    }
}

/* libvirt starts VMs as soon as it answers, which may be before or after definitions are looked at.
 * Of later ones a person learns why they are refused. */
void restore_definitions_note_refused(struct manager *m, const char *vm)
{
    for (vec_each(&m->refused, refused)) {
        if (str_eq(refused->name, vm)) {
            return;
        }
    }
    bool late = m->definitions_us != 0 && !restore_is_active(m->restore) &&
                clock_monotonic_us() - m->definitions_us > AUTOSTART_US;
    if (!m->boot_is_new || late || m->refused.n >= MAX_REFUSED) {
        return;
    }
    struct refused_vm *refused = vec_push(&m->refused);
    *refused = (struct refused_vm){0};
    STR_SET(refused->name, vm);
    if (m->definitions_us != 0 && !restore_is_active(m->restore)) {
        start_refused(m);
    }
}

/* Definitions of VMs, and VMs that start with the host, are looked at; returns what to say of it.
 */
const char *restore_definitions_follow(struct manager *m)
{
    if (m->host->libvirt_problem[0] == '\0') {
        restore_definitions_are_right(m);
        return "";
    }
    m->definitions_due = m->claims.n > 0;
    return m->definitions_due ? "; definitions of VMs are checked once libvirt answers" : "";
}

bool restore_definitions_lack_a_device(const struct manager *m)
{
    for (vec_each(&m->claims, claim)) {
        if (claim->state == CLAIM_BOUND &&
            (lacks_device(m, claim) || restore_may_choose_again(m->host, claim))) {
            return true;
        }
    }
    return false;
}

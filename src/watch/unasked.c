/* SPDX-License-Identifier: Apache-2.0 */
/* VMs that started without libvirt having asked: reported if it was not known, or may have harmed.
 */
#include "watch/unasked.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "state/state.h"
#include "state/txn.h"
#include "watch/hook_watch.h"
#include "watch/looks.h"

static bool has_claim(const struct manager *m, const struct vm *vm)
{
    for (vec_each(&m->claims, claim)) {
        if (claim_is_of(claim, vm->name, vm->uuid)) {
            return true;
        }
    }
    return false;
}

void unasked_note(struct manager *m, const struct host *now)
{
    if (m->host->libvirt_problem[0] != '\0' || now->libvirt_problem[0] != '\0') {
        return; /* nothing is known of one side */
    }
    struct missed_vms missed = {0};
    bool new = m->hook_watch->state != HOOK_MISSED;
    hook_watch_look(m->hook_watch, m->host, now, looks_ended(m, SOURCE_GUESTS), clock_realtime_us(),
                    &missed);
    for (vec_each(&missed, vm)) {
        if (new || has_claim(m, *vm)) {
            txn_event_alone(m, EVENT_VM_STARTED_WITHOUT_HOOK, SUBJECT("vm", (*vm)->name), "",
                            "it started without a call of libvirt's hook: the hook is not "
                            "installed, or libvirt's daemon was not restarted since");
            log_warning("VM %s started without a call of libvirt's hook: the hook is not "
                        "installed, or libvirt's daemon was not restarted since",
                        (*vm)->name);
            new = false;
        }
    }
    vec_done(&missed);
}

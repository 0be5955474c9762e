/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts about VMs that are newer than the last look at the guests: a hook reported them, or cleaved
 * itself starts or has ended the VM. They lie over what a look shows, until a look that began after
 * them has ended. Loop thread only.
 */
#ifndef WATCH_VM_OVERLAY_H
#define WATCH_VM_OVERLAY_H

#include "model/host.h"
#include "model/plan.h"

struct manager;

struct vm_overlay {
    struct vm vm;
    bool on;
    bool saved;     /* libvirt's word as it went off: to a managed save, or to a file */
    uint64_t until; /* number of the look at the guests that knows better; UINT64_MAX: cleaved
                       starts it, and until that has ended nothing else knows better */
};

/* Takes a copy of the VM, which is on or off now. */
void vm_overlay_note(struct manager *m, const struct vm *vm, bool on);
/* Likewise, of one that went off because it was saved. */
void vm_overlay_note_saved(struct manager *m, const struct vm *vm);
/* Was it saved, and no look at the guests since tells whether libvirt keeps that state for it, or a
 * person has it in a file? Until then its claims keep their devices. */
bool vm_overlay_may_be_saved(const struct manager *m, const struct vm *vm);
/* `vm start` hands the VM to libvirt, and may give the turn away: from now on it is taken for one
 * that runs with its devices, those of `steps` included, whatever a look shows; its definition is
 * left to the start. Ends with vm_overlay_end_start(), and then the next look at the guests tells.
 */
void vm_overlay_begin_start(struct manager *m, const struct vm *vm, const struct step *steps,
                            size_t n_steps);
void vm_overlay_end_start(struct manager *m, const char *name);
/* Is it on only because a hook reported so: it is about to run, and libvirt was not asked since? */
bool vm_overlay_presumes_on(const struct manager *m, const struct vm *vm);
/* Puts all that is newer over what the look that ended now saw, and drops the rest. */
void vm_overlays_apply(struct manager *m);
void vm_overlays_done(struct manager *m);

#endif

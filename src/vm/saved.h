/* SPDX-License-Identifier: Apache-2.0 */
/* VMs that are saved: can libvirt start them with what their claims have now? Loop thread only. */
#ifndef VM_SAVED_H
#define VM_SAVED_H

#include <stddef.h>

struct error;
struct manager;
struct plan;
struct vm;
struct vm_device;

/* The first of the devices that a saved state of the VM has for a claim of its own that has one of
 * another kind now, so that the VM can't come back from it; NULL: none. */
const struct vm_device *saved_find_stuck(const struct manager *m, const struct vm *vm,
                                         const struct vm_device *devices, size_t n);
/* The hint for such a VM: only to forget the state helps. */
void saved_hint_forget(const struct vm *vm, struct error *err);
/* Refuses to start a saved VM with such a device, or with one for a claim that is not its own:
 * -UNSUPPORTED or -CONFLICT. `plan`, if not NULL, prepares the
 * start: what its claims get there counts. */
int saved_refuse(const struct manager *m, const struct vm *vm, const struct plan *plan,
                 struct error *err);

#endif

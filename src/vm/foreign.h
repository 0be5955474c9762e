/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that a definition names for claims that are not its VM's. Loop thread only. */
#ifndef VM_FOREIGN_H
#define VM_FOREIGN_H

#include <stddef.h>

#include "model/plan.h"

struct manager;

struct steps {
    struct step *items;
    size_t n;
    size_t cap;
};

/* Steps that take devices that the stored definitions of the claims' VMs that are off name for
 * claims that are not their own out of them. The caller frees with vec_done(). */
void foreign_find(const struct manager *m, const struct claim *const *add, size_t n,
                  struct steps *ret_steps);
/* Refuses to start a VM with `device`, which is in its definition for a claim that is gone or
 * another VM's: sets err to why and what to do; -REASON_NOT_FOUND or -REASON_IN_USE. */
int foreign_refuse_device(const struct manager *m, const struct vm *vm,
                          const struct vm_device *device, struct error *err);
/* The same for the first such device that the stored definition names; 0 if there is none. */
int foreign_refuse(const struct manager *m, const struct vm *vm, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about VMs. Loop thread only. */
#ifndef VM_VMS_H
#define VM_VMS_H

#include "service/service.h"

/* By name or UUID; -NOT_FOUND with the nearest name in the hint, -UNAVAILABLE without libvirt. */
int manager_find_vm(const struct manager *m, const char *name, struct vm **ret_vm,
                    struct error *err);

/* Verbs (service/verbs.def). */
verb_fn manager_create_vm, manager_delete_vm, manager_start_vm, manager_stop_vm;

#endif

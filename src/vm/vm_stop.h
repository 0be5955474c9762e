/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to stop a VM. Loop thread only. */
#ifndef VM_VM_STOP_H
#define VM_VM_STOP_H

#include "service/service.h"

/* A verb (service/verbs.def). */
verb_fn verb_stop_vm;

#endif

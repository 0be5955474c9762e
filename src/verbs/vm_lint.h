/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about what is wrong with a VM's definition. Loop thread only. */
#ifndef VERBS_VM_LINT_H
#define VERBS_VM_LINT_H

#include "service/service.h"

/* Verbs (service/verbs.def). */
verb_fn verb_lint_vm;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks of VMs that start, which wait in cleaved. Loop thread only. */
#ifndef VM_HOOK_H
#define VM_HOOK_H

#include <stdbool.h>

#include "base/error.h"
#include "service/service.h"

struct manager;

/* Hooks are answered: cleaved stops. */
void hook_refuse_all(struct manager *m, const struct error *err);
/* Refuses those of a VM that is to be stopped at once. Were there any? */
bool hook_end_all(struct manager *m, const char *vm);

/* Verbs (service/verbs.def). */
verb_fn verb_run_hook;

#endif

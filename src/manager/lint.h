/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about what is wrong with a VM's definition. Private to src/manager; loop thread only. */
#ifndef MANAGER_LINT_H
#define MANAGER_LINT_H

#include "service/service.h"

/* Verbs (service/verbs.def). */
verb_fn manager_lint_vm;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about garbage. Private to src/manager; loop thread only. */
#ifndef MANAGER_GC_H
#define MANAGER_GC_H

#include "service/service.h"

/* Verbs (service/verbs.def). */
verb_fn manager_list_garbage, manager_collect_garbage;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about garbage. Loop thread only. */
#ifndef VERBS_GC_H
#define VERBS_GC_H

#include "service/service.h"

/* Verbs (service/verbs.def). */
verb_fn manager_list_garbage, manager_collect_garbage;

#endif

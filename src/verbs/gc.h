/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about garbage. Loop thread only. */
#ifndef VERBS_GC_H
#define VERBS_GC_H

#include "service/service.h"

/* Verbs (service/verbs.def). */
verb_fn verb_list_garbage, verb_collect_garbage;

#endif

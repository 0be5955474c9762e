/* SPDX-License-Identifier: Apache-2.0 */
/* The request for events. Loop thread only. */
#ifndef VERBS_EVENTS_H
#define VERBS_EVENTS_H

#include "service/service.h"

/* Verbs (service/verbs.def). */
verb_fn verb_list_events;

#endif

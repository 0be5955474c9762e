/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that only read. Loop thread only. */
#ifndef VERBS_QUESTIONS_H
#define VERBS_QUESTIONS_H

#include "service/service.h"
#include "state/state.h"

/* For who only reads: an answer from a look, or after a moment from what was seen last. Those who
 * asked the same meanwhile get the same answer. */
void manager_ask(struct manager *m, answer_fn *answer, const char *name,
                 const struct request *request);

/* Verbs (service/verbs.def). */
verb_fn manager_list_events, manager_list_gpus, manager_get_gpu, manager_get_host,
    manager_list_profiles, manager_list_rules, manager_list_vms;

#endif

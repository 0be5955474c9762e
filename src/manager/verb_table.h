/* SPDX-License-Identifier: Apache-2.0 */
/* What each verb does: the manager's half of the table of verbs (service/verbs.def). Answers are
 * API JSON (api/openapi.yaml). Changes answer with {"plan": …, "claims": […]}; with dry_run nothing
 * is stored or changed and the plan's state is "planned"; else the plan is running (ask GET_PLAN).
 */
#ifndef MANAGER_VERB_TABLE_H
#define MANAGER_VERB_TABLE_H

#include "service/service.h"

extern verb_fn *const manager_verbs[VERB_COUNT];

#endif

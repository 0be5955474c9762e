/* SPDX-License-Identifier: Apache-2.0 */
/* What each verb does: the manager's half of the table of verbs (service/verbs.def). */
#ifndef MANAGER_VERBS_H
#define MANAGER_VERBS_H

#include "service/service.h"

extern verb_fn *const manager_verbs[VERB_COUNT];

#endif

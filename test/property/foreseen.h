/* SPDX-License-Identifier: Apache-2.0 */
/* A host as plan/outlook.h foresaw it, and as it was seen when the plan was done. */
#ifndef TEST_PROPERTY_FORESEEN_H
#define TEST_PROPERTY_FORESEEN_H

#include "plan/outlook.h"

#define FORESEEN_WHY 512

/* False: `why` names what differs. */
bool foreseen_agrees(const struct outlook *outlook, const struct host *seen,
                     const struct plan *plan, char why[FORESEEN_WHY]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What the steps of a plan read back from the driver. */
#ifndef EXEC_READ_BACK_H
#define EXEC_READ_BACK_H

#include "model/plan.h"

/* Claims of the plan learn what the driver gave them. */
void read_back_fill_claims(struct plan *plan);

#endif

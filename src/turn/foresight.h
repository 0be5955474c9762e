/* SPDX-License-Identifier: Apache-2.0 */
/* A dry run behind other changes that are not made yet. */
#ifndef TURN_FORESIGHT_H
#define TURN_FORESIGHT_H

#include "plan/outlook.h"
#include "state/state.h"

struct change;

struct foresight {
    struct manager *manager;
    bool begun;
    struct outlook outlook; /* while it lasts: what the manager has of its own */
};

/* Plans the change by its name; `*ret_plan` stays NULL if nothing has to be done. */
typedef int foresee_fn(struct change *change, struct plan **ret_plan, struct error *err);

/* Until foresight_end() the manager sees host, claims and records as they will be behind the
 * changes of change->behind; without these it does nothing. Nothing in between may wait. The change
 * may be freed meanwhile. */
void foresight_begin(struct foresight *foresight, struct change *change, foresee_fn *fn);
void foresight_end(struct foresight *foresight);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What a look shows is noted only while the ledger is free; and no change is taken while the disk
 * does not answer. Loop thread only. */
#ifndef STATE_NOTES_H
#define STATE_NOTES_H

#include <stdbool.h>

#include "base/error.h"

struct manager;

/* May what a look shows be stored now? If not, it is noted once the ledger is free. */
bool notes_may_store(struct manager *m);
/* -UNAVAILABLE while the disk has not answered for so long that no change waits for it. */
int notes_check_store(const struct manager *m, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Small records that only the manager reads: a start looks whether each has the form that its
 * reader counts on, so that a damaged one is neither passed over nor found later. */
#ifndef STATE_SMALL_RECORDS_H
#define STATE_SMALL_RECORDS_H

#include "base/error.h"

struct manager;

/* -INTERNAL: one can't be read; the error names it and the way out. */
int small_records_check(const struct manager *m, struct error *err);

#endif

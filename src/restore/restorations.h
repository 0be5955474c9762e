/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Restorations of this host (restore_run.h): what begins, hurries and ends them. Loop thread only.
 */
#ifndef RESTORE_RESTORATIONS_H
#define RESTORE_RESTORATIONS_H

#include <stdint.h>

#include "operation/operation.h"
#include "service/service.h"

struct hardware_look;
struct manager;
struct restore_run;

extern const struct operation_kind restoration_kind;

void restore_run_done(struct restore_run *run);
/* Starts one, or gives the one that runs more time and tries at once what waits. */
void restorations_begin(struct manager *m, const char *author, uint64_t timeout_us);
/* Definitions that an earlier restoration could not change, when libvirt answers by now. */
void restorations_redefine(struct manager *m);
/* The host was looked at. A driver that came, late or again, is a reason to try at once what waits,
 * and to restore what its absence took. */
void restorations_look(struct manager *m, struct hardware_look *look);

/* Verbs (service/verbs.def). */
verb_fn verb_get_restore, verb_restore_host;

#endif

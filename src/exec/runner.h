/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs one plan at a time: check all → journal → per step check, journal, apply, read back, journal;
 * on failure undo in reverse. The only caller of port->apply. After a crash, runner_resume() finishes
 * a plan forward if its next step can be applied, else undoes it. Runs on the loop; port calls
 * go to the worker.
 */
#ifndef EXEC_RUNNER_H
#define EXEC_RUNNER_H

#include "base/evloop.h"
#include "model/plan.h"
#include "port/gpu_port.h"
#include "port/guest_port.h"
#include "port/pci_port.h"
#include "store/store.h"

struct ports {
    struct gpu_port *gpu;
    struct pci_port *pci;
    struct guest_port *guest;
};

struct runner;

/* Called on the loop: after each step change, and at the end (plan->state done/undone/stuck). */
typedef void runner_progress_fn(const struct plan *plan, size_t step, void *data);
typedef void runner_done_fn(struct plan *plan, void *data); /* takes the plan */

struct runner_config {
    struct evloop *loop;
    struct worker *worker; /* all port calls are made there */
    struct store *store;
    struct ports ports;
    runner_progress_fn *progress;
    runner_done_fn *done;
    void *data;
};

struct runner *runner_new(const struct runner_config *config);
void runner_free(struct runner *runner);
bool runner_busy(const struct runner *runner);
/* Takes the plan, which must be in the store as PLAN_RUNNING already. */
void runner_start(struct runner *runner, struct plan *plan);
/* The same for a plan found unfinished at start. */
void runner_resume(struct runner *runner, struct plan *plan);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A GPU's mode and scheduler, chosen by hand. */
#include "verbs/gpus.h"

#include <stdio.h>

#include "base/json.h"
#include "base/str.h"
#include "state/gpu_records.h"
#include "state/planner_view.h"
#include "state/state.h"
#include "state/txn.h"
#include "turn/plans.h"
#include "turn/queue.h"

struct remembering {
    struct change *change;
    struct plan *plan;
};

static void remembered(const struct error *err, void *data)
{
    CLEANUP_FREE struct remembering *r = data;
    if (err != NULL) {
        plan_free(r->plan);
        change_refuse(r->change, err);
        return;
    }
    change_carry_out(r->change, r->plan);
}

/* Takes the plan. Where the GPU is as wanted already, no plan will write it to the record. */
static void remember_and_carry_out(struct change *change, struct plan *plan, bool is_mode)
{
    struct manager *m = change->manager;
    const struct gpu *gpu = host_find_gpu(m->host, change->name);
    if (change->dry_run || plan->steps.n > 0 || gpu == NULL) {
        change_carry_out(change, plan);
        return;
    }
    struct gpu_record record = gpu_records_copy(m, gpu);
    if (is_mode) {
        record.mode_set = true;
        record.mode = change->mode;
        record.vfs = gpu->vfs_enabled > 0;
    } else {
        record.scheduler = change->scheduler;
    }
    struct remembering *r = xcalloc(1, sizeof(*r));
    *r = (struct remembering){.change = change, .plan = plan};
    struct txn txn;
    txn_begin(&txn, m);
    txn_put_gpu_record(&txn, &record);
    txn_commit_then(&txn, remembered, r);
}

/* The GPU's address, whichever name it was given: an index says little to who reads the plan, and
 * may be another GPU's by then. */
static void name_by_address(struct change *change)
{
    const struct gpu *gpu = host_find_gpu(change->manager->host, change->name);
    char bdf[BDF_SIZE];
    if (gpu != NULL) {
        STR_SET(change->name, pci_addr_format(&gpu->addr, bdf));
    }
}

static void run_mode(struct change *change)
{
    struct error err = {0};
    struct plan *plan = NULL;
    struct planner planner = planner_view(change->manager);
    name_by_address(change);
    int r = planner_mode(&planner, change->name, change->mode, &plan, &err);
    if (r != 0) {
        plan_free(plan);
        change_refuse(change, &err);
        return;
    }
    STR_SET(plan->author, change->caller.author);
    str_print(plan->reason, sizeof(plan->reason), "gpu mode %s %s", change->name,
              gpu_mode_name(change->mode));
    remember_and_carry_out(change, plan, true);
}

void verb_set_gpu_mode(struct manager *m, const struct request *request)
{
    const struct mode_body *body = request->body;
    struct change *change = change_new(m, run_mode, request, request->target);
    change->mode = body->mode;
    change_enqueue(change);
}

static void run_scheduler(struct change *change)
{
    struct error err = {0};
    struct plan *plan = NULL;
    struct planner planner = planner_view(change->manager);
    name_by_address(change);
    int r = planner_scheduler(&planner, change->name, &change->scheduler, &plan, &err);
    if (r != 0) {
        plan_free(plan);
        change_refuse(change, &err);
        return;
    }
    STR_SET(plan->author, change->caller.author);
    str_print(plan->reason, sizeof(plan->reason), "gpu scheduler %s %s", change->name,
              gpu_scheduler_policy_name(change->scheduler.policy));
    remember_and_carry_out(change, plan, false);
}

void verb_set_gpu_scheduler(struct manager *m, const struct request *request)
{
    struct change *change = change_new(m, run_scheduler, request, request->target);
    change->scheduler = *(const struct gpu_scheduler *)request->body;
    change_enqueue(change);
}

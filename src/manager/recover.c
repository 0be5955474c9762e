/* SPDX-License-Identifier: Apache-2.0 */
/* `cleave gpu recover`: the plan, and what becomes of the quarantine when it ends. */
#include "plan/recover.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "manager/state.h"

static void run_recover(struct change *change)
{
    struct error err = {0};
    struct plan *plan = NULL;
    struct planner planner = manager_planner(change->manager);
    if (planner_recover(&planner, change->name, change->caller.author, &plan, &err) != 0) {
        change_refuse(change, &err);
        return;
    }
    change_carry_out(change, plan);
}

void manager_recover_gpu(struct manager *m, const struct caller *caller, const char *gpu,
                         bool dry_run, manager_reply_fn *reply, void *data)
{
    struct request request = {caller, dry_run, reply, data};
    change_enqueue(change_new(m, run_recover, &request, gpu));
}

/* ---- is all back that should be? ---- */

#define SETTLE_PAUSE_US 250000
#define SETTLE_LOOKS 40 /* at what the driver may still bring */
#define SETTLE_ROUNDS 4 /* of steps */

static void settle_look(struct manager *m, const struct error *observe_err, void *data);

static void settle_again(void *data)
{
    manager_observe_hardware(data, settle_look, NULL);
}

static void settle_look(struct manager *m, const struct error *observe_err, void *data)
{
    (void)data;
    struct plan *plan = m->settling;
    if (m->stopping || plan == NULL) {
        return;
    }
    struct error why = {0};
    struct planner planner = manager_planner(m);
    size_t n = plan->steps.n;
    bool later = false;
    if (observe_err != NULL) {
        why = *observe_err;
    } else {
        later = recover_settle(&planner, plan, &why);
    }
    if (plan->steps.n > n && ++m->settle_rounds > SETTLE_ROUNDS) {
        plan->steps.n = n;
        error_set(&why, REASON_DRIVER, "gpu", "what was made on the GPU is gone again each time");
    }
    if (plan->steps.n == n && why.reason != REASON_NONE && later &&
        ++m->settle_looks < SETTLE_LOOKS &&
        evloop_after(m->config.loop, SETTLE_PAUSE_US, settle_again, m) == 0) {
        return;
    }
    m->settling = NULL;
    runner_settled(m->runner, why.reason != REASON_NONE ? &why : NULL);
}

bool manager_plan_settle(struct plan *plan, void *data)
{
    struct manager *m = data;
    if (recover_step(plan) == NULL) {
        return false;
    }
    if (m->settled != plan) {
        m->settle_rounds = m->settle_looks = 0;
    }
    m->settled = m->settling = plan;
    manager_observe_hardware(m, settle_look, NULL);
    return true;
}

/* What the GPU, as it was looked at after the plan, still lacks; NULL: nothing. */
static const char *still_ill(const struct gpu *gpu)
{
    if (gpu == NULL) {
        return "it is not on the PCI bus";
    }
    if (gpu->problem[0] == '\0' && gpu->fault != GPU_FAULT_NONE) {
        return "it does not answer";
    }
    return gpu->problem[0] != '\0' ? gpu->problem : NULL;
}

/* A plan of another boot, ended by the reboot: that was more than its reset would have been. */
static bool rebooted_since(const struct manager *m, const struct gpu_record *record)
{
    const char *boot_id = record->quarantine.boot_id;
    return record->quarantine.set && boot_id[0] != '\0' && m->host->boot_id[0] != '\0' &&
           !str_eq(boot_id, m->host->boot_id);
}

static void lift(struct txn *txn, const struct plan *plan, const struct pci_addr *addr,
                 struct gpu_record *record)
{
    char bdf[BDF_SIZE];
    txn_event(txn, "gpu-recovered", SUBJECT("gpu", pci_addr_format(addr, bdf)), plan->author,
              "reset, and it answers; takes claims again, after: %.300s",
              record->quarantine.set ? record->quarantine.why : "a stuck virtual function");
    record->quarantine = (struct quarantine){0};
    record->n_stuck_vfs = 0;
    txn_put_gpu_record(txn, record);
}

/* A quarantine that was there keeps its reason, and says what else was tried. A GPU that was reset
 * but has not got all of its claims' devices back stays, too: the next attempt begins again. */
static void keep(struct txn *txn, const struct plan *plan, const struct pci_addr *addr,
                 struct gpu_record *record, const char *why, bool was_reset)
{
    const struct manager *m = txn->manager;
    char bdf[BDF_SIZE];
    char before[256];
    struct quarantine *quarantine = &record->quarantine;
    const char *first = strstr(quarantine->why, "after: "); /* of an earlier attempt */
    STR_SET(before, !quarantine->set ? "a stuck virtual function"
                    : first != NULL  ? first + strlen("after: ")
                                     : quarantine->why);
    if (!quarantine->set) {
        *quarantine = (struct quarantine){.set = true, .since_us = clock_realtime_us()};
    }
    STR_SET(quarantine->kind, was_reset ? "restore-failed" : "reset-failed");
    STR_SET(quarantine->boot_id, m->host != NULL ? m->host->boot_id : "");
    snprintf(quarantine->why, sizeof(quarantine->why), "%s (%.90s), after: %.90s",
             was_reset ? "it was reset, and its claims' devices did not all come back"
                       : "its reset failed",
             why, before);
    str_make_clean(quarantine->why);
    txn_put_gpu_record(txn, record);
    txn_event(txn, "gpu-recover-failed", SUBJECT("gpu", pci_addr_format(addr, bdf)), plan->author,
              "%.300s; it stays quarantined: %s", why,
              was_reset ? "try again once the cause is gone"
                        : "reboot the host, or try again once the cause is gone");
}

void txn_note_recovery(struct txn *txn, const struct plan *plan)
{
    const struct step *step = recover_step(plan);
    if (step == NULL) {
        return;
    }
    const struct host *host = txn->manager->host;
    const struct gpu *gpu = host == NULL ? NULL : host_find_board(host, step->board, &step->gpu);
    const struct pci_addr *addr = gpu != NULL ? &gpu->addr : &step->gpu;
    struct gpu_record record = txn_step_record(txn, step);
    bool done = step->state == STEP_DONE;
    const char *ill = still_ill(gpu);
    const char *why = done ? ill : step->problem;
    if ((why == NULL && plan->state == PLAN_DONE) ||
        (ill == NULL && rebooted_since(txn->manager, &record))) {
        lift(txn, plan, addr, &record);
    } else {
        keep(txn, plan, addr, &record, why == NULL ? plan->problem : why, done && why == NULL);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a recovery came to, in the record of its GPU. */
#include "watch/recovery_note.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "plan/recover.h"
#include "state/gpu_records.h"
#include "state/state.h"
#include "state/txn.h"

/* What the GPU, as it was looked at after the plan, still lacks; NULL: nothing. */
static const char *still_needs_recovery(const struct gpu *gpu)
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
    txn_event(txn, EVENT_GPU_RECOVERED, SUBJECT("gpu", pci_addr_format(addr, bdf)), plan->author,
              "it was reset and answers; it takes claims again, after: %.300s",
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
    txn_event(txn, EVENT_GPU_RECOVER_FAILED, SUBJECT("gpu", pci_addr_format(addr, bdf)),
              plan->author, "%.300s; it stays quarantined: %s", why,
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
    const char *ill = still_needs_recovery(gpu);
    const char *why = done ? ill : step->problem;
    if ((why == NULL && plan->state == PLAN_DONE) ||
        (ill == NULL && rebooted_since(txn->manager, &record))) {
        lift(txn, plan, addr, &record);
    } else {
        keep(txn, plan, addr, &record, why == NULL ? plan->problem : why, done && why == NULL);
    }
}

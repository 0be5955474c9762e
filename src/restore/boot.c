/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a reboot means for plans that were under way. Whatever their steps had done to the hardware,
 * or had yet to do, is gone in either direction; VMs' definitions are on the disk and are not. So
 * such a plan ends at once: one that went forward as done (its claims are bound or released, and
 * the restoration that follows brings the hardware of all bound claims), one that was being undone,
 * or that drew for a VM that is off now, as undone, and one that was cancelled as cancelled. What
 * its steps still have to change in definitions becomes a plan of its own, which waits for libvirt.
 */
#include "restore/boot.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "restore/restorations.h"
#include "state/boot_record.h"
#include "state/made_record.h"
#include "state/state.h"
#include "state/txn.h"
#include "turn/parked.h"
#include "turn/plan_end.h"
#include "turn/resume.h"
#include "watch/seen.h"

#define LEFT_BEHIND "the host was rebooted"

/* ---- plans of another boot ---- */

static bool is_guest_step(const struct step *step)
{
    return step_kind_port(step->kind) == PORT_GUEST;
}

static bool goes_forward(const struct plan *plan)
{
    if (plan_is_cancelled(plan)) {
        return false;
    }
    for (vec_each(&plan->steps, step)) {
        if (step->state == STEP_FAILED || step->state == STEP_UNDOING ||
            step->state == STEP_UNDONE || step->state == STEP_STUCK) {
            return false;
        }
    }
    for (vec_each(&plan->claims, entry)) {
        if (entry->verb == PLAN_BIND && entry->claim.spec.hold == CLAIM_ON_DEMAND) {
            return false;
        }
    }
    return plan->state == PLAN_RUNNING;
}

/* The definitions that are still to be changed, as a plan; NULL: none. */
static struct plan *remainder_of(const struct plan *plan, bool forward)
{
    CLEANUP(plan_freep) struct plan *rest = plan_new();
    for (size_t i = 0; i < plan->steps.n; i++) {
        const struct step *step = &plan->steps.items[forward ? i : plan->steps.n - 1 - i];
        if (!is_guest_step(step)) {
            continue;
        }
        struct step next = forward ? *step : step_undo(step);
        if (forward ? step->state != STEP_DONE : step_was_begun(step)) {
            next.state = STEP_PLANNED;
            *vec_push(&rest->steps) = next;
        }
    }
    if (rest->steps.n == 0) {
        return NULL;
    }
    id_uuid(rest->id);
    STR_SET(rest->author, plan->author);
    str_print(rest->reason, sizeof(rest->reason), "%.300s, after a reboot", plan->reason);
    rest->created_us = clock_realtime_us();
    for (vec_each(&plan->vms, vm)) {
        plan_name_vm(rest, vm->name);
    }
    plan_move(rest, PLAN_RUNNING);
    return TAKE_PTR(rest);
}

static void end_steps(struct plan *plan, bool forward)
{
    for (vec_each(&plan->steps, step)) {
        bool open = step->state != STEP_DONE && step->state != STEP_FAILED &&
                    step->state != STEP_STUCK && step->state != STEP_UNDONE;
        if (forward && open) {
            STR_SET(step->problem, is_guest_step(step)
                                       ? "left to a plan after the reboot"
                                       : "left to the restoration after the reboot");
            step->state = STEP_DONE;
        } else if (!forward && step_was_begun(step)) {
            step->state = plan->no_undo && step->state == STEP_DONE ? STEP_DONE : STEP_UNDONE;
        }
    }
}

static void end_plan(struct txn *txn, struct plan *plan, bool forward)
{
    end_steps(plan, forward);
    for (vec_each(&plan->claims, entry)) {
        if (entry->verb == PLAN_BIND || entry->verb == PLAN_RESTORE) {
            entry->claim.assigned.gi_id = NO_ID; /* the next one gets another number */
        }
    }
    plan->finished_us = clock_realtime_us();
    if (plan_is_cancelled(plan)) {
        plan_blame_cancel(plan);
    } else if (plan->problem[0] == '\0' && !forward) {
        STR_SET(plan->problem, LEFT_BEHIND);
    }
    if (forward) {
        plan_move(plan, PLAN_DONE);
    } else if (plan->no_undo) {
        plan_move(plan, PLAN_FAILED);
    } else {
        if (plan->state == PLAN_RUNNING) {
            plan_move(plan, PLAN_UNDOING);
        }
        plan_move(plan, plan_is_cancelled(plan) ? PLAN_CANCELLED : PLAN_UNDONE);
    }
    txn_end_plan(txn, plan);
}

/* Boards may have other addresses now: only their UUIDs tell. */
static void mark_addresses(struct txn *txn)
{
    for (vec_each(&txn->manager->claims, stored)) {
        const struct claim *now = draft_claim(&txn->draft, stored->name);
        struct claim claim = now != NULL ? *now : *stored;
        if (now != NULL && claim_holds(&claim) && claim.assigned.gpu_uuid[0] == '\0' &&
            claim.assigned.board == CLAIM_BOARD_HERE) {
            claim.assigned.board = CLAIM_BOARD_OLD_BOOT;
            txn_put_claim(txn, &claim);
        }
    }
}

static int store_boot(struct manager *m, const struct boot_record *boot, struct error *err)
{
    struct txn txn;
    txn_begin(&txn, m);
    boot_record_put(&txn.draft, boot);
    return txn_commit(&txn, err);
}

/* Everything in one transaction with the new boot's record: it happens once, or not at all, and
 * then the plans are as they were. */
static int settle(struct manager *m, const struct boot_record *now, struct error *err)
{
    CLEANUP_FREE struct plan **rests = xcalloc(m->n_unfinished + 1, sizeof(struct plan *));
    size_t n_rests = 0;
    struct txn txn;
    txn_begin(&txn, m);
    txn_event(&txn, EVENT_HOST_REBOOTED, "host", "", "%zu plan%s under way", m->n_unfinished,
              m->n_unfinished == 1 ? " was" : "s were");
    for (size_t i = 0; i < m->n_unfinished; i++) {
        CLEANUP(plan_freep) struct plan *plan = plan_copy(m->unfinished[i]);
        bool forward = goes_forward(plan) && !plan->no_undo;
        struct plan *rest = remainder_of(plan, forward || plan->no_undo);
        end_plan(&txn, plan, forward);
        if (rest != NULL) {
            txn_put_plan(&txn, rest);
            rests[n_rests++] = rest;
        }
    }
    mark_addresses(&txn);
    made_record_forget(&txn.draft);
    boot_record_put(&txn.draft, now);
    int r = txn_commit(&txn, err);
    if (r != 0) {
        for (size_t i = 0; i < n_rests; i++) {
            plan_free(rests[i]);
        }
        return r;
    }
    for (size_t i = 0; i < m->n_unfinished; i++) {
        plan_free(m->unfinished[i]);
    }
    for (size_t i = 0; i < n_rests; i++) {
        m->unfinished[i] = rests[i];
    }
    m->n_unfinished = n_rests;
    return 0;
}

/* ---- what others call ---- */

int boot_check(struct manager *m, struct error *err)
{
    struct boot_record boot = {0};
    const char *now = m->host->boot_id;
    if (now[0] == '\0') {
        return 0; /* a kernel that doesn't tell: every start is as within one boot */
    }
    int r = boot_record_read(m, &boot, err);
    if (r != 0) {
        log_error("after a reboot: %s", err->message);
        return 0; /* waiting does not mend a damaged record */
    }
    m->boot_is_new = !str_eq(boot.id, now) || !boot.restored;
    if (!str_eq(boot.id, now)) {
        bool first = boot.id[0] == '\0';
        STR_SET(boot.id, now);
        m->boot_unnoted = first && m->claims.n == 0 && m->n_unfinished == 0;
        if (m->boot_unnoted) {
            m->boot_checked = true;
            return 0; /* nothing can be lost before the first plan, which brings the record */
        }
        boot.restored = boot.given_up = false;
        boot.driver_load = m->host->driver_load;
        r = first ? store_boot(m, &boot, err) : settle(m, &boot, err);
    } else if (boot.driver_load == 0 && m->host->driver_load != 0) {
        boot.driver_load = m->host->driver_load;
        r = store_boot(m, &boot, err);
    }
    if (r != 0) {
        return r;
    }
    m->boot_checked = true;
    seen_judge_boards(m);
    bool again = m->host->driver_load != 0 && boot.driver_load != m->host->driver_load;
    if (((!boot.restored && !boot.given_up) || again) && m->config.restore_timeout_us > 0) {
        restorations_begin(m, "cleaved", m->config.restore_timeout_us);
    }
    return 0;
}

void boot_on_libvirt_up(struct manager *m, const struct host *now)
{
    (void)now;
    if (m->n_unfinished > 0) {
        resume_if_free(m);
    }
    (void)parked_resume(m);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a plan: looks again, and stores what became of its claims. */
#include "turn/plan_end.h"

#include <stdio.h>

#include "base/log.h"
#include "base/str.h"
#include "exec/made.h"
#include "state/gpu_records.h"
#include "state/listeners.h"
#include "state/released_record.h"
#include "state/state.h"
#include "state/txn.h"
#include "turn/queue.h"
#include "turn/repeats.h"
#include "turn/resume.h"
#include "watch/claim_view.h"
#include "watch/definitions.h"
#include "watch/gone.h"
#include "watch/health.h"
#include "watch/observe.h"
#include "watch/vm_history.h"

static void fail_claim(struct txn *txn, const struct plan *plan, struct claim *claim)
{
    claim_move(claim, CLAIM_FAILED);
    STR_SET(claim->problem, plan->problem);
    txn_put_claim(txn, claim);
    txn_event(txn, EVENT_CLAIM_FAILED, SUBJECT("claim", claim->name), plan->author, "%s",
              plan->problem);
}

/* An allocation that was undone: the definition names again what it named before. */
static void restore_name(const struct plan *plan, struct claim *claim)
{
    for (vec_each(&plan->steps, step)) {
        if (step->kind == STEP_DETACH && str_eq(step->claim, claim->name)) {
            claim->reserved =
                (struct claim_device){.set = true, .gpu = step->gpu, .device = step->device};
            STR_SET(claim->reserved.mdev_uuid, step->mdev_uuid);
        }
    }
}

/* All of its steps were taken back: a step had failed, or it was cancelled. */
static bool was_taken_back(const struct plan *plan)
{
    return plan->state == PLAN_UNDONE || plan->state == PLAN_CANCELLED;
}

/* The claim is what it was before the plan; of one that was cancelled there is no more to say. */
static void tell_undone(struct txn *txn, const struct plan *plan, const struct claim *claim,
                        const char *what_failed)
{
    bool cancelled = plan->state == PLAN_CANCELLED;
    if (repeats_have(txn->manager, plan)) {
        return;
    }
    txn_event(txn, EVENT_CLAIM_CHANGE_UNDONE, SUBJECT("claim", claim->name), plan->author, "%s%s%s",
              cancelled ? "" : what_failed, cancelled ? "" : ": ", plan->problem);
}

static const struct plan_move *find_move(const struct plan *plan, const char *name)
{
    for (vec_each(&plan->moves, move)) {
        if (str_eq(move->claim, name)) {
            return move;
        }
    }
    return NULL;
}

/* Was it chosen again within its need, on another GPU? */
static bool is_chosen_again(const struct plan *plan, const struct claim *claim)
{
    const struct plan_claim *before = plan_find_claim(plan, PLAN_RELEASE, claim->name);
    return before != NULL && before->claim.has_need && claim->choice[0] != '\0' &&
           pci_addr_cmp(&before->claim.assigned.gpu, &claim->assigned.gpu) != 0;
}

static void tell_bound(struct txn *txn, const struct plan *plan, const struct claim *claim)
{
    char text[MOVE_TEXT_SIZE];
    const struct plan_move *move = find_move(plan, claim->name);
    if (move != NULL) {
        txn_event(txn, EVENT_CLAIM_MOVED, SUBJECT("claim", claim->name), plan->author, "%s: %s",
                  plan->reason, plan_move_text(move, text, sizeof(text)));
    } else if (is_chosen_again(plan, claim)) {
        txn_event(txn, EVENT_CLAIM_MOVED, SUBJECT("claim", claim->name), plan->author,
                  "%s: chosen again within its need: %s", plan->reason, claim->choice);
    } else {
        txn_event(txn, EVENT_CLAIM_BOUND, SUBJECT("claim", claim->name), plan->author,
                  "plan %s is done", plan->id);
    }
}

/* An allocation that was taken back: nothing is left of it, and it may be tried again. */
static void end_allocation(struct txn *txn, const struct plan *plan, struct claim *claim)
{
    claim->assigned.set = false;
    restore_name(plan, claim);
    claim_move(claim, CLAIM_PENDING);
    if (plan->state != PLAN_CANCELLED) {
        STR_SET(claim->problem, plan->problem);
    }
    txn_put_claim(txn, claim);
    if (plan->state == PLAN_CANCELLED) {
        tell_undone(txn, plan, claim, "");
    } else {
        txn_event(txn, EVENT_CLAIM_ALLOCATION_FAILED, SUBJECT("claim", claim->name), plan->author,
                  "%s", plan->problem);
    }
}

static void end_bind(struct txn *txn, const struct plan *plan, const struct plan_claim *entry)
{
    struct claim claim = entry->claim;
    claim.state = CLAIM_BINDING;
    const struct plan_claim *before = plan_find_claim(plan, PLAN_RELEASE, claim.name);
    if (plan->state == PLAN_DONE) {
        claim_move(&claim, CLAIM_BOUND);
        claim.was_bound = true;
        txn_put_claim(txn, &claim);
        txn_forget_released(txn, claim.name);
        tell_bound(txn, plan, &claim);
    } else if (was_taken_back(plan) && before != NULL) {
        txn_put_claim(txn, &before->claim); /* what it replaced is back */
        tell_undone(txn, plan, &claim,
                    find_move(plan, claim.name) != NULL
                        ? "the claim is where it was: its move failed"
                        : "its replacement failed");
    } else if (was_taken_back(plan) && plan_claim_is_old(entry)) {
        end_allocation(txn, plan, &claim);
    } else if (plan->state == PLAN_CANCELLED) {
        txn_delete_claim(txn, claim.name); /* it was not there before */
        tell_undone(txn, plan, &claim, "");
    } else if (plan->state == PLAN_UNDONE &&
               txn->manager->listeners->plans->owns(txn->manager, plan)) {
        txn_delete_claim(txn, claim.name); /* the VM stays where it is, and its claim with it */
    } else {
        if (plan->state == PLAN_UNDONE) {
            claim.assigned.set = false; /* nothing is left of it */
        }
        fail_claim(txn, plan, &claim);
    }
}

static void end_release(struct txn *txn, const struct plan *plan, const struct plan_claim *entry)
{
    struct claim claim = entry->claim;
    if (plan_claim_is_replaced(plan, entry)) {
        return;
    }
    if (plan->state == PLAN_DONE) {
        bool gone = gone_find(txn->manager, claim.name) != NULL;
        txn_delete_claim(txn, claim.name);
        if (gone) {
            txn_keep_released(txn, &claim, plan->reason);
        }
        txn_event(txn, EVENT_CLAIM_RELEASED, SUBJECT("claim", claim.name), plan->author,
                  gone ? "plan %s is done; `cleave claim restore %s` brings it back"
                       : "plan %s is done",
                  plan->id, claim.name);
    } else if (was_taken_back(plan)) {
        txn_put_claim(txn, &claim); /* as it was before */
        tell_undone(txn, plan, &claim, "its release failed");
    } else {
        claim.state = CLAIM_RELEASING;
        fail_claim(txn, plan, &claim);
    }
}

/* Pending: either a new claim, or one that gave its device back. */
static void end_deallocation(struct txn *txn, const struct plan *plan,
                             const struct plan_claim *entry)
{
    struct claim claim = entry->claim;
    const struct plan_claim *before = plan_find_claim(plan, PLAN_RELEASE, claim.name);
    bool gives_back = plan_claim_is_old(entry) && before == NULL;
    if (plan->state == PLAN_DONE) {
        claim.state = gives_back ? CLAIM_RELEASING : CLAIM_BINDING;
        claim.assigned.set = false;
        claim.problem[0] = '\0';
        claim_move(&claim, CLAIM_PENDING);
        claim.was_bound = true;
        txn_put_claim(txn, &claim);
        txn_forget_released(txn, claim.name);
        txn_event(txn, EVENT_CLAIM_DEALLOCATED, SUBJECT("claim", claim.name), plan->author,
                  "%s; its device is allocated when VM \"%s\" starts",
                  gives_back ? "its device was released" : "made on-demand", claim.vm);
    } else if (was_taken_back(plan) && (gives_back || before != NULL)) {
        txn_put_claim(txn, gives_back ? &claim : &before->claim); /* as it was before */
        tell_undone(txn, plan, &claim,
                    gives_back ? "its device can't be released" : "its replacement failed");
    } else if (plan->state == PLAN_CANCELLED) {
        txn_delete_claim(txn, claim.name); /* it was not there before */
        tell_undone(txn, plan, &claim, "");
    } else {
        claim.state = gives_back ? CLAIM_RELEASING : CLAIM_BINDING;
        fail_claim(txn, plan, &claim);
    }
}

/* The claim was bound and stays so, wherever its device is now; someone may have changed the rest.
 */
static void end_restore(struct txn *txn, const struct plan_claim *entry)
{
    const struct claim *stored = draft_claim(&txn->draft, entry->claim.name);
    if (stored == NULL || stored->state != CLAIM_BOUND) {
        return;
    }
    struct claim claim = *stored;
    claim.assigned = entry->claim.assigned;
    txn_put_claim(txn, &claim);
}

/* EVENT_NONE: the plan goes on. */
static enum event_kind end_kind(enum plan_state state)
{
    static const enum event_kind kinds[PLAN_STATE_COUNT] = {
        [PLAN_DONE] = EVENT_PLAN_DONE,           [PLAN_UNDONE] = EVENT_PLAN_UNDONE,
        [PLAN_STUCK] = EVENT_PLAN_STUCK,         [PLAN_FAILED] = EVENT_PLAN_FAILED,
        [PLAN_CANCELLED] = EVENT_PLAN_CANCELLED,
    };
    return kinds[state];
}

static void note_end(struct txn *txn, const struct plan *plan)
{
    if (repeats_have(txn->manager, plan)) {
        return;
    }
    for (vec_each(&plan->left, left)) {
        txn_event(txn, EVENT_VGPU_LEFT_BEHIND, SUBJECT("plan", plan->id), plan->author, "%s",
                  left->text);
    }
    const char *hint = plan->state == PLAN_DONE ? "" : plan_hint(plan);
    txn_event(txn, end_kind(plan->state), SUBJECT("plan", plan->id), plan->author, "%s%s%s%s%s",
              plan->reason, plan->problem[0] != '\0' ? ": " : "", plan->problem,
              hint[0] != '\0' ? "; " : "", hint);
}

void txn_end_plan(struct txn *txn, const struct plan *plan)
{
    txn_put_plan(txn, plan);
    made_note_plan(&txn->draft, plan);
    for (vec_each(&plan->claims, entry)) {
        if (entry->verb == PLAN_BIND) {
            end_bind(txn, plan, entry);
        } else if (entry->verb == PLAN_RELEASE) {
            end_release(txn, plan, entry);
        } else if (entry->verb == PLAN_DEALLOCATE) {
            end_deallocation(txn, plan, entry);
        } else if (entry->verb == PLAN_RESTORE) {
            end_restore(txn, entry);
        }
    }
    txn_follow_plan(txn, plan);
    txn_note_plan_health(txn, plan);
    txn->manager->listeners->plans->end(txn, plan);
    note_end(txn, plan);
    repeats_note(txn->manager, plan);
}

static void store_end(void *data);

static void end_stored(const struct error *err, void *data)
{
    struct manager *m = data;
    if (err != NULL) {
        /* The journal still has the plan: a restart comes to the same end. */
        log_error("the end of plan %s can't be stored, trying again: %s", m->ended->id,
                  err->message);
        uint64_t pause_us = backoff_take(&m->commit_backoff, COMMIT_RETRY_US, COMMIT_RETRY_MAX_US);
        if (pause_us >= COMMIT_PATIENCE_US) {
            queue_shut(m, err);
        }
        (void)evloop_after(m->config.loop, pause_us, store_end, m);
        return;
    }
    log_info("plan %s (%s) is %s", m->ended->id, m->ended->reason,
             plan_state_name(m->ended->state));
    queue_open(m);
    CLEANUP(plan_freep) struct plan *ended = TAKE_PTR(m->ended);
    plan_end_fn *then = TAKE_PTR(m->then);
    m->listeners->plans->ended(m, ended);
    holds_end(&m->holds, ended->id, 0);
    if (then != NULL) {
        then(m, ended, NULL, m->then_data);
    } else {
        resume_all(m);
    }
}

static void put_end(void *data)
{
    struct manager *m = data;
    struct txn txn;
    txn_begin(&txn, m);
    txn_end_plan(&txn, m->ended);
    txn_commit_then(&txn, end_stored, m);
}

static void store_end(void *data)
{
    struct manager *m = data;
    ledger_take_turn(m->ledger, put_end, m);
}

/* The driver chooses GPU instances for vGPUs, and gives new ids to those it makes again. */
static void refresh(const struct host *host, struct claim *claim)
{
    struct assignment *got = &claim->assigned;
    const struct gpu *gpu = claim_find_gpu(claim, host);
    if (gpu == NULL || got->profile[0] == '\0') {
        return;
    }
    const struct vgpu *vgpu = gpu_find_vgpu(gpu, got->mdev_uuid, &got->device);
    if (vgpu != NULL && vgpu->gi_id != NO_ID) {
        const struct gi *gi = gpu_find_gi(gpu, vgpu->gi_id);
        got->gi_id = vgpu->gi_id;
        got->start = gi == NULL ? got->start : gi->start;
        got->size = gi == NULL ? got->size : gi->size;
        return;
    }
    const struct gi *gi = gpu_find_gi_at(gpu, got->start, got->size);
    if (gi != NULL) {
        got->gi_id = gi->id;
        if (claim->spec.mode == CLAIM_GPU_INSTANCE && gi->mig_uuid[0] != '\0') {
            STR_SET(got->mig_uuid, gi->mig_uuid);
        }
    }
}

/* As it will be once the end of the plan is stored. */
static struct claim claim_after(const struct plan *plan, const struct claim *claim)
{
    struct claim after = *claim;
    for (vec_each(&plan->claims, entry)) {
        bool gets = entry->verb == PLAN_BIND || entry->verb == PLAN_RESTORE;
        if (str_eq(entry->claim.name, claim->name) && gets) {
            after.assigned = entry->claim.assigned;
            after.state = CLAIM_BOUND;
        }
    }
    return after;
}

static bool is_about(const struct plan *plan, const struct claim *claim)
{
    for (vec_each(&plan->claims, entry)) {
        if (entry->verb != PLAN_KEEP && str_eq(entry->claim.name, claim->name)) {
            return true;
        }
    }
    return plan->no_undo; /* a restoration is about all that its GPU should carry */
}

static bool is_warned_of(const struct plan *plan, const struct claim *claim)
{
    for (vec_each(&plan->warnings, warning)) {
        if (str_eq(warning->claim, claim->name)) {
            return true;
        }
    }
    return false;
}

void plan_end_note_lacking(const struct manager *m, struct plan *plan)
{
    char text[ERROR_TEXT_SIZE];
    for (vec_each(&m->claims, claim)) {
        bool here =
            plan_changes_gpu(plan, &claim->assigned.gpu) && !claim_is_displaced(claim, m->host);
        if (here && !is_about(plan, claim) && claim_lacks_device(m, claim, text, sizeof(text))) {
            struct plan_warning *warning = vec_push(&plan->warnings);
            STR_SET(warning->claim, claim->name);
            str_print(warning->text, sizeof(warning->text),
                      "claim \"%s\" has no device, as before: %s", claim->name, text);
        }
    }
}

/* A plan may do all of its steps, and a claim that has to do with its GPUs be without a device all
 * the same: the plan says so, and who waits for it does not hear that all is well. */
static void note_lacking(const struct manager *m, struct plan *plan)
{
    char text[ERROR_TEXT_SIZE];
    for (vec_each(&m->claims, claim)) {
        struct claim after = claim_after(plan, claim);
        bool here = holds_bar(&m->holds, hold_gpu(&after.assigned.gpu), WANT_GPU_REPORT) &&
                    !claim_is_displaced(&after, m->host);
        if (plan->problem[0] == '\0' && here &&
            (is_about(plan, claim) || !is_warned_of(plan, claim)) &&
            claim_lacks_device(m, &after, text, sizeof(text))) {
            str_print(plan->problem, sizeof(plan->problem),
                      "its steps are done, but for claim \"%s\" %s", claim->name, text);
            log_warning("plan %s: %s", plan->id, plan->problem);
        }
    }
}

static void ended_observed(struct manager *m, const struct error *err, void *data)
{
    (void)data;
    if (err == NULL) {
        for (vec_each(&m->ended->claims, entry)) {
            refresh(m->host, &entry->claim);
        }
        if (m->ended->state == PLAN_DONE) {
            note_lacking(m, m->ended);
        }
    }
    store_end(m);
}

void plan_end_done(struct plan *plan, void *data)
{
    struct manager *m = data;
    m->running = NULL;
    holds_end(&m->holds, plan->id,
              UINT64_MAX); /* what it did to GPUs is expected until it is stored */
    m->settled = m->settling = NULL;
    m->ended = plan;
    backoff_reset(&m->commit_backoff);
    definitions_follow_plan(m, plan);
    vm_history_expect_plan(m, plan);
    /* Not the VMs: libvirt may be waiting for a hook that waits for this plan. */
    observe_hardware(m, ended_observed, NULL);
}

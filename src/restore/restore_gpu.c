/* SPDX-License-Identifier: Apache-2.0 */
#include "restore/restore_gpu.h"

#include <stdio.h>

#include "base/id.h"
#include "base/str.h"
#include "plan/planner.h"
#include "restore/restore_absent.h"
#include "state/planner_view.h"
#include "state/state.h"

/* A plan that is done is followed by another look; one that then has the same to do again is paced
 * like a failure. */
#define MAX_PROMPT_PLANS 3
/* ---- names ---- */

static void add_name(struct strlist_names *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++) {
        if (str_eq(names->items[i], name)) {
            return;
        }
    }
    if (name[0] != '\0') {
        char(*place)[NAME_SIZE] = vec_push(names);
        str_copy(*place, NAME_SIZE, name);
    }
}

void restore_gpu_done(struct restore_gpu *gpu)
{
    vec_done(&gpu->claims);
    vec_done(&gpu->came);
    vec_done(&gpu->late);
}

/* ---- which GPUs ---- */

static struct restore_gpu *find_entry(struct restore_run *run, const struct gpu *gpu)
{
    const char *uuid = gpu_known_uuid(gpu);
    for (vec_each(&run->gpus, entry)) {
        bool same = uuid[0] != '\0' && entry->uuid[0] != '\0'
                        ? str_eq_case(uuid, entry->uuid)
                        : pci_addr_cmp(&gpu->addr, &entry->addr) == 0;
        if (same) {
            return entry;
        }
    }
    return NULL;
}

/* GPUs may appear while the driver comes up. */
void restore_gpus_find(const struct manager *m, struct restore_run *run)
{
    const struct planner planner = planner_view(m);
    for (vec_each(&m->host->gpus, gpu)) {
        struct restore_gpu *entry = find_entry(run, gpu);
        if (entry == NULL && restore_concerns(&planner, gpu)) {
            entry = vec_push(&run->gpus);
        }
        if (entry != NULL) {
            entry->addr = gpu->addr;
            if (gpu->uuid[0] != '\0') {
                STR_SET(entry->uuid, gpu->uuid);
            }
        }
    }
    restore_absent_find(m, run);
}

/* ---- one attempt ---- */

void restore_gpu_pause(struct restore_gpu *entry)
{
    entry->state = RESTORE_WAITING;
    (void)attempts_fail(&entry->attempts, RESTORE_FIRST_PAUSE_US, RESTORE_LONGEST_PAUSE_US);
}

/* The first thing that is wrong, with a claim or with the GPU itself; NULL: nothing. */
static const struct error *first_problem(const struct restoration *restoration, bool may_pass)
{
    for (vec_each(&restoration->claims, claim)) {
        if (claim->outcome == RESTORE_BLOCKED && restore_error_passes(&claim->why) == may_pass) {
            return &claim->why;
        }
    }
    bool own = restoration->why.reason != REASON_NONE;
    return own && restore_error_passes(&restoration->why) == may_pass ? &restoration->why : NULL;
}

void restore_gpu_take_outcome(struct restore_gpu *entry, const struct restoration *restoration)
{
    entry->claims.n = 0;
    for (vec_each(&restoration->claims, claim)) {
        *vec_push(&entry->claims) = *claim;
    }
    entry->why = (struct error){0};
    if (restoration->plan->steps.n > 0 || restoration->plan->claims.n > 0) {
        return;
    }
    const struct error *passing = first_problem(restoration, true);
    const struct error *lasting = first_problem(restoration, false);
    if (passing != NULL) {
        entry->why = *passing;
        restore_gpu_pause(entry);
    } else if (lasting != NULL) {
        entry->why = *lasting;
        entry->state = RESTORE_INCOMPLETE;
    } else {
        entry->state = RESTORE_RESTORED;
    }
}

static void make_reason(const struct gpu *gpu, char *out, size_t size)
{
    char bdf[BDF_SIZE];
    snprintf(out, size, "host restore, GPU %s", pci_addr_format(&gpu->addr, bdf));
}

void restore_gpu_plan_alone(struct manager *m, const struct gpu *gpu,
                            const struct restore_gpu *entry, const char *author,
                            struct restoration *ret_restoration)
{
    const struct planner planner = planner_view(m);
    size_t n = entry == NULL ? 0 : entry->late.n;
    CLEANUP_FREE const char **late = xcalloc(n + 1, sizeof(*late));
    for (size_t i = 0; i < n; i++) {
        late[i] = entry->late.items[i];
    }
    char reason[PLAN_REASON_SIZE];
    make_reason(gpu, reason, sizeof(reason));
    struct restore_request request = {.gpu = gpu,
                                      .late = late,
                                      .n_late = n,
                                      .author = author,
                                      .reason = reason,
                                      .new_uuid = id_uuid};
    planner_restore(&planner, &request, ret_restoration);
}

/* The plan that brings something back on that GPU; NULL: there is none, and its state says why. */
struct plan *restore_gpu_plan(struct manager *m, struct restore_gpu *entry)
{
    const struct gpu *gpu = host_find_gpu_addr(m->host, &entry->addr);
    if (gpu == NULL) {
        error_set(&entry->why, REASON_UNAVAILABLE, "gpu", "the GPU left the PCI bus");
        restore_gpu_pause(entry);
        return NULL;
    }
    struct restoration restoration = {0};
    restore_gpu_plan_alone(m, gpu, entry, m->restore->operation->author, &restoration);
    restore_gpu_take_outcome(entry, &restoration);
    CLEANUP(plan_freep) struct plan *plan = TAKE_PTR(restoration.plan);
    restoration_done(&restoration);
    return plan->steps.n > 0 || plan->claims.n > 0 ? TAKE_PTR(plan) : NULL;
}

/* The entry of the first GPU that is due; NULL: there is none. */
struct plan *restore_gpus_next_plan(struct manager *m, struct restore_gpu **ret_entry)
{
    struct restore_run *run = m->restore;
    for (size_t i = 0; i < run->gpus.n; i++) {
        struct restore_gpu *entry = &run->gpus.items[i];
        bool due = entry->state == RESTORE_WAITING && attempts_are_due(&entry->attempts);
        struct plan *plan = due ? restore_gpu_plan(m, entry) : NULL;
        if (plan != NULL) {
            *ret_entry = entry;
            return plan;
        }
    }
    return NULL;
}

/* ---- after an attempt ---- */

bool restore_gpu_is_over(const struct restore_gpu *entry)
{
    return entry->state == RESTORE_RESTORED || entry->state == RESTORE_INCOMPLETE;
}

/* A GPU that nothing is done for any more. */
void restore_gpu_leave(struct restore_gpu *entry)
{
    entry->state = RESTORE_INCOMPLETE;
    if (entry->why.reason == REASON_NONE) {
        char bdf[BDF_SIZE];
        error_set(&entry->why, REASON_CONFLICT, SUBJECT("gpu", pci_addr_format(&entry->addr, bdf)),
                  "the restoration was cancelled before its turn came");
        error_hint(&entry->why, "`cleave host restore` restores what is missing");
    }
    for (vec_each(&entry->claims, claim)) {
        if (claim->outcome == RESTORE_COMES) {
            claim->outcome = RESTORE_BLOCKED;
            claim->why = entry->why;
        }
    }
}

void restore_gpu_plan_was_done(struct restore_gpu *entry, const struct plan *plan)
{
    for (vec_each(&plan->claims, claim)) {
        add_name(&entry->came, claim->claim.name);
    }
    entry->late.n = 0;
    entry->said[0] = '\0';
    entry->plans++;
    entry->why = (struct error){0};
    if (entry->plans < MAX_PROMPT_PLANS) {
        entry->state = RESTORE_WAITING;
        attempts_hurry(&entry->attempts);
    } else {
        restore_gpu_pause(entry);
    }
}

/* Do claims wait that have not failed? Theirs are the first steps of the next plan. */
static bool others_wait(const struct restore_gpu *entry, const struct plan *plan)
{
    for (vec_each(&plan->steps, step)) {
        bool late = step->claim[0] == '\0';
        for (size_t i = 0; i < entry->late.n; i++) {
            late = late || str_eq(entry->late.items[i], step->claim);
        }
        if (!late && step->state == STEP_PLANNED) {
            return true;
        }
    }
    return false;
}

/* What waiting can't cure is not tried again. */
void restore_gpu_plan_has_failed(struct restore_gpu *entry, const struct plan *plan)
{
    char bdf[BDF_SIZE];
    bool may_pass = true;
    bool alone = false; /* it is of no claim: all of the GPU waits for it */
    for (vec_each(&plan->steps, step)) {
        bool bad = step->state == STEP_FAILED || step->state == STEP_STUCK;
        may_pass = may_pass && (!bad || restore_step_may_pass(step));
        alone = alone || (bad && step->claim[0] == '\0');
        add_name(bad ? &entry->late : &entry->came,
                 bad || step->state == STEP_DONE ? step->claim : "");
    }
    error_set(&entry->why, REASON_DRIVER, SUBJECT("gpu", pci_addr_format(&entry->addr, bdf)), "%s",
              plan->problem);
    STR_SET(entry->said, entry->why.message); /* the plan's own event says it */
    error_hint(&entry->why, "%s%s`cleave plan show %s` shows all its steps", plan_hint(plan),
               plan_hint(plan)[0] != '\0' ? "; " : "", plan->id);
    if (may_pass) {
        restore_gpu_pause(entry);
    } else {
        entry->state = alone || !others_wait(entry, plan) ? RESTORE_INCOMPLETE : RESTORE_WAITING;
        entry->attempts.due_us = 0;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A site: a named set of claims that becomes exactly what its file says, in one plan. */
#include "verbs/site.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/json.h"
#include "base/parse.h"
#include "base/str.h"
#include "plan/known_choices.h"
#include "state/licence_book.h"
#include "state/planner_view.h"
#include "state/state.h"
#include "turn/plans.h"
#include "turn/queue.h"
#include "vm/foreign.h"
#include "watch/claim_device.h"

/* Names of what changes; pointers into the change's claims and the manager's. */
struct site_diff {
    VEC(const struct claim *) add;
    VEC(const char *) remove;
};

static void site_diff_done(struct site_diff *diff)
{
    vec_done(&diff->add);
    vec_done(&diff->remove);
}

/* Words that were chosen for a need are no wish. */
static bool same_wish(const struct claim *was, const struct claim *wanted)
{
    struct claim a = *was;
    struct claim b = *wanted;
    claim_reopen(&a);
    claim_reopen(&b);
    return claim_asks_for_the_same(&a, &b) && str_eq(a.tenant, b.tenant) && str_eq(a.vm, b.vm) &&
           a.spec.hold == b.spec.hold && rule_overrides_are_same(&a.overrides, &b.overrides);
}

static int refuse_foreign(const struct claim *existing, const char *site, struct error *err)
{
    char subject[ERROR_SUBJECT_SIZE];
    error_subject("claim", existing->name, subject);
    int r = existing->site[0] == '\0'
                ? error_set(err, REASON_CONFLICT, subject,
                            "claim \"%s\" exists already, and does not belong to site \"%s\"",
                            existing->name, site)
                : error_set(err, REASON_CONFLICT, subject, "claim \"%s\" belongs to site \"%s\"",
                            existing->name, existing->site);
    error_hint(err, "choose another name, or delete it first: `cleave claim delete %s`",
               existing->name);
    return r;
}

/* NVML's indexes don't last: the GPUs after one that leaves NVIDIA's driver take other ones, and so
 * may all of them at a boot (NVML API reference, nvmlDeviceGetHandleByIndex). The same file must
 * mean the same GPU whenever it is applied. */
static int refuse_index(const struct change *change, const struct claim *claim,
                        const struct claim *existing, struct error *err)
{
    const struct host *host = change->manager->host;
    uint32_t index = 0;
    char bdf[BDF_SIZE];
    if (!parse_u32(claim->spec.gpu, &index)) {
        return 0;
    }
    error_set(
        err, REASON_INVALID, SUBJECT("claim", claim->name),
        "claim \"%s\" of site \"%s\" names its GPU by the NVML index %u, which may be that of "
        "another GPU when the site is applied again",
        claim->name, change->name, index);
    const struct gpu *gpu = host_find_gpu(host, claim->spec.gpu);
    if (existing != NULL && existing->spec.gpu[0] != '\0') {
        error_hint(err, "write gpu: \"%s\", which is the GPU of the claim", existing->spec.gpu);
    } else if (gpu != NULL) {
        error_hint(err, "write its address, gpu: \"%s\", or its UUID, gpu: \"%s\"",
                   pci_addr_format(&gpu->addr, bdf), gpu->uuid);
    } else {
        error_hint(
            err,
            "write an address or a UUID, as `cleave gpu list` and `cleave gpu show` show them");
    }
    return -REASON_INVALID;
}

/* A claim that is wanted: admits it, and finds out whether it is there already. */
static int want(struct change *change, const struct planner *planner, struct claim *claim,
                struct site_diff *diff, struct error *err)
{
    struct manager *m = change->manager;
    const struct claim *existing = claims_find(&m->claims, claim->name);
    if (existing != NULL && !str_eq(existing->site, change->name)) {
        return refuse_foreign(existing, change->name, err);
    }
    int r = refuse_index(change, claim, existing, err);
    r = r != 0 ? r : planner_admit(planner, claim, err);
    if (r != 0) {
        return r;
    }
    bool parked = existing != NULL && existing->state == CLAIM_PENDING;
    bool bound =
        existing != NULL && existing->state == CLAIM_BOUND && claim_device_is_there(m, existing);
    if ((bound || parked) && same_wish(existing, claim)) {
        return 0;
    }
    if (existing != NULL) {
        *vec_push(&diff->remove) = existing->name;
    }
    *vec_push(&diff->add) = claim;
    return 0;
}

static int build(struct change *change, const struct planner *planner, const struct site_diff *diff,
                 struct plan **ret_plan, struct error *err)
{
    char reason[PLAN_REASON_SIZE];
    str_print(reason, sizeof(reason), "apply %s", change->name);
    struct steps foreign = {0}; /* they would stay first in the definitions, and keep the VMs off */
    foreign_find(change->manager, diff->add.items, diff->add.n, &foreign);
    struct plan_request request = {.add = diff->add.items,
                                   .n_add = diff->add.n,
                                   .remove = diff->remove.items,
                                   .n_remove = diff->remove.n,
                                   .extra = foreign.items,
                                   .n_extra = foreign.n,
                                   .author = change->caller.author,
                                   .reason = reason,
                                   .moves = change->moves,
                                   .new_uuid = id_uuid};
    int r = planner_build(planner, &request, ret_plan, err);
    vec_done(&foreign);
    return r;
}

static int plan_site(struct change *change, struct site_diff *diff, struct plan **ret_plan,
                     struct error *err)
{
    struct manager *m = change->manager;
    CLEANUP(known_choices_done) struct known_choices choices = {0};
    struct planner planner = planner_view(m);
    planner.choices = &choices;
    planner.licences = licence_book_room(m);
    for (vec_each(&change->claims, claim)) {
        int r = want(change, &planner, claim, diff, err);
        if (r != 0) {
            return r;
        }
    }
    for (vec_each(&m->claims, claim)) {
        if (str_eq(claim->site, change->name) &&
            claims_find(&change->claims, claim->name) == NULL) {
            *vec_push(&diff->remove) = claim->name;
        }
    }
    return build(change, &planner, diff, ret_plan, err);
}

static void run_apply(struct change *change)
{
    CLEANUP(site_diff_done) struct site_diff diff = {0};
    struct error err = {0};
    struct plan *plan = NULL;
    if (plan_site(change, &diff, &plan, &err) != 0) {
        change_refuse(change, &err);
        return;
    }
    change_carry_out(change, plan);
}

void verb_apply_site(struct manager *m, const struct request *request)
{
    struct site_body *body = request->body;
    struct change *change = change_new(m, run_apply, request, body->name);
    change->needs_licences = true;
    change->moves = body->move_idle ? PLAN_MOVES_IDLE : PLAN_MOVES_TELL;
    for (vec_each(&body->claims, wanted)) {
        struct claim *claim = vec_push(&change->claims);
        *claim = *wanted;
        STR_SET(claim->author, request->caller->author);
        STR_SET(claim->site, body->name);
        claim->created_us = clock_realtime_us();
    }
    change_enqueue(change);
}

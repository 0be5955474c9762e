/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs/claims.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/json.h"
#include "base/str.h"
#include "plan/known_choices.h"
#include "state/licence_book.h"
#include "state/planner_view.h"
#include "state/release_plan.h"
#include "state/state.h"
#include "turn/foresight.h"
#include "turn/plans.h"
#include "turn/queue.h"
#include "verbs/questions.h"
#include "vm/foreign.h"
#include "vm/saved.h"
#include "watch/claim_view.h"
#include "watch/vm_overlay.h"

/* What a claim says of its VM and its device is as the host is now. */
int answer_claims(struct manager *m, const char *name, json_t **ret_body, struct error *err)
{
    (void)name;
    (void)err;
    json_t *list = json_array();
    for (vec_each(&m->claims, claim)) {
        json_array_append_new(list, claim_view(m, claim));
    }
    *ret_body = json_pack("{s:o}", "claims", list);
    return 0;
}

void verb_list_claims(struct manager *m, const struct request *request)
{
    questions_ask_of_store(m, answer_claims, "", request);
}

static int find_claim(const struct manager *m, const char *name, struct claim **ret_claim,
                      struct error *err)
{
    *ret_claim = claims_find(&m->claims, name);
    if (*ret_claim != NULL) {
        return 0;
    }
    CLEANUP_FREE const char **names = xcalloc(m->claims.n + 1, sizeof(*names));
    for (size_t i = 0; i < m->claims.n; i++) {
        names[i] = m->claims.items[i].name;
    }
    const char *nearest = str_nearest(name, names, m->claims.n);
    int r =
        error_set(err, REASON_NOT_FOUND, SUBJECT("claim", name), "there is no claim \"%s\"", name);
    if (nearest != NULL) {
        error_hint(err, "did you mean \"%s\"?", nearest);
    } else {
        error_hint(err, "`cleave claim list` shows all claims");
    }
    return r;
}

static int answer_claim(struct manager *m, const char *name, json_t **ret_body, struct error *err)
{
    struct claim *claim = NULL;
    int r = find_claim(m, name, &claim, err);
    if (r == 0) {
        *ret_body = claim_view(m, claim);
    }
    return r;
}

void verb_get_claim(struct manager *m, const struct request *request)
{
    questions_ask_of_store(m, answer_claim, request->target, request);
}

/* ---- create ---- */

static int refuse_existing(const struct claim *existing, struct error *err)
{
    int r = error_set(err, REASON_CONFLICT, SUBJECT("claim", existing->name),
                      "claim \"%s\" exists already and is %s", existing->name,
                      claim_state_name(existing->state));
    error_hint(err, "choose another name, or delete it first: `cleave claim delete %s`",
               existing->name);
    return r;
}

/* Of several claims each is admitted and all are planned together: all come, or none. */
static int admit_all(struct change *change, const struct planner *planner, struct error *err)
{
    int r = 0;
    for (vec_each(&change->claims, claim)) {
        const struct claim *existing = claims_find(&change->manager->claims, claim->name);
        r = existing != NULL ? refuse_existing(existing, err) : planner_admit(planner, claim, err);
        if (r != 0) {
            break;
        }
    }
    return r;
}

static int plan_create(struct change *change, struct plan **ret_plan, struct error *err)
{
    struct manager *m = change->manager;
    CLEANUP(known_choices_done) struct known_choices choices = {0};
    struct planner planner = planner_view(m);
    planner.choices = &choices;
    planner.licences = licence_book_room(m);
    int r = admit_all(change, &planner, err);
    if (r != 0) {
        return r;
    }
    char reason[PLAN_REASON_SIZE];
    str_print(reason, sizeof(reason), "claim create %s", change->name);
    VEC(const struct claim *) add = {0};
    for (vec_each(&change->claims, claim)) {
        *vec_push(&add) = claim;
    }
    struct steps foreign = {0}; /* they would stay first in the definition, and keep the VM off */
    foreign_find(m, add.items, add.n, &foreign);
    struct plan_request request = {.add = add.items,
                                   .n_add = add.n,
                                   .extra = foreign.items,
                                   .n_extra = foreign.n,
                                   .author = change->caller.author,
                                   .reason = reason,
                                   .moves = change->moves,
                                   .new_uuid = id_uuid};
    r = planner_build(&planner, &request, ret_plan, err);
    vec_done(&foreign);
    vec_done(&add);
    return r;
}

static void run_create(struct change *change)
{
    struct error err = {0};
    struct plan *plan = NULL;
    if (plan_create(change, &plan, &err) != 0) {
        change_refuse(change, &err);
        return;
    }
    change_carry_out(change, plan);
}

void verb_create_claim(struct manager *m, const struct request *request)
{
    const struct claim_body *body = request->body;
    struct error err = {0};
    struct claims claims = {0};
    if (claim_spread(&body->claim, &claims, &err) != 0) {
        vec_done(&claims);
        request_refuse(request, &err);
        return;
    }
    struct change *change = change_new(m, run_create, request, body->claim.name);
    for (vec_each(&claims, wanted)) {
        struct claim *claim = vec_push(&change->claims);
        *claim = *wanted;
        STR_SET(claim->author, request->caller->author);
        claim->created_us = clock_realtime_us();
    }
    vec_done(&claims);
    change->needs_licences = true;
    change->moves = body->move_idle ? PLAN_MOVES_IDLE : PLAN_MOVES_TELL;
    change_enqueue(change);
}

/* ---- delete ---- */

/* The saved state names the claim's device: without it the VM could never be restored. */
static int refuse_saved(const struct manager *m, const struct claim *claim, struct error *err)
{
    const struct vm *vm =
        claim->vm[0] != '\0' ? host_find_vm_of(m->host, claim->vm, claim->vm_uuid) : NULL;
    if (vm == NULL || claim->spec.mode == CLAIM_GPU_INSTANCE) {
        return 0;
    }
    if (!vm->saved && vm_overlay_may_be_saved(m, vm)) {
        error_set(err, REASON_IN_USE, SUBJECT("claim", claim->name),
                  "claim \"%s\" can't be released: VM \"%s\" was just saved, and it is not known "
                  "yet whether libvirt keeps the saved state, with the claim's device",
                  claim->name, vm->name);
        error_hint(err, "try again: `cleave claim delete %s`", claim->name);
        return -REASON_IN_USE;
    }
    if (!vm->saved) {
        return 0;
    }
    error_set(err, REASON_IN_USE, SUBJECT("claim", claim->name),
              "claim \"%s\" can't be released: VM \"%s\" is saved, and its saved state has the "
              "claim's device",
              claim->name, vm->name);
    if (saved_find_stuck(m, vm, vm->saved_devices.items, vm->saved_devices.n) != NULL) {
        saved_hint_forget(vm, err);
        return -REASON_IN_USE;
    }
    error_hint(
        err,
        "start the VM (`cleave vm start %s`) and stop it, or forget the saved state, and the "
        "guest's memory with it: `virsh managedsave-remove %s`",
        SHELL_ARG(vm->name), SHELL_WORD(vm->name));
    return -REASON_IN_USE;
}

static int plan_delete(struct change *change, struct plan **ret_plan, struct error *err)
{
    struct manager *m = change->manager;
    struct claim *claim = NULL;
    int r = find_claim(m, change->name, &claim, err);
    r = r != 0
            ? r
            : hold_check(&m->holds, hold_claim(claim), WANT_CLAIM_CHANGE, change->operation, err);
    r = r != 0 ? r : refuse_saved(m, claim, err);
    if (r != 0) {
        return r;
    }
    char reason[PLAN_REASON_SIZE];
    str_print(reason, sizeof(reason), "claim delete %s", claim->name);
    const char *remove[] = {claim->name};
    const struct claim_release release = {
        .claims = remove, .n = 1, .author = change->caller.author, .reason = reason};
    return release_plan_build(m, &release, ret_plan, err);
}

static void run_delete(struct change *change)
{
    struct foresight foresight;
    struct error err = {0};
    struct plan *plan = NULL;
    foresight_begin(&foresight, change, plan_delete);
    if (plan_delete(change, &plan, &err) != 0) {
        change_refuse(change, &err);
    } else {
        change_carry_out(change, plan);
    }
    foresight_end(&foresight);
}

void verb_delete_claim(struct manager *m, const struct request *request)
{
    change_enqueue(change_new(m, run_delete, request, request->target));
}

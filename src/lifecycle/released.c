/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claims that were released because their VM was gone: kept for a while, for the VM may be defined
 * again later (tools that undefine and define do so), and then one command brings the claim back.
 */
#include "lifecycle/released.h"

#include "base/clock.h"
#include "base/id.h"
#include "base/json.h"
#include "base/str.h"
#include "model/encode.h"
#include "state/planner_view.h"
#include "state/released_record.h"
#include "state/state.h"
#include "turn/plans.h"
#include "turn/queue.h"
#include "vm/foreign.h"

void verb_list_released(struct manager *m, const struct request *request)
{
    CLEANUP_JSON json_t *documents = NULL;
    struct error err = {0};
    if (released_load(m, &documents, &err) != 0) {
        request_refuse(request, &err);
        return;
    }
    json_t *list = json_array();
    const char *name = NULL;
    json_t *document = NULL;
    json_object_foreach(documents, name, document)
    {
        struct released released = {0};
        if (released_read(document, &released, &err) == 0) {
            json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "claim",
                                                  claim_to_json(&released.claim), "releasedAt",
                                                  encode_time(released.at_us), "reason",
                                                  encode_text(released.why)));
        }
    }
    request_answer(request, json_pack("{s:o}", "released", list));
}

/* ---- back ---- */

/* Its device of before is asked for first: a definition may still name it. */
static void claim_renew(struct claim *claim)
{
    (void)claim_device(claim, &claim->reserved);
    claim->assigned = (struct assignment){
        .gi_id = NO_ID, .start = NO_ID, .size = NO_ID, .type_id = NO_ID, .placement_id = NO_ID};
    claim->state = CLAIM_PENDING;
    claim->problem[0] = '\0';
    claim->version = 0;
}

/* A parked claim's device may be another than the one that the definition has for it. */
static void take_own(const struct manager *m, const struct claim *claim, struct steps *ret_steps)
{
    const struct vm *vm = host_find_vm_of(m->host, claim->vm, claim->vm_uuid);
    const struct vm_device *device = vm == NULL ? NULL : vm_defined_for(vm, claim->name);
    if (device != NULL) {
        struct step *step = vec_push(ret_steps);
        *step = step_make(STEP_DETACH, &claim->reserved.gpu);
        step_set_claim(step, claim);
        step->device = device->addr;
        STR_SET(step->mdev_uuid, device->is_mdev ? device->mdev_uuid : "");
    }
}

/* What leaves the definition of the claim's VM before it is bound. A held claim's own device stays,
 * for binding replaces its source only. */
static void take_out(const struct manager *m, const struct claim *claim, struct steps *ret_steps)
{
    const struct claim *add[] = {claim};
    struct steps foreign = {0};
    foreign_find(m, add, 1, &foreign);
    for (vec_each(&foreign, step)) {
        if (!str_eq(step->claim, claim->name)) {
            *vec_push(ret_steps) = *step;
        }
    }
    vec_done(&foreign);
    if (claim->spec.hold == CLAIM_ON_DEMAND) {
        take_own(m, claim, ret_steps);
    }
}

static int build(struct change *change, const struct claim *wanted, const struct assignment *place,
                 struct plan **ret_plan, struct error *err)
{
    struct manager *m = change->manager;
    struct claim claim = *wanted;
    char reason[PLAN_REASON_SIZE];
    struct steps out = {0};
    str_print(reason, sizeof(reason), "claim restore %s", claim.name);
    if (place != NULL && place->set) {
        char bdf[BDF_SIZE];
        STR_SET(claim.spec.gpu, pci_addr_format(&place->gpu, bdf));
        claim.spec.start =
            claim.spec.mode == CLAIM_GPU_INSTANCE || claim.spec.mode == CLAIM_MIG_BACKED
                ? place->start
                : claim.spec.start;
    }
    struct planner planner = planner_view(m);
    int r = planner_admit(&planner, &claim, err);
    if (r != 0) {
        return r;
    }
    const struct claim *add[] = {&claim};
    take_out(m, &claim, &out);
    struct plan_request request = {.add = add,
                                   .n_add = 1,
                                   .purpose = claim.spec.hold == CLAIM_ON_DEMAND ? PURPOSE_CHANGE
                                                                                 : PURPOSE_ALLOCATE,
                                   .extra = out.items,
                                   .n_extra = out.n,
                                   .author = change->caller.author,
                                   .reason = reason,
                                   .new_uuid = id_uuid};
    r = planner_build(&planner, &request, ret_plan, err);
    vec_done(&out);
    for (size_t i = 0; r == 0 && i < (*ret_plan)->claims.n; i++) {
        struct plan_claim *entry = &(*ret_plan)->claims.items[i];
        if (str_eq(entry->claim.name, claim.name)) { /* it wants what it wanted before */
            STR_SET(entry->claim.spec.gpu, wanted->spec.gpu);
            entry->claim.spec.start = wanted->spec.start;
        }
    }
    return r;
}

static int plan_restore(struct change *change, struct plan **ret_plan, struct error *err)
{
    struct manager *m = change->manager;
    struct released released = {0};
    const struct claim *existing = claims_find(&m->claims, change->name);
    if (existing != NULL) {
        return error_set(err, REASON_CONFLICT, SUBJECT("claim", existing->name),
                         "claim \"%s\" exists, and %s", existing->name,
                         claim_state_name(existing->state));
    }
    int r = released_find(m, change->name, &released, err);
    if (r != 0) {
        return r;
    }
    struct claim claim = released.claim;
    struct assignment place = claim.assigned;
    claim_renew(&claim);
    if (host_find_vm(m->host, claim.vm_uuid) == NULL) {
        claim.vm_uuid[0] = '\0'; /* it was defined again under its name */
    } else {
        STR_SET(claim.vm, host_find_vm(m->host, claim.vm_uuid)->name);
    }
    if (build(change, &claim, &place, ret_plan, NULL) == 0) {
        return 0;
    }
    claim_reopen(&claim);
    return build(change, &claim, NULL, ret_plan, err);
}

static void run_restore(struct change *change)
{
    struct error err = {0};
    struct plan *plan = NULL;
    if (plan_restore(change, &plan, &err) != 0) {
        change_refuse(change, &err);
        return;
    }
    change_carry_out(change, plan);
}

void verb_restore_claim(struct manager *m, const struct request *request)
{
    change_enqueue(change_new(m, run_restore, request, request->target));
}

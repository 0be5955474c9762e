/* SPDX-License-Identifier: Apache-2.0 */
/* An offer of another host: what NVML says of each vGPU, the checks, and the plan that makes the
 * devices. */
#include "migration/incoming_offer.h"

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/str.h"
#include "migration/incoming_vm.h"
#include "migration/migration_records.h"
#include "migration/migrations.h"
#include "state/planner_view.h"
#include "state/reply_json.h"
#include "turn/plans.h"
#include "turn/queue.h"
#include "watch/looks.h"

struct asking {
    struct change *change;
    struct gpu_port *gpu;
    struct nvml_answers answers; /* to be filled: claim and GPU are given */
};

/* On the hardware's worker: what does NVML say of each vGPU and each GPU? */
static void ask_nvml(void *data)
{
    struct asking *asking = data;
    const struct migration_offer *offer = asking->change->offer;
    for (vec_each(&asking->answers, answer)) {
        struct error err = {0};
        if (asking->gpu->ops->compatible(asking->gpu, &answer->gpu,
                                         offer->claims[answer->claim].metadata, answer->word,
                                         &err) != 0) {
            answer->word[0] = '\0';
            log_debug("a vGPU of VM %s: %s", offer->vm, err.message);
        }
    }
}

static struct incoming *incoming_of(const struct migration_offer *offer, const struct manager *m,
                                    const char *author)
{
    struct incoming *incoming = xcalloc(1, sizeof(*incoming));
    STR_SET(incoming->id, offer->id);
    STR_SET(incoming->host, offer->host);
    STR_SET(incoming->target, m->host->name);
    STR_SET(incoming->author, author);
    STR_SET(incoming->vm, offer->vm);
    STR_SET(incoming->vm_uuid, offer->vm_uuid);
    incoming->created_us = clock_realtime_us();
    for (size_t i = 0; i < offer->n_claims; i++) {
        struct migration_device *device = vec_push(&incoming->devices);
        STR_SET(device->claim, offer->claims[i].claim.name);
    }
    return incoming;
}

static int refuse_check(const struct incoming *incoming, const struct check *check,
                        struct error *err)
{
    enum reason reason = str_eq(check->rule, "migration-room") ? REASON_NO_CAPACITY : REASON_RULE;
    int r = error_set(err, reason, SUBJECT("vm", incoming->vm), "%s can't take VM \"%s\": %s",
                      incoming->target, incoming->vm, check->message);
    error_hint(err, "%s", check->hint);
    STR_SET(err->rule, check->rule);
    return r;
}

static void name_steps(struct incoming *incoming, const struct plan *plan)
{
    for (size_t i = 0; plan != NULL && i < plan->steps.n; i++) {
        struct migration_step *step = vec_push(&incoming->steps);
        (void)step_describe(&plan->steps.items[i], step->text, sizeof(step->text));
    }
}

/* Claims that come in keep their author. */
static void set_claim_authors(struct plan *plan, const struct change *change)
{
    for (vec_each(&plan->claims, entry)) {
        STR_SET(entry->claim.author, change->caller.author);
        entry->claim.created_us = clock_realtime_us();
    }
}

static void offer_asked(void *data)
{
    struct asking *asking = data;
    struct change *change = asking->change;
    struct manager *m = change->manager;
    const struct migration_offer *offer = change->offer;
    char reason[PLAN_REASON_SIZE];
    str_print(reason, sizeof(reason), "vm migrate %s from %s", offer->vm, offer->host);
    struct plan_request request = {
        .author = change->caller.author, .reason = reason, .new_uuid = id_uuid};
    struct planner planner = planner_view(m);
    struct plan *plan = NULL;
    struct error err = {0};
    change->incoming = incoming_of(offer, m, change->caller.author);
    preflight_target(&planner, offer, &asking->answers, &request, &plan, &change->incoming->checks);
    name_steps(change->incoming, plan);
    vec_done(&asking->answers);
    free(asking);
    const struct check *refusal = checks_refusal(&change->incoming->checks, offer->strict);
    if (change->dry_run) {
        if (plan != NULL) {
            incoming_take_assignments(change->incoming, plan);
        }
        plan_free(plan);
        change_answer(change, reply_incoming(change->incoming));
        return;
    }
    if (refusal != NULL || plan == NULL) {
        if (refusal != NULL) {
            refuse_check(change->incoming, refusal, &err);
        } else {
            error_set(&err, REASON_NO_CAPACITY, SUBJECT("vm", offer->vm),
                      "there is no room for VM \"%s\"", offer->vm);
        }
        plan_free(plan);
        change_refuse(change, &err);
        return;
    }
    set_claim_authors(plan, change);
    change->show = incoming_vm_show_change;
    change_carry_out(change, plan);
}

static int refuse_second(const struct manager *m, const struct migration_offer *offer,
                         struct error *err)
{
    if (m->host->libvirt_problem[0] != '\0') {
        return error_set(err, REASON_UNAVAILABLE, "libvirt",
                         "cleaved can't reach libvirt's VMs on %s: %s", m->host->name,
                         m->host->libvirt_problem);
    }
    return hold_check(&m->holds, hold_vm(offer->vm, ""), WANT_VM_ARRIVE, NULL, err);
}

static void run_offer(struct change *change)
{
    struct manager *m = change->manager;
    struct error err = {0};
    struct incoming_vm *known = incoming_vm_find(m, change->offer->id);
    if (known != NULL) {
        change_answer(change, incoming_vm_show(known));
        return;
    }
    if (refuse_second(m, change->offer, &err) != 0) {
        change_refuse(change, &err);
        return;
    }
    if (looks_wait_for_driver(m)) {
        error_set(&err, REASON_UNAVAILABLE, "NVML", "this host can't take a VM now: %s",
                  looks_driver_problem(m));
        error_hint(&err, "try again later; `cleave host show` on that host shows what hangs");
        change_refuse(change, &err);
        return;
    }
    struct asking *asking = xcalloc(1, sizeof(*asking));
    asking->change = change;
    asking->gpu = m->config.ports.gpu;
    for (size_t i = 0; asking->gpu->ops->compatible != NULL && i < change->offer->n_claims; i++) {
        for (vec_each(&m->host->gpus, gpu)) {
            if (change->offer->claims[i].metadata[0] != '\0' && gpu->index != NO_ID) {
                *vec_push(&asking->answers) = (struct nvml_answer){.claim = i, .gpu = gpu->addr};
            }
        }
    }
    looks_ask_driver(m, ask_nvml, offer_asked, asking);
}

void verb_offer_incoming(struct manager *m, const struct request *request)
{
    struct migration_offer *offer = migration_offer_take(request->body);
    struct change *change = change_new(m, run_offer, request, offer->vm);
    change->offer = offer;
    change_enqueue(change);
}

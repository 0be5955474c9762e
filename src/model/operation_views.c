/* SPDX-License-Identifier: Apache-2.0 */
#include "model/operation_views.h"

#include "base/str.h"

/* ---- plans ---- */

static enum operation_state plan_operation_state(const struct plan *plan)
{
    bool lacks = plan->problem[0] != '\0';
    if (plan_is_cancelled(plan) && !plan_is_over(plan)) {
        return OPERATION_CANCELLING;
    }
    switch (plan->state) {
    case PLAN_DONE:
        return lacks ? OPERATION_FAILED : OPERATION_DONE;
    case PLAN_UNDONE:
    case PLAN_FAILED:
    case PLAN_STUCK:
        return OPERATION_FAILED;
    case PLAN_CANCELLED:
        return OPERATION_CANCELLED;
    case PLAN_RUNNING: /* with a problem: a call has not come back */
        return lacks ? OPERATION_WAITING : OPERATION_RUNNING;
    case PLAN_PLANNED:
    case PLAN_UNDOING:
    case PLAN_STATE_COUNT:
        break;
    }
    return OPERATION_RUNNING;
}

/* The one claim that it is about, else the one GPU, else the host. */
static void set_subject(char out[OPERATION_SUBJECT_SIZE], const struct plan *plan)
{
    const struct plan_claim *only = NULL;
    size_t n = 0;
    bool one_gpu = plan->steps.n > 0;
    for (vec_each(&plan->claims, entry)) {
        if (entry->verb != PLAN_KEEP &&
            (only == NULL || !str_eq(only->claim.name, entry->claim.name))) {
            only = entry;
            n++;
        }
    }
    for (vec_each(&plan->steps, step)) {
        one_gpu = one_gpu && pci_addr_cmp(&step->gpu, &plan->steps.items[0].gpu) == 0;
    }
    char bdf[BDF_SIZE];
    const char *subject = n == 1 ? SUBJECT("claim", only->claim.name)
                          : one_gpu
                              ? SUBJECT("gpu", pci_addr_format(&plan->steps.items[0].gpu, bdf))
                              : "host";
    (void)str_copy(out, OPERATION_SUBJECT_SIZE, subject);
}

/* The claims of the plan, their VMs and its GPUs: a search for any of them finds the plan. */
static void add_about(struct operation_view *view, const struct plan *plan)
{
    char bdf[BDF_SIZE];
    for (vec_each(&plan->claims, entry)) {
        if (entry->verb == PLAN_KEEP) {
            continue;
        }
        operation_view_add_about(view, SUBJECT("claim", entry->claim.name));
        if (entry->claim.vm[0] != '\0') {
            operation_view_add_about(view, SUBJECT("vm", entry->claim.vm));
        }
    }
    for (vec_each(&plan->steps, step)) {
        operation_view_add_about(view, SUBJECT("gpu", pci_addr_format(&step->gpu, bdf)));
    }
}

struct operation_progress plan_progress(const struct plan *plan)
{
    struct operation_progress progress = {.unit = "steps", .total = plan->steps.n};
    for (vec_each(&plan->steps, step)) {
        progress.done += step->state == STEP_DONE;
        if (step->state == STEP_RUNNING || step->state == STEP_UNDOING) {
            (void)step_describe(step, progress.text, sizeof(progress.text));
        }
    }
    return progress;
}

void plan_to_operation(const struct plan *plan, struct operation_view *ret_view)
{
    *ret_view = (struct operation_view){.kind = OPERATION_KIND_PLAN,
                                        .state = plan_operation_state(plan),
                                        .cancel = plan_is_cancelled(plan),
                                        .created_us = plan->created_us,
                                        .finished_us = plan->finished_us,
                                        .progress = plan_progress(plan)};
    STR_SET(ret_view->id, plan->id);
    STR_SET(ret_view->author, plan->author);
    STR_SET(ret_view->text, plan->reason);
    STR_SET(ret_view->problem, plan->problem);
    STR_SET(ret_view->hint, plan_hint(plan));
    set_subject(ret_view->subject, plan);
    add_about(ret_view, plan);
}

/* ---- migrations ---- */

enum operation_state migration_operation_state(const struct migration *migration)
{
    switch (migration->state) {
    case MIGRATION_DONE:
        return OPERATION_DONE;
    case MIGRATION_CANCELLED:
        return OPERATION_CANCELLED;
    case MIGRATION_FAILED:
        return OPERATION_FAILED;
    case MIGRATION_CHECKING:
    case MIGRATION_PREPARING:
    case MIGRATION_MOVING:
    case MIGRATION_SWITCHING:
    case MIGRATION_RELEASING:
    case MIGRATION_ABORTING:
    case MIGRATION_STATE_COUNT:
        break;
    }
    return migration->cancel ? OPERATION_CANCELLING : OPERATION_RUNNING;
}

void migration_describe(const struct migration *migration, struct operation_view *view)
{
    const char *target =
        migration->target[0] != '\0' ? migration->target : migration->request.destination;
    STR_SET(view->host, target);
    str_print(view->text, sizeof(view->text), "migrating VM \"%s\" to %s", migration->request.vm,
              target);
    STR_SET(view->progress.unit, "bytes");
    STR_SET(view->progress.text, migration_state_name(migration->state));
    view->progress.done = migration->progress.processed_bytes.value;
    view->progress.total = migration->progress.total_bytes.value;
    STR_SET(view->problem, migration->problem);
    STR_SET(view->hint, migration->hint);
}

void migration_to_operation(const struct migration *migration, struct operation_view *ret_view)
{
    *ret_view = (struct operation_view){.kind = OPERATION_KIND_MIGRATION,
                                        .state = migration_operation_state(migration),
                                        .cancel = migration->cancel,
                                        .created_us = migration->created_us,
                                        .finished_us = migration->finished_us};
    STR_SET(ret_view->id, migration->id);
    STR_SET(ret_view->subject, SUBJECT("vm", migration->request.vm));
    STR_SET(ret_view->author, migration->author);
    migration_describe(migration, ret_view);
}

enum operation_state incoming_operation_state(const struct incoming *incoming)
{
    switch (incoming->state) {
    case INCOMING_COMMITTED:
        return OPERATION_DONE;
    case INCOMING_ABORTED:
        return incoming->problem[0] != '\0' ? OPERATION_FAILED : OPERATION_CANCELLED;
    case INCOMING_PREPARED:
        return incoming->abort ? OPERATION_CANCELLING : OPERATION_WAITING; /* for its VM */
    case INCOMING_PREPARING:
    case INCOMING_ABORTING: /* and if that fails, it waits again */
    case INCOMING_STATE_COUNT:
        break;
    }
    return incoming->abort ? OPERATION_CANCELLING : OPERATION_RUNNING;
}

void incoming_describe(const struct incoming *incoming, struct operation_view *view)
{
    STR_SET(view->host, incoming->host);
    str_print(view->text, sizeof(view->text), "taking VM \"%s\" from %s", incoming->vm,
              incoming->host);
    STR_SET(view->problem, incoming->problem);
}

void incoming_to_operation(const struct incoming *incoming, struct operation_view *ret_view)
{
    *ret_view = (struct operation_view){.kind = OPERATION_KIND_INCOMING,
                                        .state = incoming_operation_state(incoming),
                                        .cancel = incoming->abort,
                                        .created_us = incoming->created_us,
                                        .finished_us = incoming->finished_us};
    STR_SET(ret_view->id, incoming->id);
    STR_SET(ret_view->subject, SUBJECT("vm", incoming->vm));
    STR_SET(ret_view->author, incoming->author);
    incoming_describe(incoming, ret_view);
}

/* ---- drains ---- */

enum operation_state drain_operation_state(enum drain_state state)
{
    static const enum operation_state states[DRAIN_STATE_COUNT] = {
        [DRAIN_PLANNING] = OPERATION_RUNNING,      [DRAIN_RUNNING] = OPERATION_RUNNING,
        [DRAIN_CANCELLING] = OPERATION_CANCELLING, [DRAIN_DONE] = OPERATION_DONE,
        [DRAIN_INCOMPLETE] = OPERATION_FAILED,     [DRAIN_CANCELLED] = OPERATION_CANCELLED,
    };
    return states[state];
}

void drain_describe(const struct drain *drain, struct operation_view *view)
{
    size_t gone = 0;
    size_t stay = 0;
    for (vec_each(&drain->vms, vm)) {
        gone += vm->step == DRAIN_GONE;
        stay += vm->step == DRAIN_LEFT || vm->step == DRAIN_FAILED;
    }
    STR_SET(view->text, "emptying the host");
    STR_SET(view->host, drain->n_targets == 1 ? drain->targets[0].destination : "");
    STR_SET(view->progress.unit, "VMs");
    view->progress.done = gone;
    view->progress.total = drain->vms.n;
    if (stay > 0) {
        str_print(view->problem, sizeof(view->problem), "%zu of %zu VMs stay on this host", stay,
                  drain->vms.n);
        STR_SET(view->hint, "`cleave host drain --status` says why");
    } else if (drain->state == DRAIN_INCOMPLETE) {
        STR_SET(view->problem, "VMs came to run after the drain began, more than it can list");
        STR_SET(view->hint, "drain the host once more; `cleave vm list` shows them");
    }
}

void drain_to_operation(const struct drain *drain, struct operation_view *ret_view)
{
    *ret_view = (struct operation_view){.kind = OPERATION_KIND_DRAIN,
                                        .state = drain_operation_state(drain->state),
                                        .subject = "host",
                                        .cancel = drain->state == DRAIN_CANCELLING ||
                                                  drain->state == DRAIN_CANCELLED,
                                        .created_us = drain->created_us,
                                        .finished_us = drain->finished_us};
    STR_SET(ret_view->id, drain->id);
    STR_SET(ret_view->author, drain->author);
    drain_describe(drain, ret_view);
}

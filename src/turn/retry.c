/* SPDX-License-Identifier: Apache-2.0 */
#include "turn/retry.h"

#include <stdarg.h>

#include "base/log.h"
#include "base/str.h"
#include "state/listeners.h"
#include "state/state.h"

#define FIRST_PAUSE_US UINT64_C(100000)
/* A refusal costs a look at the hardware; a plan that fails is stored, with events. */
#define LONGEST_PAUSE_US UINT64_C(5000000)
#define LONGEST_PLAN_PAUSE_US UINT64_C(60000000)

struct retry_task retry_task_of(const struct operation_kind *kind, const char *object,
                                const char *name, const char *fmt, ...)
{
    struct retry_task task = {.kind = kind};
    va_list args;
    va_start(args, fmt);
    (void)str_vprint(task.text, sizeof(task.text), fmt, args);
    va_end(args);
    STR_SET(task.name, name);
    str_print(task.subject, sizeof(task.subject), "%s/%s", object, name);
    return task;
}

static struct operation *find(const struct manager *m, const struct retry_task *task)
{
    return operations_find_about(&m->operations, task->kind, task->subject);
}

static struct operation *begin(struct manager *m, const struct retry_task *task)
{
    struct retry *retry = xcalloc(1, sizeof(*retry));
    retry->manager = m;
    retry->task = *task;
    const struct operation_start start = {
        .kind = task->kind, .subject = task->subject, .author = "cleaved", .data = retry};
    return operation_new(&m->operations, &start);
}

void retry_describe(const struct operation *operation, struct operation_view *view)
{
    const struct retry *retry = operation->data;
    STR_SET(view->text, retry->task.text);
    if (operation->state != OPERATION_DONE) {
        STR_SET(view->problem, retry->why);
        STR_SET(view->hint, retry->hint);
    }
}

void retry_free(void *data)
{
    free(data);
}

bool retry_may_begin(const struct manager *m, const struct retry_task *task)
{
    const struct operation *operation = find(m, task);
    return operation == NULL || attempts_are_due(&operation->attempts);
}

void retry_begins(struct manager *m, const struct retry_task *task)
{
    struct operation *operation = find(m, task);
    if (operation != NULL) {
        operation_enter(operation, OPERATION_RUNNING);
    }
}

static void try_later(struct manager *m, const struct retry_task *task, uint64_t longest_us,
                      const char *why, const char *hint)
{
    struct operation *operation = find(m, task);
    operation = operation != NULL ? operation : begin(m, task);
    struct retry *retry = operation->data;
    if (!str_eq(retry->why, why)) {
        log_warning("%s: %s; tried again until it is done", task->text, why);
        STR_SET(retry->why, why);
    }
    STR_SET(retry->hint, hint);
    operation_enter(operation, OPERATION_WAITING);
    operation_back_off(operation, FIRST_PAUSE_US, longest_us);
}

void retry_refused(struct manager *m, const struct retry_task *task, const struct error *why)
{
    try_later(m, task, LONGEST_PAUSE_US, why->message, why->hint);
}

void retry_ended(struct manager *m, const struct retry_task *task, const struct plan *plan)
{
    if (plan != NULL && plan->state != PLAN_DONE) {
        try_later(m, task, LONGEST_PLAN_PAUSE_US, plan->problem, plan_hint(plan));
    } else {
        struct operation *operation = find(m, task);
        if (operation != NULL) {
            operation_enter(operation, OPERATION_DONE);
            operations_trim(&m->operations, task->kind->id);
        }
    }
}

void retry_drop(struct operation *operation)
{
    operation_enter(operation, OPERATION_CANCELLED);
    operations_trim(operation->all, operation->kind->id);
}

void retry_follow_repairs(struct manager *m, struct hardware_look *look)
{
    if (look->was_late || look->works_again) {
        operations_hurry(&m->operations);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "state/plan_note.h"

#include "base/mem.h"
#include "base/str.h"

void plan_run_free(void *data)
{
    struct plan_run *run = data;
    free(run->text);
    free(run->problem);
    free(run->hint);
    free(run);
}

static enum operation_state plan_operation_state(const struct plan *plan)
{
    bool lacks = plan->problem[0] != '\0';
    switch (plan->state) {
    case PLAN_DONE:
        return lacks ? OPERATION_FAILED : OPERATION_DONE;
    case PLAN_UNDONE:
    case PLAN_FAILED:
    case PLAN_STUCK:
        return OPERATION_FAILED;
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

struct operation_progress plan_note_progress(const struct plan *plan)
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

struct plan_note plan_note_of(const struct plan *plan)
{
    struct plan_note note = {.state = plan_operation_state(plan),
                             .created_us = plan->created_us,
                             .finished_us = plan->finished_us,
                             .run = xcalloc(1, sizeof(*note.run))};
    STR_SET(note.id, plan->id);
    STR_SET(note.author, plan->author);
    set_subject(note.subject, plan);
    *note.run = (struct plan_run){.text = xstrdup(plan->reason),
                                  .problem = xstrdup(plan->problem),
                                  .hint = xstrdup(plan_hint(plan)),
                                  .progress = plan_note_progress(plan)};
    return note;
}

void plan_notes_add(struct plan_notes *notes, const struct plan *plan)
{
    *vec_push(notes) = plan_note_of(plan);
}

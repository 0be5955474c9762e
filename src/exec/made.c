/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/made.h"

#include "base/json.h"

static void forget_all(struct draft *draft, const struct pci_addr *gpu)
{
    CLEANUP_STRLIST struct strlist keys = {0};
    draft_list_records(draft, RECORD_MADE, &keys);
    for (vec_each(&keys, key)) {
        if (made_is_on(*key, gpu)) {
            draft_delete_record(draft, RECORD_MADE, *key);
        }
    }
}

void made_note(struct draft *draft, const struct step *step)
{
    char key[MADE_KEY_SIZE];
    if (made_is_wiped_by(step->kind)) {
        forget_all(draft, &step->gpu);
    } else if (!made_key(step, key)) {
        return;
    } else if (step->kind == STEP_VGPU_DELETE || step->kind == STEP_GI_DESTROY) {
        draft_delete_record(draft, RECORD_MADE, key);
    } else {
        CLEANUP_JSON json_t *document = made_to_json(step);
        draft_put_record(draft, RECORD_MADE, key, document);
    }
}

/* May the thing that the step is about stand there now? One that failed to make it found another
 * in its place, or was taken back. */
static bool stands_after(const struct step *step)
{
    bool makes = step->kind == STEP_VGPU_CREATE || step->kind == STEP_GI_CREATE;
    bool takes = step->kind == STEP_VGPU_DELETE || step->kind == STEP_GI_DESTROY;
    bool stuck = step->state == STEP_STUCK;
    return (makes && (stuck || step->state == STEP_DONE)) ||
           (takes && (stuck || step->state == STEP_UNDONE || step->state == STEP_FAILED));
}

void made_note_plan(struct draft *draft, const struct plan *plan)
{
    for (vec_each(&plan->steps, step)) {
        if (stands_after(step)) {
            struct step undo = step_undo(step);
            bool makes = step->kind == STEP_VGPU_CREATE || step->kind == STEP_GI_CREATE;
            made_note(draft, makes ? step : &undo);
        }
    }
}

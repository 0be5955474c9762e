/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/made.h"

#include "base/json.h"

bool made_is_changed_by(enum step_kind kind)
{
    return kind == STEP_VGPU_CREATE || kind == STEP_VGPU_DELETE || kind == STEP_GI_CREATE ||
           kind == STEP_GI_DESTROY || made_is_wiped_by(kind);
}

static int forget_all(struct store *store, const struct pci_addr *gpu, struct error *err)
{
    CLEANUP_JSON json_t *documents = NULL;
    int r = store->ops->load_records(store, RECORD_MADE, &documents, err);
    const char *key = NULL;
    json_t *document = NULL;
    json_object_foreach(documents, key, document)
    {
        if (r == 0 && made_is_on(key, gpu)) {
            r = store->ops->delete_record(store, RECORD_MADE, key, err);
        }
    }
    return r;
}

int made_note(struct store *store, const struct step *step, struct error *err)
{
    char key[MADE_KEY_SIZE];
    if (made_is_wiped_by(step->kind)) {
        return forget_all(store, &step->gpu, err);
    }
    if (!made_key(step, key)) {
        return 0;
    }
    if (step->kind == STEP_VGPU_DELETE || step->kind == STEP_GI_DESTROY) {
        return store->ops->delete_record(store, RECORD_MADE, key, err);
    }
    CLEANUP_JSON json_t *document = made_to_json(step);
    return store->ops->put_record(store, RECORD_MADE, key, document, err);
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

int made_note_plan(struct store *store, const struct plan *plan, struct error *err)
{
    int r = 0;
    for (vec_each(&plan->steps, step)) {
        if (r == 0 && stands_after(step)) {
            struct step undo = step_undo(step);
            bool makes = step->kind == STEP_VGPU_CREATE || step->kind == STEP_GI_CREATE;
            r = made_note(store, makes ? step : &undo, err);
        }
    }
    return r;
}

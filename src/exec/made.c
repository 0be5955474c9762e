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

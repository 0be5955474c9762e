/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks and the record of what cleave made: a thing is let go of when it is seen to be gone, or to
 * be another one by its birth, so that what another tool puts in its place is that tool's. vGPUs
 * are marked by it as cleave's or not.
 */
#include "watch/made.h"

#include "base/log.h"
#include "base/str.h"
#include "exec/made.h"
#include "state/listeners.h"
#include "state/state.h"

#define BIRTH "birth" /* in RECORD_MADE */

/* The record by key, read again only once the store has changed: looks are many. NULL: it can't be
 * read. Borrowed. */
static json_t *read_made(struct manager *m)
{
    struct kept_body *kept = &m->kept_made;
    struct error err = {0};
    if (kept->body != NULL && kept->stamp[0] == m->ledger->changes) {
        return kept->body;
    }
    json_decref(TAKE_PTR(kept->body));
    if (ledger_records(m->ledger, RECORD_MADE, &kept->body, &err) != 0) {
        log_warning("what cleave made can't be read: %s", err.message);
        kept->body = NULL;
    }
    kept->stamp[0] = m->ledger->changes;
    return kept->body;
}

/* ---- changes of a look ---- */

static void let_go(struct draft *draft, const char *key)
{
    draft_delete_record(draft, RECORD_MADE, key);
}

/* The first look at it tells its birth. */
static void note_birth(struct draft *draft, const char *key, json_t *document, json_t *birth)
{
    json_object_set(document, BIRTH, birth);
    draft_put_record(draft, RECORD_MADE, key, document);
}

/* What could not be stored is tried again at the next look. */
static void end_changes(struct manager *m, struct draft *draft)
{
    struct error err = {0};
    if (draft->batch.n == 0) {
        draft_drop(draft);
    } else if (draft_commit(draft, &err) != 0) {
        log_warning("what became of things that cleave made can't be stored: %s", err.message);
        m->kept_made.stamp[0] = UINT64_MAX;
    }
}

/* Is all seen that there is on the GPU? */
static bool is_clear(const struct manager *m, const struct host *now, const struct gpu *gpu)
{
    return gpu->problem[0] == '\0' && gpu->uuid[0] != '\0' && now->nvml_problem[0] == '\0' &&
           now->pci_problem[0] == '\0' &&
           !holds_bar(&m->holds, hold_gpu(&gpu->addr), WANT_GPU_REPORT);
}

/* Key → birth of all that is on the GPU; a GPU instance has none, which is 0. */
static json_t *list_present(const struct gpu *gpu)
{
    json_t *present = json_object();
    char key[MADE_KEY_SIZE];
    for (vec_each(&gpu->vgpus, vgpu)) {
        made_key_of_vgpu(&gpu->addr, vgpu, key);
        json_object_set_new(present, key, json_integer((json_int_t)vgpu->birth));
    }
    for (vec_each(&gpu->gis, gi)) {
        made_key_of_gi(&gpu->addr, gi, key);
        json_object_set_new(present, key, json_integer(0));
    }
    return present;
}

/* A part in the record that went, also while no cleaved was there to see it, leaves the record. */
static void compare(struct draft *draft, const struct gpu *gpu, json_t *documents)
{
    CLEANUP_JSON json_t *present = list_present(gpu);
    const char *key = NULL;
    json_t *document = NULL;
    void *next = NULL;
    json_object_foreach_safe(documents, next, key, document)
    {
        json_t *seen = json_object_get(present, key);
        json_int_t is = json_integer_value(seen);
        json_int_t was = json_integer_value(json_object_get(document, BIRTH));
        if (!made_is_on(key, &gpu->addr)) {
            continue;
        }
        if (seen == NULL || (was != 0 && is != 0 && was != is)) {
            let_go(draft, key);
            json_object_del(documents, key);
        } else if (was == 0 && is != 0) {
            note_birth(draft, key, document, seen);
        }
    }
}

/* By the record; unknown where a plan is at work, or without a whole record. */
static void mark(const struct manager *m, struct gpu *gpu, const json_t *documents)
{
    bool known = m->made_known && documents != NULL &&
                 !holds_bar(&m->holds, hold_gpu(&gpu->addr), WANT_GPU_REPORT);
    char key[MADE_KEY_SIZE];
    for (vec_each(&gpu->vgpus, vgpu)) {
        made_key_of_vgpu(&gpu->addr, vgpu, key);
        vgpu->ours = !known                                    ? TRI_UNKNOWN
                     : json_object_get(documents, key) != NULL ? TRI_YES
                                                               : TRI_NO;
    }
}

void manager_note_made(struct manager *m, struct hardware_look *look)
{
    struct host *now = look->now;
    struct draft draft;
    draft_begin(&draft, m->ledger);
    json_t *documents = read_made(m);
    for (vec_each(&now->gpus, gpu)) {
        if (documents != NULL && is_clear(m, now, gpu)) {
            compare(&draft, gpu, documents);
        }
        mark(m, gpu, documents);
    }
    end_changes(m, &draft);
}

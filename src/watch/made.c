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
    bool same = kept->stamp == m->ledger->changes || m->made_storing > 0;
    if (kept->body != NULL && same) {
        return kept->body;
    }
    json_decref(TAKE_PTR(kept->body));
    if (ledger_records(m->ledger, RECORD_MADE, &kept->body, &err) != 0) {
        log_warning("can't read what cleave made: %s", err.message);
        kept->body = NULL;
    }
    kept->stamp = m->ledger->changes;
    return kept->body;
}

/* ---- changes of a look ---- */

/* What a look shows of things in the record, on its way to the store: changes come in the order of
 * looks, and before those of a plan that begins later. */
struct made_changes {
    struct manager *manager;
    VEC(struct made_change {
        char key[MADE_KEY_SIZE];
        json_t *document; /* NULL: it is let go of */
    })
    list;
};

static struct made_change *add_change(struct made_changes *changes, const char *key)
{
    struct made_change *change = vec_push(&changes->list);
    STR_SET(change->key, key);
    return change;
}

/* The first look at it tells its birth. */
static void note_birth(struct made_changes *changes, const char *key, json_t *document,
                       json_t *birth)
{
    json_object_set(document, BIRTH, birth);
    add_change(changes, key)->document = json_deep_copy(document);
}

static void free_changes(struct made_changes *changes)
{
    for (vec_each(&changes->list, change)) {
        json_decref(change->document);
    }
    vec_done(&changes->list);
    free(changes);
}

/* What could not be stored is tried again at the next look. */
static void changes_stored(const struct error *err, void *data)
{
    struct made_changes *changes = data;
    if (err != NULL) {
        log_warning("can't store which devices of cleave's are gone: %s", err->message);
    }
    changes->manager->made_storing--;
    changes->manager->kept_made.stamp = UINT64_MAX;
    free_changes(changes);
}

static void put_changes(void *data)
{
    struct made_changes *changes = data;
    struct draft draft;
    draft_begin(&draft, changes->manager->ledger);
    for (vec_each(&changes->list, change)) {
        if (change->document != NULL) {
            draft_put_record(&draft, RECORD_MADE, change->key, change->document);
        } else {
            draft_delete_record(&draft, RECORD_MADE, change->key);
        }
    }
    draft_commit_then(&draft, changes_stored, changes);
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
static void compare(struct made_changes *changes, const struct gpu *gpu, json_t *documents)
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
            (void)add_change(changes, key);
            json_object_del(documents, key);
        } else if (was == 0 && is != 0) {
            note_birth(changes, key, document, seen);
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

static void compare_all(struct manager *m, const struct host *now, json_t *documents)
{
    struct made_changes *changes = xcalloc(1, sizeof(*changes));
    changes->manager = m;
    for (vec_each(&now->gpus, gpu)) {
        if (is_clear(m, now, gpu)) {
            compare(changes, gpu, documents);
        }
    }
    if (changes->list.n == 0) {
        free_changes(changes);
        return;
    }
    m->made_storing++;
    ledger_take_turn(m->ledger, put_changes, changes);
}

void made_note_look(struct manager *m, struct hardware_look *look)
{
    struct host *now = look->now;
    json_t *documents = read_made(m);
    if (documents != NULL) {
        compare_all(m, now, documents);
    }
    for (vec_each(&now->gpus, gpu)) {
        mark(m, gpu, documents);
    }
}

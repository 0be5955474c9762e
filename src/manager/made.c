/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cleave made, remembered (model/made.h): filled once from the journal of an older cleaved,
 * and let go of when the thing is seen to be gone, or to be another one by its birth, so that what
 * another tool puts in its place is that tool's. vGPUs are marked by it as cleave's or not.
 */
#include "exec/made.h"
#include "base/log.h"
#include "base/str.h"
#include "manager/listeners.h"
#include "manager/state.h"

#define BIRTH "birth"     /* in RECORD_MADE */
#define MADE_KEY "made"   /* in RECORD_HOST: the record is complete */
#define MAX_JOURNAL 10000 /* plans of an older cleaved, newest first */

/* ---- of an older cleaved ---- */

static int mark_whole(struct store *store, struct error *err)
{
    CLEANUP_JSON json_t *document = json_pack("{s:b}", "complete", true);
    return store->ops->put_record(store, RECORD_HOST, MADE_KEY, document, err);
}

/* An older cleaved kept some plans only: what its claims hold it made, too. */
static int follow_claims(const struct manager *m, struct error *err)
{
    int r = 0;
    for (vec_each(&m->claims, claim)) {
        struct step step = step_make(STEP_VGPU_CREATE, &claim->got.gpu);
        step.device = claim->got.device;
        STR_SET(step.mdev_uuid, claim->got.mdev_uuid);
        STR_SET(step.type, claim->spec.type);
        STR_SET(step.claim, claim->name);
        bool bound = claim->state == CLAIM_BOUND && claim->got.set && claim_has_vgpu(claim);
        r = r == 0 && bound ? made_note(m->config.store, &step, err) : r;
    }
    return r;
}

static int follow_journal(struct manager *m, struct plan **plans, size_t n, struct error *err)
{
    struct store *store = m->config.store;
    int r = store->ops->begin(store, err);
    r = r != 0 ? r : follow_claims(m, err);
    for (size_t i = n; i > 0; i--) { /* oldest first */
        for (vec_each(&plans[i - 1]->steps, step)) {
            bool stands = step->state == STEP_DONE || step->state == STEP_STUCK;
            r = r == 0 && stands ? made_note(store, step, err) : r;
        }
    }
    r = r != 0 ? r : mark_whole(store, err);
    if (r != 0) {
        store->ops->rollback(store);
        return r;
    }
    return store->ops->commit(store, err);
}

static int fill(struct manager *m, struct error *err)
{
    struct store *store = m->config.store;
    CLEANUP_JSON json_t *documents = NULL;
    int r = store->ops->load_records(store, RECORD_HOST, &documents, err);
    if (r != 0 || json_object_get(documents, MADE_KEY) != NULL) {
        return r;
    }
    struct plan **plans = NULL;
    size_t n = 0;
    r = store->ops->load_plans(store, MAX_JOURNAL, false, &plans, &n, err);
    bool any = n > 0 || m->claims.n > 0;
    m->made_unmarked = r == 0 && !any; /* the first plan brings the mark */
    r = r == 0 && any ? follow_journal(m, plans, n, err) : r;
    for (size_t i = 0; i < n; i++) {
        plan_free(plans[i]);
    }
    free(plans);
    return r;
}

void manager_fill_made(struct manager *m)
{
    struct error err = {0};
    m->made_known = fill(m, &err) == 0;
    if (!m->made_known) {
        log_warning("what cleave made is not known: %s; the next start reads it again",
                    err.message);
    }
}

void txn_mark_made(struct txn *txn)
{
    if (txn->manager->made_unmarked && txn->result == 0) {
        txn->result = mark_whole(txn->manager->config.store, &txn->err);
        txn->noted_made = true;
    }
}

void txn_forget_made(struct txn *txn)
{
    CLEANUP_JSON json_t *documents = NULL;
    struct store *store = txn->manager->config.store;
    const char *key = NULL;
    json_t *document = NULL;
    if (txn->result == 0) {
        txn->result = store->ops->load_records(store, RECORD_MADE, &documents, &txn->err);
    }
    json_object_foreach(documents, key, document)
    {
        if (txn->result == 0) {
            txn->result = store->ops->delete_record(store, RECORD_MADE, key, &txn->err);
        }
    }
}

/* ---- as stored ---- */

/* The record by key, read again only once the store has changed: looks are many. NULL: it can't be
 * read. Borrowed. */
static json_t *read_made(struct manager *m)
{
    struct store *store = m->config.store;
    struct kept_body *kept = &m->kept_made;
    struct error err = {0};
    uint64_t changes = store->ops->changes(store);
    if (kept->body != NULL && kept->stamp[0] == changes) {
        return kept->body;
    }
    json_decref(TAKE_PTR(kept->body));
    if (store->ops->load_records(store, RECORD_MADE, &kept->body, &err) != 0) {
        log_warning("what cleave made can't be read: %s", err.message);
        kept->body = NULL;
    }
    kept->stamp[0] = changes;
    return kept->body;
}

/* ---- changes of a look ---- */

/* All that a look changes in the record is one transaction, begun with the first change. */
struct look_changes {
    struct store *store;
    bool begun;
    int result; /* of the first call that failed: nothing is stored */
    struct error err;
};

static bool can_change(struct look_changes *changes)
{
    if (!changes->begun) {
        changes->begun = true;
        changes->result = changes->store->ops->begin(changes->store, &changes->err);
    }
    return changes->result == 0;
}

static void let_go(struct look_changes *changes, const char *key)
{
    struct store *store = changes->store;
    if (can_change(changes)) {
        changes->result = store->ops->delete_record(store, RECORD_MADE, key, &changes->err);
    }
}

/* The first look at it tells its birth. */
static void note_birth(struct look_changes *changes, const char *key, json_t *document,
                       json_t *birth)
{
    struct store *store = changes->store;
    json_object_set(document, BIRTH, birth);
    if (can_change(changes)) {
        changes->result = store->ops->put_record(store, RECORD_MADE, key, document, &changes->err);
    }
}

/* What could not be stored is tried again at the next look. */
static void end_changes(struct manager *m, struct look_changes *changes)
{
    struct store *store = changes->store;
    if (changes->begun && changes->result == 0) {
        changes->result = store->ops->commit(store, &changes->err);
    } else if (changes->begun) {
        store->ops->rollback(store);
    }
    if (changes->result != 0) {
        log_warning("what became of things that cleave made can't be stored: %s",
                    changes->err.message);
        m->kept_made.stamp[0] = UINT64_MAX;
    }
}

/* Is all seen that there is on the GPU? */
static bool is_clear(const struct manager *m, const struct host *now, const struct gpu *gpu)
{
    return gpu->problem[0] == '\0' && gpu->uuid[0] != '\0' && now->nvml_problem[0] == '\0' &&
           now->pci_problem[0] == '\0' && !expects_gpu_change(m, &gpu->addr);
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

/* What is in the record and went, also while no cleaved was there to see it, is let go of. */
static void compare(struct look_changes *changes, const struct gpu *gpu, json_t *documents)
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
            let_go(changes, key);
            json_object_del(documents, key);
        } else if (was == 0 && is != 0) {
            note_birth(changes, key, document, seen);
        }
    }
}

/* By the record; unknown where a plan is at work, or without a whole record. */
static void mark(const struct manager *m, struct gpu *gpu, const json_t *documents)
{
    bool known = m->made_known && documents != NULL && !expects_gpu_change(m, &gpu->addr);
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
    struct look_changes changes = {.store = m->config.store};
    json_t *documents = read_made(m);
    for (vec_each(&now->gpus, gpu)) {
        if (documents != NULL && is_clear(m, now, gpu)) {
            compare(&changes, gpu, documents);
        }
        mark(m, gpu, documents);
    }
    end_changes(m, &changes);
}

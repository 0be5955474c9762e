/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cleave made, remembered (model/made.h): filled once from the journal of an older cleaved,
 * and let go of when the thing is seen to be gone, so that what another tool puts in its place is
 * that tool's.
 */
#include "exec/made.h"
#include "base/log.h"
#include "base/str.h"
#include "manager/state.h"

#define MADE_KEY "made"   /* in RECORD_HOST: the record is complete */
#define MAX_JOURNAL 10000 /* plans of an older cleaved, newest first */

/* ---- of an older cleaved ---- */

static int mark(struct store *store, struct error *err)
{
    CLEANUP_JSON json_t *document = json_pack("{s:b}", "complete", true);
    return store->ops->put_record(store, RECORD_HOST, MADE_KEY, document, err);
}

static int follow_journal(struct store *store, struct plan **plans, size_t n, struct error *err)
{
    int r = store->ops->begin(store, err);
    for (size_t i = n; i > 0; i--) { /* oldest first */
        for (vec_each(&plans[i - 1]->steps, step)) {
            bool stands = step->state == STEP_DONE || step->state == STEP_STUCK;
            r = r == 0 && stands ? made_note(store, step, err) : r;
        }
    }
    r = r != 0 ? r : mark(store, err);
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
    m->made_unmarked = r == 0 && n == 0; /* the first plan brings the mark */
    r = r == 0 && n > 0 ? follow_journal(store, plans, n, err) : r;
    for (size_t i = 0; i < n; i++) {
        plan_free(plans[i]);
    }
    free(plans);
    return r;
}

void manager_fill_made(struct manager *m)
{
    struct error err = {0};
    if (fill(m, &err) != 0) {
        log_warning("what cleave made is not known: %s; the next start reads it again",
                    err.message);
    }
}

void txn_mark_made(struct txn *txn)
{
    if (txn->manager->made_unmarked && txn->result == 0) {
        txn->result = mark(txn->manager->config.store, &txn->err);
        txn->told_made = true;
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

/* ---- gone ---- */

static void let_go(struct manager *m, const char *key)
{
    struct store *store = m->config.store;
    struct error err = {0};
    if (store->ops->delete_record(store, RECORD_MADE, key, &err) != 0) {
        log_warning("%s is gone, and that can't be stored: %s", key, err.message);
    }
}

/* Is all seen that there is on the GPU? */
static bool is_clear(const struct manager *m, const struct host *now, const struct gpu *gpu)
{
    return gpu->problem[0] == '\0' && gpu->uuid[0] != '\0' && now->nvml_problem[0] == '\0' &&
           now->pci_problem[0] == '\0' && !manager_is_touched(m, &gpu->addr);
}

static bool has(const struct gpu *gpu, const char *wanted)
{
    char key[MADE_KEY_SIZE];
    for (vec_each(&gpu->vgpus, vgpu)) {
        made_key_of_vgpu(&gpu->addr, vgpu, key);
        if (str_eq(key, wanted)) {
            return true;
        }
    }
    for (vec_each(&gpu->gis, gi)) {
        made_key_of_gi(&gpu->addr, gi, key);
        if (str_eq(key, wanted)) {
            return true;
        }
    }
    return false;
}

static void compare_gpu(struct manager *m, const struct gpu *was, const struct gpu *is)
{
    char key[MADE_KEY_SIZE];
    for (vec_each(&was->vgpus, vgpu)) {
        made_key_of_vgpu(&was->addr, vgpu, key);
        if (!has(is, key)) {
            let_go(m, key);
        }
    }
    for (vec_each(&was->gis, gi)) {
        made_key_of_gi(&was->addr, gi, key);
        if (!has(is, key)) {
            let_go(m, key);
        }
    }
}

/* What went while no cleaved was there to see it, or it could not be seen. */
static void compare_record(struct manager *m, const struct gpu *is, const json_t *documents)
{
    const char *key = NULL;
    const json_t *document = NULL;
    json_object_foreach((json_t *)documents, key, document)
    {
        if (made_is_on(key, &is->addr) && !has(is, key)) {
            let_go(m, key);
        }
    }
}

void manager_note_made(struct manager *m, const struct host *was, const struct host *now)
{
    CLEANUP_JSON json_t *documents = NULL;
    struct store *store = m->config.store;
    bool loaded = false;
    for (vec_each(&now->gpus, is)) {
        const struct gpu *before = was == NULL ? NULL : host_find_gpu_addr(was, &is->addr);
        if (!is_clear(m, now, is)) {
            continue;
        }
        if (before != NULL && is_clear(m, was, before)) {
            compare_gpu(m, before, is);
            continue;
        }
        if (!loaded && store->ops->load_records(store, RECORD_MADE, &documents, NULL) != 0) {
            return;
        }
        loaded = true;
        compare_record(m, is, documents);
    }
}
